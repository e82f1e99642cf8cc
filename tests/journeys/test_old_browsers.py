"""Browsers that do not report which button sent a form: Safari before 15.4, and many browsers inside other apps."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.conftest import Person
from tests.support.visitor import Visitor

NewMobile = Callable[[], str]
SENT = re.compile("^验证码已发送")


@pytest.fixture(autouse=True)
def fresh(visitor: Visitor) -> None:
    visitor.faults()


@pytest.fixture
def page(page: Page) -> Page:
    page.add_init_script("delete SubmitEvent.prototype.submitter")
    return page


@pytest.fixture
def asked(page: Page) -> list[str]:
    """The data that was sent to the form's address."""
    found: list[str] = []

    def note(body: str | None) -> None:
        found.extend(re.findall(r"action=(\w+)", body or ""))

    page.on("request", lambda request: note(request.post_data) if "/bind/" in request.url else None)
    return found


def test_the_buttons_do_what_they_say(person: Person, new_mobile: NewMobile, asked: list[str]) -> None:
    mobile = new_mobile()
    person.arrive("fox")
    person.wait_for_script()
    assert person.page.evaluate("new SubmitEvent('submit').submitter === undefined")
    before = person.look()
    person.page.locator("[data-image]").click()
    person.page.wait_for_function("document.querySelector('[data-image] img').src.includes('?')")
    assert person.look() != before
    person.get_code(mobile)
    assert asked == ["send_code"]
    person.submit()
    expect(person.page).to_have_url(re.compile(r"/login/done/$"))
    assert asked == ["send_code", "mobile", "mobile", "bind"]


def test_enter_means_the_field_that_one_is_in(person: Person, new_mobile: NewMobile, asked: list[str]) -> None:
    person.arrive("sam")
    person.wait_for_script()
    person.page.locator("[name=mobile]").fill(new_mobile())
    person.page.keyboard.press("Enter")
    assert person.error("sms_code")
    person.page.locator("[name=text]").fill(person.look())
    person.page.keyboard.press("Enter")
    expect(person.page.locator("[data-status]")).to_have_text(SENT)
    assert asked == ["mobile", "send_code"]


def test_a_tap_that_leaves_the_focus_where_it_was(person: Person, new_mobile: NewMobile, asked: list[str]) -> None:
    """Safari on phones does this: the focus stays beside the image, and the button says "mobile"."""
    person.arrive("sam")
    person.wait_for_script()
    person.page.locator("[name=mobile]").fill(new_mobile())
    person.page.locator("[name=text]").focus()
    person.page.locator("form .button.main").evaluate("button => button.click()")
    assert person.error("sms_code")
    assert asked == ["mobile"]


@pytest.mark.parametrize("script", ["form?.?.value", "throw new Error('nothing of this is known here')"])
def test_where_the_script_does_not_run_the_form_is_a_plain_one(
    context: BrowserContext,
    somebody: Callable[[Page], Person],
    new_mobile: NewMobile,
    complaints: list[str],
    script: str,
) -> None:
    person, mobile = somebody(context.new_page()), new_mobile()
    person.page.route("**/code_form*.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    person.arrive("sam")
    person.page.locator("[name=mobile]").fill(mobile)
    person.page.locator("[name=text]").fill(person.look())
    with person.page.expect_navigation():
        person.page.locator("[data-send]").click()
    expect(person.page.get_by_role("status")).to_have_text(SENT)
    person.page.locator("[name=sms_code]").fill(person.read_sms(mobile))
    person.submit()
    expect(person.page).to_have_url(re.compile(r"/login/done/$"))
    assert complaints
    complaints.clear()
