"""Hours as the site's clocks show them. Each is a moment, so that none is missing or counted twice where clocks are
put forward or back; and some zones are half an hour or three quarters off.
"""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone as clocks

HOUR = timedelta(hours=1)


def begin(moment: datetime) -> datetime:
    """When the hour of the site's clocks began that holds it, in UTC."""
    return moment.astimezone(UTC) - timedelta(
        minutes=shown(moment).minute, seconds=moment.second, microseconds=moment.microsecond
    )


def past(hour: datetime) -> timedelta:
    """How long after an hour of the database's clocks this one begins."""
    return timedelta(minutes=stored(hour).minute)


def shown(moment: datetime) -> datetime:
    """As the site's clocks show it."""
    return moment.astimezone(clocks.get_default_timezone())


def stored(moment: datetime) -> datetime:
    """As the database compares it: in the site's own time where ``USE_TZ`` is off."""
    return moment if settings.USE_TZ else clocks.make_naive(moment, clocks.get_default_timezone())


def read(moment: datetime) -> datetime:
    """What the database has made of one, in UTC."""
    if clocks.is_naive(moment):
        moment = clocks.make_aware(moment, clocks.get_default_timezone())
    return moment.astimezone(UTC)
