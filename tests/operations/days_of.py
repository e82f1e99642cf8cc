"""Rows of events as ``phonebind.operations`` writes them, of days that are like real ones."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from phonebind.operations.models import SecurityEvent

#: How busy each hour of a shop's day is, from midnight on.
BUSY = (8, 5, 3, 2, 2, 4, 12, 25, 40, 50, 55, 60, 65, 55, 50, 50, 55, 60, 70, 85, 95, 90, 60, 25)
HOME = [f"{first}.{second}" for first in (36, 58, 101, 113, 117, 183, 223) for second in range(20, 60)]


def event(at: datetime, kind: str, outcome: str, **facts: Any) -> SecurityEvent:
    return SecurityEvent(at=at, type=kind, outcome=outcome, **facts)


def somewhere(chance: random.Random) -> str:
    return f"{chance.choice(HOME)}.{chance.randrange(256)}.{chance.randrange(256)}"


def mobile(chance: random.Random, beginnings: tuple[int, ...] = (138, 139, 150, 158, 186, 177)) -> dict[str, str]:
    """Masked, and its hash."""
    number = f"{chance.choice(beginnings)}{chance.randrange(10**8):08}"
    return {"mobile": f"{number[:3]}****{number[7:]}", "mobile_hmac": sha256(number.encode()).hexdigest()}


def sms(
    at: datetime, who: dict[str, str], address: str, gateway: str = "aliyun", outcome: str = "sent"
) -> Iterator[SecurityEvent]:
    """Somebody asks for a code: what the gateway says, and what the person is told."""
    yield event(at, "sms_attempt", outcome, gateway=gateway, purpose="bind")
    told = {"sent": "sent", "number": "sms_refused", "limit": "sms_quota"}.get(outcome, "sms_not_sent")
    yield event(at, "sms_code", told, address=address, **who)


def newcomer(at: datetime, chance: random.Random, *, uses: float = 0.8) -> Iterator[SecurityEvent]:
    """Gets an SMS, and binds where the code is used."""
    who, address = mobile(chance), somewhere(chance)
    yield from sms(at, who, address)
    if chance.random() < uses:
        later = at + timedelta(seconds=40)
        yield event(later, "bind", "bound", provider=chance.choice(("qq", "qq", "wechat")), address=address, **who)


def ordinary(begin: datetime, chance: random.Random, *, scale: float = 1) -> Iterator[SecurityEvent]:
    """24 hours of a shop, from ``begin`` on: some 870 SMS."""
    for hour in range(24):
        start = begin + timedelta(hours=hour)
        busy = BUSY[start.hour]
        for _ in range(round(busy * scale)):
            yield from newcomer(start + timedelta(seconds=chance.randrange(3500)), chance)
        for _ in range(round(busy * scale * 4)):
            at, provider = start + timedelta(seconds=chance.randrange(3500)), chance.choice(("qq", "wechat", ""))
            kind = "callback" if provider else "password"
            yield event(at, kind, "signed_in", provider=provider, address=somewhere(chance))
        for limit in ("sms_mobile_gap", "image_address_hour"):
            at, many = start + timedelta(seconds=9), max(1, busy // 20)
            yield event(at, "sms_code", "too_many_requests", limit=limit, count=many, address=somewhere(chance))
