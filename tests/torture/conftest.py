"""The server under torture, at the databases of the tests."""

import os
from collections.abc import Iterator

import pytest
import redis
from django.db import connection
from pytest_django import Settings
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from server.users.models import User
from tests.torture.outside import Outside, outside
from tests.torture.people import Person, Shop
from tests.torture.serving import serving

#: Tests that run only in `make torture PARTS=nodes` and the like. No other run collects them.
PARTS = ("nodes", "cluster", "sentinel", "replica", "pgbouncer", "mariadb_replica")
collect_ignore = [f"test_{part}.py" for part in PARTS]

#: The tests themselves ask Valkey too, while it is down.
PATIENT = Retry(ConstantBackoff(0.1), 100)


@pytest.fixture(scope="module")
def neighbours() -> Iterator[Outside]:
    with outside() as world:
        yield world


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, django_db_setup: None, neighbours: Outside) -> Iterator[Shop]:
    """One server for all tests of a module. The module's ``SETTINGS`` override PHONEBIND, ``ENVIRON`` the environment
    of the server, and ``LOGGED`` lists what it may log as an error.
    """
    module = request.module
    environ = {"TORTURE_DB": str(connection.settings_dict["NAME"]), **getattr(module, "ENVIRON", {})}
    with (
        serving(neighbours, module.SETTINGS, logged=getattr(module, "LOGGED", ()), **environ) as (port, pid),
        redis.Redis.from_url(os.environ["REDIS_URL"], max_connections=2000, retry=PATIENT) as valkey,
    ):
        shop = Shop(port, neighbours, valkey, pid)
        # The listening socket is ours, so the first request waits until a worker is ready.
        assert Person(shop, "", "13900000000").request("GET", "/login/").status == 200
        yield shop


@pytest.fixture
def shop(server: Shop, transactional_db: None, settings: Settings) -> Shop:
    """The server, without any account and without earlier requests. Passwords of accounts that tests create use its
    hasher.
    """
    settings.PASSWORD_HASHERS = ["server.hashers.Argon2id"]
    User.objects.all().delete()
    server.outside.hanging.clear()
    server.outcomes.clear()
    return server
