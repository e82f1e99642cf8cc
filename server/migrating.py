"""Migrations, where several nodes start at once: one makes them, and the others wait."""

import fcntl
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from phonebind.health import unapplied
from server import private

#: Seconds between two looks.
_PAUSE = 1
#: To try it, and to give it back. Neither waits in the database, where a ``lock_timeout`` would end that.
_LOCKS = {
    "postgresql": ("SELECT pg_try_advisory_lock(482874904165)", "SELECT pg_advisory_unlock(482874904165)"),
    # MariaDB's and MySQL's are of the whole server, and their names of 64 characters.
    "mysql": (
        "SELECT GET_LOCK(CONCAT('phonebind-migrate-', MD5(DATABASE())), 0)",
        "SELECT RELEASE_LOCK(CONCAT('phonebind-migrate-', MD5(DATABASE())))",
    ),
}


def migrate() -> None:
    """Make what is missing. With ``MIGRATE=0`` somebody else does, and we wait; in vain, the process ends with 1."""
    connection = connections["default"]
    if not settings.MIGRATE:
        _wait(lambda: _missing(connection))
    # The command itself takes 0.2 s to find nothing to do.
    elif unapplied(connection):
        call_command("migrate", verbosity=0, interactive=False)


@contextmanager
def locked(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """One process of all nodes at a time. The lock ends with the connection, whatever has ended that one.

    A pool that gives each transaction another connection to the server, as PgBouncer's may, makes it worthless.
    """
    lock = _file_lock if connection.vendor == "sqlite" else _database_lock
    with lock(connection) as is_ours:
        _wait(lambda: "" if is_ours() else "another node, which migrates the database")
        yield


def _wait(missing: Callable[[], str]) -> None:
    """Until nothing is missing; what is, is said when it changes."""
    deadline = time.monotonic() + settings.MIGRATE_DEADLINE
    told = ""
    with _ended_by_signals():
        while what := missing():
            if what != told:
                print(f"phonebind: waiting for {what}.", file=sys.stderr, flush=True)
            told = what
            if time.monotonic() >= deadline:
                sys.exit(f"phonebind: waited {settings.MIGRATE_DEADLINE} s in vain for {what}.")
            time.sleep(_PAUSE)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGINT, which end the first process of a container only where it asks for them."""
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
        # Not after an error: the connection may be gone, and the process ends.
        cursor.execute(release)


@contextmanager
def _file_lock(connection: BaseDatabaseWrapper) -> Iterator[Callable[[], bool]]:
    name = str(connection.settings_dict["NAME"])
    if name.startswith((":memory:", "file:")):
        yield lambda: True  # nobody else's
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
