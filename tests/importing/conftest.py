"""The tutorial's table beside the reference server's, on each database; on MariaDB in utf8mb3, as in old shops."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import translation
from pytest_django import DjangoDbBlocker

from server.users.models import User

TABLE = "tb_oauth_qq"
APP = "101000001"
_SQL = {
    "sqlite": "id integer PRIMARY KEY AUTOINCREMENT, create_time datetime, openid varchar(300), user_id integer",
    "postgresql": "id serial PRIMARY KEY, create_time timestamptz, openid varchar(300), user_id integer",
    "mysql": "id integer PRIMARY KEY AUTO_INCREMENT, create_time datetime(6), openid varchar(300), user_id integer",
}
#: Old shops have numbers of any length.
_MOBILE = {
    "postgresql": "ALTER TABLE users_user ALTER mobile TYPE varchar({})",
    "mysql": "ALTER TABLE users_user MODIFY mobile varchar({})",
}


@pytest.fixture(scope="module", autouse=True)
def _table(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    options = "CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci" if connection.vendor == "mysql" else ""
    mobile = _MOBILE.get(connection.vendor, "SELECT {}")

    def run_all(*statements: str) -> None:
        with django_db_blocker.unblock():
            for sql in statements:
                execute(sql)
            # The state in which Django leaves a connection after a test. A test without access to the database finds no
            # open one.
            connection.close()

    run_all(f"CREATE TABLE {TABLE} ({_SQL[connection.vendor]}) {options}", mobile.format(30))
    yield
    run_all(f"DROP TABLE {TABLE}", mobile.format(11))


def execute(sql: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def old(openid: str | None, user: User | int | None, made: datetime | str | None = None) -> None:
    """Write a row of the tutorial's table."""
    user = user.pk if isinstance(user, User) else user
    made = made.replace(tzinfo=None) if isinstance(made, datetime) and connection.vendor != "postgresql" else made
    execute("INSERT INTO tb_oauth_qq (openid, user_id, create_time) VALUES (%s, %s, %s)", openid, user, made)


def customer(number: int, **fields: Any) -> User:
    """A user without any fault."""
    return User.objects.create(**{"username": f"customer-{number}", "mobile": f"138{number:08}"} | fields)


class Run:
    """The command: its output, its report, and its exit status."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "report.json"

    def __call__(self, *options: str, table: bool = True, language: str = "en") -> dict[str, Any]:
        place = ["--table", TABLE] if table else []
        out = StringIO()
        self.status, self.error = 0, ""
        command = ["phonebind_import", *place, "--app-id", APP, "--report", str(self._file), *options]
        try:
            with translation.override(language):
                call_command(*command, stdout=out)
        except CommandError as error:
            self.status, self.error = error.returncode, str(error)
        self.said = out.getvalue()
        if not self._file.exists():
            return {}
        report: dict[str, Any] = json.loads(self._file.read_text())
        self._file.unlink()
        return report


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.fixture
def customers(db: None) -> Callable[[int], list[User]]:
    return lambda count: [customer(number) for number in range(1, count + 1)]
