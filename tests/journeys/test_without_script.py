"""The same form with JavaScript off: every answer is a page."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.journeys.conftest import PASSWORD, Person
from tests.support.visitor import Visitor

DONE = re.compile(r"/login/done/$")


@pytest.fixture
def person(without_script: BrowserContext, visitor: Visitor) -> Person:
    visitor.faults()
    return Person(without_script.new_page(), visitor, script=False)


def press(person: Person, button: str) -> None:
    with person.page.expect_navigation():
        person.page.locator(button).click()


def test_a_new_mobile_with_every_error_on_the_way(person: Person, new_mobile: Callable[[], str]) -> None:
    page, mobile = person.page, new_mobile()
    person.arrive("sam")
    expect(page.locator("[data-show]")).to_be_hidden()

    page.locator("[name=mobile]").fill(mobile)
    page.locator("[name=text]").fill("0000")
    press(person, "[data-send]")
    assert person.error("text") == "图形验证码错误"
    expect(page.locator("[name=text]")).to_be_focused()
    expect(page.locator("[name=mobile]")).to_have_value(mobile)

    press(person, "[data-image]")
    expect(page.locator("[name=mobile]")).to_have_value(mobile)
    page.locator("[name=text]").fill(person.look())
    press(person, "[data-send]")
    expect(page.get_by_role("status")).to_have_text(re.compile(r"^验证码已发送至 139 \d{4} \d{4}，5分钟内有效$"))
    expect(page.locator("#id_text_helptext")).to_have_text("重新获取验证码时才需填写")

    # Enter presses the main button, although it is the last in the form.
    page.locator("[name=sms_code]").fill(person.read_sms(mobile))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.locator("[name=password]").fill("short")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert person.error("password") == "仅允许8-20个字符的密码"
    expect(page.locator("[name=password]")).to_have_value("")
    page.locator("[name=password]").fill(PASSWORD)
    press(person, "form .button.main")
    expect(page).to_have_url(DONE)

    press(person, "form .button")
    expect(page).to_have_url(re.compile(r"/login/$"))


def test_next_is_reached_by_the_form(
    person: Person, site: str, site_with_terms: str, new_mobile: Callable[[], str]
) -> None:
    """On another allowed host, too: Chromium applies the form-action of the page to the redirect after a form."""
    page, mobile = person.page, new_mobile()
    elsewhere = site.replace("127.0.0.1", "localhost") + "/sandbox/inbox/"
    person.visitor.site = site_with_terms
    page.goto(f"{site_with_terms}/login/qq/?next={elsewhere}")
    press(person, "button[value=fox]")
    page.locator("[name=mobile]").fill(mobile)
    page.locator("[name=text]").fill(person.look())
    press(person, "[data-send]")
    page.locator("[name=sms_code]").fill(person.read_sms(mobile))
    page.locator("[name=terms]").check()
    page.locator("[name=privacy]").check()
    press(person, "form .button.main")
    page.locator("[name=password]").fill(PASSWORD)
    press(person, "form .button.main")
    expect(page).to_have_url(elsewhere)
