"""Every result of a sign-in, in a real browser, against the reference server and its sandbox."""

import re
from collections.abc import Callable

import pytest
import redis
from playwright.sync_api import BrowserContext, Page, Route, expect

from server import demo
from tests.journeys.conftest import PASSWORD, Person
from tests.support.visitor import Visitor

NewMobile = Callable[[], str]
DONE = re.compile(r"/login/done/$")
SENT = re.compile(r"^验证码已发送至 139 \d{4} \d{4}，5分钟内有效$")
FORM = re.compile(r"/login/qq/bind/\w[\w-]*/$")


@pytest.fixture(autouse=True)
def fresh(visitor: Visitor) -> None:
    visitor.faults()


def test_a_new_mobile(person: Person, new_mobile: NewMobile) -> None:
    mobile = new_mobile()
    person.arrive("xiaolan")
    expect(person.page).to_have_url(FORM)
    assert "您好，小兰" in person.page.locator(".greeting").inner_text()
    person.get_code(mobile)
    person.submit()
    expect(person.page).to_have_url(DONE)
    assert person.heading == "登录成功"
    assert f"{mobile[:3]}****{mobile[-4:]}" in person.page.locator("dl").inner_text()

    # Sign in again: now one tap is enough.
    person.page.get_by_role("button", name="退出登录").click()
    expect(person.page).to_have_url(re.compile(r"/login/$"))
    person.arrive("xiaolan")
    expect(person.page).to_have_url(DONE)


def test_a_known_mobile_after_a_wrong_password(person: Person) -> None:
    person.arrive("liming", next="/sandbox/inbox/")
    person.get_code(demo.MOBILE)
    person.submit("wrong-horse-1")
    assert person.error("password") == "密码错误"
    expect(person.page.locator("[name=password]")).to_be_focused()
    person.submit(demo.PASSWORD)
    expect(person.page).to_have_url(re.compile(r"/sandbox/inbox/$"))


def test_an_impatient_double_click(person: Person, new_mobile: NewMobile) -> None:
    person.arrive("fox")
    person.get_code(new_mobile())
    posts: list[str] = []
    person.page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    # The script sends the request, and then posts the form to get the page with the other fields.
    person.page.locator("form .button.main").dblclick()
    person.page.locator("[name=password]").fill(PASSWORD)
    assert len(posts) == 2
    person.wait_for_script()
    person.page.locator("form .button.main").dblclick()
    expect(person.page).to_have_url(DONE)
    assert len(posts) == 3


def test_a_wrong_sms_code(person: Person, new_mobile: NewMobile) -> None:
    mobile = new_mobile()
    person.arrive("sam")
    person.get_code(mobile)
    right = person.read_sms(mobile)
    person.page.locator("[name=sms_code]").fill(f"{(int(right) + 1) % 10**6:06}")
    person.go_on()
    assert person.error("sms_code") == "短信验证码错误"
    expect(person.page.locator("[name=sms_code]")).to_be_focused()
    expect(person.page.locator("[name=mobile]")).to_have_value(mobile)


def test_an_expired_sms_code(person: Person, new_mobile: NewMobile, store: redis.Redis) -> None:
    mobile = new_mobile()
    person.arrive("sam")
    person.get_code(mobile)
    assert store.delete(f":1:phonebind:sms:{{{mobile}}}")
    person.go_on()
    assert person.error("sms_code") == "短信验证码已失效，请重新获取"


def test_a_wrong_image_code_brings_another_image(person: Person, new_mobile: NewMobile) -> None:
    mobile = new_mobile()
    person.arrive("sam")
    before = person.look()
    person.ask_for_code(mobile, text="0000")
    assert person.error("text") == "图形验证码错误"
    expect(person.page.locator("[name=text]")).to_be_focused()
    expect(person.page.locator("[name=text]")).to_have_value("")
    expect(person.page.locator("[name=mobile]")).to_have_value(mobile)
    assert person.look() != before
    person.get_code(mobile)


def test_the_image_is_renewed_by_a_tap(person: Person) -> None:
    person.arrive("sam")
    before = person.look()
    person.page.locator("[name=mobile]").fill("139")
    person.page.locator("[data-image]").click()
    person.page.wait_for_function("document.querySelector('[data-image] img').src.includes('?')")
    assert person.look() != before
    expect(person.page.locator("[name=mobile]")).to_have_value("139")
    expect(person.page).to_have_url(FORM)


