"""Pooled connections to PostgreSQL, when PostgreSQL has ended some of them."""

import time
from typing import ClassVar

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import RequestFactory

from phonebind import accounts, binding, oauth
from phonebind.oauth import Grant, Identity, Profile
from phonebind.oauth.qq import QQ
from tests.support.edge import Upstream
from tests.support.services import database_server

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's"),
    pytest.mark.django_db(transaction=True),
]


#: Greater than the number of connections in the pool.
TIMES = 40


def _process() -> int:
    """The process id of the PostgreSQL server process. The connection goes back to the pool."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        answer = cursor.fetchone()
    connection.close()
    return int(answer[0])


def test_connections_are_used_again() -> None:
    pool = connection.pool  # type: ignore[attr-defined]
    assert len({_process() for _ in range(TIMES)}) <= pool.max_size < TIMES


def test_a_connection_that_the_server_has_ended_is_not() -> None:
    ended = _process()
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
        # It waits until the process is gone. pg_stat_activity, read again in one transaction, would not show that.
        gone = other.execute("SELECT pg_terminate_backend(%s, 10000)", [ended]).fetchone()
    assert gone == (True,)
    assert ended not in {_process() for _ in range(TIMES)}


class _Slow(QQ):
    """A provider that records whether a connection was held during its call."""

    held: ClassVar[list[bool]] = []

    def profile(self, grant: Grant) -> Profile:
        self.held.append(connection.connection is not None)
        return super().profile(grant)


def test_no_connection_is_held_while_others_are_waited_for(qq: Upstream) -> None:
    """There are fewer connections than threads that may wait. A provider that hangs would otherwise
    hold all of them.
    """
    qq.person(openid="NEW")
    slow = _Slow(oauth.get("qq").settings)
    identity, account = binding.identify(slow, lambda: slow.exchange("code"))
    assert (identity.nickname, account) == ("小明", None)
    assert _Slow.held == [False]


def test_no_connection_is_held_while_a_place_to_hash_is_waited_for() -> None:
    _process()
    accounts.find("13900000001")
    assert connection.connection is not None
    accounts.new(RequestFactory().post("/"), Identity("qq", "101000001", "O"), "13900000001", "horse-staple-9")
    assert connection.connection is None


def test_a_server_that_was_away_for_longer_than_the_pool_tries() -> None:
    """The pool retries at 0, 1, 3, 7 s and so on, and then gives up. The next request starts a new attempt."""
    server, pool = database_server(), connection.pool  # type: ignore[attr-defined]
    assert server
    _process()
    server.kill()
    try:
        deadline = time.monotonic() + 3.5  # after the third attempt
        while time.monotonic() < deadline:
            with pytest.raises(psycopg.OperationalError), pool.connection(timeout=0.2) as raw:
                raw.execute("SELECT 1")
    finally:
        server.start()
    begun = time.monotonic()
    _process()
    assert time.monotonic() - begun < 1.5
    assert len({_process() for _ in range(TIMES)}) <= pool.max_size


def _like_indexes() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'users_user' AND indexname LIKE '%%_like'")
        return int(cursor.fetchone()[0])


def test_users_have_no_index_that_nobody_asks() -> None:
    assert _like_indexes() == 0
    call_command("migrate", "users", "0001", verbosity=0)
    assert _like_indexes() == 2
    call_command("migrate", "users", verbosity=0)
    assert _like_indexes() == 0
