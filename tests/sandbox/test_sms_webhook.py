"""The HTTP contract, by the example of Standard Webhooks and by every rule of the contract."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import time_machine

from phonebind_sandbox import faults, inbox, state
from phonebind_sandbox.sms import webhook as emulated
from phonebind_sandbox.sms_codes import HTTP_CODES, HTTP_STATUS
from tests.sandbox.vendors import MOBILE, Call, Reply, signed_webhook, webhook, webhook_signature

#: The time in the example: 2026-10-01T08:00:00Z.
MOMENT = 1790841600
SECRET = "whsec_cGhvbmViaW5kLXNlY3JldC0wMTIzNDU2Nzg5"
BODY = b'{"id":"a1b2c3","to":"+8613800138000","code":"012345"}'
SEND: dict[str, Any] = {
    "id": "a1b2c3",
    "to": f"+86{MOBILE}",
    "purpose": "bind",
    "language": "zh-hans",
    "code": "012345",
    "minutes": 5,
    "text": "【示例商城】验证码 012345，5分钟内有效。",
}

Send = Callable[..., Reply]


@pytest.fixture
def send(served: str) -> Send:
    """A message with some fields changed. A field that is None is left out."""

    def send(**changes: object) -> Reply:
        return webhook({name: value for name, value in (SEND | changes).items() if value is not None}).send(served)

    return send


def told(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["code"]


# ---------------------------------------------------------------- the signature


@pytest.fixture
def vector(monkeypatch: pytest.MonkeyPatch) -> Call:
    """The example of the signature. As a message, it has few of the required fields."""
    monkeypatch.setattr(emulated, "HTTP_SMS_SECRET", SECRET)
    with time_machine.travel(MOMENT, tick=False):
        call = signed_webhook(BODY, "a1b2c3", SECRET)
    assert call.headers["webhook-signature"] == "v1,UmM67x+1GUU/HW716Su1MDX4fbINz3+gDSH66l4M/CU="
    return call


@pytest.mark.parametrize("late", [-emulated.TOLERANCE, 0, emulated.TOLERANCE])
def test_the_vector_is_signed(served: str, vector: Call, late: int) -> None:
    several = f"v1,{'A' * 43}= {vector.headers['webhook-signature']}"
    with time_machine.travel(MOMENT + late, tick=False):
        assert told(vector.send(served)) == (400, "unsupported_request")
        assert told(vector.but(webhook_signature=several).send(served)) == (400, "unsupported_request")


@pytest.mark.parametrize(
    ("change", "late"),
    [
        (lambda call: call, emulated.TOLERANCE + 1),
        (lambda call: call, -emulated.TOLERANCE - 1),
        (lambda call: replace(call, body=call.body.replace(b"012345", b"012346")), 0),
        (lambda call: call.but(webhook_id="a1b2c4"), 0),
        (lambda call: call.but(webhook_timestamp=str(MOMENT + 1)), 0),
        (lambda call: call.but(webhook_timestamp="now"), 0),
        (lambda call: call.but(webhook_signature=""), 0),
        (lambda call: call.but(webhook_signature=call.headers["webhook-signature"].replace("v1,", "v2,")), 0),
        (lambda call: call.but(webhook_signature=call.headers["webhook-signature"].replace("UmM", "UmN")), 0),
        (
            lambda call: call.but(
                webhook_id="", webhook_signature=webhook_signature(call.body, "", str(MOMENT), SECRET)
            ),
            0,
        ),
    ],
    ids=range(10),
)
def test_whatever_is_changed_it_is_not_signed_any_more(
    served: str, vector: Call, change: Callable[[Call], Call], late: int
) -> None:
    with time_machine.travel(MOMENT + late, tick=False):
        assert told(change(vector).send(served)) == (401, "authentication_failed")


@pytest.mark.parametrize(("skew", "status"), [(200, 200), (-200, 200), (400, 401), (-400, 401)])
def test_switch_clock_skew(send: Send, skew: int, status: int) -> None:
    faults.write({"clock_skew": skew})
    assert send().status == status


# ---------------------------------------------------------------- the contract


def test_a_message_arrives(send: Send) -> None:
    reply = send()
    assert reply.json.keys() == {"code", "message_id"}
    assert told(reply) == (200, "ok")
    [message] = inbox.messages()
    assert (message.mobile, message.text, message.vendor) == (MOBILE, SEND["text"], "http")


def test_an_id_sends_once(send: Send) -> None:
    first, other = send().json, send(id="d4e5f6").json
    assert first["message_id"] != other["message_id"]
    faults.write({"http_code": "out_of_balance"})
    assert send().json == first  # later changes do not matter: that one was accepted
    assert len(inbox.messages()) == 2


def test_an_id_that_was_refused_may_come_again(send: Send) -> None:
    faults.write({"http_code": "unavailable"})
    assert told(send()) == (503, "unavailable")
    faults.reset()
    assert told(send()) == (200, "ok")


def test_of_two_at_the_same_time_one_is_sent(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    first = send()
    # The second request has checked before the first one was stored.
    monkeypatch.setattr(state, "get", lambda kind, name: None)
    assert send().json == first.json
    monkeypatch.undo()
    assert len(inbox.messages()) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"to": MOBILE}, "invalid_phone_number"),
        ({"to": "+85261234567"}, "invalid_phone_number"),
        *(({name: None}, "unsupported_request") for name in SEND if name != "id"),
        ({"minutes": "5"}, "unsupported_request"),
        ({"code": 12345}, "unsupported_request"),
    ],
    ids=str,
)
def test_what_is_not_as_agreed(send: Send, changes: dict[str, object], code: str) -> None:
    assert told(send(**changes)) == (HTTP_STATUS[code], code)
    assert inbox.messages() == []


def test_an_id_is_the_same_in_header_and_body(served: str) -> None:
    call = webhook(SEND)
    signed = signed_webhook(call.body, "other", "whsec_c2FuZGJveC1odHRwLWdhdGV3YXktc2VjcmV0")
    assert told(signed.send(served)) == (400, "unsupported_request")
    nothing = signed_webhook(b"[]", "a1b2c3", "whsec_c2FuZGJveC1odHRwLWdhdGV3YXktc2VjcmV0")
    assert told(nothing.send(served)) == (400, "unsupported_request")


# ---------------------------------------------------------------- switches


def test_switch_http_code(send: Send) -> None:
    seen = {}
    for code in HTTP_CODES:
        faults.write({"http_code": code})
        reply = send()
        seen[reply.json["code"]] = reply.status
        assert ("retry_after" in reply.json) is (code == "rate_limited")
    assert seen == dict(HTTP_STATUS)
    assert inbox.messages() == []


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("not_now", "unavailable"),
        ("operator", "out_of_balance"),
        ("number", "delivery_rejected"),
        ("limit", "rate_limited"),
        ("unknown", "unknown_error"),
        ("lost", "ok"),
    ],
)
def test_switch_sms_outcome(send: Send, outcome: str, code: str) -> None:
    faults.write({"sms_outcome": outcome})
    assert told(send()) == (HTTP_STATUS.get(code, 200), code)
    assert inbox.messages() == []


def test_switch_sms_limits(send: Send) -> None:
    faults.write({"sms_limits": True})
    with time_machine.travel(MOMENT, tick=False) as clock:
        assert told(send(id="0")) == (200, "ok")
        assert send(id="1").json | {"message": ""} == {"code": "rate_limited", "message": "", "retry_after": 60}
        for number in range(4):
            clock.shift(60)
            assert told(send(id=f"2{number}")) == (200, "ok")
        clock.shift(60)
        assert send(id="3").json["retry_after"] == 3600


def test_switch_sms_network(send: Send) -> None:
    faults.write({"sms_network": "html"})
    assert send().body.startswith(b"<!doctype html>")
    assert inbox.messages() == []
