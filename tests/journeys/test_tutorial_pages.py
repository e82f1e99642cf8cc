"""Test pages that work as the tutorial's front ends do: on another origin, in a real browser."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from server import demo
from tests.journeys.conftest import PASSWORD
from tests.journeys.front_ends import API, NO_IMAGE, FrontEnd, Somebody, serving

#: What most pages send and read. Each kind below differs from it, as some pages of the census do.
USUAL: dict[str, Any] = {
    "authorization": "/oauth/qq/authorization/",
    "asks": "next",
    "url": "login_url",
    "callback": "/oauth/qq/user/",
    "bound": "user_id",
    "ticket": "access_token",
    "id": "user_id",
    "image": "/image_codes/{id}/",
    "sms": "/sms_codes/{mobile}/",
    "text": "text",
    "image_id": "image_code_id",
    "password": "/authorizations/",
    "credentials": True,
}
#: The kinds, named by their main difference, and the page that each must lead to.
KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "usual": ({}, "/"),
    "statues": (
        {
            "asks": "state",
            "authorization": "/oauth/qq/statues/",
            "url": "auth_url",
            "callback": "/oauth/qq/users/",
            "image": "/verifications/imagecodes/{id}/",
            "sms": "/verifications/smscodes/{mobile}/",
            "credentials": False,
        },
        "/goods/1.html",
    ),
    "oauth_url, sms_code": (
        {
            "asks": "state",
            "url": "oauth_url",
            "unbound": "access_token",
            "id": "id",
            "image": "/image_code/{id}/",
            "sms": "/sms_code/{mobile}/",
            "text": "image_code",
        },
        "/cart.html",
    ),
    "openid, codeId": (
        {
            "bound": "token",
            "ticket": "openid",
            "url": "qq_login_url",
            "image": "/verifications/images/{id}.jpg",
            "sms": "/verifications/sms/{mobile}/",
            "image_id": "codeId",
            "decodes_twice": True,
            "credentials": False,
        },
        "/商品.html",
    ),
    "a ticket by a name that only the path knows": ({"callback": "/qq/back/", "ticket": "secret"}, "/cart.html"),
}
#: One wrong password is allowed. Otherwise every try would cost one second.
FEW = json.dumps({"password_name": [1, 900]})
#: Two SMS to one mobile number, without one minute between them.
AT_ONCE = json.dumps({"sms_mobile_gap": [9, 60]})


@pytest.fixture(scope="module")
def direct(data: Path) -> Iterator[FrontEnd]:
    """A site where QQ redirects to the page itself."""
    with serving(data / "tutorial", "tutorial", API, db=8, LIMITS=FEW) as front_end:
        yield front_end


@pytest.fixture(scope="module")
def relayed(data: Path) -> Iterator[FrontEnd]:
    """A site where QQ redirects to the API, and the API redirects to the page. An SMS needs no image code."""
    with serving(data / "relayed", "tutorial", API, db=9, relay=True, **NO_IMAGE) as front_end:
        yield front_end


@pytest.fixture
def lean(data: Path) -> Iterator[FrontEnd]:
    """A shop that has no account views of its own."""
    with serving(data / "lean", "tutorial", API, db=7, LIFECYCLE="1", LIMITS=AT_ONCE) as front_end:
        yield front_end


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(locale="zh-CN") as context:
        context.set_default_timeout(10_000)
        yield context.new_page()


@pytest.fixture
def somebody(direct: FrontEnd, page: Page) -> Somebody:
    direct.speak(**USUAL)
    return Somebody(page, direct)


def stored(page: Page) -> dict[str, str]:
    return dict(page.evaluate("({...sessionStorage, ...localStorage})"))


def alerted(page: Page) -> list[str]:
    said: list[str] = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("dialog", lambda dialog: dialog.accept())
    return said


@pytest.mark.parametrize("kind", KINDS)
def test_first_sign_in_and_return(direct: FrontEnd, page: Page, kind: str, new_mobile: Callable[[], str]) -> None:
    changed, next_ = KINDS[kind]
    direct.speak(**{**USUAL, **changed})
    somebody, mobile = Somebody(page, direct), new_mobile()
    for is_known in (False, True):
        somebody.arrive("xiaolan", next_)
        if not is_known:
            somebody.bind(mobile)
        expect(page.locator("#greeting")).to_have_text(f"欢迎您 {mobile}")
        assert page.evaluate("decodeURI(location.href)") == direct.url + next_
        kept = stored(page)
        assert kept.keys() == {"token", "user_id", "username"}
        assert "undefined" not in kept.values()
        page.evaluate("localStorage.clear()")


def test_what_is_refused_is_told_beside_the_field(somebody: Somebody, new_mobile: Callable[[], str]) -> None:
    mobile = new_mobile()
    somebody.arrive("xiaolan")
    somebody.ask_for_code(mobile, "9999")
    assert somebody.told("image_refused") == "图片验证码有误"
    somebody.page.evaluate("drawImage()")
    code = somebody.get_code(mobile)
    somebody.page.evaluate("drawImage(), show('image_refused', '')")
    somebody.ask_for_code(mobile)
    assert somebody.told("image_refused") == "图片验证码有误", "for whatever a 400 is, and the button is free"
    wrong = "000000" if code != "000000" else "000001"
    for non_field in (False, True):
        somebody.page.evaluate("yes => { config.non_field = yes; show('sms_refused', ''); }", non_field)
        somebody.submit(wrong)
        assert somebody.told("sms_refused") == "短信验证码错误"
    good = somebody.page.evaluate("ticket")
    somebody.page.evaluate("ticket = ticket.slice(0, -3)")
    somebody.submit(code)
    expect(somebody.page.locator("#sms_refused")).to_have_text("无效的access_token")
    somebody.page.evaluate("text => ticket = text", good)
    somebody.submit(code, "short")
    expect(somebody.page.locator("#sms_refused")).to_have_text("仅允许8-20个字符的密码")
    somebody.submit(code)
    expect(somebody.page).to_have_url(f"{somebody.front_end.url}/")


@pytest.mark.parametrize("button", ["usercancel", "deny"])
def test_who_turns_back_at_the_provider_is_not_left_waiting(somebody: Somebody, button: str) -> None:
    said = alerted(somebody.page)
    somebody.press()
    somebody.page.locator(f"button[name={button}]").click()
    expect(somebody.page.locator("#waiting")).to_have_text("400")
    assert said == ["服务器异常"]


def test_a_disabled_account_is_refused_at_both_doors(somebody: Somebody, new_mobile: Callable[[], str]) -> None:
    mobile, said = new_mobile(), alerted(somebody.page)
    somebody.arrive("xiaolan")
    somebody.bind(mobile)
    somebody.page.locator("#greeting").wait_for()
    somebody.front_end.disable_everybody()
    try:
        somebody.arrive("xiaolan")
        expect(somebody.page.locator("#waiting")).to_have_text("400")
        assert said == ["服务器异常"]
        somebody.log_in(mobile)
        assert somebody.told("refused") == "用户名或密码错误"
    finally:
        somebody.front_end.disable_everybody(is_active=1)


def test_the_password_form(somebody: Somebody) -> None:
    url = somebody.front_end.url
    somebody.log_in(demo.MOBILE, demo.PASSWORD, remember=True, next_="/cart.html")
    expect(somebody.page).to_have_url(f"{url}/cart.html")
    assert somebody.page.evaluate("Object.keys(localStorage).length") == 3
    somebody.log_in(demo.MOBILE, demo.PASSWORD)
    expect(somebody.page).to_have_url(f"{url}/index.html")
    assert somebody.page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 3]
    for _ in range(2):
        somebody.log_in(demo.MOBILE, "wrong-horse-1")
        assert somebody.told("refused") == "用户名或密码错误", "too often is no fault of the server's either"


# ---------------------------------------------------------------- through the API, and without an image code


@pytest.mark.parametrize("next_", ["/list.html?cat=115&page=2", "/list.html?q=手机#top", "/goods/1.html"])
def test_a_next_with_a_query_and_no_image_code(
    relayed: FrontEnd, page: Page, next_: str, new_mobile: Callable[[], str]
) -> None:
    relayed.speak(**{**USUAL, "image": ""})
    somebody, mobile = Somebody(page, relayed), new_mobile()
    somebody.arrive("xiaolan", quote(next_, safe=""))
    code = somebody.get_code(mobile)
    somebody.ask_for_code(mobile)
    assert somebody.told("sms_refused") == "短信验证码刚刚发送过，请稍等再重新获取", "the message itself"
    somebody.submit(code)
    expect(page.locator("#greeting")).to_have_text(f"欢迎您 {mobile}")
    assert page.evaluate("decodeURI(location.href)") == relayed.url + next_


# ---------------------------------------------------------------- the account pages

FIRST, SECOND, THIRD = PASSWORD, "another-horse-9", "a-third-horse-9"


def test_a_person_registers_changes_the_password_and_forgets_it(
    lean: FrontEnd, page: Page, new_mobile: Callable[[], str]
) -> None:
    lean.speak(**{**USUAL, "credentials": False})
    somebody, mobile, said = Somebody(page, lean), new_mobile(), alerted(page)
    register(somebody, mobile)
    expect(page.locator("#greeting")).to_have_text("欢迎您 newcomer")
    change_password(somebody, mobile, said)
    page.reload()
    page.wait_for_url("**/login.html?next=/user_center_info.html")
    forget(somebody, mobile)
    somebody.log_in("newcomer", THIRD, next_="/cart.html")
    expect(page).to_have_url(f"{lean.url}/cart.html")
    assert said == []


def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.locator(f"[name={name}]:visible").fill(value)


def another(code: str) -> str:
    return "000000" if code != "000000" else "000001"


def register(somebody: Somebody, mobile: str) -> None:
    """Register. Before that, try the mobile number of another person, and a wrong code."""
    page = somebody.page
    page.goto(f"{somebody.front_end.url}/register.html")
    fill(page, mobile=demo.MOBILE, username="newcomer", password=FIRST, password2=FIRST)
    expect(page.locator("#mobile_refused")).to_have_text("手机号已存在")
    code = somebody.get_code(mobile)
    expect(page.locator("#mobile_refused")).to_be_empty()
    page.locator("[name=allow]").check()
    somebody.submit(another(code))
    expect(page.locator("#sms_refused")).to_have_text("短信验证码错误")
    somebody.submit(code)


def change_password(somebody: Somebody, mobile: str, said: list[str]) -> None:
    """Change the password. Before that, try a wrong one."""
    page = somebody.page
    page.goto(f"{somebody.front_end.url}/user_center_info.html")
    expect(page.locator("#username")).to_have_text("newcomer")
    assert somebody.told("mobile") == f"{mobile[:3]}****{mobile[-4:]}"
    for old, told in (("wrong-horse-1", "密码错误"), (FIRST, "保存成功")):
        fill(page, old_password=old, password=SECOND, password2=SECOND)
        with page.expect_event("dialog"):
            page.get_by_role("button").click()
        assert said.pop() == told


def forget(somebody: Somebody, mobile: str) -> None:
    """Set a new password. Before that, try a wrong name, a wrong image code and a wrong SMS code."""
    page, front_end = somebody.page, somebody.front_end

    def submit(button: str = "下一步", **fields: str) -> None:
        fill(page, **fields)
        page.get_by_role("button", name=button).click()

    page.goto(f"{front_end.url}/find_password.html")
    submit(username="nobody", text=somebody.look())
    assert somebody.told("username_refused") == "用户名或手机号不存在"
    submit(username="newcomer", text="----")
    assert somebody.told("image_refused") == "验证码错误"
    submit(text=somebody.look())
    assert somebody.told("mobile") == f"{mobile[:3]}****{mobile[-4:]}"
    submit("获取短信验证码")
    somebody.told("sent")
    code = str(front_end.visitor.get("/sandbox/inbox.json", mobile=mobile).data[0]["code"])
    submit(sms_code=another(code))
    assert somebody.told("sms_refused") == "验证码错误"
    submit(sms_code=code)
    submit(password=THIRD, password2=THIRD)
    expect(page.locator("#step_4")).to_be_visible()
