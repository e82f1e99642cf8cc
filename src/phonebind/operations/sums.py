"""How often each thing happened in each hour. All charts are drawn from these rows.

A day may have a million events, so an hour is summed up once. Only the last hours may still change: a process may hold
back, for seconds, what it counts together. They are summed up again, once a minute in each process, whoever asks.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import BooleanField, Case, Q, Sum, Value, When
from django.db.models.functions import TruncHour

from phonebind.operations import codes, hours
from phonebind.operations.models import SecurityEvent

#: Seconds for which the sums of the last hours are good.
FRESH = 60
#: For how long after its end an hour is one of the last.
_SETTLED = 2 * hours.HOUR
#: Of how many hours the sums are kept, some hundred rows each.
_KEPT = 24 * 14

_FIELDS = ("type", "outcome", "provider", "purpose", "gateway", "limit")
#: Who came in, what was refused, and SMS: of all else there is no chart.
_COUNTED = Q(type=codes.ATTEMPT) | Q(outcome__in=("bound", "signed_in")) | ~Q(limit="") | codes.used()


class Row(NamedTuple):
    """So many events of one kind. ``is_use``: a right SMS code was among what they needed."""

    hour: datetime
    type: str
    outcome: str
    provider: str
    purpose: str
    gateway: str
    limit: str
    is_use: bool
    total: int


_lock = threading.Lock()
_hours: dict[datetime, list[Row]] = {}
#: When those that may still change were read, by a clock that only goes on.
_read_at: dict[datetime, float] = {}


def between(begin: datetime, end: datetime) -> list[Row]:
    """All rows from the hour that begins there to the one that ends there."""
    wanted = _each(begin, end)
    # One at a time: whoever loads the page again and again waits for the first answer, and asks nothing of their own.
    with _lock:
        if len(_hours) > _KEPT:
            _hours.clear()
        missing = [hour for hour in wanted if not _is_good(hour)]
        if missing:
            _keep(missing[0], missing[-1] + hours.HOUR)
        return [row for hour in wanted for row in _hours[hour]]


def forget() -> None:
    """All that was read."""
    with _lock:
        _hours.clear()
        _read_at.clear()


def _is_good(hour: datetime) -> bool:
    return hour in _hours and (hour not in _read_at or time.monotonic() - _read_at[hour] < FRESH)


def _each(begin: datetime, end: datetime) -> list[datetime]:
    return [begin + number * hours.HOUR for number in range((end - begin) // hours.HOUR)]


def _keep(begin: datetime, end: datetime) -> None:
    now, asked_at = datetime.now(begin.tzinfo), time.monotonic()
    found: dict[datetime, list[Row]] = {hour: [] for hour in _each(begin, end)}
    for row in _query(begin, end):
        found[row.hour].append(row)
    for hour, rows in found.items():
        _hours[hour] = rows
        _read_at.pop(hour, None)
        if hour + hours.HOUR + _SETTLED > now:
            _read_at[hour] = asked_at


def _query(begin: datetime, end: datetime) -> Iterator[Row]:
    rows: Iterable[Any] = (
        SecurityEvent.objects.filter(_COUNTED, at__gte=hours.stored(begin), at__lt=hours.stored(end))
        .annotate(
            hour=TruncHour("at", tzinfo=hours.aligned(begin)),
            is_use=Case(
                When(codes.used(), then=Value(value=True)), default=Value(value=False), output_field=BooleanField()
            ),
        )
        .order_by()
        .values_list("hour", *_FIELDS, "is_use")
        .annotate(total=Sum("count"))
    )
    for hour, *facts, total in rows:
        yield Row._make([hours.read(hour), *facts, total])
