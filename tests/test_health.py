"""``/healthz`` and ``/readyz``, with real servers behind them that are down, hang or come back."""

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.checks import Error, register
from django.core.checks.registry import registry
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from phonebind import health, readiness
from phonebind.health import HealthMiddleware
from phonebind.readiness import Check, Readiness
from server.processes import Valkey
from tests.support.racers import together
from tests.support.services import database_server

#: A probe knows the address of the node and nothing else.
PROBE: dict[str, Any] = {"headers": {"host": "192.0.2.1:8000"}}
ALL = {"configuration": "ok", "migrations": "ok", "database": "ok", "store": "ok"}
SECRETS = ("192.0.2", "127.0.0.1", "Traceback", "Error", "phonebind", "django", "sock")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing was asked yet, and no result is remembered."""
    checks = {
        "configuration": Check("configuration", health._configuration, lasts=True),
        "migrations": Check("migrations", health._migrations, lasts=True),
        "database": Check("database", health._database),
        "store": Check("store", health._store),
    }
    monkeypatch.setattr(health, "readiness", Readiness(checks))
    monkeypatch.setattr(readiness, "DEADLINE", 20)  # for a machine that other processes keep busy
    yield
    health._ending[0] = 0


@pytest.fixture
def no_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are not remembered, so each probe asks again."""
    monkeypatch.setattr(readiness, "LIFE", 0)
    monkeypatch.setattr(readiness, "LASTING_LIFE", 0)


def ready() -> dict[str, str]:
    answer = Client().get("/readyz", **PROBE)
    found: dict[str, str] = answer.json()
    assert answer.status_code == (200 if found["status"] == "ready" else 503)
    assert [word for word in SECRETS if word in answer.content.decode()] == []
    return found


@pytest.fixture
def strict(settings: Settings) -> None:
    """As in production: one host name, and HTTPS."""
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["shop.example.com"]
    settings.SECURE_SSL_REDIRECT = True


# ---------------------------------------------------------------- the answer to a probe


def test_a_probe_by_address_is_answered(strict: None) -> None:
    assert Client().get("/login/", **PROBE).status_code == 400
    answer = Client().get("/healthz", **PROBE)
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})
    assert ready() == {"status": "ready", **ALL}


@pytest.mark.once
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_an_answer_is_kept_by_nobody_and_sets_nothing(client: Client, path: str) -> None:
    client.cookies["sessionid"] = "x" * 32
    answer = client.get(path)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/json"
    assert "Set-Cookie" not in answer.headers
    assert set(answer.headers) == {"Cache-Control", "Content-Type", "Content-Length", "X-Content-Type-Options"}
    head = client.head(path)
    assert (head.status_code, head.content, head.headers) == (200, b"", answer.headers)


