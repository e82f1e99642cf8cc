"""PostgreSQL behind a PgBouncer that pools transactions and keeps no prepared statements.

``make torture PARTS=pgbouncer``; no other run collects it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import redis

from tests.support import pgbouncer, postgres
from tests.support.pgbouncer import PgBouncer
from tests.support.postgres import Pair
from tests.support.site import ROOT
from tests.torture import crowd
from tests.torture.crowd import LIMITS, Site
from tests.torture.outside import Outside
from tests.torture.people import PASSWORD, Person
from tests.torture.report import Note, noting
from tests.torture.serving import serving
from tests.torture.test_replica import FOUND, NOTICED

JOURNEYS = 300
AT_ONCE = 16


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    pgbouncer.program()
    with postgres.pair(synchronous=True) as made:
        yield made


@pytest.fixture(scope="module")
def pool(pair: Pair) -> Iterator[PgBouncer]:
    with pgbouncer.in_front_of(pair.primary) as made:
        yield made


@pytest.fixture(scope="module")
def note() -> Note:
    told = subprocess.run([pgbouncer.program(), "--version"], capture_output=True, text=True, check=True)
    return noting(f"postgres, {told.stdout.splitlines()[0]}")


@pytest.fixture(scope="module")
def site(pair: Pair, pool: PgBouncer, neighbours: Outside) -> Iterator[Site]:
    """The tables are created without the pool, because the pool cannot hold the lock of a migration."""
    environ = {"TORTURE_DB": "postgres", "DATABASE_PREPARE": "0", "MIGRATE": "0"}
    own = {"DJANGO_SETTINGS_MODULE": "server.settings", "DEBUG": "1", "DATABASE_URL": pair.primary.url}
    migrate = [sys.executable, "-m", "server.manage", "migrate", "-v0"]
    subprocess.run(migrate, cwd=ROOT, env=os.environ | own, check=True)
    with (
        serving(neighbours, {"LIMITS": LIMITS}, DATABASE_URL=pool.url, **environ) as (port, pid),
        redis.Redis.from_url(os.environ["REDIS_URL"], max_connections=2000) as valkey,
    ):
        yield Site(port, neighbours, valkey, pid)


def journey(site: Site, number: int) -> None:
    """A bind, a second sign-in, a refresh, and a sign-in by password."""
    person = Person(site, f"F{number:031X}", f"136{number:08}")
    assert person.arrive_and_bind().status == 201
    again = person.arrive_and_bind()
    fresh = person.persist(
        partial(person.request, "POST", "/authorizations/refresh/", {"refresh": again.data["refresh"]})
    )
    assert fresh.status == 200, fresh
    form = {"username": person.mobile, "password": PASSWORD}
    assert person.persist(partial(person.request, "POST", "/authorizations/", form)).status == 200


def test_journeys(pair: Pair, site: Site, note: Note) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(partial(journey, site), range(JOURNEYS)))
    bad = sum(number for name, number in site.outcomes.items() if name.startswith("500"))
    note(
        f"transaction pooling, DATABASE_PREPARE=0: whole journeys, {AT_ONCE} at once",
        journeys=JOURNEYS,
        requests=site.outcomes.total(),
        answered_500=bad,
    )
    assert bad == 0
    pair.primary.ask("DELETE FROM phonebind_socialaccount")
    pair.primary.ask("DELETE FROM users_user WHERE mobile LIKE '136%'")


def test_threat_20_the_primary_behind_it_is_killed(pair: Pair, pool: PgBouncer, site: Site, note: Note) -> None:
    processes = site.processes()
    with crowd.crowd(site) as people:
        time.sleep(4)
        died = time.monotonic()
        pair.primary.kill()
        time.sleep(NOTICED)
        pair.replica.promote()
        pool.follow(pair.replica)
        promoted = time.monotonic()
        time.sleep(6)
    assert site.processes() == processes
    found = [(str(openid), str(name)) for openid, name in pair.replica.ask(FOUND)]
    [(users,)] = pair.replica.ask("SELECT count(*) FROM users_user WHERE mobile LIKE '139%'")
    crowd.nothing_is_lost(people, found, users)
    note(
        "kill -9 of the PostgreSQL behind it, a synchronous replica promoted",
        **crowd.told(people, died),
        promoted_after=f"{promoted - died:.1f} s",
    )
