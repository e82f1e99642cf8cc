"""The receipts that each vendor pushes and returns, as our own types. The formats are those of the
vendors' documents.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
import time_machine

from phonebind.exceptions import SmsNotSent
from phonebind.sms import registry
from phonebind.sms.receipts import REASONS, Expected, Pushes, Receipt, Tells
from tests.support.edge import Configure, Upstream
from tests.support.receipts import KEY, MOBILE, VENDOR_ID, VENDORS, signed, told
from tests.support.wire import FAULTS, serve

#: 00:00:30 of 2026-10-02 in Beijing; in UTC it is the day before.
SENT_AT = 1790870430.0
EXPECTED = Expected("a" * 20, "aliyun", VENDOR_ID, MOBILE, SENT_AT)

CODES = [
    *(
        (name, code, reason)
        for name in ("aliyun", "aliyun-pnvs")
        for code, reason in {
            "MOBILE_NOT_ON_SERVICE": "off",
            "MOBILE_ACCOUNT_ABNORMAL": "off",
            "MOBLLE_TERMINAL_ERROR": "full",
            "MOBILE_IN_BLACK": "blocked",
            "USER_REJECT": "blocked",
            "MOBILE_SEND_LIMIT": "blocked",
            "INVALID_NUMBER": "number",
            "PORT_NOT_REGISTERED": "carrier",
            "SIGNATURE_BLACKLIST": "carrier",
            "CONTENT_KEYWORD": "carrier",
            "NO_ROUTE": "carrier",
            "SP_UNKNOWN_ERROR": "unknown",
            "REQUEST_SUCCESS": "unknown",
        }.items()
    ),
    *(
        ("tencent", description, reason)
        for description, reason in {
            "关机/停机/无法接通手机/不在服务区": "off",
            "手机空号、停机、关机": "off",
            "空号": "number",
            "手机号码在黑名单中": "blocked",
            "单个手机号接收短信数量超过上限": "blocked",
            "手机内存满": "full",
            "签名未报备": "carrier",
            "运营商关键字拦截": "carrier",
            "运营商内部错误": "unknown",
            "EXPIRED": "off",
            "MK:0001": "number",
            "MBBLACK": "blocked",
            "-106": "carrier",
            "REJECTD": "unknown",
        }.items()
    ),
    *(("http", reason, reason) for reason in REASONS),
    ("http", "a reason of tomorrow", "unknown"),
]
ASKED = [name for name in VENDORS if name != "http"]


def gateway(name: str, url: str = "https://vendor.example") -> Any:
    return registry.make(VENDORS[name].at(url))


# ---------------------------------------------------------------- pushed


@pytest.mark.parametrize("name", VENDORS)
def test_a_delivered_sms(name: str) -> None:
    body, headers = VENDORS[name].push()
    assert gateway(name).receipts(headers, body) == [Receipt(VENDOR_ID, MOBILE, "delivered")]


@pytest.mark.parametrize(("name", "code", "reason"), CODES)
def test_a_failed_sms_has_a_reason_of_ours(name: str, code: str, reason: str) -> None:
    body, headers = VENDORS[name].push(code)
    [receipt] = gateway(name).receipts(headers, body)
    assert (receipt.vendor_id, receipt.mobile) == (VENDOR_ID, MOBILE)
    assert (receipt.state, receipt.reason) == ("failed", reason)
    assert bool(receipt.advice) == (reason == "carrier")
    assert receipt.advice.isascii()


def test_a_signature_that_is_not_filed_is_told_in_words() -> None:
    for name, code in {"aliyun": "PORT_NOT_REGISTERED", "tencent": "签名未报备"}.items():
        [receipt] = gateway(name).receipts({}, VENDORS[name].push(code)[0])
        assert receipt.advice.startswith("sign_name is not filed with the carriers")


def test_where_tencents_words_say_nothing_its_code_does() -> None:
    body, _ = VENDORS["tencent"].push("未知状态", errmsg="MK:0005")
    [receipt] = gateway("tencent").receipts({}, body)
    assert receipt.reason == "off"


@pytest.mark.parametrize("name", ASKED)
def test_what_cannot_be_read_costs_nothing_of_the_rest(name: str) -> None:
    body, _ = VENDORS[name].push()
    [good] = json.loads(body)
    bad: list[Any] = [None, 1, [], "x", {}, *({**good, field: [1]} for field in good)]
    read = gateway(name).receipts({}, json.dumps([*bad, good]).encode())
    assert read[-1] == Receipt(VENDOR_ID, MOBILE, "delivered")
    assert set(map(repr, read)) != set()
    assert all(type(receipt.vendor_id) is str and type(receipt.mobile) is str for receipt in read)


def test_what_is_neither_true_nor_false_is_no_receipt() -> None:
    for success in ("true", "false", None, 2):
        assert gateway("aliyun").receipts({}, VENDORS["aliyun"].push(success=success)[0]) == []
    for status in ("", "success", None, True):
        assert gateway("tencent").receipts({}, VENDORS["tencent"].push(report_status=status)[0]) == []
    for status in ("", "DELIVERED", None, True):
        body, headers = VENDORS["http"].push(status=status)
        assert gateway("http").receipts(headers, body) == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"1", b"<xml/>", b"\xff", b"[" * 20_000, b'{"a": [}'])
@pytest.mark.parametrize("name", VENDORS)
def test_garbage_is_no_receipt(name: str, body: bytes) -> None:
    assert gateway(name).receipts(signed(body), body) == []


# ---------------------------------------------------------------- signed, by our own HTTP contract


@pytest.mark.parametrize("age", [-290, 0, 290])
def test_a_bridges_receipt_is_good_for_five_minutes(age: int) -> None:
    body, _ = VENDORS["http"].push("off")
    assert gateway("http").receipts(signed(body, age=age), body)


def test_of_several_signatures_one_will_do() -> None:
    body, headers = VENDORS["http"].push("off")
    rotated = headers | {"webhook-signature": f"v1,AAAA {headers['webhook-signature']} v2,BBBB"}
    assert gateway("http").receipts(rotated, body)


FORGED: dict[str, Callable[[bytes], dict[str, str]]] = {
    "no headers": lambda body: {},
    "another secret": lambda body: signed(body, key=KEY + b"!"),
    "another body": lambda body: signed(body + b" "),
    "too old": lambda body: signed(body, age=310),
    "too new": lambda body: signed(body, age=-310),
    "another id": lambda body: signed(body) | {"webhook-id": "msg_2"},
    "no stamp": lambda body: signed(body) | {"webhook-timestamp": "now"},
    "other digits": lambda body: signed(body) | {"webhook-timestamp": "９" * 10},
    "no ASCII": lambda body: signed(body) | {"webhook-signature": "v1,\xff"},
    "no version": lambda body: signed(body) | {"webhook-signature": signed(body)["webhook-signature"][3:]},
}


@pytest.mark.parametrize("how", FORGED)
def test_what_a_bridge_did_not_sign_is_no_receipt(how: str) -> None:
    body, _ = VENDORS["http"].push("off")
    assert gateway("http").receipts(FORGED[how](body), body) == []


# ---------------------------------------------------------------- queried


@pytest.mark.parametrize("name", VENDORS)
def test_who_pushes_and_who_is_asked(name: str) -> None:
    assert isinstance(gateway(name), Pushes)
    assert isinstance(gateway(name), Tells) == (name in ASKED)


@pytest.mark.parametrize("name", ASKED)
def test_a_vendor_is_asked_about_one_sms(upstream: Upstream, name: str) -> None:
    upstream.answer("/", told(name, EXPECTED, "delivered"))
    with time_machine.travel(SENT_AT + 60, tick=False):
        assert gateway(name, upstream.url).pull(EXPECTED) == Receipt(VENDOR_ID, MOBILE, "delivered")
    [(_, asked)] = upstream.requests
    [(headers, _)] = upstream.raw
    if name == "tencent":
        assert headers["X-TC-Action"] == "PullSmsSendStatusByPhoneNumber"
        assert asked == {
            "BeginTime": int(SENT_AT) - 60,
            "Offset": 0,
            "Limit": 20,
            "PhoneNumber": f"+86{MOBILE}",
            "SmsSdkAppId": "1400006666",
        }
    else:
        assert headers["x-acs-action"] == "QuerySendDetails"
        page = {"SendDate": "20261002", "PageSize": "10", "CurrentPage": "1"}
        assert asked == {"PhoneNumber": MOBILE, "BizId": VENDOR_ID, **page}


@pytest.mark.parametrize(("name", "code", "reason"), [row for row in CODES if row[0] in ASKED])
def test_it_answers_with_the_same_reasons(upstream: Upstream, name: str, code: str, reason: str) -> None:
    upstream.answer("/", told(name, EXPECTED, "failed", code))
    receipt = gateway(name, upstream.url).pull(EXPECTED)
    assert (receipt.state, receipt.reason) == ("failed", reason)


@pytest.mark.parametrize("status", ["", "waiting"])
@pytest.mark.parametrize("name", ASKED)
def test_it_may_not_know_yet(upstream: Upstream, caplog: pytest.LogCaptureFixture, name: str, status: str) -> None:
    upstream.answer("/", told(name, EXPECTED, status))
    assert gateway(name, upstream.url).pull(EXPECTED) is None
    assert caplog.records == []


def test_tencent_may_answer_null_for_none(upstream: Upstream) -> None:
    upstream.answer("/", {"Response": {"PullSmsSendStatusSet": None, "RequestId": "r"}})
    assert gateway("tencent", upstream.url).pull(EXPECTED) is None


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("aliyun", {"Code": "isp.RAM_PERMISSION_DENY", "Message": "vendor's words"}, "isp.RAM_PERMISSION_DENY"),
        ("aliyun-pnvs", {"Code": "Forbidden.RAM", "Message": "vendor's words"}, "Forbidden.RAM"),
        ("aliyun", {"Code": "OK", "SmsSendDetailDTOs": {}}, "no readable code"),
        ("aliyun", {"Code": "OK", "Model": 1}, "no readable code"),
        ("tencent", {"Response": {"Error": {"Code": "AuthFailure.UnauthorizedOperation"}}}, "AuthFailure.Unauthorized"),
        ("tencent", {}, "no readable code"),
        ("aliyun", b"<html>123456</html>", "no readable code"),
    ],
)
def test_what_it_answers_instead_is_told_once_without_its_words(
    upstream: Upstream, caplog: pytest.LogCaptureFixture, name: str, answer: Any, said: str
) -> None:
    upstream.answer("/", answer, status=400)
    for _ in range(3):
        assert gateway(name, upstream.url).pull(EXPECTED) is None
    [line] = caplog.messages
    assert line.startswith(f"SMS gateway {name} gives an unreadable answer (status 400, {said}")
    assert "words" not in line
    assert "123456" not in line


@pytest.mark.parametrize("name", ASKED)
def test_threat_9_the_code_in_its_answer_is_kept_nowhere(
    upstream: Upstream, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(0)
    for status in ("delivered", "failed", "waiting"):
        upstream.answer("/", told(name, EXPECTED, status, "SP_UNKNOWN_ERROR"))
        receipt = gateway(name, upstream.url).pull(EXPECTED)
        facts = [getattr(receipt, field) for field in Receipt.__slots__] if receipt else []
        assert "123456" not in str(facts)
    assert "123456" not in caplog.text


@pytest.mark.parametrize("fault", FAULTS)
def test_a_vendor_that_does_not_answer(phonebind: Configure, fault: str) -> None:
    phonebind(total_timeout=0.2)
    with serve(FAULTS[fault]) as server, pytest.raises(SmsNotSent) as failed:
        gateway("aliyun", server.url).pull(EXPECTED)
    assert not failed.value.answered
