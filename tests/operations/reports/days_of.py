"""Rows of events as ``phonebind.operations`` writes them. The days are like real ones."""

import operator
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from phonebind.operations.models import SecurityEvent

#: How busy each hour of a shop's day is, from midnight on.
BUSY = (8, 5, 3, 2, 2, 4, 12, 25, 40, 50, 55, 60, 65, 55, 50, 50, 55, 60, 70, 85, 95, 90, 60, 25)
HOME = [f"{first}.{second}" for first in (36, 58, 101, 113, 117, 183, 223) for second in range(20, 60)]


def event(at: datetime, kind: str, outcome: str, **facts: Any) -> SecurityEvent:
    return SecurityEvent(at=at, type=kind, outcome=outcome, **facts)


def somewhere(chance: random.Random) -> str:
    return f"{chance.choice(HOME)}.{chance.randrange(256)}.{chance.randrange(256)}"


def mobile(chance: random.Random, beginnings: tuple[int, ...] = (138, 139, 150, 158, 186, 177)) -> dict[str, str]:
    """A masked number, and its hash."""
    number = f"{chance.choice(beginnings)}{chance.randrange(10**8):08}"
    return {"mobile": f"{number[:3]}****{number[7:]}", "mobile_hmac": sha256(number.encode()).hexdigest()}


def sms(
    at: datetime, who: dict[str, str], address: str, gateway: str = "aliyun", outcome: str = "sent"
) -> Iterator[SecurityEvent]:
    """A person requests a code: the rows of the gateway's answer and of our answer to the person."""
    yield event(at, "sms_attempt", outcome, gateway=gateway, purpose="bind")
    told = {"sent": "sent", "number": "sms_refused", "limit": "sms_quota"}.get(outcome, "sms_not_sent")
    yield event(at, "sms_code", told, address=address, **who)


def newcomer(at: datetime, chance: random.Random, *, uses: float = 0.8) -> Iterator[SecurityEvent]:
    """A new person gets an SMS, and binds if the code is used."""
    who, address = mobile(chance), somewhere(chance)
    yield from sms(at, who, address)
    if chance.random() < uses:
        later = at + timedelta(seconds=40)
        yield event(later, "bind", "bound", provider=chance.choice(("qq", "qq", "wechat")), address=address, **who)


def ordinary(begin: datetime, chance: random.Random, *, scale: float = 1) -> Iterator[SecurityEvent]:
    """24 hours of a shop, from ``begin`` on: about 870 SMS."""
    for hour in range(24):
        start = begin + timedelta(hours=hour)
        busy = BUSY[start.hour]
        for _ in range(round(busy * scale)):
            yield from newcomer(start + timedelta(seconds=chance.randrange(3500)), chance)
        for _ in range(round(busy * scale)):
            at, provider = start + timedelta(seconds=chance.randrange(3500)), chance.choice(("qq", "wechat", ""))
            kind = "callback" if provider else "password"
            yield event(at, kind, "signed_in", provider=provider, address=somewhere(chance))
        for limit in ("sms_mobile_gap", "image_address_hour"):
            at, many = start + timedelta(seconds=9), max(1, busy // 20)
            yield event(at, "sms_code", "too_many_requests", limit=limit, count=many, address=somewhere(chance))


# ---------------------------------------------------------------- nights that cost twice as much


def pumping(begin: datetime, chance: random.Random, *, networks: int, total: int = 1500) -> Iterator[SecurityEvent]:
    """From two to five o'clock, SMS are requested for numbers whose owners know nothing of it."""
    start = begin.replace(hour=2, minute=0)
    if start < begin:
        start += timedelta(days=1)
    theirs = [f"{chance.randrange(41, 99)}.{chance.randrange(256)}" for _ in range(networks)]
    for _ in range(total):
        at = start + timedelta(seconds=chance.randrange(3 * 3600))
        address = f"{chance.choice(theirs)}.{chance.randrange(256)}.{chance.randrange(256)}"
        yield from sms(at, mobile(chance, (165, 167, 170, 171)), address)


def vendor_fails(begin: datetime, chance: random.Random) -> Iterator[SecurityEvent]:
    """In the evening a carrier drops SMS that the vendor has accepted. People request up to three more, and give up."""
    start = begin + timedelta(hours=20)
    for _ in range(300):
        at, who, address = start + timedelta(seconds=chance.randrange(7200)), mobile(chance), somewhere(chance)
        for again in range(4):
            yield from sms(at + timedelta(seconds=70 * again), who, address)


def vendor_times_out(begin: datetime, chance: random.Random) -> Iterator[SecurityEvent]:
    """The first vendor is down, and the second one sends, at a higher price. Some answers never arrive."""
    start = begin + timedelta(hours=12)
    for _ in range(700):
        at, who, address = start + timedelta(seconds=chance.randrange(6 * 3600)), mobile(chance), somewhere(chance)
        yield event(at, "sms_attempt", "not_now", gateway="aliyun", purpose="bind")
        yield from sms(at, who, address, gateway="tencent", outcome="unknown" if chance.random() < 0.2 else "sent")
        yield event(at + timedelta(seconds=50), "bind", "bound", provider="qq", address=address, **who)


def campaign(begin: datetime, chance: random.Random) -> Iterator[SecurityEvent]:
    """At eight in the evening many new people come, and stay."""
    start = begin + timedelta(hours=20)
    for _ in range(1200):
        yield from newcomer(start + timedelta(seconds=int(chance.triangular(0, 3 * 3600, 600))), chance)


def loop(begin: datetime, chance: random.Random) -> Iterator[SecurityEvent]:
    """A faulty new front end requests a code once a minute while its page is open. The limits refuse most requests."""
    start = begin + timedelta(hours=10)
    for _ in range(250):
        at, who, address = start + timedelta(seconds=chance.randrange(10 * 3600)), mobile(chance), somewhere(chance)
        for again in range(5):
            yield from sms(at + timedelta(seconds=61 * again), who, address)
        yield event(at, "sms_code", "sms_quota", limit="sms_mobile_open_hour", count=20, address=address, **who)
        yield event(at + timedelta(seconds=90), "bind", "bound", provider="qq", address=address, **who)


CASES: dict[str, Any] = {
    "ordinary": lambda begin, chance: (),
    "one_network": lambda begin, chance: pumping(begin, chance, networks=1),
    "many_networks": lambda begin, chance: pumping(begin, chance, networks=400),
    "vendor_fails": vendor_fails,
    "vendor_times_out": vendor_times_out,
    "campaign": campaign,
    "loop": loop,
}


def fill(case: str, end: datetime) -> None:
    """Write two days until ``end``: an ordinary day, and a day of this case."""
    chance, end = random.Random(case), end.astimezone(ZoneInfo("Asia/Shanghai"))
    day = timedelta(days=1)
    rows = [*ordinary(end - 2 * day, chance), *ordinary(end - day, chance), *CASES[case](end - day, chance)]
    _write([row for row in rows if row.at < end])


def _write(rows: list[SecurityEvent]) -> None:
    """Write ten thousand rows. The ORM takes ten times as long to compose the statements as the database takes to run
    them.
    """
    fields: list[Any] = [field for field in SecurityEvent._meta.concrete_fields if not field.primary_key]
    [at, *texts, data] = fields
    names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    values = ", ".join(["%s"] * len(fields))
    read, nothing = operator.attrgetter(*(field.attname for field in texts)), data.get_db_prep_save({}, connection)
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {SecurityEvent._meta.db_table} ({names}) VALUES ({values})",  # noqa: S608 - names of ours
            [[adapt(getattr(row, at.attname)), *read(row), nothing] for row in rows],
        )
