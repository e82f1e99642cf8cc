"""WeChat in the sandbox: its pages, its calls, and their errors."""

import json
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from phonebind_sandbox import faults, wechat_apps
from phonebind_sandbox.conf import apps
from phonebind_sandbox.people import PEOPLE
from phonebind_sandbox.wechat_answers import openid
from tests.sandbox.client import Answer

WEB, OA = "wx1111111111111111", "wx2222222222222222"
APP, MINI = "wx3333333333333333", "wx4444444444444444"
CALLBACK = "http://127.0.0.1:8000/login/wechat/callback/"
IN_WECHAT = {"user-agent": "Mozilla/5.0 (Linux; Android 15) Mobile MicroMessenger/8.0.50"}
STATE = "0123456789abcdef" * 2
XIAOLAN = PEOPLE["xiaolan"]


@dataclass
class WeChat:
    """The emulated provider, called as an app and a browser would."""

    client: Client = field(default_factory=Client)

    def turn(self, **switches: faults.Value) -> None:
        faults.write(switches)

    def page(self, appid: str = WEB, button: dict[str, str] | None = None, **params: str) -> Answer:
        """Open the app's page, or press one of its buttons. An empty value leaves a parameter out."""
        name, scope = ("qrconnect", "snsapi_login") if appid == WEB else ("authorize", "snsapi_userinfo")
        asked = {"appid": appid, "redirect_uri": CALLBACK, "response_type": "code", "scope": scope, "state": STATE}
        query = {key: value for key, value in (asked | params).items() if value}
        url = reverse(f"phonebind_sandbox:wechat_{name}")
        if button is None:
            return self.client.get(url, query, headers=IN_WECHAT)
        return self.client.post(url, button, query_params=query, headers=IN_WECHAT)

    def back(self, answer: Answer) -> dict[str, str]:
        assert answer.status_code == 302, answer.content.decode()
        url = urlsplit(answer.headers["Location"])
        assert url._replace(query="").geturl() == CALLBACK
        return dict(parse_qsl(url.query))

    def code(self, appid: str = WEB, person: str = "xiaolan", **params: str) -> str:
        if appid in (APP, MINI):
            return self.sdk("code", appid=appid, person=person)
        return self.back(self.page(appid, {"person": person}, **params))["code"]

    def sdk(self, name: str, **params: str) -> str:
        code: str = self.client.get(reverse(f"phonebind_sandbox:wechat_sdk_{name}"), params).json()["code"]
        return code

    def get(self, name: str, **params: str) -> Any:
        answer = self.client.get(reverse(f"phonebind_sandbox:wechat_{name}"), {k: v for k, v in params.items() if v})
        assert answer.status_code == 200
        return json.loads(answer.content, strict=False)

    def post(self, name: str, payload: object, **query: str) -> Any:
        url = reverse(f"phonebind_sandbox:wechat_{name}")
        answer = self.client.post(url, json.dumps(payload), "application/json", query_params=query)
        assert answer.status_code == 200
        return json.loads(answer.content)

    def token(self, appid: str = WEB, **params: str) -> Any:
        known = {"appid": appid, "secret": apps()[appid].secret, "grant_type": "authorization_code"}
        return self.get("access_token", **(known | params))

    def exchange(self, **params: str) -> Any:
        """Exchange a code as the website does, with these parameters changed."""
        known = {"appid": WEB, "secret": apps()[WEB].secret, "grant_type": "authorization_code", "code": self.code()}
        return self.get("access_token", **(known | params))

    def session(self, **params: str) -> Any:
        known = {"appid": MINI, "secret": apps()[MINI].secret, "grant_type": "authorization_code"}
        return self.get("jscode2session", **(known | params))

    def app_token(self, **params: object) -> Any:
        known = {"grant_type": "client_credential", "appid": MINI, "secret": apps()[MINI].secret}
        return self.post("stable_token", known | params)

    def phone(self, token: str = "", **payload: str) -> Any:
        given = {"code": self.sdk("phone_code", appid=MINI, person="xiaolan")} | payload
        return self.post("phone_number", given, access_token=token or self.app_token()["access_token"])


