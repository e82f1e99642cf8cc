"""The SDKs of the real SMS vendors send requests to the emulated ones, and accept their answers as real.

test_sms_tencent.py has the tests of Tencent's generic client.
"""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.sms.v20210111 import models
from tencentcloud.sms.v20210111.sms_client import SmsClient

from phonebind_sandbox import inbox
from tests.support import oracles

MOBILE = "13800138000"
SEND_SMS = {
    "PhoneNumbers": MOBILE,
    "SignName": "示例商城",
    "TemplateCode": "SMS_154950909",
    "TemplateParam": '{"code":"012345"}',
    "OutId": "a1b2c3",
}
SEND_SMS_VERIFY_CODE = {
    "CountryCode": "86",
    "PhoneNumber": MOBILE,
    "SignName": "速通互联验证码",
    "TemplateCode": "100004",
    "TemplateParam": '{"code":"012345","min":"5"}',
    "OutId": "a1b2c3",
    "Interval": 60,
    "DuplicatePolicy": 1,
}


def received() -> list[tuple[str, str, str | None]]:
    return [(message.vendor, message.mobile, message.code) for message in inbox.messages()]


@pytest.fixture
def aliyun() -> oracles.Ask:
    oracles.need()
    return oracles.aliyun


def question(url: str, product: str, action: str, fields: dict[str, Any], **keys: str) -> dict[str, Any]:
    known = {"key_id": "sandbox-access-key-id", "secret": "sandbox-access-key-secret"}
    return {"ask": "send", "url": url, "product": product, "action": action, "fields": fields} | known | keys


@pytest.mark.parametrize(
    ("vendor", "product", "action", "fields"),
    [
        ("aliyun", "dysmsapi", "SendSms", SEND_SMS),
        ("aliyun-pnvs", "dypnsapi", "SendSmsVerifyCode", SEND_SMS_VERIFY_CODE),
    ],
)
def test_aliyuns_sdk_sends_a_message(
    served: str, aliyun: oracles.Ask, vendor: str, product: str, action: str, fields: dict[str, Any]
) -> None:
    url = f"{served}{vendor}/"
    mistyped = {name: "123" if value == MOBILE else value for name, value in fields.items()}
    wrong, unknown, refused, sent = aliyun(
        question(url, product, action, fields, secret="other"),
        question(url, product, action, fields, key_id="nobody"),
        question(url, product, action, mistyped),
        question(url, product, action, fields),
    )
    assert sent["Code"] == "OK"
    assert sent.get("Model", sent)["BizId"]
    assert "Model" not in sent or sent["Model"]["OutId"] == "a1b2c3"
    assert wrong == {"raised": "SignatureDoesNotMatch"}
    assert unknown == {"raised": "InvalidAccessKeyId.NotFound"}
    assert refused["Code"].endswith(".MOBILE_NUMBER_ILLEGAL")
    assert received() == [(vendor, MOBILE, "012345")]


def test_aliyuns_sdk_reads_what_became_of_a_message(served: str, aliyun: oracles.Ask) -> None:
    url = f"{served}aliyun/"
    [sent] = aliyun(question(url, "dysmsapi", "SendSms", SEND_SMS))
    today = datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y%m%d")
    asked = {"PhoneNumber": MOBILE, "SendDate": today, "PageSize": 10, "CurrentPage": 1, "BizId": sent["BizId"]}
    [told] = aliyun(question(url, "dysmsapi", "QuerySendDetails", asked))
    [detail] = told["SmsSendDetailDTOs"]["SmsSendDetailDTO"]
    assert (detail["PhoneNum"], detail["OutId"], detail["TemplateCode"]) == (MOBILE, "a1b2c3", "SMS_154950909")


def test_tencents_sdk_sends_a_message(served: str) -> None:
    profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=urlsplit(served).netloc))
    client = SmsClient(Credential("sandbox-secret-id", "sandbox-secret-key"), "ap-guangzhou", profile)
    # As with Aliyun's SDK: it has a host and no path.
    client.request._handle_host = lambda host: f"{served}tencent-sms/"
    message = models.SendSmsRequest()
    message.PhoneNumberSet = [f"+86{MOBILE}"]
    message.SmsSdkAppId = "1400000001"
    message.SignName = "示例商城"
    message.TemplateId = "1110"
    message.TemplateParamSet = ["012345", "5"]
    message.SessionContext = "a1b2c3"
    [status] = client.SendSms(message).SendStatusSet
    assert (status.Code, status.SessionContext, status.Fee) == ("Ok", "a1b2c3", 1)
    assert status.SerialNo
    assert received() == [("tencent", MOBILE, "012345")]
