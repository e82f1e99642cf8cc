"""The command reports each wrong option, and names the possible values."""

import os
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from phonebind.models import SocialAccount
from tests.importing.conftest import APP, TABLE, Run, customer, execute, old
from tests.support.edge import Configure, phonebind

__all__ = ["phonebind"]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--table", "tb_oauth_qqq"], ["tb_oauth_qqq", TABLE, "users_user"]),
        (["--table", TABLE, "--openid-column", "open_id"], ["open_id", "openid, user_id"]),
        (["--table", TABLE, "--user-column", "user; DROP"], ["user; DROP", "create_time"]),
        (["--table", TABLE, "--created-column", "made"], ["made", "create_time"]),
        (["--table", TABLE, "--unionid-column", "unionid"], ["unionid", "openid"]),
        (["--model", "oauth.OAuthQQUser"], ["oauth.OAuthQQUser"]),
        (["--model", "OAuthQQUser"], ["OAuthQQUser"]),
        (["--table", TABLE, "--provider", "weixin"], ["weixin", "qq"]),
        (["--table", TABLE, "--app-id", "101999999"], ["101999999", APP]),
        (["--table", TABLE, "--report", "/nowhere/at/all.json"], ["/nowhere/at/all.json"]),
        (["--table", TABLE, "--report", "/tmp"], ["/tmp"]),
    ],
)
def test_what_there_is_not(run: Run, options: list[str], named: list[str]) -> None:
    assert run(*options, table=False) == {}
    assert run.status == 1
    assert [name for name in named if name not in run.error] == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--batch", "0"], "from 1 to 5000"),
        (["--batch", "many"], "from 1 to 5000"),
        (["--made-at", "yesterday"], "as in the report"),
        (["--made-at", "0001-01-01T00:00:00+14:00"], "as in the report"),
        (["--accept", "all"], "user_gone"),
        (["--model", "a.B"], "--table"),
    ],
)
@pytest.mark.once
def test_what_is_no_option(run: Run, options: list[str], says: str) -> None:
    run(*options)
    assert "argument" in run.error
    assert says in run.error


def test_a_model_is_its_table(run: Run) -> None:
    """Any model with the columns is possible. The test uses our own bindings in the place of another package's."""
    user = customer(1)
    SocialAccount.objects.create(user=user, provider="qq", app_id="older", openid="A1", unionid="UID")
    columns = ["--created-column", "created_at", "--unionid-column", "unionid"]
    counts = run("--model", "phonebind.SocialAccount", *columns, "--commit", table=False)["counts"]
    assert (run.status, counts["written"]) == (0, 1)
    known = SocialAccount.objects.values_list("app_id", "openid", "unionid", "user_id").order_by("app_id")
    assert list(known) == [(APP, "A1", "UID", user.pk), ("older", "A1", "UID", user.pk)]
    first, second = SocialAccount.objects.values_list("created_at", flat=True)
    assert first == second


def test_a_unionid_that_is_none_is_left_out(run: Run) -> None:
    for openid, unionid in (("A1", ""), ("A2", "in ner"), ("A3", "UID_3")):
        old(openid, customer(int(openid[1])))
        # The test has to use the columns that the table has.
        execute("UPDATE tb_oauth_qq SET openid = %s WHERE openid = %s", unionid or "0", openid)
    run("--commit", "--openid-column", "user_id", "--unionid-column", "openid")
    assert set(SocialAccount.objects.values_list("unionid", flat=True)) == {"0", None, "UID_3"}


@pytest.mark.skipif(connection.vendor == "mysql", reason="a new table would end the test's transaction")
def test_a_table_without_a_key_of_one_column(run: Run) -> None:
    execute("CREATE TABLE keyless (openid varchar(64), user_id integer, create_time varchar(9))")
    assert run("--table", "keyless", table=False) == {}
    assert (run.status, "keyless" in run.error) == (1, True)


def test_a_user_model_without_the_field(run: Run, phonebind: Configure) -> None:
    phonebind(MOBILE_FIELD="phone")
    assert run() == {}
    assert (run.status, "MOBILE_FIELD" in run.error) == (1, True)


@pytest.mark.parametrize("providers", [{"qq": {"client": APP}}, "qq"])
def test_a_setting_that_is_wrong(run: Run, phonebind: Configure, providers: object) -> None:
    phonebind(PROVIDERS=providers)
    assert run() == {}
    assert (run.status, bool(run.error)) == (1, True)


@pytest.mark.skipif(connection.vendor == "mysql", reason="it would end the test's transaction")
def test_before_the_migrations(run: Run) -> None:
    execute("ALTER TABLE phonebind_socialaccount RENAME TO elsewhere")
    assert run() == {}
    assert (run.status, "migrate" in run.error) == (1, True)


def test_the_report_is_its_owners_alone(run: Run, tmp_path: Path) -> None:
    report = tmp_path / "mine.json"
    umask = os.umask(0)
    try:
        call_command("phonebind_import", "--table", TABLE, "--app-id", APP, "--report", str(report), stdout=StringIO())
    finally:
        os.umask(umask)
    assert report.stat().st_mode & 0o777 == 0o600


def test_the_report_is_not_written_into_what_somebody_else_has_laid_there(run: Run, tmp_path: Path) -> None:
    """In a directory that all users can write to, such as /tmp."""
    theirs = tmp_path / "theirs"
    (tmp_path / "report.json.part").symlink_to(theirs)
    assert run()["findings"] == []
    assert not theirs.exists()


def test_without_a_report_the_text_says_all(capsys: pytest.CaptureFixture[str]) -> None:
    old("", customer(1))
    with pytest.raises(CommandError):
        call_command("phonebind_import", "--table", TABLE, "--app-id", APP)
    out, err = capsys.readouterr()
    assert "openid_empty: 1" in out
    # Without a terminal there is no progress bar.
    assert err == ""


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar(run: Run) -> None:
    for number in range(1, 4):
        old(f"A{number}", customer(number))
    with redirect_stderr(Terminal()) as terminal:
        run("--commit", "--batch", "2")
    last = [line.rpartition("\r")[2] for line in terminal.getvalue().split("\n")[:-1]]
    assert [line.partition("[")[2] for line in last] == [
        f"{'#' * 30}] 3 / 3",
        f"{'#' * 30}] 3 / 3",
        f"{'#' * 30}] 0 / 0",
        f"{'#' * 30}] 3 / 3",
    ]
    assert f"[{'#' * 20}{' ' * 10}] 2 / 3" in terminal.getvalue()


def test_a_terminal_may_be_left_alone(run: Run) -> None:
    with redirect_stderr(Terminal()) as terminal:
        run("--no-progress")
    assert terminal.getvalue() == ""


@pytest.mark.once
def test_it_speaks_chinese(run: Run) -> None:
    old("", customer(1))
    run(language="zh-hans")
    assert "未解决" in run.said
    assert not run.error.isascii()