@pytest.fixture
def wechat(form: str) -> WeChat:
    return WeChat()


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize("appid", [WEB, OA])
def test_somebody_signs_in(wechat: WeChat, appid: str) -> None:
    page = wechat.page(appid).content.decode()
    assert all(f'value="{person}"' in page for person in PEOPLE)
    back = wechat.back(wechat.page(appid, {"person": "xiaolan"}))
    assert back.keys() == {"code", "state"}
    assert back["state"] == STATE
    names = wechat.token(appid, code=back["code"])
    assert names["openid"] == openid(XIAOLAN, apps()[appid])
    assert (len(names["openid"]), names["expires_in"]) == (28, 7_200)
    profile = wechat.get("userinfo", access_token=names["access_token"], openid=names["openid"], lang="zh_CN")
    assert (profile["nickname"], profile["unionid"], profile["sex"]) == ("小兰", names["unionid"], 0)


def test_the_fragment_of_the_page_does_not_come_back(wechat: WeChat) -> None:
    page = wechat.page()
    [action] = re.findall(r'<form method="post" action="([^"]*)"', unescape(page.content.decode()))
    assert action == page.wsgi_request.get_full_path()


def test_a_website_needs_no_state_and_keeps_the_query_of_its_address(wechat: WeChat) -> None:
    answer = wechat.page(WEB, {"person": "sam"}, state="", redirect_uri=f"{CALLBACK}?a=1")
    assert answer.headers["Location"].startswith(f"{CALLBACK}?a=1&code=")
    assert "state" not in wechat.back(answer)


@pytest.mark.parametrize("appid", [WEB, OA])
def test_who_turns_back_brings_the_state_alone_or_nothing(wechat: WeChat, appid: str) -> None:
    assert wechat.back(wechat.page(appid, {"cancel": "1"})) == {"state": STATE}
    assert wechat.page(appid, {"silence": "1"}).status_code == 200
    assert wechat.page(appid, {"person": "nobody"}).status_code == 400
    wechat.turn(wechat_callback="cancel")
    assert wechat.back(wechat.page(appid, {"person": "sam"})) == {"state": STATE}
    wechat.turn(wechat_callback="silence")
    assert wechat.page(appid, {"person": "sam"}).status_code == 200


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("redirect_uri", "", "redirect_uri 参数错误"),
        ("redirect_uri", "https://shop.example/", "redirect_uri 参数错误"),
        ("scope", "snsapi_userinfo", "scope 参数错误"),
        ("scope", "", "scope 参数错误"),
        ("response_type", "", "scope 参数错误"),
    ],
)
def test_what_the_qr_page_refuses(wechat: WeChat, name: str, value: str, words: str) -> None:
    answer = wechat.page(WEB, None, **{name: value})
    assert answer.status_code == 400
    assert words in answer.content.decode()


def test_the_qr_page_is_for_websites(wechat: WeChat) -> None:
    query = {"appid": OA, "redirect_uri": CALLBACK, "response_type": "code", "scope": "snsapi_login"}
    answer = wechat.client.get(reverse("phonebind_sandbox:wechat_qrconnect"), query)
    assert "appid 参数错误" in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("redirect_uri", "", "10011"),
        ("redirect_uri", "https://shop.example/", "10003"),
        ("scope", "", "10010"),
        ("scope", "snsapi_login", "10005"),
        ("response_type", "token", "10005"),
        ("state", "", "10013"),
        ("state", "a" * 129, "state 参数过长"),
        ("state", "a.b", "state 参数错误"),
        ("state", "a%3Ab", "state 参数错误"),
        ("state", "中文", "state 参数错误"),
        ("state", "a\n", "state 参数错误"),
    ],
)
def test_what_the_page_in_wechat_refuses(wechat: WeChat, name: str, value: str, words: str) -> None:
    answer = wechat.page(OA, None, **{name: value})
    assert answer.status_code == 400
    assert words in answer.content.decode()


@pytest.mark.parametrize(
    ("appid", "words"), [("", "10012"), (WEB, "10016"), ("wx0", "appid 参数错误"), (MINI, "appid")]
)
def test_the_page_in_wechat_is_for_official_accounts(wechat: WeChat, appid: str, words: str) -> None:
    query = {"appid": appid, "redirect_uri": CALLBACK, "response_type": "code", "scope": "snsapi_base", "state": "1"}
    answer = wechat.client.get(reverse("phonebind_sandbox:wechat_authorize"), query, headers=IN_WECHAT)
    assert answer.status_code == 400
    assert words in answer.content.decode()


