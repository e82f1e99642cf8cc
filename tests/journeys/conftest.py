"""People with a real browser at the running site. The browser's console is checked for complaints."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
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
#: The settings of a shop that has terms, a privacy policy and a page for a new password.
LINKS = {"TERMS_URL": "/login/", "PRIVACY_URL": "/login/?privacy", "PASSWORD_RESET_URL": "/login/?reset"}
LINKS |= {"HELP_URL": "/login/?help", "RETURN_URL": "/login/?shop"}
QQ = "a.button[href^='/login/qq/']"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where our sites keep their databases."""
    return tmp_path_factory.mktemp("journeys")


@pytest.fixture(scope="session")
def site(data: Path) -> Iterator[str]:
    """A site whose database we know. The sandbox has only six people, and here they arrive for the first time."""
    with _serve(data / "site", db=1) as url:
        yield url


@pytest.fixture(scope="session")
def site_with_terms(data: Path, site: str) -> Iterator[str]:
    """A shop that asks for consent. ``next`` may lead to the other site, by that site's other name."""
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
    """The lines that any tab wrote to the console. A test that expects lines takes them out."""
    found: list[str] = []
    yield found
    assert not found


# The scope is the module, not the session: while Playwright runs, this thread has an event loop, and Django refuses
# queries.
@pytest.fixture(scope="module")
def browser_flags() -> list[str]:
    """The flags that Chromium is started with, besides the usual ones. A module may override them."""
    return []


@pytest.fixture(scope="module")
def browser(browser_flags: list[str]) -> Iterator[Browser]:
    """Chromium. If it is missing, the test is skipped, or fails where PHONEBIND_REQUIRE_ALL=1."""
    if not browsers.CHROMIUM:
        (pytest.fail if REQUIRE_ALL else pytest.skip)("Chromium is not installed (Debian: chromium)")
    with browsers.chromium(*browser_flags) as chromium:
        yield chromium


@contextmanager
def phone_at(url: str, browser: Browser, complaints: list[str]) -> Iterator[BrowserContext]:
    """A phone, 390 px wide, in Chinese, without cookies. Relative addresses lead to ``url``."""
    with browser.new_context(base_url=url, locale="zh-CN", viewport=PHONE) as context:  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        listen(context, complaints)
        yield context


@pytest.fixture
def context(browser: Browser, site: str, complaints: list[str]) -> Iterator[BrowserContext]:
    """A phone at the site."""
    with phone_at(site, browser, complaints) as context:
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab of the context. At the end, the test fails if a script threw an error or the CSP refused something."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Security Policy" in message.text else None)
    yield page
    assert not faults


#: The avatar of the sandbox's people. The host of their avatars does not exist, and Chromium would complain.
PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="132" height="132"><rect width="132" height="132"/></svg>"""


#: The site answers a wrong code with status 400, and Chromium writes a line for each. It also writes a line when a
#: person has put the focus into a field before the page's autofocus.
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
    """The store of the running site. Tests use it to let time pass."""
    with redis.Redis.from_url(valkey_server().url.replace("db=0", "db=1")) as client:
        yield client


@dataclass
class Person:
    """A person who does what the page asks for, and holds a phone that receives SMS."""

    page: Page
    visitor: Visitor
    #: Whether the person's browser runs scripts.
    script: bool = True

    def arrive(self, name: str, next: str = "") -> None:  # noqa: A002 - as the page calls it
        """Go from the sign-in page through the page of QQ. QQ may be one of several ways to sign in."""
        self.page.goto("/login/" + (f"?next={next}" if next else ""))
        self.page.locator(QQ).click()
        self.page.locator(f"button[value={name}]").click()

    def wait_for_script(self) -> None:
        """Wait until the form's script runs. Before that, a press of a button is a plain POST."""
        self.page.locator("form[novalidate]").wait_for()

    def ask_for_code(self, mobile: str, text: str = "") -> None:
        if self.script:
            self.wait_for_script()
        self.page.locator("[name=mobile]").fill(mobile)
        self.page.locator("[name=text]").fill(text or self.look())
        self.page.locator("[data-send]").click()

    def look(self) -> str:
        """Read the image code that is on the screen."""
        self.page.locator("[data-image] img").evaluate("img => img.decode()")
        image_code_id = self.page.locator("[name=image_code_id]").input_value()
        return str(self.visitor.get(f"/sandbox/image_codes/{image_code_id}.json").data["text"])

    def read_sms(self, mobile: str) -> str:
        return str(self.visitor.get("/sandbox/inbox.json", mobile=mobile).data[0]["code"])

    def get_code(self, mobile: str) -> None:
        """Request the SMS code, wait for it, type it."""
        self.ask_for_code(mobile)
        self.page.locator("[data-status]:not(:empty)").wait_for()
        self.page.locator("[name=sms_code]").fill(self.read_sms(mobile))

    def go_on(self) -> None:
        """Press the main button."""
        self.page.locator("form .button.main").click()

    def prove(self) -> None:
        """Prove the mobile number with a code, up to the page that asks for what the account still needs."""
        self.go_on()
        self.page.locator("[name=password]").wait_for()

    def submit(self, password: str = PASSWORD) -> None:
        """Submit the form. The code is typed already. Type the password, and do the steps before it."""
        if not self.page.locator("[name=password]").count():
            self.prove()
        self.page.locator("[name=password]").fill(password)
        self.go_on()

    def error(self, field: str) -> str:
        """The error beside the field. Waits until there is one."""
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
    """A person with the phone of the ``page`` fixture."""
    return Person(page, visitor)
