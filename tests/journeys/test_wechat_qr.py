"""WeChat's QR code in our own page, in a real browser."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from server import demo
from tests.journeys.conftest import Person, listen
from tests.support.ports import free_port
from tests.support.services import valkey_server
from tests.support.site import serve
from tests.support.visitor import Visitor

DESKTOP = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)


@pytest.fixture(scope="module")
def qr_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    entry = demo.providers(f"{origin}/sandbox", f"{origin}/login/{{}}/callback/")["wechat_web"]
    providers = json.dumps({"wechat_web": {**entry, "embedded": True}})
    store = valkey_server().url.replace("db=0", "db=3")
    data: Path = tmp_path_factory.mktemp("qr")
    with serve(data, PORT=str(port), PROVIDERS=providers, REDIS_URL=store) as url:
        yield url


@pytest.fixture
def desktop(browser: Browser, qr_site: str, complaints: list[str]) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=qr_site, locale="zh-CN", user_agent=DESKTOP) as context:
        context.set_default_timeout(10_000)
        listen(context, complaints)
        yield context


def test_a_desktop_signs_in_without_leaving_our_page(
    desktop: BrowserContext, qr_site: str, new_mobile: Callable[[], str]
) -> None:
    page = desktop.new_page()
    mobile = new_mobile()
    arrive(page)
    person = Person(page, Visitor(qr_site))
    person.get_code(mobile)
    person.submit()
    page.wait_for_url("**/login/done/")
    desktop.clear_cookies()
    arrive(page)
    page.wait_for_url("**/login/done/")
    expect(page.locator("main")).to_contain_text(f"{mobile[:3]}****{mobile[-4:]}")


def arrive(page: Page) -> None:
    page.goto("/login/wechat_web/")
    frame = page.frame_locator("#widget iframe")
    frame.get_by_role("button", name="小兰").click()


def test_the_frame_has_a_name_and_a_link_leads_to_the_whole_page(desktop: BrowserContext) -> None:
    page = desktop.new_page()
    page.goto("/login/wechat_web/")
    expect(page.locator("#widget iframe")).to_have_attribute("title", page.locator("h1").inner_text())
    page.locator("main .way-out a").click()
    page.get_by_role("button", name="小兰").wait_for()
    assert "/sandbox/wechat/connect/qrconnect" in page.url


def test_without_a_script_the_link_is_all_there_is(browser: Browser, qr_site: str) -> None:
    with browser.new_context(base_url=qr_site, java_script_enabled=False, user_agent=DESKTOP) as context:
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.goto("/login/wechat_web/")
        expect(page.locator("#widget")).to_be_hidden()
        page.locator("main .way-out a").click()
        page.get_by_role("button", name="李明").click()
        page.wait_for_url("**/bind/**")


def test_where_wechats_script_does_not_come_the_link_is_all_there_is(
    desktop: BrowserContext, complaints: list[str]
) -> None:
    page = desktop.new_page()
    page.route("**/wxLogin.js", lambda route: route.abort())
    page.goto("/login/wechat_web/")
    page.wait_for_load_state("networkidle")
    expect(page.locator("#widget")).to_be_hidden()
    expect(page.locator("main .way-out a")).to_be_visible()
    complaints.clear()
