"""The shop is open during the import, and the machine may crash."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from phonebind.models import SocialAccount
from server.users.models import User
from tests.importing.conftest import APP, TABLE, Run, customer, execute, old

ROOT = Path(__file__).parents[2]
DAY = datetime(2020, 1, 1, tzinfo=UTC)
ACCOUNTS = SocialAccount._meta.db_table

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_rows(transactional_db: None) -> Iterator[None]:
    """Django empties the tables of models only."""
    yield
    execute("DELETE FROM tb_oauth_qq")


@contextmanager
def meanwhile(word: str, happens: Callable[[], Any]) -> Iterator[None]:
    """Run this just before the first SQL statement on the bindings that contains that word."""
    due = [happens]

    def hook(call: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if due and ACCOUNTS in sql and word in sql:
            due.pop()()
        return call(sql, params, many, context)

    with connection.execute_wrapper(hook):
        yield


def bound(openid: str, user: User) -> Callable[[], Any]:
    return lambda: SocialAccount.objects.create(user=user, provider="qq", app_id=APP, openid=openid)


def owners() -> dict[str, int]:
    return dict(SocialAccount.objects.values_list("openid", "user_id"))


@pytest.fixture
def two() -> list[User]:
    users = [customer(1), customer(2)]
    for number, user in enumerate(users, start=1):
        old(f"A{number}", user, DAY)
    return users


def test_who_binds_the_same_meanwhile_is_bound_once(run: Run, two: list[User]) -> None:
    with meanwhile("INSERT", bound("A1", two[0])):
        report = run("--commit")
    assert (run.status, report["counts"]["to_write"], report["counts"]["written"]) == (0, 2, 1)
    assert owners() == {"A1": two[0].pk, "A2": two[1].pk}


def test_who_binds_somebody_elses_meanwhile_keeps_it_and_it_is_told(run: Run, two: list[User]) -> None:
    other = customer(3)
    with meanwhile("INSERT", bound("A1", other)):
        report = run("--commit")
    users = [{"user": str(user.pk)} for user in (other, two[0])]
    assert report["findings"] == [{"kind": "openid_taken", "openid": "A1", "users": users}]
    assert (run.status, owners()) == (3, {"A1": other.pk, "A2": two[1].pk})


def test_what_is_bound_and_released_meanwhile_is_written_all_the_same(run: Run, two: list[User]) -> None:
    other = customer(3)
    with meanwhile("INSERT", bound("A1", other)), meanwhile(" IN (", other.delete):
        report = run("--commit", "--batch", "1")
    assert (run.status, report["counts"]["written"]) == (0, 2)
    assert owners() == {"A1": two[0].pk, "A2": two[1].pk}


def test_a_user_who_goes_meanwhile_takes_nobody_along(run: Run, two: list[User]) -> None:
    gone = two[0].pk
    with meanwhile("SELECT", two[0].delete):
        report = run("--commit")
    assert report["findings"] == [{"kind": "user_gone", "openid": "A1", "users": [{"user": str(gone)}]}]
    assert (run.status, owners()) == (3, {"A2": two[1].pk})


def _locked() -> None:
    raise OperationalError("database is locked")


def test_a_lock_is_waited_for(run: Run, two: list[User]) -> None:
    with meanwhile("INSERT", _locked), meanwhile("INSERT", _locked):
        run("--commit")
    assert (run.status, len(owners())) == (0, 2)


def test_a_lock_that_never_opens_ends_the_run_and_the_next_one_goes_on(run: Run, two: list[User]) -> None:
    def hook(call: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT") and "A2" in params:
            _locked()
        return call(sql, params, many, context)

    with connection.execute_wrapper(hook):
        assert run("--commit", "--batch", "1") == {}
    assert (run.status, "database is locked" in run.error, owners()) == (1, True, {"A1": two[0].pk})
    run("--commit", "--batch", "1")
    assert (run.status, len(owners())) == (0, 2)


@pytest.mark.once
def test_what_kill_9_leaves_is_gone_on_with(run: Run) -> None:
    count = 3000
    User.objects.bulk_create([User(username=f"customer-{number}", mobile=None) for number in range(count)])
    for number, user in enumerate(User.objects.order_by("pk")):
        old(f"A{number}", user, DAY + timedelta(seconds=number))
    database = {"DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}"}
    command = ["-m", "server.manage", "phonebind_import", "--table", TABLE, "--app-id", APP, "--commit", "--batch", "1"]
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=os.environ | database, stdout=subprocess.DEVNULL
    )
    try:
        while not SocialAccount.objects.exists():
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    written = SocialAccount.objects.count()
    assert 0 < written < count
    report = run("--commit", "--accept", "mobile_missing")
    assert (run.status, report["counts"]["bound_already"], report["counts"]["written"]) == (0, written, count - written)
    assert owners() == {f"A{number}": user.pk for number, user in enumerate(User.objects.order_by("pk"))}


@pytest.mark.once
def test_a_site_without_time_zones(run: Run, settings: Settings) -> None:
    settings.USE_TZ, settings.TIME_ZONE = False, "Asia/Shanghai"
    old("A1", customer(1, date_joined=datetime(2020, 1, 1)), datetime(2020, 1, 1, 20, 30))  # noqa: DTZ001
    report = run("--commit")
    assert SocialAccount.objects.get().created_at == datetime(2020, 1, 1, 20, 30)  # noqa: DTZ001
    assert "+" not in report["made_at"]
    assert run("--reverse")["counts"]["to_remove"] == 1


@pytest.mark.once
@pytest.mark.parametrize("written", ["0000-00-00 00:00:00", "soon", "", "0001-01-01 00:00:00", "2020-13-40"])
def test_a_day_that_is_none_is_the_days_of_the_run(run: Run, settings: Settings, written: str) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"
    old("A1", customer(1), written)
    made_at = run("--commit")["made_at"]
    account = SocialAccount.objects.get()
    assert account.created_at in (datetime.fromisoformat(made_at), datetime(1, 1, 1, tzinfo=UTC))