def test_a_state_of_128_is_taken(wechat: WeChat) -> None:
    state = ("aZ0_-" * 26)[:128]
    assert wechat.back(wechat.page(OA, {"person": "sam"}, state=state))["state"] == state


def test_the_page_in_wechat_opens_there_alone_and_says_how_to_try_it(wechat: WeChat) -> None:
    url = reverse("phonebind_sandbox:wechat_authorize")
    query = {"appid": OA, "redirect_uri": CALLBACK, "response_type": "code", "scope": "snsapi_base", "state": "1"}
    page = wechat.client.get(url, query).content.decode()
    assert "请在微信客户端打开链接" in page
    assert "MicroMessenger/8.0.50" in page
    assert "wechat_any_browser" in page
    wechat.turn(wechat_any_browser=True)
    assert wechat.client.get(url, query).status_code == 200


def test_the_qr_code_in_somebodys_page(wechat: WeChat) -> None:
    """Only the host's page may frame it. The callback leaves the frame, unless the page has asked it to stay."""
    framed = wechat.page(login_type="jssdk")
    assert "frame-ancestors http://127.0.0.1:8000" in framed.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in framed.headers
    assert '<base target="_top">' in framed.content.decode()
    assert "<base" not in wechat.page(login_type="jssdk", self_redirect="true").content.decode()
    alone = wechat.page()
    assert "frame-ancestors 'none'" in alone.headers["Content-Security-Policy"]
    assert "<base" not in alone.content.decode()


def test_the_script_that_shows_it(wechat: WeChat) -> None:
    answer = wechat.client.get(reverse("phonebind_sandbox:wechat_script"))
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "window.WxLogin = class" in answer.content.decode()


# ---------------------------------------------------------------- codes and tokens


def test_a_code_works_once(wechat: WeChat) -> None:
    code = wechat.code()
    assert "openid" in wechat.token(code=code)
    again = wechat.token(code=code)
    assert again["errcode"] == 40163
    assert "rid: " in again["errmsg"]
    assert again["errmsg"] != wechat.token(code=code)["errmsg"], "no two errors have the same words"


@pytest.mark.parametrize(("appid", "seconds"), [(WEB, 600), (OA, 300), (APP, 300)])
def test_how_long_a_code_lives(wechat: WeChat, appid: str, seconds: int) -> None:
    with time_machine.travel(0, tick=False) as clock:
        early, late = wechat.code(appid), wechat.code(appid)
        clock.shift(seconds - 1)
        assert "openid" in wechat.token(appid, code=early)
        clock.shift(1)
        assert wechat.token(appid, code=late)["errcode"] == 42003


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"code": ""}, 41008),
        ({"grant_type": ""}, 40002),
        ({"appid": "wx0"}, 40013),
        ({"appid": MINI}, 40013),
        ({"secret": "错"}, 40125),
        ({"code": "NONE"}, 40029),
        ({"appid": OA, "secret": "sandbox-wechat-oa"}, 40029),
    ],
)
def test_what_the_exchange_refuses(wechat: WeChat, params: dict[str, str], code: int) -> None:
    assert wechat.exchange(**params)["errcode"] == code


def test_the_silent_scope_tells_the_openid_alone(wechat: WeChat) -> None:
    names = wechat.token(OA, code=wechat.code(OA, scope="snsapi_base"))
    assert "unionid" not in names
    assert names["scope"] == "snsapi_base"
    asked = wechat.get("userinfo", access_token=names["access_token"], openid=names["openid"])
    assert asked["errcode"] == 48001


def test_one_person_has_one_unionid_in_all_kinds(wechat: WeChat) -> None:
    names = [wechat.token(appid, code=wechat.code(appid)) for appid in (WEB, OA, APP)]
    names.append(wechat.session(js_code=wechat.code(MINI)))
    assert len({each["openid"] for each in names}) == 4
    assert len({each["unionid"] for each in names}) == 1
    wechat.turn(wechat_unionid=False)
    assert "unionid" not in wechat.token(code=wechat.code())


def test_the_profile_is_for_who_was_granted_it(wechat: WeChat) -> None:
    names = wechat.token(code=wechat.code())
    token, openid = names["access_token"], names["openid"]
    assert wechat.get("userinfo", openid=openid)["errcode"] == 41001
    assert wechat.get("userinfo", access_token="NONE", openid=openid)["errcode"] == 40001
    assert wechat.get("userinfo", access_token=token)["errcode"] == 40003
    assert wechat.get("userinfo", access_token=token, openid="o")["errcode"] == 40003


