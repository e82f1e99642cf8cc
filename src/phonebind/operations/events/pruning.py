"""Old events go, a few at a time: one long statement would keep sign-ins from writing theirs."""

from datetime import datetime

from django.db import OperationalError

from phonebind import databases
from phonebind.binding import ATTEMPTS
from phonebind.operations.models import SecurityEvent

#: The most that a command takes for days, a hundred years of them, and for a batch: one statement's rows.
MOST = 36_500


def count(before: datetime) -> int:
    """How many are older."""
    return SecurityEvent.objects.using(databases.primary(SecurityEvent)).filter(at__lt=before).count()


def prune(before: datetime, *, batch: int) -> int:
    """Delete those that are older, each batch in a transaction of its own. How many this call has deleted: another may
    be at it too. Raises OperationalError where the database has it lose every time.
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
    """How many were found, and how many of these this call has deleted."""
    rows = SecurityEvent.objects.using(databases.primary(SecurityEvent))
    # Not one statement: MariaDB deletes by no subquery with a limit. By their keys in order, so that two who delete the
    # same rows wait for each other once.
    some = sorted(rows.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:batch])
    return len(some), rows.filter(pk__in=some).delete()[0] if some else 0
