"""One tap: the emulated app, which no laptop has, and both vendors, by our own requests and by phonebind's."""

import json
import time
from hashlib import sha256
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from phonebind.exceptions import MobileProofInvalid, MobileProofUnavailable, PhonebindError
from phonebind.mobile_proofs import aliyun, tencent
from phonebind.mobile_proofs.base import Source
from phonebind.oauth import Identity
from phonebind_sandbox import faults
from phonebind_sandbox.one_tap import LIVES
from phonebind_sandbox.one_tap_codes import ALIYUN_ONE_TAP, TENCENT_ONE_TAP
from tests.sandbox.vendors import Aliyun, Call, Reply

MOBILE = "13800138000"
ME = Identity("qq", "101000001", "A" * 32)
CODES = [*(("aliyun", code) for code in ALIYUN_ONE_TAP), *(("tencent", code) for code in TENCENT_ONE_TAP)]


class Tokens:
    def __init__(self, client: Client) -> None:
        self.client = client

    def ask(self, source: str, mobile: str = MOBILE, **more: str) -> Any:
        query = {"source": source, "mobile": mobile, **more}
        return self.client.get(reverse("phonebind_sandbox:one_tap_token"), query)

    def __call__(self, source: str, mobile: str = MOBILE, **more: str) -> str:
        answer = self.ask(source, mobile, **more)
        assert answer.status_code == 200, answer.content
        return str(answer.json()["token"])


@pytest.fixture
def tokens(client: Client) -> Tokens:
    return Tokens(client)


def source(name: str, served: str, **options: str) -> Source:
    if name == "aliyun":
        keys = {"access_key_id": "sandbox-access-key-id", "access_key_secret": "sandbox-access-key-secret"}
        return aliyun.Aliyun(**{**keys, "endpoint": f"{served}one-tap/aliyun/", **options})
    keys = {"sdk_app_id": "1400000002", "app_key": "sandbox-one-tap-key"}
    return tencent.Tencent(**{**keys, "endpoint": f"{served}one-tap/tencent/v5/rapidauth/validate", **options})


def tap(name: str, served: str, token: str, carrier: str = "mobile", **options: str) -> str:
    return source(name, served, **options).verify(token, ME, carrier=carrier)


#: For requests by phonebind: the sandbox alone has no store.
mounted = pytest.mark.parametrize("form", ["mounted"], indirect=True)

#: Aliyun reports a bad token. Tencent's codes are not documented.
BAD = {"aliyun": MobileProofInvalid, "tencent": MobileProofUnavailable}


@pytest.fixture(params=["aliyun", "tencent"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# ---------------------------------------------------------------- the app


@pytest.mark.parametrize("wrong", [{"source": "jpush"}, {"mobile": "12800138000"}, {"carrier": "x"}, {"mobile": ""}])
def test_what_no_app_is_given(tokens: Tokens, wrong: dict[str, str]) -> None:
    answer = tokens.ask(**{"source": "aliyun", **wrong})
    assert answer.status_code == 400
    assert "wanted" in answer.json()


@pytest.mark.parametrize("carrier", LIVES)
def test_it_says_how_long_it_lives(tokens: Tokens, carrier: str) -> None:
    answer = tokens.ask("tencent", carrier=carrier).json()
    assert (answer["carrier"], answer["expires_in"]) == (carrier, LIVES[carrier])


# ---------------------------------------------------------------- both vendors


@mounted
def test_a_token_is_the_number_once(served: str, tokens: Tokens, name: str) -> None:
    token = tokens(name)
    assert tap(name, served, token) == MOBILE
    with pytest.raises(BAD[name]):
        tap(name, served, token)


@mounted
def test_a_number_in_json(served: str, tokens: Tokens, name: str) -> None:
    faults.write({"one_tap_number": "number"})
    assert tap(name, served, tokens(name)) == MOBILE


@mounted
@pytest.mark.parametrize("carrier", LIVES)
def test_a_token_ends_as_its_carrier_has_it(served: str, tokens: Tokens, name: str, carrier: str) -> None:
    with time_machine.travel(time.time(), tick=True) as clock:
        early, late = tokens(name, carrier=carrier), tokens(name, carrier=carrier)
        clock.shift(LIVES[carrier] - 5)
        assert tap(name, served, early, carrier) == MOBILE
        clock.shift(10)
        with pytest.raises(BAD[name]):
            tap(name, served, late, carrier)


@mounted
def test_a_token_of_another_app_or_vendor_is_none(served: str, tokens: Tokens, name: str) -> None:
    other = {"aliyun": "tencent", "tencent": "aliyun"}[name]
    for token in (tokens(name, foreign="1"), tokens(other), "never-issued"):
        with pytest.raises(BAD[name]):
            tap(name, served, token)


@mounted
def test_tencent_compares_the_carrier(served: str, tokens: Tokens) -> None:
    token = tokens("tencent", carrier="unicom")
    with pytest.raises(MobileProofUnavailable):
        tap("tencent", served, token, "telecom")
    assert tap("tencent", served, token, "unicom") == MOBILE


@mounted
@pytest.mark.parametrize(("name", "code"), CODES, ids=str)
def test_every_code_is_a_switch(served: str, tokens: Tokens, name: str, code: str) -> None:
    faults.write({f"{name}_one_tap_code": code})
    token = tokens(name)
    with pytest.raises(PhonebindError):
        tap(name, served, token)
    faults.reset()
    assert tap(name, served, token) == MOBILE, "it was not used up"


@mounted
@pytest.mark.parametrize("fault", ["down", "reset", "garbage", "html", "empty", "redirect"])
def test_every_fault_of_the_network_proves_no_mobile(served: str, tokens: Tokens, name: str, fault: str) -> None:
    faults.write({"one_tap_network": fault})
    with pytest.raises(MobileProofUnavailable):
        tap(name, served, tokens(name))


@mounted
@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("aliyun", {"access_key_id": "other"}),
        ("aliyun", {"access_key_secret": "other"}),
        ("tencent", {"sdk_app_id": "1400000009"}),
        ("tencent", {"app_key": "other"}),
    ],
    ids=str,
)
def test_whoever_has_no_key_is_refused(
    served: str, tokens: Tokens, caplog: pytest.LogCaptureFixture, name: str, wrong: dict[str, str]
) -> None:
    with pytest.raises(MobileProofUnavailable):
        tap(name, served, tokens(name), **wrong)
    assert "refuses our configuration" in caplog.text


