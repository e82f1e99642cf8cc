"""Receipts over HTTP: the endpoint for the vendor, and the endpoint for the person."""

import base64
import json
import logging
from typing import Any

import pytest
from django.test import Client

from phonebind import bodies, sms_receipts, store
from phonebind.sms import receipts
from server.processes import Valkey
from tests.support.edge import Configure, Person, Upstream
from tests.support.receipts import MOBILE, SECRET, VENDOR_ID, VENDORS, Vendor, signed

CODES = {"aliyun": "MOBILE_NOT_ON_SERVICE", "aliyun-pnvs": "MOBILE_NOT_ON_SERVICE", "tencent": "关机", "http": "off"}


def switch_on(phonebind: Configure, upstream: Upstream, vendor: Vendor, setting: str = SECRET) -> None:
    phonebind(sms=vendor.at(upstream.url), sms_receipts=setting)
    upstream.answer("/", vendor.sent)


def push(name: str, body: bytes, headers: dict[str, str] | None = None, secret: str = SECRET, **how: Any) -> Any:
    """The request of a vendor's server: without cookies, and with whatever content type the vendor uses for JSON."""
    kind = {"content_type": "application/json", **how}
    return Client().generic("POST", f"/sms_receipts/{name}/{secret}/", body, headers=headers or {}, **kind)


def state(receipt: str, language: str = "en", **how: Any) -> Any:
    return Client().get(f"/sms_receipts/{receipt}/", headers={"accept-language": language}, **how)


@pytest.mark.parametrize("name", VENDORS)
def test_from_the_sms_to_what_the_carrier_says(
    phonebind: Configure, upstream: Upstream, person: Person, name: str
) -> None:
    switch_on(phonebind, upstream, VENDORS[name])
    sent = person.ask_for_sms(MOBILE).json()
    assert sent == {"message": "OK", "resend_after": 60, "expires_in": 300, "receipt": sent["receipt"]}
    waiting = state(sent["receipt"])
    assert (waiting.status_code, waiting.json()["state"], waiting.json()["reason"]) == (200, "waiting", "")
    assert "no-store" in waiting["Cache-Control"]
    answer = push(name, *VENDORS[name].push(CODES[name]))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json() == VENDORS[name].acknowledgement
    assert state(sent["receipt"]).json() == {
        "state": "failed",
        "reason": "off",
        "message": "The carrier says that this phone is off or out of service.",
    }
    assert state(sent["receipt"], "zh-CN").json()["message"] == "运营商表示该手机已关机、停机或不在服务区"
    assert MOBILE not in state(sent["receipt"]).content.decode()


def test_two_gateways_of_one_name_are_both_heard(phonebind: Configure, upstream: Upstream, person: Person) -> None:
    """A failover may have two bridges, each with another secret."""
    other = "whsec_" + base64.b64encode(b"another-secret-0123456789").decode()
    first = {"gateway": "http", "endpoint": f"{upstream.url}/first", "secret": other}
    second = {**VENDORS["http"].at(upstream.url), "endpoint": f"{upstream.url}/second"}
    phonebind(sms={"gateway": "failover", "gateways": [first, second]}, sms_receipts=SECRET)
    upstream.answer("/first", {"code": "unavailable"})
    upstream.answer("/second", VENDORS["http"].sent)
    receipt = person.ask_for_sms(MOBILE).json()["receipt"]
    push("http", *VENDORS["http"].push("off"))
    assert state(receipt).json()["reason"] == "off"


