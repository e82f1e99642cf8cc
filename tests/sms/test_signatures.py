"""Our requests with Tencent's signature and as a Standard Webhook, read by code that is not the gateways'."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
import time_machine
from django.test import RequestFactory
from standardwebhooks import Webhook
from tencentcloud.common.credential import Credential
from tencentcloud.common.http.request import RequestInternal
from tencentcloud.sms.v20210111.sms_client import SmsClient

from phonebind import standard_webhooks, tencent_cloud
from phonebind.sms import Message
from phonebind.sms.http import Http
from phonebind.sms.tencent import Tencent
from phonebind.sms.vendor import Call
from phonebind_sandbox import tc3

pytestmark = pytest.mark.once

#: 2026-10-01 at 08:00 UTC.
MOMENT = 1790841600
MESSAGE = Message(mobile="13800138000", code="012345", minutes=5, text="【示例商城】012345", id="a1b2c3")

# ---------------------------------------------------------------- Tencent

HOST = "sms.tencentcloudapi.com"
TENCENT_KEYS = ("AKIDphonebind", "tsecretphonebind")
TENCENT = Tencent(
    secret_id=TENCENT_KEYS[0],
    secret_key=TENCENT_KEYS[1],
    sdk_app_id="1400006666",
    sign_name="示例商城",
    templates="1110",
)
FIELDS = {
    "PhoneNumberSet": ["+8613800138000"],
    "SmsSdkAppId": "1400006666",
    "SignName": "示例商城",
    "TemplateId": "1110",
    "TemplateParamSet": ["012345", "5"],
    "SessionContext": "a1b2c3",
}
AUTHORIZATION = (
    "TC3-HMAC-SHA256 Credential=AKIDphonebind/2026-10-01/sms/tc3_request, SignedHeaders=content-type;host, Signature="
)


def accept(body: bytes, content_type: str, authorization: str) -> None:
    """Verified by our own code: the emulator's."""
    headers = {"Host": HOST, "X-TC-Timestamp": str(MOMENT), "Authorization": authorization}
    with time_machine.travel(MOMENT, tick=False):
        request = RequestFactory().post("/", body, content_type=content_type, headers=headers)
        tc3.check(request, "sms", dict([TENCENT_KEYS]))


def test_tencent_signs_a_message_as_the_document_says() -> None:
    with time_machine.travel(MOMENT, tick=False):
        body, headers = tencent_cloud.sign(SmsClient, TENCENT_KEYS, f"https://{HOST}", "SendSms", FIELDS)
    assert sha256(body).hexdigest() == "4c3f4799a757d94a1bfb900f56a041eac3ff8fd704982f714c8f3d0813883b6b"
    signed = "00f6b0d3e624908ec50837b1953f76e38e08eb6ba7d5194eaa2f9893e4182f57"
    assert headers["Authorization"] == f"{AUTHORIZATION}{signed}"
    accept(body, "application/json", headers["Authorization"])


def test_tencent_signs_any_body() -> None:
    """Compact and in UTF-8, as a client without the SDK would send it."""
    request = RequestInternal(HOST, "POST", "/")
    content_type = "application/json; charset=utf-8"
    request.header |= {"Content-Type": content_type, "Host": HOST, "X-TC-Timestamp": str(MOMENT)}
    request.data = json.dumps(FIELDS, ensure_ascii=False, separators=(",", ":"))
    client = SmsClient(Credential(*TENCENT_KEYS), "ap-guangzhou")
    signed = client._get_tc3_signature({}, request, "2026-10-01", "sms", TENCENT_KEYS[1])
    assert signed == "837acdeb1c8928c3d238fabf0ab636a1e05708ed39b5671f380930e29efe3e65"
    accept(request.data.encode(), content_type, f"{AUTHORIZATION}{signed}")


def test_the_gateway_sends_tencent_a_message_that_is_signed() -> None:
    with time_machine.travel(MOMENT, tick=False):
        call = TENCENT.call(MESSAGE)
    assert json.loads(call.body) == FIELDS
    expected = {
        "X-TC-Action": "SendSms",
        "X-TC-Version": "2021-01-11",
        "X-TC-Region": "ap-guangzhou",
        "X-TC-Timestamp": str(MOMENT),
        "Host": HOST,
        "Content-Type": "application/json",
    }
    assert expected.items() <= call.headers.items()
    accept(call.body, "application/json", call.headers["Authorization"])


# ---------------------------------------------------------------- the HTTP gateway's contract

SECRET = "whsec_cGhvbmViaW5kLXNlY3JldC0wMTIzNDU2Nzg5"
HTTP = Http(endpoint="https://bridge.example/sms", secret=SECRET)


def posted(message: Message = MESSAGE) -> Call:
    with time_machine.travel(MOMENT, tick=False):
        return HTTP.call(message)


def test_a_standard_webhook_is_signed_as_we_do() -> None:
    body = '{"id":"a1b2c3","to":"+8613800138000","code":"012345"}'
    with time_machine.travel(MOMENT, tick=False):
        headers = standard_webhooks.headers("a1b2c3", body.encode(), SECRET)
    assert headers["webhook-signature"] == "v1,UmM67x+1GUU/HW716Su1MDX4fbINz3+gDSH66l4M/CU="
    signed = Webhook(SECRET).sign("a1b2c3", datetime.fromtimestamp(MOMENT, UTC), body)
    assert signed == headers["webhook-signature"]


@pytest.mark.parametrize("words", ["【示例商城】验证码 012345", '"\\\u2028\n', "😀" * 200])
def test_a_verifier_of_standard_webhooks_takes_what_the_gateway_sends(words: str) -> None:
    call = posted(replace(MESSAGE, text=words))
    with time_machine.travel(MOMENT, tick=False):
        told = Webhook(SECRET).verify(call.body, dict(call.headers))
    assert told["text"] == words
    assert (told["id"], told["to"], told["code"]) == ("a1b2c3", "+8613800138000", "012345")
