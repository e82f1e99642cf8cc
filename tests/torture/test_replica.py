"""PostgreSQL with a streaming replica: reads from one that is five seconds behind, and a fail-over to one.

``make torture PARTS=replica``; no other run collects it.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from tests.support import postgres
from tests.support.postgres import Pair, Postgres
from tests.torture import crowd, lagging
from tests.torture.crowd import LIMITS, Crowd, Site
from tests.torture.outside import Outside
from tests.torture.report import Note, noting
from tests.torture.serving import serving

#: Seconds until the operator has noticed that the primary is down.
NOTICED = 1
#: Seconds that an asynchronous replica is behind.
BEHIND = 1
FOUND = "SELECT openid, username FROM phonebind_socialaccount a JOIN users_user u ON u.id = a.user_id"


# ---------------------------------------------------------------- the replica lags


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with postgres.pair(delay=lagging.DELAY) as made:
        yield made


@pytest.fixture(scope="module")
def site(pair: Pair, neighbours: Outside) -> Iterator[Site]:
    with lagging.site(neighbours, pair.primary, pair.replica, lagging.OURS) as made:
        yield made


@pytest.fixture
def primary(pair: Pair) -> Postgres:
    return pair.primary


@pytest.fixture
def replica(pair: Pair) -> Postgres:
    return pair.replica


@pytest.fixture
def note() -> Note:
    return noting("postgresql")


class TestPostgreSQL(lagging.Lagging):
    """See :class:`tests.torture.lagging.Lagging`."""


# ---------------------------------------------------------------- the replica takes over


@contextmanager
def at_either(pair: Pair, outside: Outside) -> Iterator[Site]:
    """A site that has the addresses of both servers, and asks which of them accepts writes."""
    environ = {"DATABASE_URL": pair.url, "TORTURE_DB": "postgres"}
    with (
        serving(outside, {"LIMITS": LIMITS}, **environ) as (port, pid),
        redis.Redis.from_url(os.environ["REDIS_URL"], max_connections=2000) as valkey,
    ):
        yield Site(port, outside, valkey, pid)


def fail_over(site: Site, pair: Pair, behind: float) -> tuple[Crowd, float, float]:
    """A fail-over under a load of binds. Returns the people who came, when the primary was killed, and when the other
    one accepted writes.
    """
    processes = site.processes()
    [(receiver,)] = pair.replica.ask("SELECT pid FROM pg_stat_wal_receiver")
    with crowd.crowd(site) as people:
        time.sleep(4)
        if behind:
            os.kill(receiver, signal.SIGSTOP)
            time.sleep(behind)
        died = time.monotonic()
        pair.primary.kill()
        if behind:
            os.kill(receiver, signal.SIGTERM)
            os.kill(receiver, signal.SIGCONT)
        time.sleep(NOTICED)
        pair.replica.promote()
        promoted = time.monotonic()
        time.sleep(6)
    assert site.processes() == processes
    return people, died, promoted


def test_threat_20_a_synchronous_replica_takes_over(neighbours: Outside, note: Note) -> None:
    with postgres.pair(synchronous=True) as pair, at_either(pair, neighbours) as site:
        people, died, promoted = fail_over(site, pair, 0)
        found = [(str(openid), str(name)) for openid, name in pair.replica.ask(FOUND)]
        [(users,)] = pair.replica.ask("SELECT count(*) FROM users_user WHERE mobile LIKE '139%'")
        crowd.nothing_is_lost(people, found, users)
        note(
            "kill -9 of the primary, a synchronous replica promoted",
            **crowd.told(people, died),
            promoted_after=f"{promoted - died:.1f} s",
        )


def test_an_asynchronous_replica_takes_over(neighbours: Outside, note: Note) -> None:
    """The new primary does not have the binds that had not reached it. Those people come again, and are bound."""
    with postgres.pair() as pair, at_either(pair, neighbours) as site:
        people, died, promoted = fail_over(site, pair, BEHIND)
        known = {openid for (openid,) in pair.replica.ask("SELECT openid FROM phonebind_socialaccount")}
        lost = [used for used in people.used if used.person.openid not in known]
        seen = crowd.told(people, died) | {"bound": len(people.used) - len(lost), "lost": len(lost)}
        for used in lost:
            assert used.person.arrive_and_bind().status == 201
        early = [used.bound - died for used in lost]
        note(
            f"kill -9 of the primary, a replica promoted that was {BEHIND} s behind",
            **seen,
            promoted_after=f"{promoted - died:.1f} s",
            lost_were_acknowledged=f"{-min(early, default=0):.1f} to {-max(early, default=0):.1f} s before",
            bound_when_they_came_again=len(lost),
        )
        assert all(-BEHIND - 2 < seconds < 1 for seconds in early), early
