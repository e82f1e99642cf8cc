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

#: `make torture PARTS=nodes` names them; no other run collects them.
PARTS = ("nodes", "cluster", "sentinel", "replica", "pgbouncer", "mariadb_replica")
collect_ignore = [f"test_{part}.py" for part in PARTS]

#: The tests themselves ask Valkey too, while it is killed.
PATIENT = Retry(ConstantBackoff(0.1), 100)


@pytest.fixture(scope="module")
def neighbours() -> Iterator[Outside]:
    with outside() as world:
        yield world


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, django_db_setup: None, neighbours: Outside) -> Iterator[Shop]:
    """One for all tests of a module, whose ``SETTINGS`` override PHONEBIND, and ``ENVIRON`` what the server reads;
    ``LOGGED`` is what it may log as an error.
    """
    module = request.module
    environ = {"TORTURE_DB": str(connection.settings_dict["NAME"]), **getattr(module, "ENVIRON", {})}
    with (
        serving(neighbours, module.SETTINGS, logged=getattr(module, "LOGGED", ()), **environ) as (port, pid),
        redis.Redis.from_url(os.environ["REDIS_URL"], max_connections=2000, retry=PATIENT) as valkey,
    ):
        shop = Shop(port, neighbours, valkey, pid)
        # The listener is ours, so the first question waits for the first worker.
        assert Person(shop, "", "13900000000").request("GET", "/login/").status == 200
        yield shop


@pytest.fixture
def shop(server: Shop, transactional_db: None, settings: Settings) -> Shop:
    """The server, without any account, and nobody there yet. Accounts that tests make have passwords of its hasher."""
    settings.PASSWORD_HASHERS = ["server.hashers.Argon2id"]
    User.objects.all().delete()
    server.outside.hanging.clear()
    server.outcomes.clear()
    return server