@mounted
def test_a_clock_that_is_wrong(served: str, tokens: Tokens, name: str) -> None:
    faults.write({"clock_skew": 1000})
    with pytest.raises(MobileProofUnavailable):
        tap(name, served, tokens(name))


# ---------------------------------------------------------------- the vendors' own formats


def get_mobile(served: str, token: str, *, action: str = "GetMobile", version: str = "2017-05-25") -> Reply:
    vendor = Aliyun(served.split("/")[2], path="one-tap/aliyun/", version=version)
    return vendor.call(action, {"AccessToken": token}).send(served)


def test_aliyun_answers_as_it_documents(served: str, tokens: Tokens) -> None:
    found = get_mobile(served, tokens("aliyun")).json
    assert found.pop("RequestId")
    assert found == {"Code": "OK", "Message": "OK", "GetMobileResultDTO": {"Mobile": MOBILE}}


def test_aliyun_has_this_action_alone(served: str) -> None:
    refused = [get_mobile(served, "T", action="SendSms"), get_mobile(served, "T", version="2018-01-01")]
    assert [(reply.status, reply.json["Code"]) for reply in refused] == [
        (404, "InvalidAction.NotFound"),
        (400, "InvalidVersion"),
    ]


def validate(served: str, body: bytes, query: str = "sdkappid=1400000002&random=7") -> Any:
    path = f"one-tap/tencent/v5/rapidauth/validate?{query}"
    return Call("POST", path, {"content-type": "application/json"}, body).send(served).json


def signed(at: str, key: str = "sandbox-one-tap-key") -> str:
    return sha256(f"appkey={key}&random=7&time={at}".encode()).hexdigest()


def test_tencent_answers_as_it_documents(served: str, tokens: Tokens) -> None:
    now = int(time.time())
    fields = {"sig": signed(str(now)), "time": now, "carrier": "mobile", "token": tokens("tencent")}
    assert validate(served, json.dumps(fields).encode()) == {"result": 0, "errmsg": "", "mobile": MOBILE}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"sig":"\xff"}'], ids=repr)
def test_tencent_reads_json(served: str, body: bytes) -> None:
    assert validate(served, body)["result"] == 1004


@pytest.mark.parametrize("at", ["x", "", "0", "-1"])
def test_tencent_wants_the_time(served: str, at: str) -> None:
    fields = {"sig": signed(at), "time": at, "carrier": "mobile", "token": "T"}
    assert validate(served, json.dumps(fields).encode())["result"] == 1001


def test_tencent_wants_a_signature(served: str) -> None:
    for fields in ({}, {"sig": "é"}, {"sig": signed("0", ""), "time": "0"}):
        assert validate(served, json.dumps(fields).encode(), "")["result"] == 1001
