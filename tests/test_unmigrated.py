"""``manage.py phonebind_…`` before ``manage.py migrate``: one line, no traceback."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import ConnectionRouter

from phonebind import migrated
from phonebind.migrated import MigratedCommand
from tests.support.ports import free_port
from tests.support.services import valkey_server

ROOT = Path(__file__).parents[1]
NAMES = sorted(path.stem for path in ROOT.glob("src/phonebind/**/management/commands/phonebind_*.py"))
WORDS = {
    "phonebind_import": ["--table", "tb_oauth_qq", "--app-id", "101000001"],
    "phonebind_release_numbers": ["pyproject.toml"],
    "phonebind_sms": ["send", "13800000001", "--yes"],
    "phonebind_webhooks": ["--once"],
}


def manage(directory: Path, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in the reference server's project, with all its apps."""
    own = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")}
    apps = {"DEBUG": "1", "LIFECYCLE": "1", "OPERATIONS": "1"}
    env = own | apps | {"DATA_DIR": str(directory), "REDIS_URL": valkey_server().url, **environ}
    command = [sys.executable, "-m", "server.manage", *words]
    return subprocess.run(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", NAMES)
def test_it_says_to_migrate(name: str, tmp_path: Path) -> None:
    ended = manage(tmp_path, name, *WORDS.get(name, []))
    assert (ended.returncode, ended.stdout) == (1, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith("CommandError: ")
    assert "run manage.py migrate." in line or "manage.py migrate。" in line


def test_the_checks_of_sms_need_no_tables(tmp_path: Path) -> None:
    for action in ("balance", "check"):
        ended = manage(tmp_path, "phonebind_sms", action)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_a_database_that_is_away_is_one_line_too(tmp_path: Path) -> None:
    """PostgreSQL. On SQLite, Django 6 asks the database before the command, and ends with a traceback of its own."""
    ended = manage(tmp_path, "phonebind_alarms", DATABASE_URL=f"postgres://shop@127.0.0.1:{free_port()}/shop")
    assert ended.returncode == 1
    # The lines above are warnings of the connection pool.
    assert ended.stderr.splitlines()[-1].startswith("CommandError: The database 'default' cannot be used: ")
    assert "Traceback" not in ended.stderr


class Needs(MigratedCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("It runs.")


def run() -> str:
    out = StringIO()
    call_command(Needs(), stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_a_missing_migration_is_named() -> None:
    assert run() == "It runs.\n"
    MigrationRecorder(connection).record_unapplied("phonebind", "0003_proved_by")
    wanted = (
        r"The database lacks migrations that phonebind needs, beginning with phonebind.0003_proved_by: "
        r"run manage.py migrate\.$"
    )
    with pytest.raises(CommandError, match=wanted):
        run()


@pytest.mark.django_db
def test_a_missing_migration_of_another_app_is_no_obstacle() -> None:
    MigrationRecorder(connection).record_unapplied("sessions", "0001_initial")
    assert run() == "It runs.\n"


def test_apps_that_are_not_installed_need_no_database() -> None:
    migrated.check("not_installed")


def test_another_database_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConnectionRouter, "db_for_write", lambda *args, **hints: "people")
    monkeypatch.setattr(migrated, "connections", {"people": "people"})
    monkeypatch.setattr(migrated, "unapplied", lambda connection, labels: [f"{connection}.0001_initial"])
    with pytest.raises(CommandError, match=r"beginning with people.0001_initial: run manage.py migrate --database="):
        run()


def test_the_drivers_lines_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(used: BaseDatabaseWrapper, labels: set[str]) -> list[str]:
        assert used.alias == DEFAULT_DB_ALIAS
        raise OperationalError("connection failed:\n\tIs the server running?\n")

    monkeypatch.setattr(migrated, "unapplied", fail)
    with pytest.raises(CommandError, match=r"'default' cannot be used: connection failed: Is the server running\?$"):
        run()
