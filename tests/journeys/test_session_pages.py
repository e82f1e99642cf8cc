"""Test pages that work as those of the session edition: another port of the same host, and Django's session."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from server import demo
from tests.journeys.front_ends import WWW, FrontEnd, Somebody, serving
from tests.support.visitor import Visitor

USUAL: dict[str, Any] = {
    "credentials": True,
    "image": "/image_codes/{id}/",
    "sms": "/sms_codes/{mobile}/",
    "text": "image_code",
    "image_id": "image_code_id",
}


@pytest.fixture(scope="module")
def front_end(data: Path) -> Iterator[FrontEnd]:
    with serving(data / "session", "session", WWW, db=10) as front_end:
        yield front_end


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(locale="zh-CN") as context:
        context.set_default_timeout(10_000)
        yield context.new_page()


@pytest.fixture
def somebody(front_end: FrontEnd, page: Page) -> Somebody:
    front_end.speak(**USUAL)
    return Somebody(page, front_end)


def cookies(page: Page) -> dict[str, Any]:
    return {str(cookie.get("name")): cookie for cookie in page.context.cookies()}


def expect_home(somebody: Somebody, name: str) -> None:
    expect(somebody.page).to_have_url(f"{somebody.front_end.url}/index.html")
    expect(somebody.page.locator("#greeting")).to_have_text(f"欢迎您 {name}")


def test_first_sign_in_and_return(somebody: Somebody, new_mobile: Callable[[], str]) -> None:
    """For pages that read the code. Pages that take any status 200 for a success are tested below."""
    somebody.front_end.speak(**USUAL, reads_code=True)
    mobile = new_mobile()
    somebody.arrive("xiaolan", "/cart.html")
    somebody.bind(mobile)
    expect_home(somebody, mobile)
    assert {"username", "sessionid"} <= cookies(somebody.page).keys()
    assert [name for name in cookies(somebody.page) if "flow" in name] == []
    somebody.page.context.clear_cookies()
    somebody.arrive("xiaolan")
    expect_home(somebody, mobile)


def test_what_is_refused_is_told_and_is_no_success(somebody: Somebody, new_mobile: Callable[[], str]) -> None:
    mobile, page = new_mobile(), somebody.page
    somebody.arrive("xiaolan")
    somebody.ask_for_code(mobile, "9999")
    assert somebody.told("sms_refused") == "true", "and no countdown"
    page.evaluate("drawImage()")
    code = somebody.get_code(mobile)
    somebody.submit("000000" if code != "000000" else "000001")
    expect(page.locator("#sms_refused")).to_have_text("短信验证码错误")
    somebody.submit(code, "short")
    expect(page.locator("#sms_refused")).to_have_text("仅允许8-20个字符的密码")
    assert "sessionid" not in cookies(page)
    somebody.submit(code)
    expect_home(somebody, mobile)


def test_threat_1_a_callback_that_somebody_else_began_is_refused(somebody: Somebody) -> None:
    """The attacker's callback, with a code that is not used yet, opened by the victim."""
    attacker = Visitor(somebody.front_end.visitor.site)
    callback = attacker.click(attacker.get("/qq/authorization/").data["login_url"], "fox")
    somebody.page.on("dialog", lambda dialog: dialog.accept())
    somebody.page.goto(callback)
    expect(somebody.page.locator("#waiting")).to_have_text("400")
    assert cookies(somebody.page) == {}


def test_a_disabled_account_and_a_cancel_leave_nobody_signed_in(
    somebody: Somebody, new_mobile: Callable[[], str]
) -> None:
    mobile, said = new_mobile(), list[str]()
    somebody.page.on("dialog", lambda dialog: said.append(dialog.message))
    somebody.page.on("dialog", lambda dialog: dialog.accept())
    somebody.press()
    somebody.page.locator("button[name=usercancel]").click()
    expect(somebody.page.locator("#waiting")).to_have_text("400")
    somebody.arrive("xiaolan")
    somebody.bind(mobile)
    expect_home(somebody, mobile)
    somebody.page.context.clear_cookies()
    somebody.front_end.disable_everybody()
    try:
        somebody.arrive("xiaolan")
        expect(somebody.page.locator("#waiting")).to_have_text("400")
        somebody.log_in(mobile)
        assert somebody.told("refused") == "用户名或密码错误"
    finally:
        somebody.front_end.disable_everybody(is_active=1)
    assert said == ["服务器异常"] * 2
    assert not {"username", "sessionid"} & cookies(somebody.page).keys()


def test_the_password_form(somebody: Somebody) -> None:
    somebody.log_in(demo.MOBILE, "wrong-horse-1")
    assert somebody.told("refused") == "用户名或密码错误"
    for remember in (True, False):
        somebody.log_in(demo.MOBILE, demo.PASSWORD, remember=remember)
        somebody.page.locator("#greeting:has-text('欢迎您')").wait_for()
        found = cookies(somebody.page)
        assert [found[name]["expires"] > 0 for name in ("username", "sessionid")] == [remember] * 2
