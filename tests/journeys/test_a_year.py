"""One year of a customer with a phone: each way to sign in, each change of the account, and in the end a lost phone."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PASSWORD, Person
from tests.journeys.test_account import get_own_code, main, open_phone
from tests.support import ways
from tests.support.services import valkey_server
from tests.support.site import serve

__all__ = ["open_phone"]

SECOND, THIRD, FOURTH = "second-staple-9", "third-staple-9", "fourth-staple-9"
#: The account page, but not a page that leads there.
MY = re.compile(r"^[^?]+/my/$")
ENVIRON = {
    "LIFECYCLE": "1",
    "SMS_SIGN_IN": "1",
    # In this test nobody waits one minute for another code.
    "LIMITS": json.dumps(
        {"sms_mobile_gap": [100, 1]} | {f"sms_mobile_{each}hour": [1000, 3600] for each in ("", "open_")}
    ),
}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ENGLISH = re.compile(r"\b[A-Za-z]+ [a-z]{2,}\b")
#: Names of people and providers. They are the same in each language.
NAMES = re.compile(r"小兰|^小$|小\*\*|Sam O'Neil|OpenID Connect", re.MULTILINE)


@pytest.fixture(scope="module")
def shop(data: Path) -> Iterator[str]:
    with serve(data / "year", REDIS_URL=valkey_server().url.replace("db=0", "db=8"), **ENVIRON) as url:
        yield url


@pytest.fixture
def change(data: Path) -> Callable[[str], None]:
    """Turn the clock: change the times that the database holds."""

    def execute(statement: str) -> None:
        with closing(sqlite3.connect(data / "year/db.sqlite3", timeout=20)) as connection, connection:
            connection.execute(statement)

    return execute


class Customer:
    """A customer who reads each page before the next step. The phone may change."""

    def __init__(self, phone: Person, change: Callable[[str], None]) -> None:
        self.phone = phone
        self.page = phone.page
        self._change = change

    def wait_a_while(self) -> None:
        """Wait longer than a sign-in counts as a step-up."""
        self._change("UPDATE phonebind_lifecycle_session SET created_at = '2026-01-01 00:00:00'")

    def wait_three_days(self) -> None:
        self._change("UPDATE phonebind_lifecycle_mobilechange SET due_at = '2026-01-01 00:00:00'")

    def read(self) -> None:
        """Check that the page is in one language, and that nothing is wider than the phone."""
        page = self.page
        language = str(page.locator("html").get_attribute("lang"))
        text = NAMES.sub("", page.locator("main").inner_text())
        found = (ENGLISH if language.startswith("zh") else CHINESE).findall(text)
        assert not found, (page.url, found)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
        # Each page has a link or a button to go on.
        assert page.locator("main a, main button:not(.enter)").count(), page.url

    def open(self, path: str) -> None:
        self.page.goto(path)
        self.read()

    def open_form(self, path: str) -> None:
        self.open(path)
        self.phone.wait_for_script()

    def follow(self, selector: str) -> None:
        self.page.locator(selector).first.click()

    def go_on(self, to: re.Pattern[str]) -> None:
        """Press the main button. It leads to the next page."""
        main(self.page)
        self.page.wait_for_url(to)
        self.read()

    def refused(self, field: str) -> None:
        """Press the main button. It leads nowhere, and the error is beside the field."""
        main(self.page)
        assert self.phone.error(field)
        expect(self.page.locator(f"[name={field}]")).to_be_focused()
        self.read()

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.locator(f"[name={name}]").fill(value)

    def told(self, role: Any = "status") -> str:
        """The message that says what was done."""
        said = self.page.get_by_role(role).and_(self.page.locator(".told"))
        expect(said).to_be_focused()
        return said.inner_text()

    def sign_out(self) -> None:
        self.open("/my/")
        self.follow("main > form .button")
        self.page.wait_for_url("**/login/")

    def by_qq(self, name: str) -> None:
        self.phone.arrive(name, next="/my/")

    def by_password(self, name: str, password: str) -> None:
        self.open_form("/login/by/password/?next=/my/")
        self.fill(username=name, password=password)
        self.go_on(MY)

    def by_sms(self, mobile: str) -> None:
        self.open_form("/login/by/sms/?next=/my/")
        self.phone.get_code(mobile)
        self.fill(sms_code="000000")
        self.refused("sms_code")
        self.fill(sms_code=self.phone.read_sms(mobile))
        self.go_on(MY)

    def reset(self, mobile: str, password: str, to: re.Pattern[str]) -> None:
        self.phone.wait_for_script()
        self.read()
        self.phone.get_code(mobile)
        self.fill(password="short")
        self.refused("password")
        self.fill(password=password)
        self.go_on(to)


@pytest.mark.parametrize(("locale", "scheme", "width"), [("zh-CN", "light", 390), ("en-US", "dark", 320)])
def test_a_year(
    open_phone: Callable[..., Person],
    new_mobile: Callable[[], str],
    change: Callable[[str], None],
    locale: str,
    scheme: str,
    width: int,
) -> None:
    def take_a_phone(**how: Any) -> Customer:
        size = {"width": width, "height": 844}
        return Customer(open_phone(locale=locale, color_scheme=scheme, viewport=size, **how), change)

    numbers = [new_mobile() for _ in range(4)]
    customer = take_a_phone()
    come_in_by_every_way(customer, numbers[0])
    bind_another_qq_and_forget_the_password(take_a_phone(), numbers[0])
    in_wechat = take_a_phone(user_agent=ways.IN_WECHAT)
    bind_wechat(in_wechat, numbers[0])
    unbind_qq(in_wechat, numbers[0])
    end_the_session_of_a_stranger(in_wechat, take_a_phone(), numbers[0])
    change_the_password(in_wechat)
    change_the_number(in_wechat, numbers[0], numbers[1])
    ask_for_a_change_and_cancel_it(in_wechat, numbers[1], numbers[2])
    lose_the_phone_and_come_back(take_a_phone(user_agent=ways.IN_WECHAT), in_wechat, numbers[3])


def come_in_by_every_way(customer: Customer, mobile: str) -> None:
    page = customer.page
    customer.open("/login/")
    customer.by_qq("xiaolan")
    customer.phone.get_code(mobile)
    customer.phone.prove()
    customer.read()
    customer.fill(password=PASSWORD)
    customer.go_on(MY)
    customer.sign_out()
    customer.by_qq("xiaolan")
    page.wait_for_url(MY)
    customer.sign_out()
    customer.by_sms(mobile)
    customer.sign_out()
    customer.by_password(mobile, PASSWORD)
    customer.sign_out()
    customer.open_form("/login/by/password/?next=/my/")
    customer.fill(username=mobile, password=SECOND)
    main(page)
    expect(page.locator("[data-alert]")).to_be_focused()
    customer.follow("a[href*='/login/by/reset/']")
    page.wait_for_url("**/reset/*")
    customer.reset(mobile, SECOND, MY)


def bind_another_qq_and_forget_the_password(customer: Customer, mobile: str) -> None:
    page = customer.page
    customer.by_qq("sam")
    customer.phone.get_code(mobile)
    customer.phone.prove()
    customer.fill(password=PASSWORD)
    customer.refused("password")
    customer.follow("a[href*='/login/by/reset/']")
    page.wait_for_url("**/reset/?*")
    customer.reset(mobile, THIRD, re.compile("/bind/"))
    expect(page.locator("p[role=status].aside")).to_be_visible()
    customer.fill(password=THIRD)
    customer.go_on(MY)
    expect(page.get_by_text("Sam O'Neil")).to_be_visible()


def bind_wechat(customer: Customer, mobile: str) -> None:
    page = customer.page
    customer.by_password(mobile, THIRD)
    customer.wait_a_while()
    customer.open("/my/")
    customer.follow("a[href='/my/identities/bind/wechat_oa/']")
    page.wait_for_url("**/wechat_oa/")
    customer.open_form(f"{page.url}?by=password")
    customer.fill(password=PASSWORD)
    customer.refused("password")
    customer.fill(password=THIRD)
    customer.go_on(re.compile("/wechat_oa/$"))
    # The customer cancels the first time.
    go_to_wechat(customer, "button[name=cancel]")
    assert customer.told("alert")
    customer.follow("a[href='/my/identities/bind/wechat_oa/']")
    go_to_wechat(customer, "button[value=xiaolan]")
    assert customer.told()
    customer.sign_out()
    page.goto("/login/?next=/my/")
    customer.follow("a.button[href^='/login/wechat_oa/']")
    customer.follow("button[value=xiaolan]")
    page.wait_for_url(MY)


def go_to_wechat(customer: Customer, answer: str) -> None:
    customer.page.locator("main a.button.main").wait_for()
    customer.read()
    customer.follow("main a.button.main")
    customer.follow(answer)
    customer.page.wait_for_url(MY)
    customer.read()


def unbind_qq(customer: Customer, mobile: str) -> None:
    page = customer.page
    customer.wait_a_while()
    qq = page.locator(".entries li", has_text="Sam O'Neil").locator("a")
    customer.open("/my/")
    expect(qq).to_have_accessible_description(re.compile("Sam O'Neil"))
    qq.click()
    customer.phone.wait_for_script()
    get_own_code(customer.phone, mobile)
    right = page.locator("[name=sms_code]").input_value()
    customer.fill(sms_code="000000")
    customer.refused("sms_code")
    customer.fill(sms_code=right)
    main(page)
    page.locator("[name=everywhere]").wait_for()
    customer.go_on(MY)
    assert customer.told()
    expect(qq).to_have_count(0)


def end_the_session_of_a_stranger(customer: Customer, stranger: Customer, mobile: str) -> None:
    stranger.by_password(mobile, THIRD)
    customer.open("/my/")
    devices = customer.page.locator("form[action^='/my/sessions/'] button.plain")
    expect(devices.first).to_be_visible()
    # The other device is the one that was seen last.
    devices.first.click()
    assert customer.told()
    stranger.page.goto("/my/password/")
    stranger.page.wait_for_url("**/login/?next=*")


def change_the_password(customer: Customer) -> None:
    customer.open_form("/my/password/")
    customer.fill(old_password=PASSWORD, password=FOURTH)
    customer.refused("old_password")
    customer.fill(old_password=THIRD)
    customer.go_on(MY)
    assert customer.told()


def change_the_number(customer: Customer, old: str, new: str) -> None:
    customer.wait_a_while()
    customer.open_form("/my/mobile/")
    get_own_code(customer.phone, old)
    main(customer.page)
    customer.page.locator("[name=mobile]").wait_for()
    customer.read()
    customer.phone.get_code(new)
    customer.go_on(MY)
    assert f"{new[:3]}****{new[-4:]}" in customer.told()


def ask_for_a_change_and_cancel_it(customer: Customer, old: str, new: str) -> None:
    page = customer.page
    customer.wait_a_while()
    customer.open("/my/mobile/")
    customer.follow("a[href='/my/mobile/lost/']")
    page.wait_for_url("**/lost/")
    customer.phone.wait_for_script()
    customer.read()
    customer.fill(password=FOURTH)
    main(page)
    page.locator("[name=mobile]").wait_for()
    customer.phone.get_code(new)
    customer.go_on(MY)
    expect(page.locator("main")).to_contain_text(f"{new[:3]}****{new[-4:]}")
    assert not customer.phone.visitor.get("/sandbox/inbox.json", mobile=old).data[0]["code"]
    customer.open("/my/mobile/lost/")
    assert customer.told("alert")
    customer.follow("form[action$='/cancel/'] button")
    assert customer.told()
    expect(page.locator("main")).not_to_contain_text(f"{new[:3]}****{new[-4:]}")


def lose_the_phone_and_come_back(customer: Customer, lost: Customer, new: str) -> None:
    """The number is lost with the phone. WeChat is installed on the next phone."""
    page = customer.page
    customer.page.goto("/login/?next=/my/")
    customer.follow("a.button[href^='/login/wechat_oa/']")
    customer.follow("button[value=xiaolan]")
    page.wait_for_url(MY)
    customer.read()
    customer.follow("form[action='/my/sessions/'] button")
    assert customer.told()
    lost.page.goto("/my/")
    lost.page.wait_for_url("**/login/?next=*")
    customer.open_form("/my/mobile/")
    customer.follow("a[href='/my/mobile/lost/']")
    page.locator("[name=mobile]").wait_for()
    customer.phone.get_code(new)
    customer.go_on(MY)
    customer.wait_three_days()
    customer.open("/my/")
    assert f"{new[:3]}****{new[-4:]}" in customer.told()
    customer.sign_out()
    customer.by_password(new, FOURTH)
