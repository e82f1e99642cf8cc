"""Receipts that vendors push to a server of the shop, in each vendor's own format."""

import json
import threading
from collections.abc import Callable, Iterator
from queue import Empty
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_django import Settings

from phonebind_sandbox import faults
from phonebind_sandbox.sms import push, receipts
from tests.sandbox.receiver import Receiver, receive
from tests.sandbox.test_sms_aliyun import FAILURES, SEND, VERIFY
from tests.sandbox.test_sms_tencent import SEND as SEND_TENCENT
from tests.sandbox.test_sms_webhook import SEND as SEND_HTTP
from tests.sandbox.test_sms_yuntongxun import SEND as SEND_YUNTONGXUN
from tests.sandbox.vendors import MOBILE, Aliyun, tencent, webhook, webhook_signature, yuntongxun

#: Each sends a message and returns the vendor's id of it.
SENDERS: dict[str, Callable[[str], str]] = {
    "aliyun": lambda url: str(Aliyun(_host(url)).call("SendSms", SEND).send(url).json["BizId"]),
    "aliyun-pnvs": lambda url: str(
        Aliyun(_host(url), "aliyun-pnvs/").call("SendSmsVerifyCode", VERIFY).send(url).json["Model"]["BizId"]
    ),
    "tencent": lambda url: str(
        tencent("SendSms", SEND_TENCENT, _host(url)).send(url).json["Response"]["SendStatusSet"][0]["SerialNo"]
    ),
    "http": lambda url: str(webhook(SEND_HTTP).send(url).json["message_id"]),
}


def _host(url: str) -> str:
    return urlsplit(url).netloc


@pytest.fixture
def receiver(form: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """The server that all vendors send their receipts to, without the usual delay."""
    monkeypatch.setattr(receipts, "CARRIER_SECONDS", 0.05)
    monkeypatch.setattr(push, "RETRY_SECONDS", (0.02, 0.04))
    with receive() as receiver:
        settings.PHONEBIND_SANDBOX = {
            **getattr(settings, "PHONEBIND_SANDBOX", {}),
            "RECEIPTS": dict.fromkeys(SENDERS, receiver.url),
        }
        yield receiver
        for thread in threading.enumerate():
            if thread.name == "sms receipt":
                thread.join(5)


def received(receiver: Receiver) -> Any:
    path, headers, body = receiver.came.get(timeout=5)
    assert path == "/sms/receipts/secret?of=sms"
    assert headers["content-type"] == "application/json;charset=utf-8"
    return json.loads(body)


def nothing_more(receiver: Receiver) -> bool:
    try:
        receiver.came.get(timeout=0.3)
    except Empty:
        return True
    return False


@pytest.mark.parametrize("vendor", ["aliyun", "aliyun-pnvs"])
def test_aliyun(receiver: Receiver, served: str, vendor: str) -> None:
    biz_id = SENDERS[vendor](served)
    [receipt] = received(receiver)
    assert receipt.pop("send_time") <= receipt.pop("report_time")
    assert receipt == {
        "phone_number": MOBILE, "success": True, "err_code": "DELIVERED", "err_msg": "用户接收成功", "sms_size": "1",
        "biz_id": biz_id, "out_id": "a1b2c3",
    }  # fmt: skip
    assert nothing_more(receiver)


@pytest.mark.parametrize(("result", "code"), FAILURES.items())
def test_aliyun_fails(receiver: Receiver, served: str, result: str, code: str) -> None:
    faults.write({"sms_receipt": result})
    SENDERS["aliyun"](served)
    [receipt] = received(receiver)
    assert (receipt["success"], receipt["err_code"]) == (False, code)


def test_tencent(receiver: Receiver, served: str) -> None:
    serial = SENDERS["tencent"](served)
    [receipt] = received(receiver)
    assert receipt.pop("user_receive_time")
    assert receipt == {
        "nationcode": "86", "mobile": MOBILE, "report_status": "SUCCESS", "errmsg": "DELIVRD",
        "description": "用户短信送达成功", "sid": serial,
    }  # fmt: skip


def test_tencent_fails(receiver: Receiver, served: str) -> None:
    faults.write({"sms_receipt": "off"})
    SENDERS["tencent"](served)
    [receipt] = received(receiver)
    assert (receipt["report_status"], receipt["errmsg"]) == ("FAIL", "EXPIRED")


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ("delivered", {"status": "delivered"}),
        ("off", {"status": "failed", "reason": "off"}),
        ("full", {"status": "failed", "reason": "full"}),
        ("blacklisted", {"status": "failed", "reason": "blocked"}),
        ("number", {"status": "failed", "reason": "number"}),
        ("signature", {"status": "failed", "reason": "carrier"}),
        ("unknown", {"status": "failed", "reason": "unknown"}),
    ],
)
def test_http_is_signed(receiver: Receiver, served: str, result: str, told: dict[str, str]) -> None:
    faults.write({"sms_receipt": result})
    message_id = SENDERS["http"](served)
    _, headers, body = receiver.came.get(timeout=5)
    assert json.loads(body) == {"id": "a1b2c3", "message_id": message_id, "to": f"+86{MOBILE}", **told}
    secret = "whsec_c2FuZGJveC1odHRwLWdhdGV3YXktc2VjcmV0"
    signature = webhook_signature(body, message_id, headers["webhook-timestamp"], secret)
    assert (headers["webhook-id"], headers["webhook-signature"]) == (message_id, signature)


