"""The reference server behind a real PgBouncer that pools transactions. A statement that one transaction prepares is
missing in the next.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection

from server.processes import spawn, stop
from tests.support.ports import free_port
from tests.support.site import serve
from tests.support.visitor import Visitor

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PASSWORD = "correct-horse-8"

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's"),
    pytest.mark.skipif(not PGBOUNCER, reason="NOT TESTED: there is no pgbouncer (Debian: pgbouncer)"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def bouncer(tmp_path: Path) -> Iterator[str]:
    """The directory of its socket. It has two connections to PostgreSQL, and all clients share them."""
    assert PGBOUNCER
    given = connection.get_connection_params()
    port = free_port()
    version = subprocess.run([PGBOUNCER, "--version"], check=True, capture_output=True, text=True).stdout
    major, minor = map(int, re.findall(r"\d+", version)[:2])
    # From 1.21 on it can keep them. That is the operator's choice, and it was off at first.
    kept = ["max_prepared_statements = 0"] if (major, minor) >= (1, 21) else []
    lines = [
        *("[databases]", f"* = host={given['host']} user={given['user']}", "[pgbouncer]", "pool_mode = transaction"),
        *("default_pool_size = 2", "max_client_conn = 200", "auth_type = any", "unix_socket_dir ="),
        *("listen_addr = 127.0.0.1", f"listen_port = {port}", "ignore_startup_parameters = extra_float_digits", *kept),
    ]
    config = tmp_path / "pgbouncer.ini"
    config.write_text("\n".join(lines))
    for directory in (tmp_path, *tmp_path.parents[:2]):
        directory.chmod(0o755)  # it refuses to run as root
    user = {"user": Path(given["host"]).stat().st_uid} if os.geteuid() == 0 else {}
    with (tmp_path / "log").open("w") as log:
        process = spawn([PGBOUNCER, config], stdout=log, stderr=log, **user)
    deadline = time.monotonic() + 10
    while not _listens(port):
        assert process.poll() is None, (tmp_path / "log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield f"postgres://{quote(given['user'])}@127.0.0.1:{port}/"
    stop(process)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))


@pytest.fixture
def database(bouncer: str) -> Iterator[str]:
    """The URL of an empty database behind PgBouncer."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE bounced")
    yield f"{bouncer}bounced"
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE bounced WITH (FORCE)")


def test_nothing_is_prepared_behind_it(database: str, tmp_path: Path, new_mobile: Callable[[], str]) -> None:
    with serve(tmp_path / "data", DATABASE_URL=database, DATABASE_PREPARE="0") as site:
        visitor = Visitor(site)
        ticket = visitor.arrive("xiaolan").data["access_token"]
        assert visitor.bind(new_mobile(), PASSWORD, ticket=ticket).status == 201

        def come_back(_: int) -> int:
            return Visitor(site).arrive("xiaolan").status

        with ThreadPoolExecutor(8) as people:
            assert set(people.map(come_back, range(80))) == {200}
    assert "Prepared" not in (tmp_path / "data/log").read_text()


def test_what_is_prepared_breaks_behind_it(database: str) -> None:
    """Otherwise the test above would prove nothing."""
    with pytest.raises((psycopg.errors.DuplicatePreparedStatement, psycopg.errors.InvalidSqlStatementName)):
        _prepare_in_turns(database)


def _prepare_in_turns(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as one, psycopg.connect(database, autocommit=True) as other:
        for _ in range(20):
            for each in (one, other):
                each.execute("SELECT %s::int", [1], prepare=True)
