"""Sign in without a provider, in a real browser: by SMS, by password, and by a new password, back to the form."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.journeys.conftest import PASSWORD, PHONE, Person, listen
from tests.journeys.test_accessibility import inspect
from tests.support.services import valkey_server
from tests.support.site import serve
from tests.support.visitor import Visitor

NewMobile = Callable[[], str]
DONE = re.compile(r"/login/done/$")
NEW = "another-horse-9"
ENVIRON = {
    "LIFECYCLE": "1",
    "SMS_SIGN_IN": "1",
    "SMS_SIGN_UP": "1",
    "TERMS_URL": "/login/",
    "PRIVACY_URL": "/login/?privacy",
    # In this test nobody waits one minute for another code.
    "LIMITS": json.dumps(
        {"sms_mobile_gap": [100, 1]} | {f"sms_mobile_{each}hour": [1000, 3600] for each in ("", "open_")}
    ),
}


@pytest.fixture(scope="module")
def shop(data: Path) -> Iterator[str]:
    """A site where people may register by SMS, with consent to two texts."""
    with serve(data / "ways", REDIS_URL=valkey_server().url.replace("db=0", "db=3"), **ENVIRON) as url:
        yield url


def phone(browser: Browser, shop: str, complaints: list[str], **options: Any) -> BrowserContext:
    given: dict[str, Any] = {"base_url": shop, "locale": "zh-CN", "viewport": PHONE, **options}
    context = browser.new_context(**given)
    context.set_default_timeout(10_000)
    listen(context, complaints)
    return context


@pytest.fixture
def person(browser: Browser, shop: str, complaints: list[str]) -> Iterator[Person]:
    visitor = Visitor(shop)
    visitor.faults()
    with phone(browser, shop, complaints) as context:
        yield Person(context.new_page(), visitor)


def register(person: Person, mobile: str) -> None:
    """From the sign-in page, register by SMS, with both texts; then sign out."""
    page = person.page
    page.goto("/login/")
    page.get_by_role("link", name="短信验证码登录").click()
    person.get_code(mobile)
    person.go_on()
    page.get_by_label("用户协议").check()
    page.get_by_label("隐私政策").check()
    page.get_by_role("button", name="注册并登录").click()
    expect(page).to_have_url(DONE)
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url("**/login/")


def test_by_sms_to_a_new_account_and_next_time_straight_in(person: Person, new_mobile: NewMobile) -> None:
    page, mobile = person.page, new_mobile()
    register(person, mobile)

    page.goto("/login/by/sms/?next=/sandbox/inbox/")
    person.wait_for_script()
    # The page keeps nothing of the person who used it before.
    expect(page.locator("[name=mobile]")).to_have_value("")
    person.get_code(mobile)
    page.locator("[name=sms_code]").fill("")
    # The person reads the message in another app, and the phone reloads the page meanwhile.
    page.reload()
    person.wait_for_script()
    expect(page.locator("[name=mobile]")).to_have_value(mobile)
    page.locator("[name=sms_code]").fill(person.read_sms(mobile))
    person.go_on()
    page.wait_for_url("**/sandbox/inbox/")


def test_a_forgotten_password_and_the_new_one(person: Person, new_mobile: NewMobile) -> None:
    page, mobile = person.page, new_mobile()
    register(person, mobile)
    page.get_by_role("link", name="密码登录").click()
    person.wait_for_script()
    page.get_by_label("用户名或手机号").fill(mobile)
    page.locator("[name=password]").fill(PASSWORD)
    person.go_on()
    alert = page.get_by_role("alert")
    expect(alert).to_have_text("用户名或密码错误")
    expect(alert).to_be_focused()

    page.get_by_role("link", name="忘记密码").click()
    page.wait_for_url("**/reset/")
    person.wait_for_script()
    person.get_code(mobile)
    page.locator("[name=password]").fill("short")
    person.go_on()
    assert person.error("password") == "仅允许8-20个字符的密码"
    page.locator("[name=password]").fill(NEW)
    person.go_on()
    expect(page).to_have_url(DONE)

    page.goto("/login/by/password/?next=/sandbox/inbox/")
    page.get_by_label("用户名或手机号").fill(mobile)
    page.locator("[name=password]").fill(NEW)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sandbox/inbox/")


def test_forgotten_at_the_bind_form_it_comes_back_to_it_and_asks_for_no_second_code(
    person: Person, new_mobile: NewMobile
) -> None:
    page, mobile = person.page, new_mobile()
    register(person, mobile)
    page.goto("/login/by/reset/")
    person.wait_for_script()
    person.get_code(mobile)
    page.locator("[name=password]").fill(PASSWORD)
    person.go_on()
    expect(page).to_have_url(DONE)
    page.get_by_role("button", name="退出登录").click()

    person.arrive("sam", next="/sandbox/inbox/")
    person.wait_for_script()
    page.get_by_label("用户协议").check()
    page.get_by_label("隐私政策").check()
    person.get_code(mobile)
    person.prove()
    page.get_by_role("link", name="忘记密码").click()
    page.wait_for_url("**/reset/?*")
    person.wait_for_script()
    person.get_code(mobile)
    page.locator("[name=password]").fill(NEW)
    person.go_on()
    page.wait_for_url("**/bind/*/")
    expect(page.locator("[name=mobile]")).to_have_value(mobile)
    page.locator("[name=password]").fill(NEW)
    for box in page.get_by_role("checkbox").all():
        box.check()
    person.go_on()
    page.wait_for_url("**/sandbox/inbox/")


def test_all_of_it_without_script(browser: Browser, shop: str, complaints: list[str], new_mobile: NewMobile) -> None:
    mobile, visitor = new_mobile(), Visitor(shop)
    with phone(browser, shop, complaints, java_script_enabled=False) as context:
        page = context.new_page()
        plain = Person(page, visitor, script=False)
        page.goto("/login/by/sms/")
        plain.get_code(mobile)
        plain.go_on()
        page.get_by_role("button", name="注册并登录").click()
        # The browser itself requires the boxes.
        expect(page).to_have_title(re.compile("注册新账号"))
        page.get_by_label("用户协议").check()
        page.get_by_label("隐私政策").check()
        page.get_by_role("button", name="注册并登录").click()
        expect(page).to_have_url(DONE)

        page.goto("/login/by/reset/")
        plain.get_code(mobile)
        page.locator("[name=password]").fill("short")
        plain.go_on()
        assert plain.error("password") == "仅允许8-20个字符的密码"
        expect(page.locator("[name=password]")).to_be_focused()
        page.locator("[name=password]").fill(NEW)
        plain.go_on()
        expect(page).to_have_url(DONE)


@pytest.mark.parametrize(("locale", "scheme"), [("zh-CN", "dark"), ("en-US", "light")])
def test_threat_21_these_pages_serve_everybody(
    browser: Browser, shop: str, complaints: list[str], new_mobile: NewMobile, locale: str, scheme: str
) -> None:
    visitor = Visitor(shop)
    with phone(browser, shop, complaints, locale=locale, color_scheme=scheme) as context:
        page = context.new_page()
        person = Person(page, visitor)
        page.goto("/login/")
        inspect(page)
        for path in ("password", "reset", "sms"):
            page.goto(f"/login/by/{path}/")
            person.wait_for_script()
            inspect(page)
        person.go_on()
        person.error("sms_code")
        inspect(page)
        person.get_code(new_mobile())
        person.go_on()
        page.locator("[name=terms]").wait_for()
        inspect(page)
