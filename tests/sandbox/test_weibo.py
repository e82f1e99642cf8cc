import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains

from phonebind_sandbox import faults
from phonebind_sandbox.codes import WEIBO_CODES
from phonebind_sandbox.grants import CODE_SECONDS, TOKEN_SECONDS
from phonebind_sandbox.people import PEOPLE
from tests.sandbox.client import Answer

CALLBACK = "http://127.0.0.1:8000/login/weibo/callback/"
UID = PEOPLE["xiaolan"].weibo_uid


@dataclass
class Weibo:
    """The emulated provider, called as an app and a browser would. An empty value leaves a parameter out."""

    client_id: str = "100000001"
    secret: str = "sandbox-weibo-secret"
    client: Client = field(default_factory=Client)

    def turn(self, **switches: faults.Value) -> None:
        faults.write(switches)

    def authorize(self, button: dict[str, str] | None = None, **params: str) -> Answer:
        query = {"client_id": self.client_id, "redirect_uri": CALLBACK, "response_type": "code", "state": "a b&c"}
        query = _given(query | params)
        url = reverse("phonebind_sandbox:weibo_authorize")
        return self.client.get(url, query) if button is None else self.client.post(url, button, query_params=query)

    def code(self, person: str = "xiaolan", **params: str) -> str:
        return callback(self.authorize({"person": person}, **params))["code"]

    def token(self, **params: str) -> Answer:
        app = {"client_id": self.client_id, "client_secret": self.secret}
        fields = {**app, "grant_type": "authorization_code", "redirect_uri": CALLBACK, **params}
        return self.client.post(reverse("phonebind_sandbox:weibo_access_token"), _given(fields))

    def access_token(self, person: str = "xiaolan") -> str:
        return str(self.token(code=self.code(person)).json()["access_token"])

    def info(self, access_token: str) -> Answer:
        return self.client.post(
            reverse("phonebind_sandbox:weibo_get_token_info"), _given({"access_token": access_token})
        )

    def profile(self, **params: str) -> Answer:
        return self.client.get(reverse("phonebind_sandbox:weibo_users_show"), params)


def _given(params: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in params.items() if value}


def callback(response: Answer) -> dict[str, str]:
    assert response.status_code == 302
    url = urlsplit(response.headers["Location"])
    assert url._replace(query="").geturl() == CALLBACK
    return dict(parse_qsl(url.query, strict_parsing=True))


def error(response: Answer) -> int:
    assert response.status_code == 400
    fields = response.json()
    assert list(fields) == ["error", "error_code", "request", "error_uri", "error_description"]
    assert fields["error"] == WEIBO_CODES[fields["error_code"]]
    return int(fields["error_code"])


@pytest.fixture
def weibo(form: str) -> Weibo:
    return Weibo()


# ---------------------------------------------------------------- people


def test_a_person_is_the_same_for_ever_and_for_every_app() -> None:
    assert UID == "9015379661"
    uids = {person.weibo_uid for person in PEOPLE.values()}
    assert len(uids) == len(PEOPLE)
    assert all(re.fullmatch(r"[1-9][0-9]{9}", uid) for uid in uids)


# ---------------------------------------------------------------- the page


def test_the_people_are_the_buttons_of_a_plain_form(weibo: Weibo) -> None:
    response = weibo.authorize(display="mobile", scope="email")
    for person in PEOPLE:
        assertContains(response, f'name="person" value="{person}"', count=1)
    assertContains(response, 'name="deny"', count=1)
    assertContains(response, "usercancel", count=0)
    assert b"<script" not in response.content


def test_pressing_one_comes_back_with_a_code_and_the_state(weibo: Weibo) -> None:
    fields = callback(weibo.authorize({"person": "xiaolan"}))
    assert fields == {"code": fields["code"], "state": "a b&c"}
    assert list(callback(weibo.authorize({"person": "xiaolan"}, state="", response_type=""))) == ["code"]
    asked = callback(weibo.authorize({"person": "xiaolan"}, redirect_uri=f"{CALLBACK}?from=weibo"))
    assert asked["from"] == "weibo"


