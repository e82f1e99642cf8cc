"""Migrations when several nodes start at once: one node runs them, and the others wait."""

import fcntl
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NoReturn

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from phonebind.health import unapplied
from server import private

#: Seconds between two attempts.
_PAUSE = 1
#: Seconds in which a database that starts at the same time must answer, where a start does not wait for others.
_PATIENCE = 5
#: To try the lock, and to release it. Neither waits in the database, where a ``lock_timeout`` would end the wait.
_LOCKS = {
    "postgresql": ("SELECT pg_try_advisory_lock(482874904165)", "SELECT pg_advisory_unlock(482874904165)"),
    # Locks of MariaDB and MySQL belong to the whole server, and their names have at most 64 characters.
    "mysql": (
        "SELECT GET_LOCK(CONCAT('phonebind-migrate-', MD5(DATABASE())), 0)",
        "SELECT RELEASE_LOCK(CONCAT('phonebind-migrate-', MD5(DATABASE())))",
    ),
}


def migrate() -> None:
    """Run the missing migrations. With ``MIGRATE=0``, wait until another node has run them, or exit with 1."""
    connection = connections["default"]
    if not settings.MIGRATE:
        _wait(lambda: _missing(connection))
        return
    reach(connection)
    # The command itself takes 0.2 s even if there is nothing to do.
    if unapplied(connection):
        call_command("migrate", verbosity=0, interactive=False)


def reach(connection: BaseDatabaseWrapper) -> None:
    """Wait some seconds for the database to answer. Then end the process with one line: a traceback would hide it."""
    deadline = time.monotonic() + _PATIENCE
    with _ended_by_signals():
        while reason := _refusal(connection):
            if time.monotonic() >= deadline:
                sys.exit(f"phonebind: the database of DATABASE_URL does not answer: {reason}")
            time.sleep(_PAUSE)


def _refusal(connection: BaseDatabaseWrapper) -> str:
    """Why the database does not let us in. Not by its pool, which would only say that there was no connection in time.

    The drivers' messages name the host, the port and the user, and no password.
    """
    own = connection.copy()
    options = own.settings_dict["OPTIONS"]
    options.pop("pool", None)
    if own.vendor in ("postgresql", "mysql"):
        options.setdefault("connect_timeout", _PATIENCE)
    try:
        with closing(own):
            own.ensure_connection()
    except OperationalError as error:
        return " ".join(str(error).split())
    return ""


@contextmanager
def locked(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Lets one process of all nodes in at a time. The lock ends with the connection, however that ends.

    The lock is useless with a pool that may change the server connection between transactions, such as PgBouncer.
    """
    lock = _file_lock if connection.vendor == "sqlite" else _database_lock
    with lock(connection) as is_ours:
        _wait(lambda: "" if is_ours() else "another node, which migrates the database")
        yield


def _wait(missing: Callable[[], str]) -> None:
    """Wait until nothing is missing. Print what is missing when it changes. Exits at the deadline."""
    deadline = time.monotonic() + settings.MIGRATE_DEADLINE
    told = ""
    with _ended_by_signals():
        while what := missing():
            if what != told:
                print(f"phonebind: waiting for {what}.", file=sys.stderr, flush=True)
            told = what
            if time.monotonic() >= deadline:
                sys.exit(f"phonebind: waited {settings.MIGRATE_DEADLINE} s for {what}, and gave up.")
            time.sleep(_PAUSE)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Handle SIGTERM and SIGINT. The first process of a container ignores them unless it has handlers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {each: signal.signal(each, _end) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in former.items():
            signal.signal(each, handler)


def _end(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)


def _missing(connection: BaseDatabaseWrapper) -> str:
    try:
        names = unapplied(connection)
    except OperationalError:
        connection.close()
        return "the database"
    return f"{len(names)} migrations ({names[0]} is the first; python -m server.manage migrate)" if names else ""


@contextmanager
def _database_lock(connection: BaseDatabaseWrapper) -> Iterator[Callable[[], bool]]:
    attempt, release = _LOCKS[connection.vendor]
    with connection.cursor() as cursor:

        def is_ours() -> bool:
            cursor.execute(attempt)
            return bool(cursor.fetchone()[0])

        yield is_ours
        # Not in a finally: after an error the connection may be broken, and the process ends.
        cursor.execute(release)


@contextmanager
def _file_lock(connection: BaseDatabaseWrapper) -> Iterator[Callable[[], bool]]:
    name = str(connection.settings_dict["NAME"])
    if name.startswith((":memory:", "file:")):
        yield lambda: True  # no other process has this database
        return
    path = Path(f"{name}.lock")
    private.file(path)
    with path.open("w") as lock:

        def is_ours() -> bool:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        yield is_ours
