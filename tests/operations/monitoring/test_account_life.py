"""The metrics of the account life."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from phonebind import life
from tests.operations.monitoring.counts import Counted, count
from tests.support.edge import Configure

if not life.installed:
    pytest.skip("the account life is not installed here: LIFECYCLE=1", allow_module_level=True)

from phonebind.lifecycle import number_state
from tests.lifecycle.conftest import PASSWORD, Account, device, person

__all__ = ["device", "person"]  # fixtures

pytestmark = pytest.mark.once


@pytest.mark.django_db(transaction=True)
def test_sessions_are_counted_by_what_ended_them(person: Any, device: Callable[..., Account], counted: Counted) -> None:
    for reason in ("password", "reuse"):
        counted("phonebind_sessions_ended_total", reason=reason)
    counted("phonebind_refresh_reuse_total")
    here, _there = device(), device()
    refreshed = [here.ask("POST", "/authorizations/refresh/", {"refresh": here.refresh}) for _ in range(2)]
    assert [answer.status_code for answer in refreshed] == [200, 200]
    newest = refreshed[0].json()["refresh"]
    assert here.ask("POST", "/authorizations/refresh/", {"refresh": newest}).status_code == 200
    assert here.ask("POST", "/authorizations/refresh/", {"refresh": here.refresh}).status_code == 401
    assert counted("phonebind_sessions_ended_total", reason="reuse") == 1
    assert counted("phonebind_refresh_reuse_total") == 1
    for _ in range(2):
        device()
    person.set_password(f"{PASSWORD}9")
    person.save()
    assert counted("phonebind_sessions_ended_total", reason="password") == 3


@pytest.mark.django_db
def test_what_is_known_of_numbers_is_counted(phonebind: Configure, counted: Counted) -> None:
    answers = {"same": "13900000001", "recycled": "13900000091", "unknown": "13900000099"}
    for answer in answers:
        counted("phonebind_number_state_total", answer=answer)
    since = datetime(2026, 1, 1, tzinfo=UTC)
    number_state.since(answers["same"], since)  # the service is not asked, so nothing is counted
    phonebind(number_state={"gateway": "sandbox"})
    for mobile in answers.values():
        number_state.since(mobile, since)
    assert [counted("phonebind_number_state_total", answer=answer) for answer in answers] == [1, 1, 1]
    assert count("phonebind_upstream_duration_seconds_count", provider="sandbox", step="number_state") >= 3
