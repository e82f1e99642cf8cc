"""Yuntongxun, by the example and by the published part of its rules."""

import base64
from collections.abc import Callable
from dataclasses import replace
from hashlib import md5
from typing import Any

import pytest
import time_machine

from phonebind_sandbox import conf, faults, inbox, state
from phonebind_sandbox.sms import yuntongxun as emulated
from phonebind_sandbox.sms_codes import YUNTONGXUN_CODES
from tests.sandbox.vendors import MOBILE, Call, Reply, yuntongxun

#: The time in the example: 2026-10-01 16:00:00 in Beijing.
MOMENT = 1790841600
KEY = ("8aaf07085f5c54cf015f86a1b2c30001", "5f5c54cf015f8aaf0708a1b2c3000200")
SEND: dict[str, Any] = {
    "to": MOBILE,
    "appId": conf.YUNTONGXUN_APP_ID,
    "templateId": "1",
    "datas": ["012345", "5"],
    "reqId": "a1b2c3",
}

Send = Callable[..., str]


@pytest.fixture
def send(served: str) -> Send:
    """The statusCode for a message with some fields changed. A field that is None is left out."""

    def send(**changes: object) -> str:
        return code_of(yuntongxun(without_none(SEND | changes)).send(served))

    return send


def without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def code_of(reply: Reply) -> str:
    code = reply.json["statusCode"]
    assert reply.status == 200
    assert reply.json.get("statusMsg", "") == YUNTONGXUN_CODES.get(code, "")
    return str(code)


# ---------------------------------------------------------------- the signature


@pytest.fixture
def vector(monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setitem(conf.YUNTONGXUN_TOKENS, *KEY)
    with time_machine.travel(MOMENT, tick=False):
        call = yuntongxun(SEND, key=KEY)
    assert call.path.endswith("?sig=7A4B1F18BC916DE5140BF1A5D2F127BB")
    assert call.headers["authorization"] == (
        "OGFhZjA3MDg1ZjVjNTRjZjAxNWY4NmExYjJjMzAwMDE6MjAyNjEwMDExNjAwMDA="
    )  # fmt: skip
    return call


@pytest.mark.parametrize("late", [-emulated.TOLERANCE, 0, emulated.TOLERANCE])
def test_the_vector_is_taken(served: str, vector: Call, late: int) -> None:
    with time_machine.travel(MOMENT + late, tick=False):
        assert code_of(vector.send(served)) == "000000"
        assert [message.code for message in inbox.messages()] == ["012345"]


@pytest.mark.parametrize(
    ("change", "late", "code"),
    [
        (lambda call: call, emulated.TOLERANCE + 1, "111109"),
        (lambda call: call, -emulated.TOLERANCE - 1, "111109"),
        (lambda call: replace(call, path=call.path[:-1] + "C"), 0, "111109"),
        (
            lambda call: replace(call, path=call.path.partition("sig=")[0] + "sig=7a4b1f18bc916de5140bf1a5d2f127bb"),
            0,
            "111109",
        ),
        (lambda call: replace(call, path=call.path.partition("?")[0]), 0, "111109"),
        (lambda call: replace(call, path=call.path.replace("30001", "30002")), 0, "111141"),
        (lambda call: call.but(authorization=""), 0, "111109"),
        (lambda call: call.but(authorization="Basic " + call.headers["authorization"]), 0, "111109"),
        (lambda call: call.but(authorization="/w=="), 0, "111109"),
        (lambda call: call.but(authorization="b3RoZXI6MjAyNjEwMDExNjAwMDA="), 0, "111109"),
        (
            lambda call: call.but(authorization="OGFhZjA3MDg1ZjVjNTRjZjAxNWY4NmExYjJjMzAwMDE6MjAyNjEwMDExNjAwMDE="),
            0,
            "111109",
        ),
    ],
    ids=range(11),
)
def test_whatever_is_changed_it_is_not_signed_any_more(
    served: str, vector: Call, change: Callable[[Call], Call], late: int, code: str
) -> None:
    with time_machine.travel(MOMENT + late, tick=False):
        assert code_of(change(vector).send(served)) == code
        assert inbox.messages() == []


def test_a_stamp_is_written_with_all_its_digits(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(conf.YUNTONGXUN_TOKENS, *KEY)
    stamp = "2026101160000"  # the first of October, without the zero that some clients leave out
    sig = md5(f"{KEY[0]}{KEY[1]}{stamp}".encode(), usedforsecurity=False).hexdigest().upper()
    with time_machine.travel(MOMENT, tick=False):
        call = yuntongxun(SEND, key=KEY).but(authorization=base64.b64encode(f"{KEY[0]}:{stamp}".encode()).decode())
        call = replace(call, path=f"{call.path.partition('=')[0]}={sig}")
        assert code_of(call.send(served)) == "111109"


@pytest.mark.parametrize(("skew", "code"), [(2000, "000000"), (-90000, "111109"), (90000, "111109")])
def test_switch_clock_skew(send: Send, skew: int, code: str) -> None:
    faults.write({"clock_skew": skew})
    assert send() == code


# ---------------------------------------------------------------- TemplateSMS


def test_a_message_arrives(served: str) -> None:
    with time_machine.travel(MOMENT, tick=False):
        answer = yuntongxun(SEND).send(served).json
        [message] = inbox.messages()
    assert answer["statusCode"] == "000000"
    assert answer["templateSMS"]["dateCreated"] == "20261001160000"
    assert len(answer["templateSMS"]["smsMessageSid"]) == 32
    assert (message.mobile, message.vendor) == (MOBILE, "yuntongxun")
    assert message.text == "【云通讯】您的验证码为012345，5分钟内有效，请勿泄露。"


def test_an_id_sends_once_a_day(send: Send) -> None:
    with time_machine.travel(MOMENT, tick=False) as clock:
        assert [send(), send(), send(reqId="d4e5f6")] == ["000000", "160054", "000000"]
        faults.write({"yuntongxun_code": "160014"})
        assert send() == "160054"  # later changes do not matter: that one was accepted
        faults.reset()
        clock.move_to(MOMENT + 8 * 3600)  # midnight in Beijing
        assert send() == "000000"


def test_an_id_that_was_refused_may_come_again(send: Send) -> None:
    faults.write({"yuntongxun_code": "160014"})
    assert send() == "160014"
    faults.reset()
    assert send() == "000000"


def test_without_an_id_every_request_sends(send: Send) -> None:
    assert [send(reqId=None), send(reqId=None)] == ["000000", "000000"]
    assert len(inbox.messages()) == 2


def test_of_two_at_the_same_time_one_is_taken(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    assert send() == "000000"
    # The second request has checked before the first one was stored.
    monkeypatch.setattr(state, "get", lambda kind, name: None)
    assert send() == "160054"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"to": "+8613800138000"}, "160042"),
        ({"to": "1380013800"}, "160042"),
        ({"to": 13800138000}, "160042"),
        ({"to": None}, "160042"),
        ({"appId": "other"}, "111181"),
        ({"templateId": 1}, "160032"),
        ({"templateId": "SMS_1"}, "160032"),
        ({"datas": ["5"]}, "160052"),
        ({"datas": [12345, 5]}, "160052"),
        ({"datas": None}, "160052"),
        ({"reqId": "a" * 33}, "160055"),
        ({"reqId": 7}, "160055"),
    ],
    ids=str,
)
def test_what_cannot_be_sent(send: Send, changes: dict[str, object], code: str) -> None:
    assert send(**changes) == code
    assert inbox.messages() == []


