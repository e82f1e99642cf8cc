"""Pooled connections to PostgreSQL, some of which it has ended."""

import time

import psycopg
import pytest
from django.db import connection

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's"),
    pytest.mark.django_db(transaction=True),
]


#: More often than the pool has connections.
TIMES = 40


def _process() -> int:
    """Who answers, over a connection that is given back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        answer = cursor.fetchone()
    connection.close()
    return int(answer[0])


def test_connections_are_used_again() -> None:
    assert len({_process() for _ in range(TIMES)}) < 5


def test_a_connection_that_the_server_has_ended_is_not() -> None:
    ended = _process()
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [ended])
        while other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [ended]).fetchone():
            time.sleep(0.01)
    assert ended not in {_process() for _ in range(TIMES)}
