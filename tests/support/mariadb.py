"""A MariaDB with a replica that follows it after a fixed delay in seconds."""

import getpass
import os
import pwd
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest

from server.processes import spawn, stop
from tests.support import machine
from tests.support.ports import free_ports

_NAME = "phonebind"


@dataclass(frozen=True)
class MariaDB:
    """One server."""

    directory: Path
    port: int
    #: The name of its only database.
    name = _NAME

    @property
    def url(self) -> str:
        """The value for DATABASE_URL."""
        return f"mysql://root@127.0.0.1:{self.port}/{_NAME}"

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows; an empty list for a statement without rows."""
        return _ask(self.port, _NAME, query, *values)


@dataclass(frozen=True)
class Pair:
    """``replica`` follows ``primary``."""

    primary: MariaDB
    replica: MariaDB


@contextmanager
def pair(*, delay: int) -> Iterator[Pair]:
    """Both running. ``delay``: seconds until the replica shows a commit. Skips without MariaDB."""
    commands = machine.commands("MariaDB")
    if not commands:
        pytest.skip("NOT TORTURED, for want of it: MariaDB (Debian: mariadb-server)")
    with ExitStack() as stack:
        made = tempfile.TemporaryDirectory(prefix="phonebind-", ignore_cleanup_errors=True)
        directory = Path(stack.enter_context(made))
        directory.chmod(0o755)
        servers = [MariaDB(directory / name, port) for name, port in zip(("a", "b"), free_ports(2), strict=True)]
        for number, server in enumerate(servers, 1):
            _start(server, number, commands, stack)
        primary, replica = servers
        begin = "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%s, MASTER_USER='root', MASTER_DELAY=%s"
        _ask(replica.port, None, f"{begin}, MASTER_USE_GTID=slave_pos", primary.port, delay)
        _ask(replica.port, None, "START SLAVE")
        _ask(primary.port, None, f"CREATE DATABASE {_NAME} CHARACTER SET utf8mb4")
        yield Pair(primary, replica)


def _start(server: MariaDB, number: int, commands: list[str], stack: ExitStack) -> None:
    program, installer = commands
    user = "mysql" if os.geteuid() == 0 else getpass.getuser()
    entry = pwd.getpwnam(user)
    server.directory.mkdir()
    os.chown(server.directory, entry.pw_uid, -1)
    own = ["--no-defaults", f"--datadir={server.directory}"]
    install = [installer, *own, f"--user={user}", "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(install, check=True, capture_output=True)
    options = [f"--port={server.port}", "--bind-address=127.0.0.1", f"--socket={server.directory}/sock"]
    options += [f"--pid-file={server.directory}/pid", "--character-set-server=utf8mb4", "--skip-name-resolve"]
    options += [f"--server-id={number}", "--log-bin=binlog", "--innodb-flush-log-at-trx-commit=0"]
    # The user is set by Popen and not by the server: if the server changed it, it would no longer end together with us.
    as_user = {"user": user, "group": entry.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    log = stack.enter_context((server.directory.parent / f"{number}.log").open("w+"))
    process = spawn([program, *own, *options], stdout=log, stderr=log, **as_user)
    stack.callback(lambda: stop(process))
    deadline = time.monotonic() + 60
    while not _answers(server):
        assert process.poll() is None, log.read()
        assert time.monotonic() < deadline, log.read()
        time.sleep(0.1)


def _ask(port: int, database: str | None, query: str, *values: object) -> list[tuple[Any, ...]]:
    connection = pymysql.connect(host="127.0.0.1", port=port, user="root", database=database, autocommit=True)
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return list(cursor.fetchall())


def _answers(server: MariaDB) -> bool:
    try:
        return bool(_ask(server.port, None, "SELECT 1"))
    except pymysql.OperationalError:
        return False
