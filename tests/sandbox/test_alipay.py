"""The emulated Alipay, as an app, its visitors' browser and its SDKs see it. The test makes and verifies signatures."""

import base64
import functools
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import time_machine
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings
from pytest_django.asserts import assertContains

import phonebind_sandbox
from phonebind_sandbox import alipay as emulator
from phonebind_sandbox import alipay_keys, conf, faults
from phonebind_sandbox.codes import ALIPAY_CODES
from phonebind_sandbox.people import PEOPLE
from server import demo
from tests.sandbox.client import Answer

APP_ID = "2021000000000001"
CALLBACK = "http://127.0.0.1:8000/login/alipay/callback/"
NOW = "2026-01-02 03:04:05"
#: The parameters that every call has.
FIXED = {"format": "JSON", "charset": "utf-8", "sign_type": "RSA2", "timestamp": NOW, "version": "1.0"}
TOKEN, SHARE = "alipay.system.oauth.token", "alipay.user.info.share"
XIAOLAN = PEOPLE["xiaolan"]

pytestmark = pytest.mark.once


def sign(content: str) -> str:
    return base64.b64encode(_ours().sign(content.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


@functools.cache
def _ours() -> rsa.RSAPrivateKey:
    private = load_der_private_key(base64.b64decode(alipay_keys.APP_PRIVATE_KEY), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    return private


def joined(fields: Mapping[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if value)


@dataclass
class Alipay:
    client: Client = field(default_factory=Client)

    def page(self, button: dict[str, str] | None = None, **params: str) -> Answer:
        query = {"app_id": APP_ID, "scope": "auth_user", "redirect_uri": CALLBACK, "state": "aZ09+/="} | params
        url = reverse("phonebind_sandbox:alipay_authorize")
        if button is None:
            return self.client.get(url, query)
        return self.client.post(url, button, query_params=query)

    def code(self, person: str = "xiaolan", **params: str) -> str:
        location = self.page({"person": person}, **params).headers["Location"]
        return dict(parse_qsl(urlsplit(location).query))["auth_code"]

    def call(self, method: str | None, **params: str | None) -> Answer:
        """Call the gateway. None leaves a parameter out."""
        fields = {**FIXED, "app_id": APP_ID, "method": method, **params}
        given = {name: value for name, value in fields.items() if value is not None}
        if "sign" not in fields:
            given["sign"] = sign(joined(given))
        return self.client.post(reverse("phonebind_sandbox:alipay_gateway"), given)

    def token(self, code: str | None = None, **params: str | None) -> Answer:
        grant = {"grant_type": "authorization_code", "code": self.code() if code is None else code}
        return self.call(**{"method": TOKEN, **grant, **params})


@pytest.fixture
def alipay(form: str) -> Alipay:
    return Alipay()


@pytest.fixture(autouse=True)
def _clock() -> Any:
    with time_machine.travel("2026-01-01T19:04:05Z", tick=False):
        yield


def verified(answer: Answer) -> dict[str, Any]:
    """The one node of the answer, if the sandbox's signature of its bytes is right. Raises InvalidSignature."""
    body = answer.content.decode()
    whole = json.loads(body)
    [name] = whole.keys() - {"sign"}
    [raw] = re.findall(rf'"{name}"\s*:\s*(\{{.*?\}})\s*(?:,\s*"sign"|\}}$)', body, re.DOTALL)
    key = load_der_public_key(base64.b64decode(alipay_keys.PUBLIC_KEY))
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(whole["sign"]), raw.encode(), padding.PKCS1v15(), hashes.SHA256())
    return {"node": name, **whole[name]}


def error(answer: Answer) -> str:
    said = verified(answer)
    assert said["node"] == "error_response"
    assert said["msg"]
    assert said["sub_msg"]
    return str(said["sub_code"])


# ---------------------------------------------------------------- the page


def test_the_page_shows_the_people_and_one_way_out(alipay: Alipay) -> None:
    page = alipay.page()
    assertContains(page, "支付宝")
    assertContains(page, "小兰")
    assertContains(page, 'name="cancel"', count=1)


def test_the_callback_has_an_auth_code(alipay: Alipay) -> None:
    location = alipay.page({"person": "xiaolan"}).headers["Location"]
    query = dict(parse_qsl(urlsplit(location).query))
    assert query.pop("auth_code")
    assert query == {"app_id": APP_ID, "source": "alipay_wallet", "scope": "auth_user", "state": "aZ09+/="}
    assert location.startswith(f"{CALLBACK}?")


def test_a_callback_may_have_a_query_and_no_state(alipay: Alipay) -> None:
    location = alipay.page({"person": "xiaolan"}, redirect_uri=f"{CALLBACK}?a=1", state="").headers["Location"]
    assert location.startswith(f"{CALLBACK}?a=1&app_id=")
    assert "state" not in location


def test_whoever_cancels_stays_there(alipay: Alipay) -> None:
    answer = alipay.page({"cancel": "1"})
    assertContains(answer, "支付宝")
    assert "QQ" not in answer.content.decode()
    assert answer.status_code == 200
    assert "Location" not in answer.headers
    assert alipay.page({"person": "nobody"}).status_code == 400


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"app_id": "2021000000000009"}, "(app_id)"),
        ({"app_id": "101000001"}, "(app_id)"),
        ({"redirect_uri": "https://shop.example/"}, "(redirect_uri)"),
        ({"scope": "auth_everything"}, "(scope)"),
        ({"scope": ""}, "(scope)"),
        ({"state": "a.b"}, "(state)"),
        ({"state": "a" * 101}, "(state)"),
    ],
)
def test_what_is_wrong_with_a_request_stands_on_a_page(alipay: Alipay, params: dict[str, str], words: str) -> None:
    for button in (None, {"person": "xiaolan"}):
        assertContains(alipay.page(button, **params), words, status_code=400)