@pytest.mark.parametrize("vendor", SENDERS)
def test_what_is_not_taken_comes_again(receiver: Receiver, served: str, vendor: str) -> None:
    receiver.statuses = [500, 404]
    SENDERS[vendor](served)
    bodies = [received(receiver) for _ in range(3)]
    assert bodies[0] == bodies[1] == bodies[2]
    assert nothing_more(receiver)


def test_in_the_end_it_is_given_up(receiver: Receiver, served: str) -> None:
    receiver.statuses = [503] * 10
    SENDERS["aliyun"](served)
    for _ in range(3):
        received(receiver)
    assert nothing_more(receiver)


def test_a_redirect_leads_nowhere(receiver: Receiver, served: str) -> None:
    with receive() as other:
        receiver.statuses, receiver.elsewhere = [302], other.url
        SENDERS["aliyun"](served)
        assert received(receiver) == received(receiver)  # the first one was not accepted
        assert nothing_more(other)


def test_nobody_at_the_address_breaks_nothing(receiver: Receiver, served: str, settings: Settings) -> None:
    # A port without a server, and a port without TLS that gets a TLS request.
    for url in ("http://127.0.0.1:9/", receiver.url.replace("http", "https", 1)):
        settings.PHONEBIND_SANDBOX["RECEIPTS"] = {"aliyun": url}
        assert SENDERS["aliyun"](served)
    assert nothing_more(receiver)


@pytest.mark.parametrize("switches", [{"sms_receipt": "none"}, {"sms_outcome": "lost"}], ids=str)
@pytest.mark.parametrize("vendor", SENDERS)
def test_some_never_come(receiver: Receiver, served: str, vendor: str, switches: dict[str, str]) -> None:
    faults.write(switches)
    assert SENDERS[vendor](served)
    assert nothing_more(receiver)


def test_yuntongxun_sends_none(receiver: Receiver, served: str) -> None:
    assert yuntongxun(SEND_YUNTONGXUN).send(served).json["statusCode"] == "000000"
    assert nothing_more(receiver)


def test_no_request_says_where_receipts_go(receiver: Receiver, served: str, settings: Settings) -> None:
    settings.PHONEBIND_SANDBOX["RECEIPTS"] = {}
    host = _host(served)
    url = receiver.url
    named = {"CallbackUrl": url, "NotifyUrl": url, "RECEIPTS": url}
    assert Aliyun(host).call("SendSms", SEND | named).send(served).json["Code"] == "OK"
    assert webhook(SEND_HTTP | {"callback": url, "receipts": url}).send(served).json["code"] == "ok"
    response = tencent("SendSms", SEND_TENCENT | {"CallbackUrl": url}, host).send(served).json["Response"]
    assert response["SendStatusSet"][0]["Code"] == "Ok"
    assert nothing_more(receiver)
