"""Old events are deleted, and no others."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from phonebind.operations.events import pruning
from phonebind.operations.models import SecurityEvent
from tests.support.racers import together

pytestmark = pytest.mark.django_db(transaction=True)


def event(days: float) -> SecurityEvent:
    return SecurityEvent(at=timezone.now() - timedelta(days=days), type="bind", outcome="bound")


def prune(**options: Any) -> str:
    out = StringIO()
    call_command("phonebind_prune_events", stdout=out, **options)
    return out.getvalue().strip()


@pytest.fixture
def events() -> None:
    SecurityEvent.objects.bulk_create([event(days) for days in [0, 100, 399, 401, 402, 403, 500]])


@pytest.mark.usefixtures("events")
def test_what_is_older_than_its_days_goes_in_batches() -> None:
    assert prune(dry_run=True) == "4 events would be deleted (nothing was done)."
    assert SecurityEvent.objects.count() == 7
    assert prune(batch=3) == "Deleted 4 events."
    assert prune() == "Deleted 0 events."
    assert SecurityEvent.objects.count() == 3


@pytest.mark.usefixtures("events")
def test_six_months_are_kept_unless_forced() -> None:
    with pytest.raises(CommandError, match="at least 180 days"):
        prune(days=179)
    assert SecurityEvent.objects.count() == 7
    assert prune(days=180) == "Deleted 5 events."
    assert prune(days=50, force=True) == "Deleted 1 events."


@pytest.mark.parametrize("option", ["days", "batch"])
def test_nonsense_is_refused(option: str) -> None:
    with pytest.raises(CommandError, match="from 1 to"):
        prune(**{option: 0})
    with pytest.raises(CommandError, match="to 36500"):
        prune(**{option: 10**11})


def test_two_at_once_delete_each_row_once() -> None:
    SecurityEvent.objects.bulk_create([event(401) for _ in range(600)])
    before = timezone.now() - timedelta(days=400)

    def both(_: int) -> int:
        return pruning.prune(before, batch=50)

    assert sum(together(both, [(1,), (2,), (3,)])) == 600
    assert not SecurityEvent.objects.exists()


@pytest.mark.usefixtures("events")
def test_a_deadlock_is_tried_again_and_an_outage_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fails = pruning._prune, [True, False, True, True]

    def sometimes(*arguments: Any) -> tuple[int, int]:
        if fails and fails.pop():
            raise OperationalError("deadlock detected")
        return real(*arguments)

    monkeypatch.setattr(pruning, "_prune", sometimes)
    assert prune(batch=2) == "Deleted 4 events."
    fails.extend([True] * 10)
    with pytest.raises(OperationalError):
        prune()


def test_the_old_are_found_by_the_index() -> None:
    plan = SecurityEvent.objects.filter(at__lt=timezone.now()).order_by("at").values("pk")[:10].explain()
    if connection.vendor == "sqlite":
        assert "USING" in plan
        assert "INDEX" in plan
