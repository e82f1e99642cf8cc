"""The server under torture, as in production: gunicorn with several worker processes, at the databases of the tests."""

import json
import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterator

import pytest
import redis
from django.db import connection
from pytest_django import Settings
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from server.processes import spawn, stop
from server.users.models import User
from tests.support.site import ROOT
from tests.torture.outside import Outside, outside
from tests.torture.people import Person, Shop

#: `make torture PARTS=nodes` names them; no other run collects them.
PARTS = ("nodes", "cluster", "sentinel", "replica")
collect_ignore = [f"test_{part}.py" for part in PARTS]

WORKERS = 4
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
    environ = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.torture.settings",
        "DEBUG": "1",
        "TORTURE_DB": str(connection.settings_dict["NAME"]),
        "TORTURE_OUTSIDE": neighbours.url,
        "TORTURE_SETTINGS": json.dumps(request.module.SETTINGS),
        "WORKERS": str(WORKERS),
        "THREADS": "16",
        "LOG_LEVEL": "ERROR",
        **getattr(request.module, "ENVIRON", {}),
    }
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener, tempfile.TemporaryFile("w+") as log:
        listener.set_inheritable(True)
        port = listener.getsockname()[1]
        environ["BIND"] = f"fd://{listener.fileno()}"
        command = [sys.executable, "-m", "gunicorn", "-c", "python:server.gunicorn_conf"]
        process = spawn(command, cwd=ROOT, env=environ, pass_fds=[listener.fileno()], stdout=log, stderr=log)
        with redis.Redis.from_url(os.environ["REDIS_URL"], max_connections=2000, retry=PATIENT) as valkey:
            shop = Shop(port, neighbours, valkey, process.pid)
            try:
                # The listener is ours, so the first question waits for the first worker.
                assert Person(shop, "", "13900000000").request("GET", "/login/").status == 200
                yield shop
            finally:
                neighbours.hanging.clear()
                stop(process, timeout=30)
        log.seek(0)
        # What the module means to bring about may be told with one: each stands below what was being done.
        headings = re.findall(r"^(.+)\nTraceback", log.read(), re.MULTILINE)
        meant: tuple[str, ...] = getattr(request.module, "LOGGED", ())
        assert [line for line in headings if not any(words in line for words in meant)] == []


@pytest.fixture
def shop(server: Shop, transactional_db: None, settings: Settings) -> Shop:
    """The server, without any account, and nobody there yet. Accounts that tests make have passwords of its hasher."""
    settings.PASSWORD_HASHERS = ["server.hashers.Argon2id"]
    User.objects.all().delete()
    server.outside.hanging.clear()
    server.outcomes.clear()
    return server
