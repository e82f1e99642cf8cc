"""Bindings are imported unchanged: once, completely; a second run imports only new ones."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from phonebind.importing import bindings, people, source
from phonebind.models import SocialAccount
from server.users.models import User
from tests.importing.conftest import APP, Run, customer, execute, old

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2019, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)


def rows() -> list[tuple[str, int]]:
    return list(SocialAccount.objects.order_by("openid").values_list("openid", "user_id"))


def test_a_dry_run_writes_nothing(run: Run) -> None:
    old("A1", customer(1), LONG_AGO)
    report = run()
    assert (run.status, report["counts"]["to_write"], report["counts"]["written"]) == (0, 1, 0)
    assert "--commit" in run.said
    assert rows() == []


def test_a_binding_is_as_it_was(run: Run) -> None:
    user = customer(1)
    old("A1", user, LONG_AGO)
    report = run("--commit")
    assert (run.status, report["counts"]["written"]) == (0, 1)
    account = SocialAccount.objects.get()
    assert (account.user_id, account.provider, account.app_id, account.openid) == (user.pk, "qq", APP, "A1")
    assert (account.unionid, account.nickname) == (None, "")
    assert account.created_at == account.updated_at == LONG_AGO
    assert SocialAccount.objects.find(provider="qq", app_id=APP, openid="A1") == account


def test_a_second_run_brings_what_has_come_since(run: Run) -> None:
    for number in range(1, 8):
        old(f"A{number}", customer(number), LONG_AGO + timedelta(days=number))
    assert run("--commit", "--batch", "3")["counts"]["written"] == 7
    old("A8", customer(8), LONG_AGO)
    counts = run("--commit")["counts"]
    assert (counts["bound_already"], counts["written"], len(rows())) == (7, 1, 8)


def test_many_pages_are_one_table(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (source, people, bindings):
        monkeypatch.setattr(module, "PAGE", 2)
    for number in range(1, 6):
        old(f"A{number}", customer(number), LONG_AGO)
    assert run("--commit")["counts"]["written"] == 5
    old("A6", customer(6), LONG_AGO)
    counts = run("--commit")["counts"]
    assert (run.status, counts["rows"], counts["bound_already"], counts["written"]) == (0, 6, 5, 1)


def test_a_user_of_whom_nobody_has_heard_is_gone(run: Run) -> None:
    """The column accepts any value. A value that is no key counts as a deleted user."""
    user = customer(1)
    execute("INSERT INTO tb_oauth_qq (openid, user_id) VALUES ('nobody', %s)", user.pk)
    report = run("--commit", "--user-column", "openid", "--created-column", "")
    assert [finding["kind"] for finding in report["findings"]] == ["user_gone"]
    assert (run.status, report["findings"][0]["users"]) == (
        3,
        [{"row": report["findings"][0]["users"][0]["row"], "user": "nobody"}],
    )


def test_what_a_terminal_would_obey_is_not_said(run: Run) -> None:
    execute("INSERT INTO tb_oauth_qq (openid, user_id) VALUES (%s, %s)", "\x1b[2J", customer(1).pk)
    run("--user-column", "openid", "--created-column", "")
    assert "\x1b" not in run.said
    assert run.said.count(r"'\x1b[2J'") == 4


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a text column holds text")
@pytest.mark.once
def test_bytes_are_read_as_text(run: Run) -> None:
    user = customer(1)
    for openid in (b"A1", "小".encode("gbk")):
        execute("INSERT INTO tb_oauth_qq (openid, user_id) VALUES (%s, %s)", openid, user.pk)
    report = run("--commit")
    assert [finding["kind"] for finding in report["findings"]] == ["openid_malformed"]
    assert rows() == [("A1", user.pk)]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="others hold their columns' lengths")
@pytest.mark.once
def test_of_a_number_that_everybody_has_a_hundred_are_named(run: Run) -> None:
    mobiles = [f"{'-' * number}13800000001" for number in range(105)]
    User.objects.bulk_create(User(username=f"customer-{mobile}", mobile=mobile) for mobile in mobiles)
    report = run("--accept", "mobile_malformed")
    [doubled] = [finding for finding in report["findings"] if finding["kind"] == "mobile_doubled"]
    assert (run.status, len(doubled["users"]), doubled["more"]) == (3, 100, 5)
    assert "and 5 more" in run.said


def test_what_one_user_has_twice_is_one_binding_since_the_first(run: Run) -> None:
    user = customer(1)
    for days in (3, 0, 5):
        old("A1", user, LONG_AGO + timedelta(days=days))
    counts = run("--commit")["counts"]
    assert (run.status, counts["merged"], counts["written"]) == (0, 2, 1)
    assert SocialAccount.objects.get().created_at == LONG_AGO