# ---------------------------------------------------------------- the gateway


def test_the_token(alipay: Alipay) -> None:
    answer = alipay.token()
    assert answer.headers["Content-Type"] == "text/html;charset=utf-8"
    said = verified(answer)
    assert said.pop("access_token") != said.pop("refresh_token")
    app = conf.apps("alipay")[APP_ID]
    assert said == {
        "node": "alipay_system_oauth_token_response",
        "auth_start": NOW,
        "expires_in": 1_296_000,
        "re_expires_in": 2_592_000,
        "open_id": XIAOLAN.alipay_open_id(app),
        "union_id": XIAOLAN.alipay_union_id(app),
    }


def test_ids_are_of_one_app_of_one_developer_or_of_everybody() -> None:
    one, other = conf.apps("alipay").values()
    assert XIAOLAN.alipay_open_id(one) != XIAOLAN.alipay_open_id(other)
    assert XIAOLAN.alipay_union_id(one) == XIAOLAN.alipay_union_id(other)
    assert all(re.fullmatch(r"2088\d{12}", person.alipay_user_id) for person in PEOPLE.values())
    assert len({person.alipay_user_id for person in PEOPLE.values()}) == len(PEOPLE)


def test_an_app_without_the_permission_learns_no_union_id(alipay: Alipay) -> None:
    other = "2021000000000002"
    assert "union_id" not in verified(alipay.token(alipay.code(app_id=other), app_id=other))


def test_the_profile(alipay: Alipay) -> None:
    answer = alipay.call(SHARE, auth_token=verified(alipay.token())["access_token"])
    assert b'"avatar":"https:\\/\\/avatar.sandbox.invalid\\/xiaolan\\/100"' in answer.content
    said = verified(answer)
    assert (said["code"], said["msg"], said["nick_name"]) == (10000, "Success", "小兰")
    nameless = verified(alipay.token(alipay.code("nameless")))["access_token"]
    assert not {"nick_name", "avatar"} & verified(alipay.call(SHARE, auth_token=nameless)).keys()