def test_another_code_can_be_asked_for_after_a_minute(person: Person, new_mobile: NewMobile) -> None:
    mobile = new_mobile()
    person.page.clock.install()
    person.arrive("sam")
    person.get_code(mobile)
    button = person.page.locator("[data-send]")
    expect(button).to_be_disabled()
    expect(button).to_have_text(re.compile(r"^\d+ 秒后重发$"))
    person.page.clock.run_for(61_000)
    expect(button).to_be_enabled()
    expect(button).to_have_text("获取验证码")
    # At the server the minute is not over. The server's answer counts, and it says how long the wait is.
    button.click()
    person.ask_for_code(mobile)
    assert person.error("sms_code") == "短信验证码刚刚发送过，请稍等再重新获取"
    expect(button).to_be_disabled()


def test_enter_beside_the_image_asks_for_the_code(person: Person, new_mobile: NewMobile) -> None:
    person.arrive("sam")
    person.page.locator("[name=mobile]").fill(new_mobile())
    person.page.locator("[name=text]").fill(person.look())
    person.page.keyboard.press("Enter")
    expect(person.page.locator("[data-status]")).to_have_text(
        re.compile(r"^验证码已发送至 139 \d{4} \d{4}，5分钟内有效$")
    )
    expect(person.page.locator("[name=sms_code]")).to_be_focused()


def test_threat_21_the_whole_form_by_keyboard(person: Person, new_mobile: NewMobile) -> None:
    mobile, keys = new_mobile(), person.page.keyboard
    person.arrive("sam")
    expect(person.page).to_have_url(FORM)
    keys.press("Tab")
    keys.type(mobile)
    keys.press("Tab")
    keys.type(person.look())
    keys.press("Enter")
    person.page.locator("[data-status]:not(:empty)").wait_for()
    keys.type(person.read_sms(mobile))
    keys.press("Tab")  # the button beside it is disabled for a minute
    keys.press("Enter")
    # On the page with the other fields, the focus is in the first field to type in.
    expect(person.page.locator("[name=password]")).to_be_focused()
    person.wait_for_script()
    keys.type("horse-staple-9")
    keys.press("Tab")
    keys.press("Space")
    expect(person.page.locator("[name=password]")).to_have_attribute("type", "text")
    expect(person.page.locator("[data-show]")).to_have_text("隐藏")
    keys.press("Space")
    expect(person.page.locator("[name=password]")).to_have_attribute("type", "password")
    keys.press("Tab")
    keys.press("Enter")
    expect(person.page).to_have_url(DONE)


def test_who_denies_can_try_again(person: Person) -> None:
    person.page.goto("/login/qq/?next=/sandbox/")
    person.page.locator("button[name=deny]").click()
    assert person.heading == "登录已取消"
    person.page.get_by_role("link", name="重新登录").click()
    person.page.locator("button[value=fox]").click()
    expect(person.page).to_have_url(re.compile(r"/bind/[0-9a-f]+/$"))


def test_who_closes_the_providers_window_can_start_again(person: Person) -> None:
    person.page.goto("/login/qq/")
    person.page.locator("button[name=cancel]").click()
    assert "关闭" in person.heading
    person.arrive("fox")
    expect(person.page).to_have_url(FORM)


@pytest.mark.parametrize("fault", ["down", "reset", "garbage", "html"])
def test_the_provider_is_down(person: Person, visitor: Visitor, fault: str) -> None:
    visitor.faults(token_network=fault)
    person.arrive("fox")
    assert person.heading == "暂时不可用"
    visitor.faults()
    person.page.get_by_role("link", name="重新登录").click()
    person.page.locator("button[value=fox]").click()
    expect(person.page).to_have_url(FORM)


def test_the_provider_is_down_and_the_page_reloaded(person: Person, visitor: Visitor) -> None:
    visitor.faults(token_network="down")
    person.arrive("fox")
    assert person.heading == "暂时不可用"
    visitor.faults()
    person.page.reload()
    expect(person.page).to_have_url(FORM)


def test_the_sms_gateway_refuses_once(person: Person, visitor: Visitor, new_mobile: NewMobile) -> None:
    mobile = new_mobile()
    visitor.faults(sms="refuse")
    person.arrive("sam")
    person.ask_for_code(mobile)
    assert person.error("sms_code") == "短信发送失败，请重试"
    visitor.faults()
    person.get_code(mobile)


