"""The common part of the import: how it is refused, and how a moment is written in the scratch file."""

from datetime import UTC, datetime

from django.conf import settings
from django.utils import timezone

from phonebind.exceptions import Text

#: The number of rows that are read at once.
PAGE = 5_000


class ImportRefused(Exception):
    """The import cannot begin or cannot continue. The text tells the operator why."""

    def __init__(self, message: Text) -> None:
        super().__init__(message)
        self.message = message


def as_text(moment: datetime) -> str:
    """``moment`` as text of a fixed width, so that texts sort by time.

    It is in UTC, or with ``USE_TZ`` off in local time.
    """
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC if settings.USE_TZ else timezone.get_default_timezone()).replace(tzinfo=None)
    return moment.isoformat(" ", "microseconds")


def from_text(text: str) -> datetime:
    """The moment that :func:`as_text` has written, as a model's field expects it."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if settings.USE_TZ else moment


def now_as_text() -> str:
    """The moment for rows whose source does not say when they were created."""
    return as_text(timezone.now())


def as_iso(text: str | None) -> str | None:
    """The moment for a report, and for ``--made-at``. It has the offset if ``USE_TZ`` is on."""
    return from_text(text).isoformat() if text else None
