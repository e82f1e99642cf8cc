"""``python -m bench.old_bindings make|import|again|reverse SIZE``: a tutorial's table, and its import.

One row in a hundred is written twice, as after a double click. The cost is printed as JSON on stdout.
"""

import hashlib
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from django.db import connection, transaction

TABLE = "tb_oauth_qq"
BEGUN = datetime(2019, 1, 1, tzinfo=UTC)
_USERS = (
    "INSERT INTO users_user (id, password, is_superuser, username, first_name, last_name, email, is_staff, is_active,"
    " date_joined, mobile) VALUES (%s, '', %s, %s, '', '', '', %s, %s, %s, %s)"
)
_ROWS = f"INSERT INTO {TABLE} (id, create_time, openid, user_id) VALUES (%s, %s, %s, %s)"  # noqa: S608 - ours
_STEPS = {"import": ["--commit"], "again": ["--commit"], "reverse": ["--reverse", "--commit"]}


def main(step: str, size: int) -> None:
    """Run one step in a separate process, so that the peak of memory belongs to this step."""
    django.setup()
    begun = time.monotonic()
    if step == "make":
        _make(size)
    else:
        app_id = os.environ["QQ_CLIENT_ID"]
        with Path(os.devnull).open("w") as nowhere:
            call_command("phonebind_import", "--table", TABLE, "--app-id", app_id, *_STEPS[step], stdout=nowhere)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.monotonic() - begun, "MiB": peak}))


def _make(size: int) -> None:
    moment = "timestamptz" if connection.vendor == "postgresql" else "datetime"
    with transaction.atomic(), connection.cursor() as cursor:
        # A former run may have left these, if BENCH_DIR is kept.
        for statement in ("DELETE FROM phonebind_socialaccount", "DELETE FROM users_user"):
            cursor.execute(statement)
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
        cursor.execute(
            f"CREATE TABLE {TABLE} (id integer PRIMARY KEY, create_time {moment}, openid varchar(64), user_id integer)"
        )
        cursor.execute(f"CREATE INDEX {TABLE}_openid ON {TABLE} (openid)")
        cursor.executemany(_USERS, _users(size))
        cursor.executemany(_ROWS, _rows(size))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _users(size: int) -> Iterator[tuple[Any, ...]]:
    for number in range(1, size + 1):
        mobile = str(13_000_000_000 + number)
        yield number, False, f"customer-{number}", False, True, BEGUN, mobile


def _rows(size: int) -> Iterator[tuple[Any, ...]]:
    for number in range(1, size + 1):
        user = number - 1 if number % 100 == 0 else number
        openid = hashlib.md5(str(user).encode(), usedforsecurity=False).hexdigest().upper()
        yield number, BEGUN + timedelta(seconds=number), openid, user


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
