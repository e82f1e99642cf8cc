"""What the form keeps: the countdown of each number, the typed text, and the field of each error."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from server import demo
from tests.journeys.conftest import PASSWORD, PHONE, Person, listen
from tests.support.visitor import Visitor

NewMobile = Callable[[], str]
DONE = re.compile(r"/login/done/$")
COUNTS = re.compile(r"^\d+ 秒后重发$")


@pytest.fixture(autouse=True)
def fresh(visitor: Visitor) -> None:
    visitor.faults()


def grouped(mobile: str) -> str:
    return f"{mobile[:3]} {mobile[3:7]} {mobile[7:]}"


def stored(page: Page) -> str:
    return str(page.evaluate("JSON.stringify(sessionStorage)"))


# ---------------------------------------------------------------- the countdown


def test_the_countdown_belongs_to_the_number(person: Person, new_mobile: NewMobile) -> None:
    first, second = new_mobile(), new_mobile()
    person.arrive("sam")
    person.get_code(first)
    button, status, image = (person.page.locator(f"[data-{name}]") for name in ("send", "status", "image"))
    expect(button).to_have_text(COUNTS)
    expect(image).to_be_hidden()
    expect(status).to_contain_text(grouped(first))

    person.page.locator("[name=mobile]").fill(second)
    expect(button).to_be_enabled()
    expect(button).to_have_text("获取验证码")
    expect(image).to_be_visible()
    person.get_code(second)
    expect(status).to_contain_text(grouped(second))

    person.page.locator("[name=mobile]").fill(f"+86 {grouped(first)}")
    expect(button).to_be_disabled()
    expect(button).to_have_text(COUNTS)
    person.page.locator("[name=sms_code]").fill(person.read_sms(first))
    person.submit()
    expect(person.page).to_have_url(DONE)


def test_after_the_countdown_the_button_brings_the_image_back(person: Person, new_mobile: NewMobile) -> None:
    mobile = new_mobile()
    person.page.clock.install()
    person.arrive("sam")
    before = person.look()
    person.get_code(mobile)
    person.page.clock.run_for(61_000)
    expect(person.page.locator("[data-send]")).to_be_enabled()
    # Nothing on the page moves while a person types the password.
    expect(person.page.locator("[name=text]")).to_be_hidden()
    person.page.locator("[data-send]").click()
    expect(person.page.locator("[name=text]")).to_be_focused()
    expect(person.page.locator("[name=text]")).to_have_value("")
    assert person.look() != before


# ---------------------------------------------------------------- a reload


def test_a_reload_keeps_what_was_typed_but_the_password(person: Person, new_mobile: NewMobile) -> None:
    mobile = new_mobile()
    person.arrive("sam")
    person.get_code(mobile)
    person.wait_for_script()
    person.page.reload()
    expect(person.page.locator("[data-send]")).to_have_text(COUNTS)
    expect(person.page.locator("[data-status]")).to_contain_text(grouped(mobile))
    expect(person.page.locator("[name=mobile]")).to_have_value(mobile)
    expect(person.page.locator("[name=sms_code]")).to_have_value(person.read_sms(mobile))
    person.prove()
    person.page.locator("[name=password]").fill(PASSWORD)
    person.wait_for_script()
    assert PASSWORD not in stored(person.page)
    # The browser sends the first step again, and the second step is shown again.
    person.page.reload()
    expect(person.page.locator("[name=password]")).to_have_value("")
    expect(person.page.locator("[name=mobile]")).to_have_value(mobile)
    assert PASSWORD not in stored(person.page)
    person.submit()
    expect(person.page).to_have_url(DONE)
    assert mobile not in stored(person.page), "the next person at this device is somebody else"


def test_another_sign_in_in_the_same_tab_knows_nothing_of_the_first(person: Person) -> None:
    person.arrive("sam")
    person.wait_for_script()
    person.page.locator("[name=mobile]").fill("13912345678")
    assert "13912345678" in stored(person.page)
    person.arrive("fox")
    person.wait_for_script()
    expect(person.page.locator("[name=mobile]")).to_have_value("")
    assert "13912345678" not in stored(person.page)


def test_after_ten_minutes_nothing_is_kept(person: Person) -> None:
    person.page.clock.install()
    person.arrive("sam")
    person.wait_for_script()
    person.page.locator("[name=mobile]").fill("13912345678")
    person.page.clock.fast_forward(600_000)
    person.page.reload()
    person.wait_for_script()
    expect(person.page.locator("[name=mobile]")).to_have_value("")


def test_a_browser_that_keeps_nothing_serves_all_the_same(person: Person, new_mobile: NewMobile) -> None:
    refuse = "get() { throw new DOMException('blocked', 'SecurityError') }"
    person.page.add_init_script(f"Object.defineProperty(window, 'sessionStorage', {{ {refuse} }})")
    person.arrive("sam")
    person.wait_for_script()
    person.get_code(new_mobile())
    expect(person.page.locator("[data-send]")).to_have_text(COUNTS)
    person.submit()
    expect(person.page).to_have_url(DONE)


# ---------------------------------------------------------------- errors, and the field that each is shown at

ANSWERS: dict[str, tuple[Callable[[Route], None], str]] = {
    "no answer": (lambda route: route.abort(), "网络连接失败，填写的内容都还在，请重试"),
    "a 500": (
        lambda route: route.fulfill(status=500, body="<h1>Server Error (500)</h1>", content_type="text/html"),
        "服务器出错了，填写的内容都还在，请稍后再试",
    ),
    "a proxy's 502": (lambda route: route.fulfill(status=502, body=""), "服务器出错了，填写的内容都还在，请稍后再试"),
    "a host's own JSON": (
        lambda route: route.fulfill(status=500, json={"detail": "oops"}),
        "服务器出错了，填写的内容都还在，请稍后再试",
    ),
    "somebody's sign-in page": (
        lambda route: route.fulfill(status=200, body="<html>Wi-Fi</html>", content_type="text/html"),
        "收到的内容无法识别，请刷新页面后重试",
    ),
    "null": (lambda route: route.fulfill(status=200, json=None), "收到的内容无法识别，请刷新页面后重试"),
    "a firewall": (lambda route: route.fulfill(status=403, body="denied"), "收到的内容无法识别，请刷新页面后重试"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_each_failure_is_called_what_it_is(
    person: Person, new_mobile: NewMobile, complaints: list[str], name: str
) -> None:
    answer, told = ANSWERS[name]
    person.arrive("fox")
    person.wait_for_script()
    person.get_code(new_mobile())
    person.page.route("**/bind/**", answer)
    person.go_on()
    expect(person.page.get_by_role("alert")).to_have_text(told)
    expect(person.page.get_by_role("alert")).to_be_focused()
    complaints.clear()
    person.page.unroute("**/bind/**")
    person.submit()
    expect(person.page).to_have_url(DONE)


# ---------------------------------------------------------------- a password that its owner has forgotten


@pytest.fixture
def customer(browser: Browser, site_with_terms: str, complaints: list[str]) -> Iterator[Person]:
    with browser.new_context(base_url=site_with_terms, locale="en-US", viewport=PHONE) as context:  # type: ignore[arg-type]
        listen(context, complaints)
        yield Person(context.new_page(), Visitor(site_with_terms))


def test_who_has_forgotten_the_password_is_shown_the_way(customer: Person) -> None:
    page = customer.page
    customer.visitor.faults()
    customer.arrive("liming")
    customer.get_code(demo.MOBILE)
    page.locator("[name=terms]").check()
    page.locator("[name=privacy]").check()
    link = page.get_by_role("link", name="Forgot your password?")
    expect(link).to_be_hidden()
    customer.prove()
    customer.wait_for_script()
    expect(link).to_be_visible()
    told = []
    for guess in range(6):
        with page.expect_response("**/bind/**"):
            customer.submit(f"wrong-horse-{guess}")
        told.append(customer.error("password"))
    # Our page for a new password comes back to the form. So it has priority over PASSWORD_RESET_URL.
    expect(link).to_have_attribute("href", re.compile(r"^/login/by/reset/\?provider=qq&flow=\w+$"))
    assert told == ["Wrong password"] * 5 + ["Too many wrong attempts. Please try again in 15 minutes."]
