"""Fixtures for all tests. The services behind them are started by tests.support.services."""

from collections.abc import Callable, Iterator

import pytest
import redis
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django import Settings

from phonebind import alarms, conf, upstream
from phonebind_sandbox import gate
from server.processes import Valkey
from tests.support import browser as browsers
from tests.support.services import REQUIRE_ALL, TEST_DB, valkey_server
from tests.support.site import serve
from tests.support.visitor import Visitor
from tests.torture import report
from tests.torture.report import Note


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The whole suite runs on SQLite; on the other databases only what touches the database."""
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
    """Write down what was seen: a row of the report of ``make torture``."""

    def write(what: str, **seen: object) -> None:
        report.write(what, TEST_DB, seen)

    return write


@pytest.fixture
def start_with_debug(settings: Settings) -> Iterator[Callable[[bool], None]]:
    """As if Django had started with DEBUG on or off, which is remembered. It started with DEBUG on."""

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


@pytest.fixture(autouse=True)
def _hang_up() -> Iterator[None]:
    """Every test has servers of its own, and who runs all of them may have no more than 1,024 files open."""
    yield
    upstream._close_idle()


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    """The Valkey of the tests, to ``stop()`` and ``start()``; it runs again when the test is over."""
    server = valkey_server()
    yield server
    if server.ended():
        server.start()


# ---------------------------------------------------------------- the reference server


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of what ``make run`` serves, started once with a database of its own.

    It shares the tests' Valkey, so each test finds fresh limits, an empty inbox and no faults, and can stop Valkey.
    """
    redis_url = valkey_server().url.replace("db=0", "db=1")
    with serve(tmp_path_factory.mktemp("site") / "data", REDIS_URL=redis_url) as url:
        yield url


@pytest.fixture
def visitor(site: str) -> Visitor:
    """Somebody new at the site."""
    return Visitor(site)


@pytest.fixture(scope="session")
def new_mobile() -> Callable[[], str]:
    """A number that nobody has used at the site."""
    numbers = iter(range(13900000000, 13999999999))
    return lambda: str(next(numbers))


# ---------------------------------------------------------------- the browser


# A module's and not the session's: while Playwright runs, this thread has an event loop, and Django refuses queries.
@pytest.fixture(scope="module")
def browser_flags() -> list[str]:
    """What Chromium is started with besides the usual; for modules to override."""
    return []


@pytest.fixture(scope="module")
def browser(browser_flags: list[str]) -> Iterator[Browser]:
    """Chromium. Without one the test is skipped, or fails where PHONEBIND_REQUIRE_ALL=1."""
    if not browsers.CHROMIUM:
        (pytest.fail if REQUIRE_ALL else pytest.skip)("Chromium is not installed (Debian: chromium)")
    with browsers.chromium(*browser_flags) as chromium:
        yield chromium


@pytest.fixture
def context(browser: Browser, site: str) -> Iterator[BrowserContext]:
    """A phone of 390 px in Chinese, without cookies; relative addresses lead to the site."""
    options = {"width": 390, "height": 844}
    with browser.new_context(base_url=site, locale="zh-CN", viewport=options) as context:  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab of it. Afterwards no script may have thrown and the CSP may have refused nothing."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Security Policy" in message.text else None)
    yield page
    assert not faults
