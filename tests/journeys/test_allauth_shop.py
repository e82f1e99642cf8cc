"""``examples/allauth_shop``: one account, with an e-mail address by django-allauth and with QQ by phonebind."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.conftest import PASSWORD, Person, phone_at
from tests.journeys.examples import running
from tests.support.visitor import Visitor

pytestmark = pytest.mark.once

EMAIL, MOBILE = "xiaolan@example.com", "13900000001"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running("allauth_shop", tmp_path_factory.mktemp("allauth_shop")) as url:
        yield url


@pytest.fixture
def tab(browser: Browser, shop: str, complaints: list[str]) -> Iterator[Page]:
    with phone_at(shop, browser, complaints) as context:
        yield context.new_page()


def register(page: Page, email: str) -> None:
    page.goto("/accounts/signup/")
    page.locator("[name=email]").fill(email)
    page.locator("[name=password1]").fill(PASSWORD)
    page.locator("[name=password2]").fill(PASSWORD)
    page.locator("form button").click()
    page.wait_for_url("**/account/")


def by_password(page: Page, login: str, password: str = PASSWORD) -> None:
    page.goto("/accounts/login/")
    page.locator("[name=login]").fill(login)
    page.locator("[name=password]").fill(password)
    page.locator("form button").click()
    page.wait_for_url("**/account/")


def by_qq(page: Page, name: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_role("link", name="QQ登录").click()
    page.locator(f"button[value={name}]").click()


def bind_qq(page: Page, name: str) -> None:
    page.goto("/account/")
    page.get_by_role("button", name="绑定QQ").click()
    page.locator(f"button[value={name}]").click()
    page.wait_for_url("**/account/")


def sign_out(page: Page) -> None:
    page.context.clear_cookies()


def facts(page: Page) -> dict[str, str]:
    names, values = page.locator("dt").all_inner_texts(), page.locator("dd").all_inner_texts()
    return dict(zip(names, values, strict=True))


def test_somebody_who_registered_by_email_binds_qq_and_signs_in_both_ways(tab: Page) -> None:
    register(tab, EMAIL)
    tab.get_by_text(f"以 {EMAIL} 成功登录").wait_for()
    bind_qq(tab, "xiaolan")
    tab.get_by_text("QQ已绑定，以后可以用QQ登录。").wait_for()
    bound = {"邮箱": EMAIL, "手机号": "–", "QQ": "小兰"}
    assert facts(tab) == bound
    sign_out(tab)
    by_qq(tab, "xiaolan")
    tab.wait_for_url("**/account/")
    assert facts(tab) == bound
    sign_out(tab)
    by_password(tab, EMAIL)
    assert facts(tab) == bound


def test_somebody_who_came_by_qq_signs_in_at_allauth_by_mobile_and_password(tab: Page, shop: str) -> None:
    person = Person(tab, Visitor(shop))
    by_qq(tab, "liming")
    person.get_code(MOBILE)
    person.prove()
    person.submit()
    tab.wait_for_url("**/account/")
    bound = facts(tab)
    assert bound["手机号"] == MOBILE
    assert bound["邮箱"] == "–"
    sign_out(tab)
    by_password(tab, MOBILE)
    assert facts(tab) == bound


def test_an_address_with_a_mobile_number_does_not_take_the_name_of_that_number(tab: Page, shop: str) -> None:
    mobile = "13900000002"
    register(tab, f"{mobile}@example.com")
    sign_out(tab)
    person = Person(tab, Visitor(shop))
    by_qq(tab, "sam")
    person.get_code(mobile)
    person.prove()
    person.submit("another-staple-7")
    tab.wait_for_url("**/account/")
    sign_out(tab)
    by_password(tab, mobile, "another-staple-7")
    assert facts(tab)["QQ"] == "Sam O'Neil"


def test_an_identity_of_somebody_else_is_not_moved(tab: Page, shop: str) -> None:
    by_qq(tab, "liming")
    tab.wait_for_url("**/account/")
    sign_out(tab)
    register(tab, "other@example.com")
    bind_qq(tab, "liming")
    assert "QQ" not in facts(tab)
    assert "绑定" in tab.locator("[role=status]").last.inner_text()


def test_a_callback_that_this_session_did_not_begin_binds_nothing(tab: Page, browser: Browser, shop: str) -> None:
    """An attacker stops before the callback, and makes a signed-in person open it."""
    with browser.new_context(base_url=shop, locale="zh-CN") as other:
        attacker = other.new_page()
        register(attacker, "attacker@example.com")
        attacker.get_by_role("button", name="绑定QQ").click()
        attacker.wait_for_url("**/sandbox/**")
        callback = Visitor(shop).click(attacker.url, "fox")
    register(tab, "victim@example.com")
    tab.goto(callback)
    tab.goto("/account/")
    assert "QQ" not in facts(tab)


def test_turning_back_at_qq_changes_nothing(tab: Page) -> None:
    register(tab, "back@example.com")
    tab.get_by_role("button", name="绑定QQ").click()
    tab.locator("button[name=usercancel]").click()
    tab.wait_for_url("**/account/")
    tab.get_by_text("您已取消登录").wait_for()
    assert "QQ" not in facts(tab)


def test_the_page_of_phonebind_leads_to_the_page_of_allauth(tab: Page) -> None:
    tab.goto("/login/?next=/account/")
    tab.get_by_role("link", name="用邮箱登录").click()
    tab.wait_for_url("**/accounts/login/?next=/account/")