def test_a_cancel_is_an_error_with_a_name_and_a_number(weibo: Weibo) -> None:
    assert callback(weibo.authorize({"deny": "1"})) == {
        "error_uri": "/oauth2/authorize",
        "error": "access_denied",
        "error_description": "user denied your request.",
        "error_code": "21330",
        "state": "a b&c",
    }


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"client_id": ""}, 21324),
        ({"client_id": "101000001"}, 21324),
        ({"redirect_uri": ""}, 21322),
        ({"redirect_uri": "https://evil.example/"}, 21322),
    ],
)
@pytest.mark.parametrize("button", [None, {"person": "xiaolan"}])
def test_an_unknown_callback_is_never_called(
    weibo: Weibo, button: dict[str, str] | None, params: dict[str, str], code: int
) -> None:
    assertContains(weibo.authorize(button, **params), f"({code})", status_code=400)


def test_the_refusal_says_how_an_address_is_registered(weibo: Weibo) -> None:
    page = weibo.authorize(redirect_uri="https://shop.example/")
    assertContains(page, '"kind": "weibo"', status_code=400)


def test_no_other_response_type_is_served(weibo: Weibo) -> None:
    assert callback(weibo.authorize(response_type="token"))["error"] == "unsupported_response_type"


def test_an_unknown_person_cannot_sign_in(weibo: Weibo) -> None:
    assert weibo.authorize({"person": "<b>"}).status_code == 400


def test_switch_authorize_error(weibo: Weibo) -> None:
    weibo.turn(weibo_authorize_error=21321)
    fields = callback(weibo.authorize({"person": "xiaolan"}))
    assert (fields["error_code"], "code" in fields) == ("21321", False)


# ---------------------------------------------------------------- the token


def test_a_code_becomes_a_token_and_a_uid(weibo: Weibo) -> None:
    response = weibo.token(code=weibo.code())
    assert response.headers["Content-Type"] == "application/json;charset=UTF-8"
    fields = response.json()
    assert fields == {
        "access_token": fields["access_token"],
        "remind_in": "7776000",
        "expires_in": 7776000,
        "uid": UID,
        "isRealName": "true",
    }


def test_the_parameters_may_be_in_the_query_of_a_post(weibo: Weibo) -> None:
    query = {
        "client_id": weibo.client_id,
        "client_secret": weibo.secret,
        "grant_type": "authorization_code",
        "redirect_uri": CALLBACK,
        "code": weibo.code(),
    }
    url = reverse("phonebind_sandbox:weibo_access_token")
    assert error(weibo.client.get(url, query)) == 10021
    assert weibo.client.post(url, query_params=query).json()["uid"] == UID


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"client_id": ""}, 21323),
        ({"client_secret": ""}, 21323),
        ({"grant_type": ""}, 21323),
        ({"code": ""}, 21323),
        ({"client_id": "999"}, 21324),
        ({"client_id": "101000001", "client_secret": "sandbox-secret"}, 21324),
        ({"client_secret": "错"}, 21324),
        ({"grant_type": "password"}, 21328),
        ({"redirect_uri": "http://127.0.0.1:8000/elsewhere/"}, 21322),
        ({"redirect_uri": ""}, 21322),
        ({"code": "NONE"}, 21325),
        ({"client_id": "100000002", "client_secret": "sandbox-weibo-secret-2"}, 21325),
    ],
)
def test_what_is_wrong_is_refused_and_uses_no_code(weibo: Weibo, params: dict[str, str], code: int) -> None:
    issued = weibo.code()
    assert error(weibo.token(**{"code": issued} | params)) == code
    assert weibo.token(code=issued).json()["uid"] == UID


