"""An SMS that did not arrive, in a browser. The vendor is a server of the test, and sends receipts to the running
site.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.journeys.conftest import PHONE, Person, listen
from tests.support.edge import Upstream
from tests.support.receipts import SECRET, VENDORS
from tests.support.services import valkey_server
from tests.support.site import serve
from tests.support.visitor import Visitor

DONE = re.compile(r"/login/done/$")
#: By the browser's language: the button, and the message about a phone that is off.
WORDS = {
    "zh-CN": ("没有收到？", "运营商还没有消息", "运营商表示该手机已关机、停机或不在服务区"),
    "en": ("Nothing arrived?", "There is no news from the carrier yet.", "this phone is off or out of service."),
}


@pytest.fixture
def shop(data: Path, upstream: Upstream) -> Iterator[str]:
    """A site that sends its SMS by ``upstream``."""
    upstream.answer("/", VENDORS["http"].sent)
    environ = {
        "DJANGO_SETTINGS_MODULE": "tests.support.receipt_settings",
        "REDIS_URL": valkey_server().url.replace("db=0", "db=3"),
        "VENDOR_URL": upstream.url,
        "VENDOR_SECRET": VENDORS["http"].options["secret"],
        "SMS_RECEIPTS": SECRET,
    }
    with serve(data / "receipts", **environ) as url:
        yield url


def phone(browser: Browser, shop: str, complaints: list[str], **how: object) -> BrowserContext:
    context = browser.new_context(base_url=shop, viewport=PHONE, **how)  # type: ignore[arg-type]
    context.set_default_timeout(10_000)
    listen(context, complaints)
    return context


def fail(shop: str, mobile: str) -> None:
    """The vendor reports that the phone is off."""
    body, headers = VENDORS["http"].push("off", to=f"+86{mobile}")
    with urlopen(Request(f"{shop}/sms_receipts/http/{SECRET}/", body, headers)) as answer:
        assert answer.status == 200


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"])


@pytest.mark.parametrize("language", WORDS)
def test_the_page_says_in_place_what_became_of_the_sms(
    browser: Browser,
    shop: str,
    upstream: Upstream,
    complaints: list[str],
    new_mobile: Callable[[], str],
    language: str,
) -> None:
    label, waiting, off = WORDS[language]
    with phone(browser, shop, complaints, locale=language) as context:
        page, mobile = context.new_page(), new_mobile()
        person = Person(page, Visitor(shop))
        part, told = page.locator("[data-receipt]"), page.locator("[data-receipt] [role=status]")
        person.arrive("sam")
        person.wait_for_script()
        expect(part).to_be_hidden()
        person.ask_for_code(mobile)
        expect(part.get_by_role("button", name=label)).to_be_visible()
        part.get_by_role("button").click()
        expect(told).to_contain_text(waiting)
        assert fits(page)

        page.reload()
        person.wait_for_script()
        fail(shop, mobile)
        part.get_by_role("button").click()
        expect(told).to_contain_text(off)
        expect(page.locator("[data-alert]")).to_be_empty()
        assert fits(page)

        # The code is still valid.
        [(_, message)] = upstream.requests
        page.locator("[name=sms_code]").fill(str(message["code"]))
        person.submit()
        expect(page).to_have_url(DONE)


def test_without_a_network_the_page_says_so(
    browser: Browser, shop: str, complaints: list[str], new_mobile: Callable[[], str]
) -> None:
    def refuse(route: Route) -> None:
        if "action=receipt" in (route.request.post_data or ""):
            route.abort()
        else:
            route.continue_()

    with phone(browser, shop, complaints, locale="zh-CN") as context:
        page = context.new_page()
        person = Person(page, Visitor(shop))
        person.arrive("sam")
        person.wait_for_script()
        person.ask_for_code(new_mobile())
        page.route("**/bind/**", refuse)
        page.locator("[data-receipt] button").click()
        expect(page.locator("[data-receipt] [role=status]")).to_have_text("网络连接失败，填写的内容都还在，请重试")
    complaints[:] = [line for line in complaints if "ERR_FAILED" not in line]


def test_without_a_script_the_page_comes_back_with_it(
    browser: Browser, shop: str, complaints: list[str], new_mobile: Callable[[], str]
) -> None:
    label, waiting, off = WORDS["zh-CN"]
    with phone(browser, shop, complaints, locale="zh-CN", java_script_enabled=False) as context:
        page, mobile = context.new_page(), new_mobile()
        person = Person(page, Visitor(shop))
        person.arrive("sam")
        expect(page.locator("[data-receipt]")).to_be_hidden()
        page.locator("[name=mobile]").fill(mobile)
        page.locator("[name=text]").fill(person.look())
        with page.expect_navigation():
            page.locator("[data-send]").click()
        for said in (waiting, off):
            with page.expect_navigation():
                page.get_by_role("button", name=label).click()
            expect(page.locator("[data-receipt] [role=status]")).to_contain_text(said)
            expect(page.locator("[name=mobile]")).to_have_value(mobile)
            assert fits(page)
            fail(shop, mobile)