@pytest.mark.once
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_only_reading_is_allowed(path: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(path, {"a": "b"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.once
@pytest.mark.parametrize("path", ["/healthz/", "/readyz/x", "/HEALTHZ", "/static/healthz"])
def test_other_paths_are_the_site_s(path: str) -> None:
    assert Client().get(path).status_code == 404


@pytest.mark.once
def test_below_a_path_probes_come_without_it(settings: Settings) -> None:
    settings.FORCE_SCRIPT_NAME = "/shop"
    assert Client().get("/healthz", **PROBE).json() == {"status": "alive"}
    assert ready()["status"] == "ready"


def test_alive_asks_nobody(django_assert_num_queries: DjangoAssertNumQueries, valkey: Valkey) -> None:
    valkey.stop()
    with django_assert_num_queries(0):
        assert Client().get("/healthz", **PROBE).status_code == 200
    assert health.readiness._checks["store"].passed is None


@pytest.mark.once
def test_alive_and_ready_under_asgi(strict: None) -> None:
    async def ask(path: str) -> Any:
        return await AsyncClient().get(path, **PROBE)

    assert asyncio.run(ask("/healthz")).json() == {"status": "alive"}
    assert asyncio.run(ask("/login/")).status_code == 400


def test_the_middleware_in_an_event_loop(rf: RequestFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check does not run in the thread of the event loop: a server that hangs would stop the whole process."""
    in_threads: list[str] = []

    def report() -> dict[str, bool]:
        in_threads.append(threading.current_thread().name)
        return {"it": True}

    monkeypatch.setattr(health.readiness, "report", report)

    async def site(request: object) -> HttpResponse:
        return HttpResponse("the site")

    async def probe() -> list[bytes]:
        middleware = HealthMiddleware(site)
        ready = asyncio.create_task(middleware(rf.get("/readyz")))
        others = [(await middleware(rf.get(path))).content for path in ("/healthz", "/login/")]
        return [*others, (await ready).content]

    alive, other, ready = asyncio.run(probe())
    assert (json.loads(alive), other) == ({"status": "alive"}, b"the site")
    assert json.loads(ready) == {"status": "ready", "it": "ok"}
    assert in_threads != [threading.current_thread().name]


# ---------------------------------------------------------------- what is down


def test_threat_20_the_store_is_away_and_comes_back(
    no_life: None, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    assert ready()["status"] == "ready"
    valkey.stop()
    for _ in range(3):
        assert ready() == {"status": "not ready", **ALL, "store": "failed"}
    told = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert told == [(logging.WARNING, "Not ready: store (redis.exceptions.ConnectionError)")]
    valkey.start()
    assert ready() == {"status": "ready", **ALL}


# PyMySQL leaves a socket open when no server listens.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_threat_20_the_database_is_away_and_comes_back(no_life: None) -> None:
    database = database_server()
    if database is None:
        pytest.skip("SQLite is no server")
    assert ready()["status"] == "ready"
    connections.close_all()
    database.kill()
    try:
        assert ready() == {"status": "not ready", **ALL, "database": "failed"}
    finally:
        database.start()
    assert ready() == {"status": "ready", **ALL}


@pytest.mark.once
def test_a_database_that_is_none(no_life: None, settings: Settings, tmp_path: Any) -> None:
    before, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], str(tmp_path / "no" / "such")
    try:
        assert ready() == {"status": "not ready", **ALL, "migrations": "failed", "database": "failed"}
    finally:
        connection.settings_dict["NAME"] = before


def test_a_migration_that_is_missing(no_life: None) -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("users", "0002_no_like_indexes")
    try:
        assert ready() == {"status": "not ready", **ALL, "migrations": "failed"}
    finally:
        recorder.record_applied("users", "0002_no_like_indexes")
    assert ready()["status"] == "ready"
    recorder.record_unapplied("users", "0002_no_like_indexes")
    try:
        assert ready()["status"] == "ready", "it is not asked again"
    finally:
        recorder.record_applied("users", "0002_no_like_indexes")


@pytest.mark.once
@pytest.mark.parametrize(("silenced", "found"), [([], "failed"), (["shop.E001"], "ok")])
def test_a_configuration_that_django_refuses(settings: Settings, silenced: list[str], found: str) -> None:
    def refuse(**kwargs: Any) -> list[Error]:
        return [Error("No.", id="shop.E001")]

    settings.SILENCED_SYSTEM_CHECKS = silenced
    before = set(registry.registered_checks)
    register(refuse)
    try:
        assert ready()["configuration"] == found
    finally:
        registry.registered_checks = before


@pytest.mark.once
def test_what_was_seen_to_before_is_not_asked(settings: Settings) -> None:
    health.readiness._checks["configuration"]._ask = lambda: 1 / 0
    health.readiness.settle("configuration")
    assert ready()["configuration"] == "ok"


@pytest.mark.once
def test_a_node_that_ends_is_alive_and_not_ready() -> None:
    assert not health.draining()
    assert ready()["status"] == "ready"
    health.drain()
    assert health.draining()
    assert ready() == {"status": "ending", **ALL}, "at once, whatever was known a moment ago"
    assert Client().get("/healthz").status_code == 200


# ---------------------------------------------------------------- many probes at once, and servers that hang


class Neighbour:
    """A dependency that answers when the test lets it."""

    def __init__(self) -> None:
        self.asked = self.at_once = self.most = 0
        self.may_answer = threading.Event()
        self._lock = threading.Lock()

    def ask(self) -> None:
        with self._lock:
            self.asked += 1
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        self.may_answer.wait(30)
        with self._lock:
            self.at_once -= 1


@pytest.fixture
def neighbour() -> Iterator[Neighbour]:
    one = Neighbour()
    yield one
    one.may_answer.set()


@pytest.mark.once
def test_many_probes_ask_once(neighbour: Neighbour) -> None:
    neighbour.may_answer.set()
    ready = Readiness({"it": Check("it", neighbour.ask)})
    assert ready.report() == {"it": True}
    assert together(lambda _: ready.report(), [(number,) for number in range(40)]) == [{"it": True}] * 40
    assert neighbour.asked == 1


@pytest.mark.once
def test_what_hangs_holds_one_thread_and_no_probe(neighbour: Neighbour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "DEADLINE", 0.5)
    ready = Readiness({"it": Check("it", neighbour.ask), "other": Check("other", lambda: None)})
    first = threading.Thread(target=ready.report)
    first.start()
    while not neighbour.asked:
        time.sleep(0.01)
    began = time.monotonic()
    for _ in range(200):
        ready.report()
    assert time.monotonic() - began < 0.4, "the one that asks is waiting, and nobody else"
    first.join()
    began = time.monotonic()
    assert ready.report() == {"it": False, "other": True}
    assert time.monotonic() - began < 0.4, "nor does anybody wait twice for one answer"
    assert (neighbour.asked, neighbour.most) == (1, 1)


@pytest.mark.once
def test_what_hung_is_asked_again(neighbour: Neighbour, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(readiness, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    for name, seconds in {"DEADLINE": 0, "LIFE": 0.01, "LOST": 0.4}.items():
        monkeypatch.setattr(readiness, name, seconds)
    ready = Readiness({"it": Check("it", neighbour.ask)})
    for _ in range(50):
        assert ready.report() == {"it": False}
        clock[0] += 0.02
    while neighbour.at_once < sum(thread.name == "phonebind-readiness" for thread in threading.enumerate()):
        time.sleep(0.01)
    assert neighbour.asked in (2, 3), "its connection may never hear that the other end is gone"
    neighbour.may_answer.set()
    clock[0] += 0.45
    monkeypatch.setattr(readiness, "DEADLINE", 30)
    assert ready.report() == {"it": True}


@contextmanager
def silent_server() -> Iterator[int]:
    """A server that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="one database is enough")
def test_a_database_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver has a timeout too, so that no thread is left behind."""
    with silent_server() as port:
        own = connection.copy()
        own.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(port)}
        monkeypatch.setattr(readiness, "DEADLINE", 2)
        monkeypatch.setattr(health, "connections", {"default": own})
        began = time.monotonic()
        assert ready() == {"status": "not ready", **ALL, "migrations": "failed", "database": "failed"}
        assert time.monotonic() - began < readiness.DEADLINE + 1
        deadline = time.monotonic() + 5
        while any(thread.name == "phonebind-readiness" for thread in threading.enumerate()):
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the pool's")
def test_a_crowd_that_has_the_pool_is_no_failure() -> None:
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined] # connections that an earlier test has killed
    connection.ensure_connection()
    connection.close()
    pool = connection.pool  # type: ignore[attr-defined]
    held = [pool.getconn(timeout=10) for _ in range(pool.max_size)]
    health.readiness.settle("migrations")  # else the check asks for migrations too, in the same queue
    try:
        assert ready() == {"status": "ready", **ALL}
    finally:
        for one in held:
            pool.putconn(one)