@pytest.mark.parametrize(
    ("params", "sub_code"),
    [
        ({"app_id": None, "sign": None}, "isv.missing-app-id"),
        ({"method": None, "sign": None}, "isv.missing-method"),
        ({"sign": None, "app_id": "1"}, "isv.missing-signature"),
        ({"app_id": "2021000000000009", "sign_type": "RSA"}, "isv.invalid-app-id"),
        ({"sign_type": "RSA", "sign": "x"}, "isv.invalid-signature-type"),
        ({"sign": "x", "timestamp": "x"}, "isv.invalid-signature"),
        ({"sign": "不"}, "isv.invalid-signature"),
        ({"timestamp": "2026-01-01 19:04:05", "method": "x"}, "isv.invalid-timestamp"),  # the time in London
        ({"timestamp": "x"}, "isv.invalid-timestamp"),
        ({"timestamp": None}, "isv.invalid-timestamp"),
        ({"method": "alipay.trade.pay"}, "isv.invalid-method"),
        ({"grant_type": "refresh_token"}, "isv.grant-type-invalid"),
        ({"code": "x"}, "isv.code-invalid"),
        ({"code": ""}, "isv.code-invalid"),
        ({"app_id": "2021000000000002"}, "isv.code-invalid"),
    ],
)
def test_refusals_in_their_order(alipay: Alipay, params: dict[str, str | None], sub_code: str) -> None:
    assert error(alipay.token(**params)) == sub_code


def test_a_code_serves_once_and_not_for_long(alipay: Alipay) -> None:
    code = alipay.code()
    assert verified(alipay.token(code))["access_token"]
    assert error(alipay.token(code)) == "isv.code-invalid"
    late = alipay.code()
    with time_machine.travel("2026-01-01T19:14:06Z", tick=False):
        assert error(alipay.token(late, timestamp="2026-01-02 03:14:06")) == "isv.code-invalid"


def test_an_access_token_is_for_its_app_scope_and_time(alipay: Alipay) -> None:
    token = verified(alipay.token())["access_token"]
    assert error(alipay.call(SHARE, auth_token="x")) == "aop.invalid-auth-token"
    assert error(alipay.call(SHARE)) == "aop.invalid-auth-token"
    assert error(alipay.call(SHARE, auth_token=token, app_id="2021000000000002")) == "aop.invalid-auth-token"
    silent = verified(alipay.token(alipay.code(scope="auth_base")))["access_token"]
    assert error(alipay.call(SHARE, auth_token=silent)) == "isv.insufficient-isv-permissions"
    with time_machine.travel("2026-04-01T19:04:05Z", tick=False):
        late = alipay.call(SHARE, auth_token=token, timestamp="2026-04-02 03:04:05")
    assert error(late) == "aop.auth-token-time-out"