def test_two_accounts_at_one_vendor_are_both_asked(
    phonebind: Configure, upstream: Upstream, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = [{**VENDORS["aliyun"].at(f"{upstream.url}/{place}")} for place in ("first", "second")]
    phonebind(sms={"gateway": "failover", "gateways": accounts}, sms_receipts="pull")
    upstream.answer("/first", {"Code": "isv.AMOUNT_NOT_ENOUGH"})
    upstream.answer("/second", VENDORS["aliyun"].sent)
    receipt = person.ask_for_sms(MOBILE).json()["receipt"]
    row = {"OutId": receipt, "SendStatus": 3, "ErrCode": "DELIVERED"}
    upstream.answer("/first", {"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": []}})
    upstream.answer("/second", {"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": [row]}})
    monkeypatch.setattr(sms_receipts, "PATIENCE", 0)
    monkeypatch.setattr(store, "first", lambda name, seconds: True)
    assert state(receipt).json()["state"] == "delivered"


def test_many_in_one_body(phonebind: Configure, upstream: Upstream, person: Person) -> None:
    switch_on(phonebind, upstream, VENDORS["aliyun"])
    receipt = person.ask_for_sms(MOBILE).json()["receipt"]
    [row] = json.loads(VENDORS["aliyun"].push()[0])
    rows = [{**row, "biz_id": f"{number}^0"} for number in range(100)]
    push("aliyun", json.dumps([*rows, row]).encode())
    assert state(receipt).json()["state"] == "delivered"


# ---------------------------------------------------------------- the endpoint for the vendor


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("aliyun", SECRET[:-1]),
        ("aliyun", SECRET + "s"),
        ("aliyun", SECRET.upper()),
        ("aliyun", "pull"),
        ("aliyun", "秘密"),
        ("aliyun", "%ff%fe"),
        ("tencent", SECRET),
        ("yuntongxun", SECRET),
        ("Aliyun", SECRET),
        ("phonebind.sms.aliyun.Aliyun", SECRET),
    ],
)
def test_whatever_is_wrong_with_the_path_there_is_no_such_page(
    phonebind: Configure, upstream: Upstream, name: str, secret: str
) -> None:
    switch_on(phonebind, upstream, VENDORS["aliyun"])
    answer = push(name, VENDORS["aliyun"].push()[0], secret=secret)
    assert (answer.status_code, answer.json()["code"]) == (404, "receipt_unknown")


@pytest.mark.parametrize("setting", ["", "pull"])
@pytest.mark.parametrize("secret", [SECRET, "pull"])
def test_where_vendors_push_nothing_there_is_no_door(
    phonebind: Configure, upstream: Upstream, setting: str, secret: str
) -> None:
    switch_on(phonebind, upstream, VENDORS["aliyun"], setting)
    assert push("aliyun", b"[]", secret=secret).status_code == 404


def test_a_gateway_without_receipts_has_no_door(phonebind: Configure) -> None:
    phonebind(sms_receipts=SECRET)
    assert push("Outbox", b"[]").status_code == 404


GARBAGE = {
    "nothing": b"",
    "no JSON": b"phone_number=1",
    "no UTF-8": b"\xff\xfe",
    "no list": b'{"biz_id": "1"}',
    "deep": b"[" * 20_000,
    "nulls": b"[null, {}, 1]",
    "too long": b"[" + b" " * bodies.MAX_BYTES + b"]",
    "surrogates": b'[{"biz_id": "\\ud800", "phone_number": "\\ud800", "err_code": "\\ud800", "success": false}]',
}


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "application/x-www-form-urlencoded", "x; charset=rot13"]
)
@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_is_taken_and_dropped(phonebind: Configure, upstream: Upstream, what: str, kind: str) -> None:
    """After a refusal the vendor would only send it again."""
    switch_on(phonebind, upstream, VENDORS["aliyun"])
    answer = push("aliyun", GARBAGE[what], content_type=kind)
    assert (answer.status_code, answer.json()) == (200, {"code": 0, "msg": "ok"})


def test_a_body_of_unknown_length_is_not_read(phonebind: Configure, upstream: Upstream) -> None:
    switch_on(phonebind, upstream, VENDORS["aliyun"])
    assert push("aliyun", VENDORS["aliyun"].push()[0], CONTENT_LENGTH="").status_code == 200


