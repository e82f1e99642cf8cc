"""A PgBouncer that pools transactions, in front of a PostgreSQL. It can be switched to another server."""

import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import pytest

from server.processes import spawn, stop
from tests.support.ports import free_port
from tests.support.postgres import Postgres, as_user

_CONFIGURATION = """
[databases]
postgres = host={server.address} port={server.port} user=shop dbname=postgres

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = any
pool_mode = transaction
default_pool_size = 8
max_client_conn = 1000
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
"""


@dataclass(frozen=True)
class PgBouncer:
    """A running PgBouncer."""

    file: Path
    port: int
    process: Popen[str]

    @property
    def url(self) -> str:
        """The value for DATABASE_URL."""
        return f"postgres://shop@127.0.0.1:{self.port}/postgres?connect_timeout=2"

    def follow(self, server: Postgres) -> None:
        """Switch to another server as an operator does who promotes a replica: write the new address, and reload."""
        self.file.write_text(_CONFIGURATION.format(server=server, port=self.port))
        self.process.send_signal(signal.SIGHUP)


def program() -> str:
    """Its path. Skips without it."""
    found = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if not found:
        pytest.skip("NOT TORTURED, for want of it: PgBouncer (Debian: pgbouncer)")
    return found


@contextmanager
def in_front_of(server: Postgres) -> Iterator[PgBouncer]:
    command = program()
    with tempfile.TemporaryDirectory(prefix="phonebind-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        port = free_port()
        file = Path(directory) / "pgbouncer.ini"
        file.write_text(_CONFIGURATION.format(server=server, port=port))
        with (Path(directory) / "log").open("w+") as log:
            process = spawn([command, file], cwd=directory, stdout=log, stderr=log, **as_user())
            try:
                _wait_for(port, process, Path(log.name))
                yield PgBouncer(file, port, process)
            finally:
                stop(process)


def _wait_for(port: int, process: Popen[str], log: Path) -> None:
    deadline = time.monotonic() + 20
    while not _listens(port):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))
