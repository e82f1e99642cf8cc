"""WeChat's QR code in our own page."""

import json
import re
from html import unescape
from typing import Any

import pytest
from pytest_django import Settings

from tests.oauth.drivers import wechat_web
from tests.pages.conftest import Shopper
from tests.support.edge import Configure

pytestmark = [pytest.mark.django_db, pytest.mark.once]

DRIVER = wechat_web.DRIVER


@pytest.fixture
def page(shopper: Shopper, phonebind: Configure, settings: Settings) -> Any:
    entry = {**DRIVER.settings, "embedded": True}
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {"wechat_web": entry}}
    return shopper.http.get("/login/wechat_web/", {"next": "/cart.html"})


def test_the_page_has_the_code_and_a_way_to_wechats_own_page(page: Any) -> None:
    html = page.content.decode()
    assert page.status_code == 200
    options = json.loads(unescape(re.findall(r'data-options="([^"]*)"', html)[0]))
    assert options["redirect_uri"] == "https%3A%2F%2Fshop.example%2Flogin%2Fwechat_web%2Fcallback%2F"
    assert 'data-script="https://res.wx.qq.com/connect/zh_CN/htmledition/js/wxLogin.js"' in html
    [link] = [unescape(found) for found in re.findall(r'href="(https://open\.weixin[^"]*)"', html)]
    assert link.endswith("#wechat_redirect")
    assert f"state={options['state']}" in link, "one sign-in, whichever way it goes on"


def test_threat_1_the_state_is_this_browsers(page: Any, shopper: Shopper) -> None:
    html = page.content.decode()
    options = json.loads(unescape(re.findall(r'data-options="([^"]*)"', html)[0]))
    assert [name for name in page.cookies if name.startswith("phonebind_flow_")]
    answer = shopper.http.get("/login/wechat_web/callback/", {"state": options["state"]})
    assert "next=%2Fcart.html" in answer.content.decode(), "it is known where that was to lead"


def test_threat_21_this_page_alone_loads_what_is_wechats(page: Any, shopper: Shopper) -> None:
    assert page.headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self' https://res.wx.qq.com; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; frame-src https://open.weixin.qq.com; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    assert "no-store" in page.headers["Cache-Control"]
    assert "weixin" not in shopper.http.get("/login/").headers["Content-Security-Policy"]


def test_whom_another_site_sends_sees_the_sign_in_page_first(page: Any, shopper: Shopper) -> None:
    answer = shopper.http.get("/login/wechat_web/", headers={"sec-fetch-site": "cross-site"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login/")
