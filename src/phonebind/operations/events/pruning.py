"""Deletes old events in small batches. One long statement would block the sign-ins that write events."""

from datetime import datetime

from django.db import OperationalError

from phonebind import databases
from phonebind.binding import ATTEMPTS
from phonebind.operations.models import SecurityEvent

#: The maximum of two command options: of --days (one hundred years), and of --batch (rows in one statement).
MOST = 36_500


def count(before: datetime) -> int:
    """The number of events older than ``before``."""
    return SecurityEvent.objects.using(databases.primary(SecurityEvent)).filter(at__lt=before).count()


def prune(before: datetime, *, batch: int) -> int:
    """Delete the events older than ``before``. Each batch is one transaction.

    Returns how many events this call deleted; another process may delete at the same time. Raises OperationalError if a
    batch fails ``ATTEMPTS`` times in a row, for example in a deadlock.
    """
    deleted = failures = 0
    while True:
        try:
            found, gone = _prune(before, batch)
        except OperationalError:
            failures += 1
            if failures == ATTEMPTS:
                raise
        else:
            failures = 0
            deleted += gone
            if not found:
                return deleted


def _prune(before: datetime, batch: int) -> tuple[int, int]:
    """Returns how many old events were found, and how many of them this call deleted."""
    rows = SecurityEvent.objects.using(databases.primary(SecurityEvent))
    # MariaDB cannot delete by a subquery with a limit, so there are two statements. The keys are sorted, so that two
    # processes that delete the same rows wait for each other only once.
    some = sorted(rows.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:batch])
    return len(some), rows.filter(pk__in=some).delete()[0] if some else 0