def test_an_app_may_have_a_key_of_its_own(alipay: Alipay, settings: Settings) -> None:
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    options = {"kind": "alipay", "secret": "", "options": {"public_key": public}}
    settings.PHONEBIND_SANDBOX = {"APPS": {APP_ID: options}}
    code = alipay.code()
    assert error(alipay.token(code)) == "isv.invalid-signature"
    fields = {
        **FIXED,
        "app_id": APP_ID,
        "method": TOKEN,
        "empty": "",
        "grant_type": "authorization_code",
        "code": code,
    }
    signature = base64.b64encode(key.sign(joined(fields).encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    assert verified(alipay.token(code, empty="", sign=signature))["open_id"]


# ---------------------------------------------------------------- switches


@pytest.mark.parametrize("sub_code", ALIPAY_CODES)
def test_every_error_can_be_had_of_both_calls(alipay: Alipay, sub_code: str) -> None:
    token = verified(alipay.token())["access_token"]
    faults.write({"alipay_profile_error": sub_code})
    assert error(alipay.call(SHARE, auth_token=token)) == sub_code
    assert verified(alipay.token())["access_token"]
    faults.write({"alipay_token_error": sub_code})
    assert error(alipay.token()) == sub_code


def test_errors_may_stand_in_the_methods_own_node(alipay: Alipay) -> None:
    faults.write({"alipay_error_node": "own"})
    said = verified(alipay.token("x"))
    assert (said["node"], said["sub_code"]) == ("alipay_system_oauth_token_response", "isv.code-invalid")


def test_signatures_that_are_none_of_this_answer(alipay: Alipay) -> None:
    for position in ("wrong", "other_node"):
        faults.write({"alipay_sign": position})
        with pytest.raises(InvalidSignature):
            verified(alipay.token())
    faults.write({"alipay_sign": "missing"})
    assert list(json.loads(alipay.token().content)) == ["alipay_system_oauth_token_response"]


def test_nodes_in_another_order_and_with_white_space(alipay: Alipay) -> None:
    faults.write({"alipay_layout": "sign_first"})
    answer = alipay.token()
    assert list(json.loads(answer.content)) == ["sign", "alipay_system_oauth_token_response"]
    assert verified(answer)["open_id"]
    faults.write({"alipay_layout": "spaces"})
    answer = alipay.token()
    assert b'{\n  "access_token" : "' in answer.content
    assert verified(answer)["open_id"]


def test_numbers_as_strings(alipay: Alipay) -> None:
    faults.write({"alipay_numbers": "string"})
    said = verified(alipay.token())
    assert said["expires_in"] == "1296000"
    assert verified(alipay.call(SHARE, auth_token=said["access_token"]))["code"] == "10000"


@pytest.mark.parametrize(
    ("position", "ids"),
    [("open_id", {"open_id"}), ("user_id", {"user_id"}), ("both", {"open_id", "user_id"}), ("none", set())],
)
def test_which_id_there_is(alipay: Alipay, position: str, ids: set[str]) -> None:
    faults.write({"alipay_id": position})
    said = verified(alipay.token())
    assert said.keys() & {"open_id", "user_id"} == ids
    assert said.get("user_id", XIAOLAN.alipay_user_id) == XIAOLAN.alipay_user_id


def test_a_charset_that_it_is_not(alipay: Alipay) -> None:
    token = verified(alipay.token())["access_token"]
    faults.write({"alipay_charset": "GBK"})
    answer = alipay.call(SHARE, auth_token=token)
    assert answer.headers["Content-Type"] == "text/html;charset=GBK"
    assert "小兰".encode() in answer.content


def test_the_network_of_the_gateway(alipay: Alipay) -> None:
    code = alipay.code()
    faults.write({"alipay_network": "down"})
    assert alipay.token(code).status_code == 503
    faults.write({"alipay_network": "empty"})
    assert alipay.token(code).content == b""
    faults.reset()
    assert error(alipay.token(code)) == "isv.code-invalid"


# ---------------------------------------------------------------- SDKs, keys, extras


def test_what_the_sdks_give(alipay: Alipay) -> None:
    url = reverse("phonebind_sandbox:alipay_sdk")
    code = alipay.client.get(url, {"person": "xiaolan"}).json()["auth_code"]
    assert verified(alipay.token(code))["open_id"]
    other = alipay.client.get(url, {"person": "xiaolan", "app_id": "2021000000000002"}).json()["auth_code"]
    assert error(alipay.token(other)) == "isv.code-invalid"
    info = {"apiname": "com.alipay.account.auth", "app_id": APP_ID, "target_id": "1"}
    signed = urlencode({**info, "sign": sign(joined(info))})
    assert alipay.client.get(url, {"person": "xiaolan", "info": signed}).status_code == 200
    forged = urlencode({**info, "target_id": "2", "sign": sign(joined(info))})
    for wrong in ({"info": forged}, {"info": urlencode(info)}, {"person": "nobody"}, {"app_id": "101000001"}):
        assert alipay.client.get(url, {"person": "xiaolan", **wrong}).status_code == 400


def test_the_keys_are_those_of_the_demo(alipay: Alipay) -> None:
    told = alipay.client.get(reverse("phonebind_sandbox:alipay_keys")).json()
    assert told == {"app_private_key": demo.ALIPAY_PRIVATE_KEY, "alipay_public_key": demo.ALIPAY_PUBLIC_KEY}
    for private, public in (
        (alipay_keys.PRIVATE_KEY, alipay_keys.PUBLIC_KEY),
        (alipay_keys.APP_PRIVATE_KEY, alipay_keys.APP_PUBLIC_KEY),
    ):
        key = load_der_private_key(base64.b64decode(private), None)
        assert key.public_key() == load_der_public_key(base64.b64decode(public))


def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phonebind_sandbox, "alipay", emulator)  # restore the module
    monkeypatch.delitem(sys.modules, "phonebind_sandbox.alipay")
    monkeypatch.setitem(sys.modules, "phonebind_sandbox.rsa2", None)
    monkeypatch.delattr(phonebind_sandbox, "rsa2")
    bare = import_module("phonebind_sandbox.alipay")
    for view in (bare.gateway, bare.sdk):
        answer = view(RequestFactory().post("/"))
        assert answer.status_code == 501
        assert json.loads(answer.content) == {"error": "pip install 'phonebind-sandbox[alipay]'"}