@pytest.mark.parametrize("seconds", [7_200, 7_776_000])
def test_a_token_lives_two_hours(wechat: WeChat, seconds: int) -> None:
    with time_machine.travel(0, tick=False) as clock:
        names = wechat.token(code=wechat.code())
        clock.shift(7_199)
        asked = {"access_token": names["access_token"], "openid": names["openid"]}
        assert "nickname" in wechat.get("userinfo", **asked)
        clock.shift(seconds - 7_199)
        assert wechat.get("userinfo", **asked)["errcode"] == 42001


# ---------------------------------------------------------------- snapshots


@pytest.mark.parametrize(("form", "flag"), [("flag", 1), ("text", "1"), ("unflagged", None)])
def test_a_snapshots_user_is_nobody(wechat: WeChat, form: str, flag: object) -> None:
    wechat.turn(wechat_snapshot=form)
    with time_machine.travel(0, tick=False) as clock:
        names = wechat.token(OA, code=wechat.code(OA))
        clock.shift(1)
        others = wechat.token(OA, code=wechat.code(OA, "sam"))
        asked = wechat.get("userinfo", access_token=names["access_token"], openid=names["openid"])
    assert names.get("is_snapshotuser") == flag
    assert names["openid"] != others["openid"]
    assert names["unionid"] == others["unionid"], "many of them share one"
    assert asked["errcode"] == 48001


def test_only_who_is_asked_in_wechat_can_be_one(wechat: WeChat) -> None:
    wechat.turn(wechat_snapshot="flag")
    assert "is_snapshotuser" not in wechat.token(code=wechat.code())
    assert "is_snapshotuser" not in wechat.token(OA, code=wechat.code(OA, scope="snsapi_base"))


# ---------------------------------------------------------------- the format of the answers


@pytest.mark.parametrize(
    ("form", "label"),
    [
        ("plain", "text/plain"),
        ("encoding", "text/plain; encoding=utf-8"),
        ("json", "application/json; charset=utf-8"),
        ("control", "text/plain"),
    ],
)
def test_what_an_answer_calls_itself(wechat: WeChat, form: str, label: str) -> None:
    wechat.turn(wechat_body=form)
    names = wechat.token(code=wechat.code())
    query = {"access_token": names["access_token"], "openid": names["openid"]}
    answer = wechat.client.get(reverse("phonebind_sandbox:wechat_userinfo"), query)
    assert answer.headers["Content-Type"] == label
    start = "\v" if form == "control" else ""
    assert f'"nickname":"{start}小兰"'.encode() in answer.content


def test_a_good_answer_may_have_errcode_0(wechat: WeChat) -> None:
    wechat.turn(wechat_body="errcode")
    names = wechat.token(code=wechat.code())
    assert (names["errcode"], names["openid"][0]) == (0, "o")
    assert wechat.token(code="NONE")["errcode"] == 40029


def test_each_call_has_a_switch_for_its_errors(wechat: WeChat) -> None:
    wechat.turn(
        wechat_token_error=40164, wechat_userinfo_error=-1, wechat_app_token_error=89503, wechat_phone_error=45009
    )
    assert wechat.token()["errcode"] == wechat.session()["errcode"] == 40164
    assert wechat.get("userinfo")["errcode"] == -1
    assert wechat.app_token()["errcode"] == 89503
    assert wechat.phone("T")["errcode"] == 45009


def test_switch_wechat_network(wechat: WeChat) -> None:
    wechat.turn(wechat_network="down")
    assert wechat.client.get(reverse("phonebind_sandbox:wechat_userinfo")).status_code == 503


# ---------------------------------------------------------------- mini programs


def test_a_mini_program_gets_a_session(wechat: WeChat) -> None:
    code = wechat.code(MINI)
    session = wechat.session(js_code=code)
    assert session.keys() == {"session_key", "openid", "unionid"}
    assert wechat.session(js_code=code)["errcode"] == 40163
    assert wechat.session()["errcode"] == 41008
    assert wechat.session(js_code=code, grant_type="")["errcode"] == 40002
    phone = wechat.sdk("phone_code", appid=MINI, person="sam")
    assert wechat.session(js_code=phone)["errcode"] == 40029