@pytest.mark.parametrize(("seconds", "words"), [(48, r"^\d+ 秒后重发$"), (3600, "^获取验证码$")])
def test_a_short_wait_of_the_vendors_is_counted_down(
    person: Person, new_mobile: NewMobile, seconds: int, words: str
) -> None:
    """A wait of an hour gets no countdown: nobody watches one for so long."""
    message = "获取短信验证码的次数过多，请稍后再试"

    def answer(route: Route) -> None:
        if "send_code" in (route.request.post_data or ""):
            route.fulfill(status=429, json={"code": "sms_quota", "message": message, "retry_after": seconds})
        else:
            route.continue_()

    person.page.route("**/*", answer)
    person.arrive("sam")
    person.ask_for_code(new_mobile())
    assert person.error("sms_code") == message
    expect(person.page.locator("[data-send]")).to_have_text(re.compile(words))


def test_threat_43_others_have_asked_for_all_that_everybody_may(
    person: Person, visitor: Visitor, new_mobile: NewMobile, store: redis.Redis
) -> None:
    """The page shows its ticket, so the owner of the mobile still gets an SMS, and binds."""
    mobile = new_mobile()
    answers = []
    for _ in range(4):
        answers.append(visitor.ask_for_sms(mobile).data.get("code", "sent"))
        for key in store.scan_iter("*sms_mobile_gap*"):
            store.delete(key)
    assert answers == ["sent", "sent", "sent", "sms_quota"]
    person.arrive("sam")
    person.get_code(mobile)
    person.submit()
    expect(person.page).to_have_url(DONE)


def test_the_callback_comes_twice(
    context: BrowserContext,
    visitor: Visitor,
    somebody: Callable[[Page], Person],
    complaints: list[str],
    new_mobile: NewMobile,
) -> None:
    visitor.faults(callback="twice")
    person = somebody(context.new_page())
    person.arrive("bold")
    expect(person.page).to_have_url(FORM)
    person.get_code(new_mobile())
    person.submit()
    expect(person.page).to_have_url(DONE)
    person.arrive("bold", next="/sandbox/inbox/")
    expect(person.page).to_have_url(re.compile(r"/sandbox/inbox/$"))
    # Each page came in a frame first. None of our pages can be shown in a frame.
    assert [text for text in complaints if "frame" not in text] == []
    complaints.clear()


def test_a_reload_and_the_way_back_lose_nothing(person: Person, new_mobile: NewMobile) -> None:
    person.arrive("nameless")
    expect(person.page).to_have_url(FORM)
    person.page.reload()
    expect(person.page.locator("h1")).to_have_text("绑定手机号")
    person.get_code(new_mobile())
    person.submit()
    expect(person.page).to_have_url(DONE)
    # The previous page in the history is the form. Its ticket is used up.
    person.page.go_back()
    expect(person.page).to_have_url(DONE)


def test_two_people_in_two_tabs(
    context: BrowserContext, somebody: Callable[[Page], Person], visitor: Visitor, new_mobile: NewMobile
) -> None:
    first, second = (somebody(context.new_page()) for _ in range(2))
    for person in (first, second):
        person.page.goto("/login/qq/")
    for person, name in ((first, "fox"), (second, "sam")):
        person.page.locator(f"button[value={name}]").click()
        expect(person.page).to_have_url(FORM)
    mobiles = []
    for person in (first, second):
        mobiles.append(new_mobile())
        person.get_code(mobiles[-1])
    for person, mobile in zip((first, second), mobiles, strict=True):
        person.submit()
        expect(person.page).to_have_url(DONE)
        assert mobile[-4:] in person.page.locator("dl").inner_text()


def test_a_sign_in_of_an_hour_ago(person: Person) -> None:
    person.arrive("bold")
    expect(person.page).to_have_url(FORM)
    person.page.context.clear_cookies()
    person.page.reload()
    assert person.heading == "登录已过期"
    person.page.get_by_role("link", name="重新登录").click()
    person.page.locator("button[value=bold]").wait_for()


def test_the_connection_breaks_and_nothing_is_lost(
    person: Person, new_mobile: NewMobile, complaints: list[str]
) -> None:
    mobile = new_mobile()
    person.arrive("fox")
    person.get_code(mobile)
    person.page.route("**/bind/**", lambda route: route.abort())
    person.go_on()
    alert = person.page.get_by_role("alert")
    expect(alert).to_have_text("网络连接失败，填写的内容都还在，请重试")
    expect(alert).to_be_focused()
    assert complaints.pop() == "Failed to load resource: net::ERR_FAILED"
    person.page.unroute("**/bind/**")
    person.submit()
    expect(person.page).to_have_url(DONE)
