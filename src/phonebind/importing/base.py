"""What all of the import shares: how it is refused, and how a moment is written in the scratch file."""

from datetime import UTC, datetime

from django.conf import settings
from django.utils import timezone

from phonebind.exceptions import Text

#: How many rows are read at once.
PAGE = 5_000


class ImportRefused(Exception):
    """It cannot begin, or cannot go on; the text says why to the operator."""

    def __init__(self, message: Text) -> None:
        super().__init__(message)
        self.message = message


def as_text(moment: datetime) -> str:
    """Of one width, so that texts are in the order of time: UTC, or with ``USE_TZ`` off the site's own time."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC if settings.USE_TZ else timezone.get_default_timezone()).replace(tzinfo=None)
    return moment.isoformat(" ", "microseconds")


def from_text(text: str) -> datetime:
    """What :func:`as_text` has written, as a model's field holds it."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if settings.USE_TZ else moment


def now_as_text() -> str:
    """What rows carry that do not say when they were made."""
    return as_text(timezone.now())


def as_iso(text: str | None) -> str | None:
    """For a report, and for ``--made-at``: with the offset, where the site knows one."""
    return from_text(text).isoformat() if text else None
