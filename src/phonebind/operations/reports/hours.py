"""Hours as the site's clocks show them.

Each hour is a moment in UTC. So no hour is missing or counted twice when the clocks change. Some time zones differ from
UTC by half an hour or three quarters.
"""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone as clocks

HOUR = timedelta(hours=1)


def begin(moment: datetime) -> datetime:
    """The begin, in UTC, of the hour on the site's clocks that contains the moment."""
    return moment.astimezone(UTC) - timedelta(
        minutes=shown(moment).minute, seconds=moment.second, microseconds=moment.microsecond
    )


def past(hour: datetime) -> timedelta:
    """How long after a full hour of the database's clock this hour begins."""
    return timedelta(minutes=stored(hour).minute)


def shown(moment: datetime) -> datetime:
    """The moment in the site's time zone."""
    return moment.astimezone(clocks.get_default_timezone())


def stored(moment: datetime) -> datetime:
    """The moment as the database compares it: in the site's time zone without tzinfo if ``USE_TZ`` is off."""
    return moment if settings.USE_TZ else clocks.make_naive(moment, clocks.get_default_timezone())


def read(moment: datetime) -> datetime:
    """A moment that the database returned, in UTC."""
    if clocks.is_naive(moment):
        moment = clocks.make_aware(moment, clocks.get_default_timezone())
    return moment.astimezone(UTC)
