"""People with a real browser at the running site, and a watch on what the browser has to complain about."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route

from tests.support import browser as browsers
from tests.support.services import REQUIRE_ALL, valkey_server
from tests.support.site import serve
from tests.support.visitor import Visitor

PASSWORD = "horse-staple-9"
#: Of a shop that has them.
LINKS = {"TERMS_URL": "/login/", "PRIVACY_URL": "/login/?privacy", "PASSWORD_RESET_URL": "/login/?reset"}
LINKS |= {"HELP_URL": "/login/?help", "RETURN_URL": "/login/?shop"}
QQ = "a.button[href^='/login/qq/']"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where our sites have their databases."""
    return tmp_path_factory.mktemp("journeys")


@pytest.fixture(scope="session")
def site(data: Path) -> Iterator[str]:
    """A site of our own, whose database we know, since the sandbox has but six people to arrive for the first time."""
    with _serve(data / "site", db=1) as url:
        yield url


@pytest.fixture(scope="session")
def site_with_terms(data: Path, site: str) -> Iterator[str]:
    """A shop that asks for consent; ``next`` may lead to the other site, by its other name."""
    host = site.replace("http://127.0.0.1", "localhost")
    with _serve(data / "terms", db=2, ALLOWED_NEXT_HOSTS=host, **LINKS) as url:
        yield url


@pytest.fixture(autouse=True)
def _nobody_is_bound(data: Path) -> None:
    for database in data.glob("*/db.sqlite3"):
        with closing(sqlite3.connect(database, timeout=20)) as connection, connection:
            connection.execute("DELETE FROM phonebind_socialaccount")


def _serve(data: Path, *, db: int, **environ: str) -> AbstractContextManager[str]:
    return serve(data, REDIS_URL=valkey_server().url.replace("db=0", f"db={db}"), **environ)


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What was written to the console in any tab. A test that expects some takes them out."""
    found: list[str] = []
    yield found
    assert not found


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
def context(browser: Browser, site: str, complaints: list[str]) -> Iterator[BrowserContext]:
    """A phone of 390 px in Chinese, without cookies; relative addresses lead to the site."""
    with browser.new_context(base_url=site, locale="zh-CN", viewport=PHONE) as context:  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        listen(context, complaints)
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


#: What the sandbox's people have for an avatar: its host does not exist, and Chromium would complain.
PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="132" height="132"><rect width="132" height="132"/></svg>"""


#: A status of 400 is how the site says "wrong code", and Chromium writes each of them down; and that somebody was in a
#: field before the page had put them there.
EXPECTED = (
    "Failed to load resource: the server responded with a status of",
    "Autofocus processing was blocked because a document already has a focused element.",
)


def listen(context: BrowserContext, complaints: list[str]) -> None:
    context.route("https://avatar.sandbox.invalid/**", show_avatar)

    def note(message: ConsoleMessage) -> None:
        if not message.text.startswith(EXPECTED):
            complaints.append(message.text)

    context.on("console", note)
    context.on("weberror", lambda error: complaints.append(str(error.error)))


def show_avatar(route: Route) -> None:
    route.fulfill(body=PICTURE, content_type="image/svg+xml")


@pytest.fixture
def without_script(browser: Browser, site: str, complaints: list[str]) -> Iterator[BrowserContext]:
    """The same phone with JavaScript off."""
    with browser.new_context(base_url=site, locale="zh-CN", viewport=PHONE, java_script_enabled=False) as context:  # type: ignore[arg-type]
        listen(context, complaints)
        yield context


@pytest.fixture
def store() -> Iterator[redis.Redis]:
    """The store of the running site, to let time pass in."""
    with redis.Redis.from_url(valkey_server().url.replace("db=0", "db=1")) as client:
        yield client


@dataclass
class Person:
    """Somebody who does what the page asks for, with a mobile in the other hand."""

    page: Page
    visitor: Visitor
    #: Whether their browser runs any.
    script: bool = True

    def arrive(self, name: str, next: str = "") -> None:  # noqa: A002 - as the page calls it
        """From the sign-in page through the page of QQ, which may be one way of several."""
        self.page.goto("/login/" + (f"?next={next}" if next else ""))
        self.page.locator(QQ).click()
        self.page.locator(f"button[value={name}]").click()

    def wait_for_script(self) -> None:
        """Until the form's script runs: before, to press a button is a plain POST."""
        self.page.locator("form[novalidate]").wait_for()

    def ask_for_code(self, mobile: str, text: str = "") -> None:
        if self.script:
            self.wait_for_script()
        self.page.locator("[name=mobile]").fill(mobile)
        self.page.locator("[name=text]").fill(text or self.look())
        self.page.locator("[data-send]").click()

    def look(self) -> str:
        """Read the image that is on the screen."""
        self.page.locator("[data-image] img").evaluate("img => img.decode()")
        image_code_id = self.page.locator("[name=image_code_id]").input_value()
        return str(self.visitor.get(f"/sandbox/image_codes/{image_code_id}.json").data["text"])

    def read_sms(self, mobile: str) -> str:
        return str(self.visitor.get("/sandbox/inbox.json", mobile=mobile).data[0]["code"])

    def get_code(self, mobile: str) -> None:
        """Ask for the code, wait for it, type it."""
        self.ask_for_code(mobile)
        self.page.locator("[data-status]:not(:empty)").wait_for()
        self.page.locator("[name=sms_code]").fill(self.read_sms(mobile))

    def go_on(self) -> None:
        """Press the main button."""
        self.page.locator("form .button.main").click()

    def prove(self) -> None:
        """From the mobile and its code to what the account needs besides."""
        self.go_on()
        self.page.locator("[name=password]").wait_for()

    def submit(self, password: str = PASSWORD) -> None:
        """The code is typed; the password, with what comes before it."""
        if not self.page.locator("[name=password]").count():
            self.prove()
        self.page.locator("[name=password]").fill(password)
        self.go_on()

    def error(self, field: str) -> str:
        """What stands beside the field, once something does."""
        beside = self.page.locator(f"#id_{field}_error:not(:empty)")
        beside.wait_for()
        return beside.inner_text()

    @property
    def heading(self) -> str:
        return self.page.locator("h1").inner_text()


@pytest.fixture
def somebody(visitor: Visitor) -> Callable[[Page], Person]:
    return lambda page: Person(page, visitor)


@pytest.fixture
def person(page: Page, visitor: Visitor) -> Person:
    """Somebody with the phone of the ``page`` fixture."""
    return Person(page, visitor)
