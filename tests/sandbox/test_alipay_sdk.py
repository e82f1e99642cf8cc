"""python-alipay-sdk signs in at the emulated Alipay. It signs as our client does, and verifies the same answers."""

from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests

from phonebind.oauth import rsa2
from phonebind_sandbox import alipay_keys, conf, faults
from phonebind_sandbox.people import PEOPLE
from server import demo
from tests.oauth.drivers import alipay as driver
from tests.support import oracles

APP_ID = "2021000000000001"
KEYS = {"app_id": APP_ID, "private_key": demo.ALIPAY_PRIVATE_KEY, "public_key": demo.ALIPAY_PUBLIC_KEY}
TOKEN, SHARE = "alipay.system.oauth.token", "alipay.user.info.share"

pytestmark = pytest.mark.once


@pytest.fixture
def sdk() -> oracles.Ask:
    oracles.need()
    return oracles.alipay


def question(served: str, method: str, **fields: str) -> dict[str, Any]:
    return {"ask": "call", "gateway": f"{served}alipay/gateway.do", "method": method, "fields": fields, **KEYS}


def code(served: str) -> str:
    return str(requests.get(f"{served}alipay/sdk", {"person": "xiaolan"}, timeout=5).json()["auth_code"])


def test_it_signs_in(served: str, sdk: oracles.Ask) -> None:
    grant = {"grant_type": "authorization_code", "code": code(served)}
    wrong = {**question(served, TOKEN, **grant), "private_key": alipay_keys.PRIVATE_KEY}
    refused, told, again = sdk(wrong, question(served, TOKEN, **grant), question(served, TOKEN, **grant))
    assert refused["raised"]["error_response"]["sub_code"] == "isv.invalid-signature"
    assert told["open_id"] == PEOPLE["xiaolan"].alipay_open_id(conf.apps("alipay")[APP_ID])
    assert again["raised"]["error_response"]["sub_code"] == "isv.code-invalid"
    [profile] = sdk(question(served, SHARE, auth_token=told["access_token"]))
    assert (profile["code"], profile["nick_name"]) == (10000, "小兰")


@pytest.mark.parametrize("layout", ["sign_first", "spaces"])
def test_it_verifies_what_the_sandbox_signs(served: str, sdk: oracles.Ask, layout: str) -> None:
    faults.write({"alipay_layout": layout})
    [told] = sdk(question(served, TOKEN, grant_type="authorization_code", code=code(served)))
    assert told["open_id"]
    faults.write({"alipay_sign": "wrong"})
    [told] = sdk(question(served, TOKEN, grant_type="authorization_code", code=code(served)))
    assert told == {"raised": "signature"}


def test_it_signs_as_we_do(sdk: oracles.Ask) -> None:
    fields = {"b": "2", "a": "1 +/=&", "名": "小明", "Z": "https://x/?y=z"}
    [query] = sdk({"ask": "sign", "fields": fields, **KEYS})
    assert rsa2.sign(fields, demo.ALIPAY_PRIVATE_KEY) == dict(parse_qsl(query))["sign"]


def test_it_cuts_the_node_out_as_we_do(sdk: oracles.Ask) -> None:
    value = {"open_id": "A", "url": "https://x/", "nick": "小明", "deep": {"x": [{}, {"y": 1}]}}
    body = driver.signed("a_response", value)
    keys = {**KEYS, "public_key": driver.public_text(driver.THEIRS)}
    [told] = sdk({"ask": "verified", "body": body.decode(), "node": "a_response", **keys})
    found = rsa2.members(body)
    assert told == found["a_response"].value == value
    assert rsa2.is_signed(found["a_response"].raw, found["sign"].value, keys["public_key"])