def test_the_sdk_gives_codes_for_apps_and_people(wechat: WeChat) -> None:
    for name, appid in (("code", WEB), ("phone_code", APP)):
        url = reverse(f"phonebind_sandbox:wechat_sdk_{name}")
        assert "kind" in wechat.client.get(url, {"appid": appid, "person": "sam"}).json()["error"]
        assert "xiaolan" in wechat.client.get(url, {"appid": MINI}).json()["error"]


def test_everybody_gets_the_same_app_token_until_five_minutes_before_its_end(wechat: WeChat) -> None:
    with time_machine.travel(0, tick=False) as clock:
        first = wechat.app_token()
        assert first["expires_in"] == 7_200
        assert len(first["access_token"]) <= 512
        clock.shift(6_899)
        assert wechat.app_token() == {**first, "expires_in": 301}
        clock.shift(1)
        second = wechat.app_token()
        assert second["access_token"] != first["access_token"]
        clock.shift(299)
        assert wechat.phone(first["access_token"])["errcode"] == 0
        clock.shift(1)
        assert wechat.phone(first["access_token"])["errcode"] == 42001
        assert wechat.phone(second["access_token"])["errcode"] == 0


def test_force_refresh_ends_the_token_that_all_others_hold(wechat: WeChat) -> None:
    first = wechat.app_token()["access_token"]
    second = wechat.app_token(force_refresh=True)["access_token"]
    assert second != first
    assert wechat.phone(first)["errcode"] == 40001
    assert wechat.app_token()["access_token"] == second


@pytest.mark.parametrize(
    ("params", "code"), [({"grant_type": "x"}, 40002), ({"appid": WEB}, 40013), ({"secret": "x"}, 40125)]
)
def test_what_the_app_token_refuses(wechat: WeChat, params: dict[str, object], code: int) -> None:
    assert wechat.app_token(**params)["errcode"] == code


def test_what_is_no_json_is_refused(wechat: WeChat) -> None:
    assert wechat.post("stable_token", [])["errcode"] == 47001


def test_the_phone_button(wechat: WeChat) -> None:
    theirs = openid(XIAOLAN, apps()[MINI])
    code = wechat.sdk("phone_code", appid=MINI, person="xiaolan")
    found = wechat.phone(code=code, openid=theirs)["phone_info"]
    assert found["purePhoneNumber"] == found["phoneNumber"] == wechat_apps.mobile(XIAOLAN)
    assert (found["countryCode"], found["watermark"]["appid"]) == ("86", MINI)
    assert wechat.phone(code=code)["errcode"] == 40163
    assert wechat.phone(openid="oSomebodyElse")["errcode"] == 40003
    assert wechat.phone(code="")["errcode"] == 41008
    assert wechat.phone(code=wechat.code(MINI))["errcode"] == 40029
    assert wechat.phone("NONE")["errcode"] == 40001


def test_the_front_door_shows_its_addresses(wechat: WeChat) -> None:
    page = unescape(wechat.client.get(reverse("phonebind_sandbox:index")).content.decode())
    for end in ("<", "/sdk/code?", "/sdk/phone_code?"):
        assert f"http://testserver{reverse('phonebind_sandbox:index')}wechat{end}" in page


def test_everybody_has_a_mobile_of_their_own() -> None:
    mobiles = {wechat_apps.mobile(person) for person in PEOPLE.values()}
    assert len(mobiles) == len(PEOPLE)
    assert all(len(mobile) == 11 and mobile.isdigit() for mobile in mobiles)


def test_switch_wechat_phone(wechat: WeChat) -> None:
    wechat.turn(wechat_phone="int")
    assert wechat.phone()["phone_info"]["countryCode"] == 86
    wechat.turn(wechat_phone="foreign")
    assert wechat.phone()["phone_info"]["phoneNumber"] == "+85251234567"
    wechat.turn(wechat_phone="other_app")
    assert wechat.phone()["phone_info"]["watermark"]["appid"] != MINI


def test_switch_wechat_app_token(wechat: WeChat) -> None:
    first = wechat.app_token()["access_token"]
    wechat.turn(wechat_app_token="once")
    assert wechat.phone(first)["errcode"] == 40001
    second = wechat.app_token()["access_token"]
    assert second != first
    assert wechat.phone(second)["errcode"] == 0
    wechat.turn(wechat_app_token="stale")
    assert wechat.phone(second)["errcode"] == 40001