def test_what_is_no_message(served: str) -> None:
    assert code_of(yuntongxun([]).send(served)) == "160000"


# ---------------------------------------------------------------- switches


def test_switch_yuntongxun_code(send: Send) -> None:
    seen = []
    for code in YUNTONGXUN_CODES:
        faults.write({"yuntongxun_code": code})
        seen.append(send())
    assert seen == list(YUNTONGXUN_CODES)
    assert inbox.messages() == []


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("operator", "160014"), ("number", "160034"), ("limit", "160038"), ("unknown", "160050"), ("lost", "000000")],
)
def test_switch_sms_outcome(send: Send, outcome: str, code: str) -> None:
    faults.write({"sms_outcome": outcome})
    assert send() == code
    assert inbox.messages() == []


def test_not_now_has_no_code(served: str) -> None:
    faults.write({"sms_outcome": "not_now"})
    reply = yuntongxun(SEND).send(served)
    assert reply.status == 503
    assert reply.body.startswith(b"<html>")


def test_switch_sms_limits(send: Send) -> None:
    faults.write({"sms_limits": True})
    ids = iter(range(100))

    def one() -> str:
        return send(reqId=str(next(ids)))

    with time_machine.travel(MOMENT, tick=False) as clock:
        assert [one(), one()] == ["000000", "160038"]
        for _ in range(9):
            clock.shift(60)
            assert one() == "000000"
        clock.shift(60)
        assert one() == "160040"


def test_switch_sms_network(served: str) -> None:
    faults.write({"sms_network": "down"})
    assert yuntongxun(SEND).send(served).status == 503
    assert yuntongxun(None, resource="AccountInfo").send(served).status == 503
    assert inbox.messages() == []


# ---------------------------------------------------------------- AccountInfo


def test_what_money_is_left(served: str) -> None:
    reply = yuntongxun(None, resource="AccountInfo").send(served)
    assert code_of(reply) == "000000"
    assert reply.json["Account"]["balance"] == "100.00"


def test_nobody_else_is_told(served: str) -> None:
    assert (
        code_of(yuntongxun(None, resource="AccountInfo", key=("sandbox-account-sid", "guess")).send(served)) == "111109"
    )
