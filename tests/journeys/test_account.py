"""The account pages, from the sign-in to the change of the mobile number; and their accessibility."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.conftest import PASSWORD, PHONE, Person, listen
from tests.journeys.test_accessibility import inspect
from tests.support.services import valkey_server
from tests.support.site import serve
from tests.support.visitor import Visitor

NEW_PASSWORD = "other-staple-9"
STORE = "db=6"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605 Version/18.1 Mobile Safari/604.1"


@pytest.fixture(scope="module")
def shop(data: Path) -> Iterator[str]:
    """A site where people have account pages."""
    url = valkey_server().url.replace("db=0", STORE)
    with serve(data / "account", REDIS_URL=url, LIFECYCLE="1") as url:
        yield url


@pytest.fixture
def open_phone(browser: Browser, shop: str, complaints: list[str]) -> Iterator[Callable[..., Person]]:
    """Another phone on each call, with the sign-in of the given person."""
    visitor = Visitor(shop)
    visitor.faults()
    opened: list[BrowserContext] = []

    def start(**how: Any) -> Person:
        options: Any = {"base_url": shop, "locale": "zh-CN", "viewport": PHONE, **how}
        context = browser.new_context(**options)
        opened.append(context)
        context.set_default_timeout(10_000)
        listen(context, complaints)
        return Person(context.new_page(), visitor)

    yield start
    for context in opened:
        context.close()


@pytest.fixture
def wait(data: Path) -> Callable[[], None]:
    """Let time pass: the sign-ins are older than 10 minutes, and another SMS may be sent."""

    def pass_by() -> None:
        with closing(sqlite3.connect(data / "account/db.sqlite3", timeout=20)) as connection, connection:
            connection.execute("UPDATE phonebind_lifecycle_session SET created_at = '2026-01-01 00:00:00'")
        with redis.Redis.from_url(valkey_server().url.replace("db=0", STORE)) as store:
            for key in store.scan_iter("*sms_mobile_gap*"):
                store.delete(key)

    return pass_by


def press(page: Page, name: str, role: Any = "link") -> None:
    page.get_by_role(role, name=name, exact=True).click()


def main(page: Page) -> None:
    page.locator("form .button.main").click()


def by_weibo(person: Person) -> None:
    page = person.page
    page.goto("/login/?next=/my/")
    page.locator("a.button[href^='/login/weibo/']").click()
    page.locator("button[value=xiaolan]").click()
    page.wait_for_url("**/my/")


def get_own_code(person: Person, mobile: str) -> None:
    """Request a code to the number that the page knows."""
    page = person.page
    expect(page.locator(".own")).to_contain_text(f"{mobile[:3]}****{mobile[-4:]}")
    page.locator("[name=text]").fill(person.look())
    page.locator("[data-send]").click()
    page.locator("[data-status]:not(:empty)").wait_for()
    page.locator("[name=sms_code]").fill(person.read_sms(mobile))


def test_from_the_sign_in_to_another_number(
    open_phone: Callable[..., Person], new_mobile: Callable[[], str], wait: Callable[[], None]
) -> None:
    person, mobile = open_phone(), new_mobile()
    sign_up(person, mobile)
    press(person.page, "我的账号")
    assert person.heading == "我的账号"
    bind_weibo(person.page)
    wait()
    unbind_qq(person, mobile)
    by_weibo(person)
    expect(person.page.get_by_role("status")).to_have_text("已解绑QQ")
    expect(person.page.get_by_role("link", name="绑定QQ")).to_be_visible()
    sign_out(person.page, open_phone(user_agent=IPHONE))
    change_password(person)
    wait()
    change_mobile(person, mobile, new_mobile())
    press(person.page, "退出登录", "button")
    person.page.wait_for_url("**/login/")


def sign_up(person: Person, mobile: str) -> None:
    person.arrive("xiaolan")
    person.get_code(mobile)
    person.submit()
    person.page.wait_for_url("**/login/done/")


def bind_weibo(page: Page) -> None:
    press(page, "绑定微博")
    press(page, "前往微博")
    page.locator("button[value=xiaolan]").click()
    expect(page.get_by_role("status")).to_have_text("已绑定微博，今后可用它登录")
    expect(page.get_by_role("status")).to_be_focused()


def unbind_qq(person: Person, mobile: str) -> None:
    page = person.page
    press(page, "解绑QQ")
    assert person.heading == "验证身份"
    get_own_code(person, mobile)
    main(page)
    expect(page.get_by_role("heading", name="解绑QQ？")).to_be_visible()
    expect(page.get_by_text("您在本机用QQ登录，解绑后需要重新登录。")).to_be_visible()
    main(page)
    page.wait_for_url("**/login/?next=%2Fmy%2F")


def sign_out(page: Page, other: Person) -> None:
    """Sign the other device out."""
    by_weibo(other)
    page.reload()
    press(page, "退出登录：iPhone（Safari）", "button")
    expect(page.get_by_role("status")).to_have_text("该设备已退出登录")
    other.page.reload()
    other.page.wait_for_url("**/login/?next=%2Fmy%2F")


def change_password(person: Person) -> None:
    page = person.page
    press(page, "修改密码")
    page.locator("[name=old_password]").fill("not-mine-8")
    person.submit(NEW_PASSWORD)
    assert person.error("old_password") == "密码错误"
    page.locator("[name=old_password]").fill(PASSWORD)
    main(page)
    expect(page.get_by_role("status")).to_have_text("新密码已设置，其他设备均已退出登录")


def change_mobile(person: Person, mobile: str, new: str) -> None:
    page = person.page
    press(page, "修改手机号")
    get_own_code(person, mobile)
    main(page)
    expect(page.get_by_role("heading", name="修改手机号")).to_be_visible()
    assert page.locator("[name=sms_code]").input_value() == ""
    person.get_code(new)
    main(page)
    expect(page.get_by_role("status")).to_contain_text(f"手机号已改为{new[:3]}****{new[-4:]}")


@pytest.mark.parametrize(("locale", "scheme"), [("zh-CN", "light"), ("en-US", "dark")])
def test_threat_21_the_pages_of_an_account_serve_everybody(
    open_phone: Callable[..., Person], new_mobile: Callable[[], str], wait: Callable[[], None], locale: str, scheme: str
) -> None:
    person = open_phone(locale=locale, color_scheme=scheme)
    page, mobile = person.page, new_mobile()
    sign_up(person, mobile)
    page.goto("/my/password/")
    inspect(page)
    page.goto("/my/")
    page.locator("a[href^='/my/identities/']").first.click()
    inspect(page)
    wait()
    # By SMS, with a wrong code first.
    page.reload()
    get_own_code(person, mobile)
    page.locator("[name=sms_code]").fill("000000")
    main(page)
    expect(page.locator("[name=sms_code]")).to_be_focused()
    inspect(page)
    # By keyboard.
    page.goto("/my/mobile/lost/")
    page.locator("[name=password]").fill("not-mine-8")
    page.keyboard.press("Enter")
    person.error("password")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    ask_for_change(person, new_mobile())
    inspect(page)


def ask_for_change(person: Person, new: str) -> None:
    person.page.locator("[name=mobile]").wait_for()
    person.get_code(new)
    main(person.page)
    person.page.wait_for_url("**/my/")
    expect(person.page.locator("main")).to_contain_text(f"{new[:3]}****{new[-4:]}")


def test_without_script(
    open_phone: Callable[..., Person], new_mobile: Callable[[], str], wait: Callable[[], None]
) -> None:
    person = open_phone(java_script_enabled=False)
    page, mobile = person.page, new_mobile()
    person.arrive("xiaolan")
    person.page.locator("[name=mobile]").fill(mobile)
    page.locator("[name=text]").fill(read_image(person))
    page.locator("[data-send]").click()
    page.locator("[name=sms_code]").fill(person.read_sms(mobile))
    person.submit()
    page.wait_for_url("**/login/done/")
    wait()
    page.goto("/my/password/forgotten/")
    page.locator("[name=text]").fill(read_image(person))
    page.locator("[data-send]").click()
    page.locator("[name=sms_code]").fill("000000")
    main(page)
    expect(page.locator("#id_sms_code_error")).to_have_text("短信验证码错误")
    page.locator("[name=sms_code]").fill(person.read_sms(mobile))
    main(page)
    person.submit(NEW_PASSWORD)
    expect(page.get_by_role("status")).to_have_text("新密码已设置，其他设备均已退出登录")


def read_image(person: Person) -> str:
    """Read the image as ``look`` does, but without a script: ``look`` asks a script whether the image is there."""
    image_code_id = person.page.locator("[name=image_code_id]").input_value()
    person.page.locator("[data-image] img").scroll_into_view_if_needed()
    return str(person.visitor.get(f"/sandbox/image_codes/{image_code_id}.json").data["text"])
