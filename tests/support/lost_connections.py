"""A connection to the database that is lost after a commit, before Django goes back to autocommit: the worst moment."""

import sqlite3
from typing import Any

import pytest
from django.db import close_old_connections, connection


def lose_after_commit(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The next commit succeeds, and then the connection is lost. Adds a word to the returned list when it happens."""
    lost: list[str] = []
    commit = connection._commit  # type: ignore[attr-defined]

    def commit_and_die() -> None:
        commit()
        if not lost:
            lost.append("lost")
            _end_our_connection()

    monkeypatch.setattr(connection, "_commit", commit_and_die)
    return lost


def end_request() -> None:
    """What Django does after each request. The test client leaves it out."""
    close_old_connections()


def _end_our_connection() -> None:
    """By the server, as a restart of the server would. SQLite has no server."""
    if connection.vendor == "sqlite":
        connection.connection = _Dead(connection.connection)
        return
    other = connection.copy()
    with other.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute("KILL %s", [connection.connection.thread_id()])
        else:
            cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    other.close()


#: As PyMySQL and mysqlclient report it.
_GONE = (2013, "Lost connection to server during query")


class _Dead:
    """A connection of a driver whose server is gone: it can only be closed."""

    def __init__(self, real: Any) -> None:
        self.close = real.close

    def __getattr__(self, name: str) -> Any:
        raise sqlite3.OperationalError(*_GONE)

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "close":
            raise sqlite3.OperationalError(*_GONE)
        super().__setattr__(name, value)
