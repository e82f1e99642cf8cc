"""``examples/vue_shop``: the front end is built as its README says, and people sign in through it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from server.processes import spawn, stop
from tests.journeys.conftest import PASSWORD, phone_at
from tests.journeys.examples import ENVIRONMENT, EXAMPLES, running
from tests.support import machine
from tests.support.ports import free_port
from tests.support.runserver import wait_for
from tests.support.services import REQUIRE_ALL
from tests.support.visitor import Visitor

pytestmark = pytest.mark.once

FRONT_END = EXAMPLES / "vue_shop/frontend"
LOCK = FRONT_END / "package-lock.json"
#: ``make`` writes this file when npm has installed everything in the lock file.
COMPLETE = FRONT_END / "node_modules/complete"
MOBILE = "13900000001"


@pytest.fixture(scope="module")
def npm() -> list[str]:
    """The npm command. The test is skipped with a message if Node.js or the packages are missing."""
    found = machine.commands("Node")
    if not found or not COMPLETE.exists() or COMPLETE.stat().st_mtime < LOCK.stat().st_mtime:
        why = f"NOT TESTED: Node (Debian: nodejs, npm), or its packages: make {COMPLETE.relative_to(EXAMPLES.parent)}"
        (pytest.fail if REQUIRE_ALL else pytest.skip)(why)
    return [found[1]]


def run(npm: list[str], *arguments: str, **environ: str) -> str:
    """Run ``npm`` in the front end's folder. It must succeed."""
    command = [*npm, *arguments]
    env = {**ENVIRONMENT, **environ}
    done = subprocess.run(command, cwd=FRONT_END, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(npm: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The front end, checked and built."""
    target = tmp_path_factory.mktemp("dist")
    run(npm, "run", "build", "--", "--outDir", str(target), "--emptyOutDir")
    return target


@contextmanager
def shop(dist: Path, data: Path, **environ: str) -> Iterator[tuple[str, str]]:
    """The addresses of the front end, which forwards /api/, and of the API behind it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running("vue_shop", data, FRONT_END=url, **environ) as api, (data / "vite").open("w") as log:
        # Started without npm: npm would leave the process running.
        vite = [machine.commands("Node")[0], "node_modules/vite/bin/vite.js", "preview"]
        command = [*vite, "--port", str(port), "--outDir", str(dist)]
        process = spawn(command, cwd=FRONT_END, env={**ENVIRONMENT, "BACKEND": api}, stdout=log, stderr=log)
        try:
            wait_for(url, process, data / "vite")
            yield url, api
        finally:
            stop(process)


@pytest.fixture(scope="module")
def site(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    with shop(dist, tmp_path_factory.mktemp("vue_shop")) as urls:
        yield urls


class Somebody:
    """A person with a phone, at the front end."""

    def __init__(self, page: Page, api: str) -> None:
        self.page = page
        self.visitor = Visitor(api)

    def arrive(self, person: str, at: str = "/orders") -> None:
        """Go from a page that needs an account through the page of QQ."""
        self.page.goto(at)
        self.page.get_by_role("button", name="QQ").click()
        self.page.locator(f"button[value={person}]").click()

    def ask_for_code(self, mobile: str, text: str = "") -> None:
        self.page.locator("[name=mobile]").fill(mobile)
        image = self.page.locator(".image img")
        if image.count():
            self.page.locator("[name=text]").fill(text or self.look())
        self.page.locator(".send").click()

    def look(self) -> str:
        image = self.page.locator(".image img")
        image.evaluate("img => img.decode()")
        [name] = re.findall(r"/image_codes/([^/]+)/", image.get_attribute("src") or "")
        return str(self.visitor.get(f"/sandbox/image_codes/{name}.json").data["text"])

    def bind(self, mobile: str, *, code: str = "") -> None:
        self.page.locator(".sent:not(:empty)").wait_for()
        code = code or str(self.visitor.get("/sandbox/inbox.json", mobile=mobile).data[0]["code"])
        self.page.locator("[name=sms_code]").fill(code)
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.locator("form .main").click()


@pytest.fixture
def somebody(browser: Browser, site: tuple[str, str], complaints: list[str]) -> Iterator[Somebody]:
    yield from at(browser, site, complaints)


def at(browser: Browser, site: tuple[str, str], complaints: list[str]) -> Iterator[Somebody]:
    with phone_at(site[0], browser, complaints) as context:
        yield Somebody(context.new_page(), site[1])


def orders(page: Page, mobile: str = MOBILE) -> None:
    """The page that needs an account, and what the API answered to the token."""
    page.wait_for_url("**/orders")
    page.get_by_text(f"{mobile} 的订单").wait_for()


def test_the_first_time_a_mobile_is_bound_and_then_one_tap_is_enough(somebody: Somebody) -> None:
    page = somebody.page
    somebody.arrive("xiaolan")
    page.wait_for_url("**/bind")
    page.reload()  # a reload loses nothing
    somebody.ask_for_code(MOBILE)
    page.locator(".send", has_text=re.compile(r"\d+ 秒后重新获取")).wait_for()
    assert page.locator(".send").is_disabled()
    somebody.bind(MOBILE)
    orders(page)

    page.get_by_role("button", name="退出登录").click()
    somebody.arrive("xiaolan")
    orders(page)


def test_what_is_wrong_stands_beside_its_field(somebody: Somebody) -> None:
    page, mobile = somebody.page, "13900000002"
    somebody.arrive("liming")
    page.wait_for_url("**/bind")
    somebody.ask_for_code(mobile, "0000")
    page.locator("#text-error:not(:empty)").wait_for()
    somebody.ask_for_code(mobile)
    somebody.bind(mobile, code="000000")
    page.locator("#sms_code-error", has_text="短信验证码错误").wait_for()
    somebody.bind(mobile)
    orders(page, mobile)


def test_an_old_token_is_renewed_once_for_all_requests(somebody: Somebody) -> None:
    page = somebody.page
    page.goto("/login")
    page.locator("[name=username]").fill(MOBILE)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form .button").click()
    page.wait_for_url(lambda url: url.endswith("/"))
    renewals: list[int] = []
    page.on("response", lambda answer: renewals.append(answer.status) if answer.url.endswith("/refresh/") else None)
    spoil = "() => localStorage.tokens = JSON.stringify({...JSON.parse(localStorage.tokens), token: 'old'})"
    page.evaluate(spoil)
    page.goto("/orders")
    orders(page)
    assert renewals == [200]

    page.evaluate("() => localStorage.tokens = JSON.stringify({token: 'old', refresh: 'ended'})")
    page.goto("/orders")
    page.wait_for_url("**/login?next=/orders")
    assert page.evaluate("() => localStorage.tokens") is None


def test_a_callback_that_did_not_begin_here_says_so_and_offers_to_begin(somebody: Somebody) -> None:
    page = somebody.page
    page.goto("/callback/qq?code=stolen&state=0123456789abcdef0123456789abcdef")
    page.locator("[role=alert]").wait_for()
    page.get_by_role("link", name="重新登录").click()
    page.wait_for_url("**/login")


def test_threat_21_no_script_of_others_runs_where_the_tokens_are(browser: Browser, site: tuple[str, str]) -> None:
    with browser.new_context(base_url=site[0]) as context:
        page = context.new_page()
        page.goto("/login")
        page.evaluate("""() => {
            const script = document.createElement("script");
            script.textContent = "window.stolen = 1";
            document.head.append(script);
        }""")
        assert page.evaluate("window.stolen") is None


def test_next_does_not_lead_to_another_site(somebody: Somebody) -> None:
    page = somebody.page
    page.goto("/login?next=//evil.example/")
    page.get_by_role("button", name="QQ").click()
    page.locator("[role=alert]").wait_for()
    page.locator("[name=username]").fill(MOBILE)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form .button").click()
    page.get_by_role("button", name="退出登录").wait_for()
    assert page.evaluate("location.pathname") == "/"


def test_without_an_image_the_browser_computes(
    browser: Browser, dist: Path, tmp_path: Path, complaints: list[str]
) -> None:
    """The site asks for a proof of work, and one person cannot see the image."""
    with shop(dist, tmp_path, HUMAN_CHECK="adaptive") as site:
        for person in at(browser, site, complaints):
            person.arrive("xiaolan")
            person.page.get_by_role("button", name="无法看清图片").click()
            person.page.locator("[name=mobile]").fill(MOBILE)
            person.page.locator(".send").click()
            person.bind(MOBILE)
            orders(person.page)


def test_it_speaks_english_too(browser: Browser, site: tuple[str, str]) -> None:
    with browser.new_context(base_url=site[0], locale="en-GB") as context:
        page = context.new_page()
        page.goto("/login")
        page.get_by_role("heading", name="Sign in", exact=True).wait_for()
        assert page.locator("html").get_attribute("lang") == "en"


def test_the_client_is_made_of_the_schema_and_the_schema_of_the_code(npm: list[str], tmp_path: Path) -> None:
    """``npm run client``, with the project's Python, writes both files again."""
    schema = tmp_path / "schema.json"
    run(npm, "run", "schema", "--", "--file", str(schema), PATH=f"{Path(sys.executable).parent}:{ENVIRONMENT['PATH']}")
    assert (FRONT_END / "schema.json").read_text() == schema.read_text(), "run: npm run client"
    run(npm, "run", "types", "--", "--check")


def test_the_lock_file_names_no_registry() -> None:
    """The person who installs it uses the registry that they have configured."""
    text = LOCK.read_text()
    assert '"resolved"' not in text
    assert text.count('"integrity"') > 50
    assert not re.search(r"registry|mirror", text)