def test_a_code_works_once_and_is_repeated_in_the_refusal(weibo: Weibo) -> None:
    code = weibo.code()
    weibo.token(code=code)
    assert weibo.token(code=code).json() == {
        "error": "invalid_grant",
        "error_code": 21325,
        "request": reverse("phonebind_sandbox:weibo_access_token"),
        "error_uri": reverse("phonebind_sandbox:weibo_access_token"),
        "error_description": f"invalid_grant:{code}",
    }


def test_a_code_lives_ten_minutes(weibo: Weibo) -> None:
    with time_machine.travel(0, tick=False) as clock:
        code = weibo.code()
        clock.shift(CODE_SECONDS)
        assert error(weibo.token(code=code)) == 21325


# ---------------------------------------------------------------- the owner of a token


def test_a_token_is_told_about(weibo: Weibo) -> None:
    with time_machine.travel(1_780_000_000, tick=False) as clock:
        token = weibo.token(code=weibo.code(scope="email")).json()["access_token"]
        clock.shift(60)
        assert weibo.info(token).json() == {
            "uid": int(UID),
            "appkey": "100000001",
            "scope": "email",
            "create_at": 1_780_000_000,
            "expire_in": TOKEN_SECONDS - 60,
        }


def test_an_app_gets_a_token_of_its_sdk(weibo: Weibo) -> None:
    sdk = reverse("phonebind_sandbox:weibo_sdk_token")
    given = weibo.client.get(sdk, {"person": "xiaolan"}).json()
    assert (given["uid"], given["userName"]) == (UID, "小兰")
    assert weibo.info(given["access_token"]).json()["appkey"] == "100000001"
    other = weibo.client.get(sdk, {"person": "xiaolan", "client_id": "100000002"}).json()
    assert weibo.info(other["access_token"]).json()["appkey"] == "100000002"
    assert other["uid"] == UID, "the same for every app"
    for wrong in ({"person": "nobody"}, {}, {"person": "xiaolan", "client_id": "101000001"}):
        assert weibo.client.get(sdk, wrong).status_code == 400


def test_a_token_is_good_for_its_life(weibo: Weibo) -> None:
    with time_machine.travel(0, tick=False) as clock:
        token = weibo.access_token()
        clock.shift(TOKEN_SECONDS)
        assert error(weibo.info(token)) == 21327
        assert error(weibo.profile(access_token=token, uid=UID)) == 21327


def test_no_token_and_a_token_of_qq_are_refused(weibo: Weibo) -> None:
    assert error(weibo.info("")) == 21323
    assert error(weibo.info("NONE")) == 21332
    of_qq = weibo.client.get(reverse("phonebind_sandbox:qq_sdk_token"), {"person": "xiaolan"}).json()["access_token"]
    assert error(weibo.info(of_qq)) == 21332
    assert error(weibo.profile(access_token=of_qq, uid=UID)) == 21332


# ---------------------------------------------------------------- the profile


@pytest.mark.parametrize("person", PEOPLE.values(), ids=PEOPLE)
def test_the_profile_is_that_of_the_person(weibo: Weibo, person: Any) -> None:
    fields = weibo.profile(access_token=weibo.access_token(person.id), uid=person.weibo_uid).json()
    assert (fields["id"], fields["idstr"]) == (int(person.weibo_uid), person.weibo_uid)
    assert fields["screen_name"] == person.nickname
    assert fields["gender"] in {"m", "f"}
    assert fields["avatar_large"].startswith("https://")
    assert "KID=imgbed,tva" in fields["avatar_large"]


def test_nobody_elses_profile_is_shown(weibo: Weibo) -> None:
    token = weibo.access_token()
    assert error(weibo.profile(access_token=token, uid=PEOPLE["sam"].weibo_uid)) == 21335
    assert error(weibo.profile(access_token=token)) == 21323


# ---------------------------------------------------------------- switches


