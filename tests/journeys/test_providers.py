"""Each provider that a browser goes to: bound once, and known again, at the sandbox that ``make run`` starts with."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import PHONE, Person, listen
from tests.support.visitor import Visitor

DESKTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36"
ANDROID = "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 Chrome/150.0 Mobile Safari/537.36"
WECHAT = ANDROID + " XWEB/1300 MMWEBSDK/2025 MicroMessenger/8.0.60(0x28003C35) WeChat/arm64 Weixin NetType/WIFI"

#: Where somebody is, and what they press.
WAYS = {
    "wechat_web": DESKTOP,
    "wechat_oa": WECHAT,
    "weibo": ANDROID,
    "apple": ANDROID,
    "alipay": ANDROID,
    "oidc": DESKTOP,
}


@pytest.mark.parametrize("kind", WAYS)
def test_bound_once_and_known_again(
    browser: Browser, site: str, complaints: list[str], visitor: Visitor, new_mobile: Callable[[], str], kind: str
) -> None:
    with browser.new_context(base_url=site, locale="zh-CN", viewport=PHONE, user_agent=WAYS[kind]) as context:  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        listen(context, complaints)
        page = context.new_page()
        person, mobile = Person(page, visitor), new_mobile()
        arrive(page, kind)
        person.get_code(mobile)
        person.submit()
        page.wait_for_url("**/login/done/")
        expect(page.locator("main")).to_contain_text(f"{mobile[:3]}****{mobile[-4:]}")
    with browser.new_context(base_url=site, locale="zh-CN", viewport=PHONE, user_agent=WAYS[kind]) as context:  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        listen(context, complaints)
        page = context.new_page()
        arrive(page, kind)
        page.wait_for_url("**/login/done/")
        expect(page.locator("main")).to_contain_text(f"{mobile[:3]}****{mobile[-4:]}")


def arrive(page: Page, kind: str) -> None:
    page.goto("/login/")
    page.locator(f"a.button[href*='/login/{kind}/']").click()
    page.locator("button[value=xiaolan]").click()
