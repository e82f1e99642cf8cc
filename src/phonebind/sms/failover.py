"""Several gateways for one message: if one certainly did not send it, the next one does.

The next gateway is used only in that case. If it is unknown whether a gateway sent, another would send a second SMS. A
number that one vendor refuses would cost money at the next. And a vendor's limit for a number must not be bypassed. The
gateways do not share the load: two signatures confuse people, and half of the SMS would not count against a vendor's
limit.
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

#: Seconds that must be left for one more gateway. A new TLS connection and a vendor's answer take 0.1 to 0.3 s. With
#: less time, a certain "not sent" could become "unknown", which uses the person's quota.
LEAST = 0.5

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, repr=False)
class Failover:
    """``gateways``: a list of options, each as for ``PHONEBIND["SMS"]``. The preferred gateway comes first."""

    name: ClassVar[str] = "failover"
    composite: ClassVar[bool] = True

    gateways: Sequence[Mapping[str, Any]]

    @property
    def inner(self) -> Sequence[Mapping[str, Any]]:
        return self.gateways

    def check(self) -> list[str]:
        if not isinstance(self.gateways, (list, tuple)) or len(self.gateways) < 2:
            return ["gateways must be a list of two or more; put a single gateway into SMS itself"]
        return [problem for place, options in enumerate(self.gateways) for problem in _problems(place, options)]

    def send(self, message: Message) -> str | None:
        """Send with the first gateway that can. Raises what ``Gateway.send`` raises."""
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
        return [f"{named}: passes its messages to other gateways; name gateways that send"]
    return [f"{named}: {problem}" for problem in inner.problems(options)]


def _attempt(options: Mapping[str, Any], message: Message) -> str | None:
    try:
        gateway = make(options)
    except UNUSABLE as error:
        # The system checks report it too. Until the operator reads them, the other gateways are used.
        raise _unusable(inner.label(options), type(error).__name__) from None
    return attempt(gateway, message)


def _unusable(gateway: str, why: str) -> SmsMisconfigured:
    if alarms.is_due(f"sms {gateway} cannot be made"):
        logger.error("SMS gateway %s cannot be constructed from its options: run manage.py check (%s)", gateway, why)
    return SmsMisconfigured().because(f"it cannot be constructed from its options ({why})")


def _watched(key: rests.Key, send: Callable[[], str | None]) -> str | None:
    """Send, and record whether the gateway is able to send."""
    try:
        message_id = send()
    except (SmsRefused, SmsVendorLimit):
        rests.able(key)
        raise
    except Exception:
        # After any other error, the gateway has not confirmed that it sent.
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
    """One error for the failures of all gateways."""
    errors = failures.values()
    operators = all(isinstance(error, SmsMisconfigured) for error in errors)
    # If at least one gateway answered, the vendors can be reached: then a client that waits for a slot does not wait in
    # vain.
    answered = any(error.answered for error in errors)
    error = SmsMisconfigured() if operators else SmsNotSent(answered=answered)
    return error.because("; ".join(f"{key[1]}: {failure.detail}" for key, failure in failures.items()))
