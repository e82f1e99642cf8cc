"""The number of events of each kind in each hour. All charts use these sums.

A day may have a million events, so the sums of an hour are computed once. Only the last hours can still change: a
process may count similar events for some seconds before it writes them. Their sums are computed again, at most once a
minute in each process, for any number of visitors.
"""

import math
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import Count, DateTimeField, ExpressionWrapper, F, Q, QuerySet, Sum
from django.db.models.functions import TruncHour

from phonebind.operations.events import words
from phonebind.operations.models import SecurityEvent
from phonebind.operations.reports import codes, hours

#: For how many seconds the sums of the last hours are valid.
FRESH = 60
#: For how long after its end an hour can still change.
_SETTLED = 2 * hours.HOUR
#: How many hours are cached. Each has some hundred rows.
_KEPT = 24 * 14

_FIELDS = ("type", "outcome", "provider", "purpose", "gateway", "limit")
#: The charts show sign-ins, refusals and SMS. Other events are not counted.
_COUNTED = Q(type=words.SMS_ATTEMPT) | Q(outcome__in=("bound", "signed_in")) | ~Q(limit="")


class Row(NamedTuple):
    """``total`` events of one kind."""

    type: str
    outcome: str
    provider: str
    purpose: str
    gateway: str
    limit: str
    total: int


@dataclass
class Hour:
    """The sums of one hour. ``asked``: numbers that were sent an SMS. ``used``: numbers that used a code."""

    begin: datetime
    rows: list[Row] = field(default_factory=list)
    asked: int = 0
    used: int = 0
    #: In seconds of a monotonic clock. An old hour is valid for ever: it does not change.
    good_until: float = math.inf


_lock = threading.Lock()
_hours: dict[datetime, Hour] = {}


def between(begin: datetime, end: datetime) -> list[Hour]:
    """The hours from ``begin`` to ``end``."""
    wanted = _each(begin, end)
    # One thread at a time. A browser that reloads the page waits for the first answer and causes no queries of its own.
    with _lock:
        if len(_hours) > _KEPT:
            _hours.clear()
        missing = [hour for hour in wanted if not _is_good(hour)]
        if missing:
            _keep(missing[0], missing[-1] + hours.HOUR)
        return [_hours[hour] for hour in wanted]


def forget() -> None:
    """Clear the cache."""
    with _lock:
        _hours.clear()


def _is_good(hour: datetime) -> bool:
    return hour in _hours and time.monotonic() < _hours[hour].good_until


def _each(begin: datetime, end: datetime) -> list[datetime]:
    return [begin + number * hours.HOUR for number in range((end - begin) // hours.HOUR)]


def _keep(begin: datetime, end: datetime) -> None:
    now, asked_at = datetime.now(UTC), time.monotonic()
    for hour in _read(begin, end):
        _hours[hour.begin] = hour
        if hour.begin + hours.HOUR + _SETTLED > now:
            hour.good_until = asked_at + FRESH


def _read(begin: datetime, end: datetime) -> Iterable[Hour]:
    found, past = {hour: Hour(hour) for hour in _each(begin, end)}, hours.past(begin)
    rows = codes.events(begin, end).filter(_COUNTED)
    for at, *facts in _by_hour(rows, begin, *_FIELDS).annotate(total=Sum("count")):
        found[hours.read(at) + past].rows.append(Row._make(facts))
    numbers = Count("mobile_hmac", distinct=True)
    for at, asked in _by_hour(codes.asked(begin, end), begin).annotate(numbers=numbers):
        found[hours.read(at) + past].asked = asked
    for at, used in _by_hour(codes.used(begin, end), begin).annotate(numbers=numbers):
        found[hours.read(at) + past].used = used
    return found.values()


def _by_hour(rows: QuerySet[SecurityEvent], begin: datetime, *fields: str) -> Any:
    """Group the rows by hour. Some databases have no time zone data, often MariaDB. So for a time zone whose hours
    begin at half past, the rows are shifted to the full hour.
    """
    past = hours.past(begin)
    at = ExpressionWrapper(F("at") - past, DateTimeField()) if past else F("at")
    return rows.annotate(hour=TruncHour(at, tzinfo=UTC)).order_by().values_list("hour", *fields)