@pytest.mark.parametrize("code", WEIBO_CODES)
def test_switches_of_errors(weibo: Weibo, code: int) -> None:
    issued, token = weibo.code(), weibo.access_token()
    weibo.turn(weibo_token_error=code, weibo_token_info_error=code, weibo_profile_error=code)
    assert error(weibo.token(code=issued)) == code
    assert error(weibo.info(token)) == code
    assert error(weibo.profile(access_token=token, uid=UID)) == code
    faults.reset()
    assert weibo.token(code=issued).json()["uid"] == UID


@pytest.mark.parametrize("status", [400, 403, 200, 500])
def test_switch_error_status(weibo: Weibo, status: int) -> None:
    weibo.turn(weibo_error_status=status)
    assert weibo.token().status_code == status
    assert weibo.info("NONE").status_code == status


def test_switch_numbers(weibo: Weibo) -> None:
    token = weibo.access_token()
    weibo.turn(weibo_numbers="string")
    assert {type(value) for value in weibo.info(token).json().values()} == {str}
    assert weibo.token(code=weibo.code()).json()["expires_in"] == "7776000"
    weibo.turn(weibo_numbers="number")
    assert weibo.info(token).json()["appkey"] == 100000001
    assert weibo.token(code=weibo.code()).json()["uid"] == int(UID)


def test_switch_wrong_appkey(weibo: Weibo) -> None:
    token = weibo.access_token()
    weibo.turn(weibo_wrong_appkey=True)
    assert weibo.info(token).json()["appkey"] == "199999999"


def test_switch_profile(weibo: Weibo) -> None:
    token = weibo.access_token()
    assert len(weibo.profile(access_token=token, uid=UID).content) < 65_536
    weibo.turn(weibo_profile="long")
    response = weibo.profile(access_token=token, uid=UID)
    assert len(response.content) > 65_536
    assert json.loads(response.content)["idstr"] == UID


def test_switches_of_the_network(weibo: Weibo) -> None:
    token = weibo.access_token()
    weibo.turn(weibo_token_network="down", weibo_token_info_network="html", weibo_profile_network="empty")
    assert weibo.token(code=weibo.code()).status_code == 503
    assertContains(weibo.info(token), "系统繁忙")
    assert weibo.profile(access_token=token, uid=UID).content == b""


# ---------------------------------------------------------------- the SDK of QQ


def test_an_app_with_qqs_sdk_gets_a_token_that_me_knows(weibo: Weibo) -> None:
    sdk, me = reverse("phonebind_sandbox:qq_sdk_token"), reverse("phonebind_sandbox:qq_me")
    given = weibo.client.get(sdk, {"person": "xiaolan"}).json()
    asked = {"access_token": given["access_token"], "fmt": "json"}
    found = weibo.client.get(me, {**asked, "unionid": "1"}).json()
    assert (found["client_id"], found["openid"]) == ("1100000001", given["openid"])
    assert found["unionid"] == "UID_D7CCEE7F188DB625A1C239606A4AD088", "as on the website of the same developer"
    profile = {"oauth_consumer_key": "1100000001", "access_token": given["access_token"], "openid": given["openid"]}
    answer = json.loads(weibo.client.get(reverse("phonebind_sandbox:qq_get_user_info"), profile).content)
    assert (answer["ret"], answer["nickname"]) == (0, "小兰")
    without = weibo.client.get(sdk, {"person": "xiaolan", "client_id": "1100000002"}).json()["access_token"]
    refused = weibo.client.get(me, {"access_token": without, "fmt": "json", "unionid": "1"}).json()
    assert refused["error"] == 100048


def test_no_browser_comes_from_an_app(weibo: Weibo) -> None:
    asked = {"client_id": "1100000001", "redirect_uri": CALLBACK, "response_type": "code", "state": "s"}
    page = weibo.client.get(reverse("phonebind_sandbox:qq_authorize"), asked)
    assertContains(page, "(100008)", status_code=400)
