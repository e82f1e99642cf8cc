"""Detects SMS pumping: an attacker makes the site send SMS to numbers whose owners never asked, and gets a share of
their price from a carrier. Few of those codes are ever used. The detection compares sent SMS with used codes.

It does not run on every request. While SMS are sent, one request a minute queries the database for the last hour, for
all processes together. ``manage.py phonebind_alarms`` queries it too, for operators who use their own monitor.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import Error
from django.db.models import Count, Sum

from phonebind import alarms, databases, signals, sms_codes
from phonebind.conf import conf
from phonebind.operations.models import SecurityEvent
from phonebind.operations.reports import codes, hours, networks

#: Seconds between two alarms.
AGAIN = 3600
#: An SMS counts only after its code has expired. Before that, the code may still be used.
RIPE = timedelta(seconds=sms_codes.EXPIRES_IN)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Seen:
    """The SMS of one hour: ``sent`` SMS to ``numbers`` numbers. ``used`` of these numbers used a code."""

    begin: datetime
    end: datetime
    sent: int
    numbers: int
    used: int

    @property
    def is_suspect(self) -> bool:
        alarm = conf.pumping_alarm
        return bool(self.sent >= alarm["sent"] and self.used < alarm["used"] * self.numbers)


def install() -> None:
    """Check once a minute while SMS are sent."""
    signals.sms_attempted.connect(_on_sms_attempted, dispatch_uid="phonebind.operations.pumping")


def see(now: datetime) -> Seen:
    """The counts of one hour. The hour ends where even the last code has expired."""
    end = now - RIPE
    begin = end - hours.HOUR
    asked = codes.asked(begin, end)
    numbers = Count("mobile_hmac", distinct=True)
    counted = asked.aggregate(sent=Sum("count", default=0), numbers=numbers)
    used = codes.used(begin, now, by=asked).aggregate(numbers=numbers)["numbers"]
    return Seen(begin, end, counted["sent"], counted["numbers"], used)


def look() -> Seen:
    """Count, and alarm the operator if pumping is suspected: at most once an hour, for all processes together."""
    seen = see(datetime.now(UTC))
    if seen.is_suspect and alarms.is_due("sms pumping", AGAIN):
        _tell(seen)
    return seen


def _tell(seen: Seen) -> None:
    most = networks.by_network(seen.begin, seen.end, top=1)[0]
    logger.error(
        "SMS pumping is suspected: within an hour %s SMS were sent to %s numbers, and only %s of these used the code. "
        "Most were asked for from %s (%s SMS). Each costs money. What to do: "
        "docs/en/how-to/sms-pumping.md#the-first-ten-minutes.",
        seen.sent,
        seen.numbers,
        seen.used,
        most.network,
        most.sent,
    )
    signals.sms_pumping_suspected.send_robust(
        sender=None, sent=seen.sent, numbers=seen.numbers, used=seen.used, network=most.network
    )


def _on_sms_attempted(**kwargs: Any) -> None:
    if alarms.is_due("sms pumping, a look"):
        databases.after_commit(databases.primary(SecurityEvent), _look)


def _look() -> None:
    try:
        look()
    except Error as error:
        logger.warning("SMS pumping cannot be detected, because events cannot be read: %s", type(error).__name__)
