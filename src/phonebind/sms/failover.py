"""Several gateways for one message: where one certainly did not send, the next does.

Only that certainty moves on. Where nobody knows, the person waits, or gets two SMS; a number that one vendor refuses
costs money at the next; and a vendor's limit for a number is not for us to defeat. The work is not shared out: two
signatures confuse people, and half of the SMS would not count against a vendor's limit.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from phonebind import alarms, upstream
from phonebind.exceptions import (
    SmsMisconfigured,
    SmsNotSent,
    SmsRefused,
    SmsUnconfirmed,
    SmsVendorLimit,
)
from phonebind.options import UNUSABLE
from phonebind.sms import inner, rests
from phonebind.sms.base import Message
from phonebind.sms.registry import attempt, is_composite, make

#: Seconds that must be left for one more gateway. A new TLS connection and a vendor's answer take 0.1 to 0.3 s; with
#: less, a clean "not sent" would become "nobody knows", which costs the person one of their SMS.
LEAST = 0.5

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, repr=False)
class Failover:
    """``gateways``: the options of each, as ``PHONEBIND["SMS"]`` would have them, the preferred one first."""

    name: ClassVar[str] = "failover"
    composite: ClassVar[bool] = True

    gateways: Sequence[Mapping[str, Any]]

    @property
    def inner(self) -> Sequence[Mapping[str, Any]]:
        return self.gateways

    def check(self) -> list[str]:
        if not isinstance(self.gateways, (list, tuple)) or len(self.gateways) < 2:
            return ["gateways must be a list of two or more; a single gateway stands in SMS itself"]
        return [problem for place, options in enumerate(self.gateways) for problem in _problems(place, options)]

    def send(self, message: Message) -> str | None:
        """By the first that is able to. Raises as every gateway does."""
        deadline, failures = upstream.Deadline(), dict[rests.Key, SmsNotSent]()
        keys = {(place, inner.label(options)): options for place, options in enumerate(self.gateways)}
        with deadline.shared():
            while (not failures or _has_time(deadline)) and (key := rests.choose(list(keys), besides=failures)):
                try:
                    return _watched(key, partial(_attempt, keys[key], message))
                except SmsUnconfirmed:
                    raise
                except SmsNotSent as error:
                    failures[key] = error
        raise _all(failures)


def _problems(place: int, options: Any) -> list[str]:
    named = f"gateways[{place}] {inner.label(options)}".rstrip()
    if is_composite(options):
        return [f"{named}: hands its messages on to other gateways; name those that send"]
    return [f"{named}: {problem}" for problem in inner.problems(options)]


def _attempt(options: Mapping[str, Any], message: Message) -> str | None:
    try:
        gateway = make(options)
    except UNUSABLE as error:
        # The checks say so too, and the other gateways need not wait until somebody has read them.
        raise _unusable(inner.label(options), type(error).__name__) from None
    return attempt(gateway, message)


def _unusable(gateway: str, why: str) -> SmsMisconfigured:
    if alarms.is_due(f"sms {gateway} cannot be made"):
        logger.error("SMS gateway %s cannot be made of its options: run manage.py check (%s)", gateway, why)
    return SmsMisconfigured().because(f"it cannot be made of its options ({why})")


def _watched(key: rests.Key, send: Callable[[], str | None]) -> str | None:
    """Remember whether the gateway is able to send."""
    try:
        message_id = send()
    except (SmsRefused, SmsVendorLimit):
        rests.able(key)
        raise
    except Exception:
        # Whatever else is raised, this gateway did not tell that it sent.
        if rests.failed(key) and alarms.is_due(f"sms {key} rests"):
            told = "SMS gateway %s (gateways[%s]) has failed %s times in a row and rests for %.0f s"
            logger.warning(told, key[1], key[0], rests.MOST, rests.SECONDS)
        raise
    rests.able(key)
    return message_id


def _has_time(deadline: upstream.Deadline) -> bool:
    try:
        return deadline.remaining() >= LEAST
    except TimeoutError:
        return False


def _all(failures: Mapping[rests.Key, SmsNotSent]) -> SmsNotSent:
    """What all of them together come to."""
    errors = failures.values()
    operators = all(isinstance(error, SmsMisconfigured) for error in errors)
    # One that answered is enough to say that whoever waits for a place does not wait in vain.
    answered = any(error.answered for error in errors)
    error = SmsMisconfigured() if operators else SmsNotSent(answered=answered)
    return error.because("; ".join(f"{key[1]}: {failure.detail}" for key, failure in failures.items()))
