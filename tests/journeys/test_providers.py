"""Each provider, at the sandbox of ``make run``: bound once and recognised at the next sign-in, in a browser or as an
app.
"""

from collections.abc import Callable
from hashlib import sha256

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import PHONE, Person, listen
from tests.support.visitor import Answer, Visitor

DESKTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36"
ANDROID = "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 Chrome/150.0 Mobile Safari/537.36"
WECHAT = ANDROID + " XWEB/1300 MMWEBSDK/2025 MicroMessenger/8.0.60(0x28003C35) WeChat/arm64 Weixin NetType/WIFI"

#: The user agent of the person, and the button that they press.
WAYS = {
    "wechat_web": DESKTOP,
    "wechat_oa": WECHAT,
    "weibo": ANDROID,
    "apple": ANDROID,
    "alipay": ANDROID,
    "oidc": DESKTOP,
}

#: For an app: the address of the SDK's emulation, its parameters, and the name of the proof there and in our request.
APPS = {
    "wechat_app": ("wechat/sdk/code", {"appid": "wx3333333333333333"}, "code", "code"),
    "wechat_miniprogram": ("wechat/sdk/code", {"appid": "wx4444444444444444"}, "code", "code"),
    "qq_app": ("qq/sdk/token", {}, "access_token", "token"),
    "weibo": ("weibo/sdk/token", {}, "access_token", "token"),
    "apple": ("apple/sdk/id_token", {"nonce": ""}, "id_token", "token"),
    "oidc": ("oidc/sdk/id_token", {"nonce": ""}, "id_token", "token"),
    "alipay_app": ("alipay/sdk", {"app_id": "2021000000000002"}, "auth_code", "code"),
}
NONCE = "a-nonce-of-the-app"


@pytest.mark.parametrize("kind", APPS)
def test_an_app_binds_once_and_signs_in_again(visitor: Visitor, new_mobile: Callable[[], str], kind: str) -> None:
    def native() -> Answer:
        path, asked, told, named = APPS[kind]
        nonce = {name: sha256(NONCE.encode()).hexdigest() for name in asked if name == "nonce"}
        proof = visitor.get(f"/sandbox/{path}", person="fox", **asked | nonce).data[told]
        return visitor.post(f"/oauth/{kind}/native/", **{named: proof, "nonce": NONCE if nonce else ""})

    visitor.faults()
    ticket, mobile = native().data["access_token"], new_mobile()
    form = {"mobile": mobile, "password": "horse-staple-9", "sms_code": visitor.sms_code(mobile)}
    bound = visitor.post(f"/oauth/{kind}/user/", **form, access_token=ticket)
    assert (bound.status, bound.data["username"]) == (201, mobile)
    # The device cookie only names the device: an app that keeps no cookies gets the same answers.
    assert {cookie.name for cookie in visitor.cookies} <= {"phonebind_device"}
    visitor.cookies.clear()
    again = native()
    assert (again.status, again.data["user_id"]) == (200, bound.data["user_id"])
    refused = visitor.post(f"/oauth/{kind}/native/", code="0" * 32, token="0" * 32, nonce=NONCE)
    assert (refused.status, refused.data["code"]) == (400, "code_invalid")


@pytest.mark.parametrize("kind", WAYS)
def test_bound_once_and_known_again(
    browser: Browser, site: str, complaints: list[str], visitor: Visitor, new_mobile: Callable[[], str], kind: str
) -> None:
    with browser.new_context(base_url=site, locale="zh-CN", viewport=PHONE, user_agent=WAYS[kind]) as context:  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        listen(context, complaints)
        page = context.new_page()
        person, mobile = Person(page, visitor), new_mobile()
        arrive(page, kind)
        person.get_code(mobile)
        person.submit()
        page.wait_for_url("**/login/done/")
        expect(page.locator("main")).to_contain_text(f"{mobile[:3]}****{mobile[-4:]}")
    with browser.new_context(base_url=site, locale="zh-CN", viewport=PHONE, user_agent=WAYS[kind]) as context:  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        listen(context, complaints)
        page = context.new_page()
        arrive(page, kind)
        page.wait_for_url("**/login/done/")
        expect(page.locator("main")).to_contain_text(f"{mobile[:3]}****{mobile[-4:]}")


def arrive(page: Page, kind: str) -> None:
    page.goto("/login/")
    page.locator(f"a.button[href*='/login/{kind}/']").click()
    page.locator("button[value=xiaolan]").click()
