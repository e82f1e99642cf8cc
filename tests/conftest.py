"""Fixtures for all tests. tests.support.services starts the services that they use."""

from collections.abc import Callable, Iterator, Sequence

import pytest
import redis
from pytest_django import Settings
from redis.crc import key_slot

from phonebind import alarms, conf, store, upstream
from phonebind_sandbox import gate
from server.processes import Valkey
from tests.support.services import TEST_DB, valkey_server
from tests.support.site import serve
from tests.support.visitor import Visitor
from tests.torture import report
from tests.torture.report import Note


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The whole suite runs on SQLite. On the other databases only the tests that use the database run."""
    if TEST_DB != "sqlite":
        others = [item for item in items if not _touches_database(item)]
        items[:] = [item for item in items if _touches_database(item)]
        config.hook.pytest_deselected(items=others)


def _touches_database(item: pytest.Item) -> bool:
    names: list[str] = getattr(item, "fixturenames", [])
    if item.get_closest_marker("once"):
        return False
    return bool(item.get_closest_marker("django_db")) or bool({"db", "transactional_db", "live_server"} & set(names))


@pytest.fixture
def note() -> Note:
    """Write down what a test measured: a row of the report of ``make torture``."""
    return report.noting(TEST_DB)


@pytest.fixture
def start_with_debug(settings: Settings) -> Iterator[Callable[[bool], None]]:
    """Make it look as if Django had started with DEBUG on or off; the code remembers that. In fact it started with
    DEBUG on.
    """

    def start(debug: bool) -> None:
        settings.DEBUG = debug
        for remembered in (conf.development, gate.is_open):
            remembered.cache_clear()
            remembered()

    yield start
    start(True)


# ---------------------------------------------------------------- storage


@pytest.fixture(scope="session")
def _store() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_server().url) as client:
        yield client


@pytest.fixture(autouse=True)
def _empty_store(_store: redis.Redis) -> None:
    _store.flushall()
    alarms._asked.clear()


@pytest.fixture(autouse=True, scope="session")
def _one_slot() -> Iterator[None]:
    """A script whose keys have two hash tags fails in every test: a cluster would refuse it, and a single server does
    not.
    """
    run = store.Script.__call__

    def checked(self: store.Script, keys: str | Sequence[str], *args: str | int) -> object:
        slots = {key_slot(key.encode()) for key in ([keys] if isinstance(keys, str) else keys)}
        assert len(slots) <= 1, f"a cluster refuses them (CROSSSLOT): {keys}"
        return run(self, keys, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store.Script, "__call__", checked)
        yield


@pytest.fixture(autouse=True)
def _hang_up() -> Iterator[None]:
    """Close the connections: every test has its own servers, and a run of all tests may have only 1,024 files open."""
    yield
    upstream._close_idle()


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    """The Valkey of the tests, with ``stop()`` and ``start()``. It runs again when the test is over."""
    server = valkey_server()
    yield server
    if server.ended():
        server.start()


# ---------------------------------------------------------------- the reference server


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of the site that ``make run`` serves, started once with its own database.

    It shares the tests' Valkey. So each test finds fresh limits, an empty inbox and no faults, and can stop Valkey.
    """
    redis_url = valkey_server().url.replace("db=0", "db=1")
    with serve(tmp_path_factory.mktemp("site") / "data", REDIS_URL=redis_url) as url:
        yield url


@pytest.fixture
def visitor(site: str) -> Visitor:
    """A new visitor at the site."""
    return Visitor(site)


@pytest.fixture(scope="session")
def new_mobile() -> Callable[[], str]:
    """A number that no account of the site uses."""
    numbers = iter(range(13900000000, 13999999999))
    return lambda: str(next(numbers))