def test_a_forged_bridge_is_answered_and_not_believed(phonebind: Configure, upstream: Upstream, person: Person) -> None:
    switch_on(phonebind, upstream, VENDORS["http"])
    receipt = person.ask_for_sms(MOBILE).json()["receipt"]
    body, _ = VENDORS["http"].push("off")
    for headers in ({}, signed(body, key=b"somebody else's, 24 byte")):
        assert push("http", body, headers).json() == {"code": "ok"}
    assert state(receipt).json()["state"] == "waiting"


def test_another_site_in_a_browser_has_no_say_here(phonebind: Configure, upstream: Upstream) -> None:
    """A vendor needs no Origin either: it has the secret."""
    switch_on(phonebind, upstream, VENDORS["aliyun"])
    assert push("aliyun", b"[]", {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}).status_code == 200


def test_a_store_that_is_down_is_one_line_a_minute(
    phonebind: Configure, upstream: Upstream, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    switch_on(phonebind, upstream, VENDORS["aliyun"])
    valkey.stop()
    for _ in range(3):
        assert push("aliyun", VENDORS["aliyun"].push()[0]).status_code == 200
    lines = [record for record in caplog.records if record.name == "phonebind.sms_receipts"]
    assert [line.levelno for line in lines] == [logging.WARNING]


def test_its_method_is_post(phonebind: Configure, upstream: Upstream) -> None:
    switch_on(phonebind, upstream, VENDORS["aliyun"])
    assert Client().get(f"/sms_receipts/aliyun/{SECRET}/").status_code == 405


def test_threat_9_the_secret_is_in_no_log(
    phonebind: Configure, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    switch_on(phonebind, upstream, VENDORS["aliyun"])
    push("aliyun", b"[]")
    push("tencent", b"[]")
    Client().get(f"/sms_receipts/aliyun/{SECRET}/")
    assert SECRET not in caplog.text


# ---------------------------------------------------------------- the endpoint for the person


@pytest.mark.parametrize("setting", ["", "pull", SECRET], ids=["off", "pull", "secret"])
@pytest.mark.parametrize("id_", ["b" * 20, "A" * 20, "1", "{}", "%00", "%ff", "x" * 5000])
def test_what_was_never_sent_is_unknown(phonebind: Configure, setting: str, id_: str) -> None:
    phonebind(sms_receipts=setting)
    answer = state(id_)
    assert (answer.status_code, answer.json()["code"]) == (404, "receipt_unknown")


def test_an_address_that_asks_too_often_is_told_so(phonebind: Configure) -> None:
    phonebind(sms_receipts="pull", limits={"receipt_address_hour": (1, 60)})
    state("b" * 20)
    answer = state("b" * 20)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert 0 < int(answer["Retry-After"]) <= 60


def test_threat_42_no_other_sites_page_asks(phonebind: Configure) -> None:
    phonebind(sms_receipts="pull")
    answer = Client().get(f"/sms_receipts/{'b' * 20}/", headers={"sec-fetch-site": "cross-site"})
    assert answer.json()["code"] == "origin_not_allowed"


def test_the_store_is_down(phonebind: Configure, valkey: Valkey) -> None:
    phonebind(sms_receipts="pull")
    valkey.stop()
    assert state("b" * 20).json()["code"] == "storage_unavailable"


def test_it_is_in_the_audit_trail(
    phonebind: Configure, upstream: Upstream, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "phonebind.audit")
    switch_on(phonebind, upstream, VENDORS["aliyun"])
    receipt = person.ask_for_sms(MOBILE).json()["receipt"]
    caplog.clear()
    push("aliyun", VENDORS["aliyun"].push("USER_REJECT")[0])
    state(receipt)
    [record] = [record for record in caplog.records if record.name == "phonebind.audit"]
    assert (record.__dict__["action"], record.__dict__["outcome"]) == ("sms_receipt", "failed")
    assert receipts.known(receipt)[0].vendor_id == VENDOR_ID
