"""Tencent's SMS, by the examples, by Tencent's own client and by every rule that we know."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from pytest_django import Settings
from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from phonebind_sandbox import conf, faults, inbox, tc3
from phonebind_sandbox.sms import receipts
from phonebind_sandbox.sms_codes import TENCENT_ERROR_CODES, TENCENT_SMS_CODES, TENCENT_STATUS_CODES
from tests.sandbox.vendors import MOBILE, Call, digest, tencent

#: The time in the examples: 2026-10-01T08:00:00Z.
MOMENT = 1790841600
HOST = "sms.tencentcloudapi.com"
KEY = ("AKIDphonebind", "tsecretphonebind")
SEND: dict[str, Any] = {
    "PhoneNumberSet": [f"+86{MOBILE}"],
    "SmsSdkAppId": "1400006666",
    "SignName": "示例商城",
    "TemplateId": "1110",
    "TemplateParamSet": ["012345", "5"],
    "SessionContext": "a1b2c3",
}

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(served: str) -> Ask:
    """The ``Response``. Its status is always 200."""

    def ask(action: str, fields: object, **headers: str) -> dict[str, Any]:
        reply = tencent(action, fields, urlsplit(served).netloc).but(**headers).send(served)
        assert reply.status == 200
        response: dict[str, Any] = reply.json["Response"]
        assert re.fullmatch("[0-9a-f-]{36}", response.pop("RequestId"))
        return response

    return ask


@pytest.fixture
def send(ask: Ask) -> Callable[..., str]:
    """``SendSms`` with some fields changed. Returns its code, wherever the answer has it. A field that is None is left
    out.
    """

    def send(**changes: object) -> str:
        fields = {name: value for name, value in {**SEND, **changes}.items() if value is not None}
        return code_of(ask("SendSms", fields))

    return send


def code_of(response: dict[str, Any]) -> str:
    if "Error" in response:
        assert response.keys() == {"Error"}
        assert response["Error"]["Message"]
        return str(response["Error"]["Code"])
    [status] = response["SendStatusSet"]
    return str(status["Code"])


def texts() -> list[str]:
    return [message.text for message in inbox.messages()]


# ---------------------------------------------------------------- the signature


@pytest.fixture
def customer(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, HOST]
    monkeypatch.setitem(conf.CLOUD_SECRETS, *KEY)


@pytest.mark.parametrize(
    ("compact", "signature"),
    [
        (False, "00f6b0d3e624908ec50837b1953f76e38e08eb6ba7d5194eaa2f9893e4182f57"),
        (True, "837acdeb1c8928c3d238fabf0ab636a1e05708ed39b5671f380930e29efe3e65"),
    ],
)
@pytest.mark.parametrize("late", [-tc3.TOLERANCE, 0, tc3.TOLERANCE])
def test_the_vectors_are_taken(served: str, customer: None, compact: bool, signature: str, late: int) -> None:
    call = vector(compact=compact)
    assert call.headers["authorization"].endswith(f"Signature={signature}")
    if not compact:
        assert digest(call.body) == "4c3f4799a757d94a1bfb900f56a041eac3ff8fd704982f714c8f3d0813883b6b"
    with time_machine.travel(MOMENT + late, tick=False):
        assert code_of_call(call, served) == "Ok"
        assert [message.code for message in inbox.messages()] == ["012345"]


def vector(*, compact: bool = False) -> Call:
    with time_machine.travel(MOMENT, tick=False):
        return tencent("SendSms", SEND, HOST, key=KEY, compact=compact)


def code_of_call(call: Call, served: str) -> str:
    return code_of({name: value for name, value in call.send(served).json["Response"].items() if name != "RequestId"})


@pytest.mark.parametrize(
    ("change", "late", "code"),
    [
        (lambda call: call, tc3.TOLERANCE + 1, "AuthFailure.SignatureExpire"),
        (lambda call: call, -tc3.TOLERANCE - 1, "AuthFailure.SignatureExpire"),
        (lambda call: replace(call, body=call.body.replace(b"012345", b"012346")), 0, "AuthFailure.SignatureFailure"),
        (lambda call: call.but(content_type="application/json; charset=utf-8"), 0, "AuthFailure.SignatureFailure"),
        (lambda call: call.but(host="localhost"), 0, "AuthFailure.SignatureFailure"),
        (
            lambda call: call.but(authorization=call.headers["authorization"][:-1] + "8"),
            0,
            "AuthFailure.SignatureFailure",
        ),
        (lambda call: call.but(authorization=""), 0, "AuthFailure.InvalidAuthorization"),
        (
            lambda call: call.but(authorization=call.headers["authorization"].replace(KEY[0], "AKIDnobody")),
            0,
            "AuthFailure.SecretIdNotFound",
        ),
        (
            lambda call: call.but(authorization=call.headers["authorization"].replace("/sms/", "/captcha/")),
            0,
            "AuthFailure.InvalidAuthorization",
        ),
    ],
    ids=range(9),
)
def test_whatever_is_changed_they_are_not_signed_any_more(
    served: str, customer: None, change: Callable[[Call], Call], late: int, code: str
) -> None:
    with time_machine.travel(MOMENT + late, tick=False):
        assert code_of_call(change(vector()), served) == code
        assert texts() == []


@pytest.mark.parametrize(("skew", "code"), [(200, "Ok"), (400, "AuthFailure.SignatureExpire"), (-200, "Ok")])
def test_switch_clock_skew(send: Callable[..., str], skew: int, code: str) -> None:
    faults.write({"clock_skew": skew})
    assert send() == code


def test_tencents_own_client_takes_the_answers_for_the_real_ones(served: str) -> None:
    profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=urlsplit(served).netloc))
    credential = Credential("sandbox-secret-id", "sandbox-secret-key")
    client = CommonClient("sms", "2021-01-11", credential, "ap-guangzhou", profile)
    client.request._handle_host = lambda host: f"{served}tencent-sms/"
    [status] = client.call_json("SendSms", SEND)["Response"]["SendStatusSet"]
    assert status["Code"] == "Ok"
    faults.write({"sms_outcome": "not_now"})
    with pytest.raises(TencentCloudSDKException) as refused:
        client.call_json("SendSms", SEND)
    assert refused.value.code == "RequestLimitExceeded"


# ---------------------------------------------------------------- SendSms


def test_a_message_arrives(ask: Ask) -> None:
    [status] = ask("SendSms", SEND)["SendStatusSet"]
    assert re.fullmatch("5000:[0-9]{20}", status.pop("SerialNo"))
    assert status == {
        "PhoneNumber": "+8613800138000", "Fee": 1, "SessionContext": "a1b2c3", "Code": "Ok",
        "Message": "send success", "IsoCode": "CN",
    }  # fmt: skip
    [message] = inbox.messages()
    assert (message.mobile, message.vendor) == (MOBILE, "tencent")
    assert message.text == "【示例商城】您的验证码为012345，5分钟内有效，请勿泄露。"


def test_each_number_has_a_status_of_its_own(ask: Ask) -> None:
    numbers = ["+8613800138000", "13800138001", "+85261234567"]
    found = ask("SendSms", {**SEND, "PhoneNumberSet": numbers})["SendStatusSet"]
    assert [(status["PhoneNumber"], status["Code"], status["Fee"]) for status in found] == [
        ("+8613800138000", "Ok", 1), ("13800138001", "Ok", 1),
        ("+85261234567", "InvalidParameterValue.IncorrectPhoneNumber", 0),
    ]  # fmt: skip
    assert found[2]["SerialNo"] == ""
    assert len(texts()) == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"PhoneNumberSet": None}, "MissingParameter"),
        ({"SmsSdkAppId": None}, "MissingParameter"),
        ({"TemplateId": None}, "MissingParameter"),
        ({"PhoneNumberSet": []}, "MissingParameter.EmptyPhoneNumberSet"),
        ({"PhoneNumberSet": MOBILE}, "InvalidParameter"),
        ({"PhoneNumberSet": [13800138000]}, "InvalidParameter"),
        ({"PhoneNumberSet": ["+861380013800"]}, "InvalidParameterValue.IncorrectPhoneNumber"),
        ({"SmsSdkAppId": 1400006666}, "InvalidParameter"),
        ({"SmsSdkAppId": "sandbox"}, "InvalidParameterValue.SdkAppIdNotExist"),
        ({"TemplateId": "SMS_1"}, "FailedOperation.TemplateUnapprovedOrNotExist"),
        ({"SignName": None}, "FailedOperation.SignatureIncorrectOrUnapproved"),
        ({"SignName": ""}, "FailedOperation.SignatureIncorrectOrUnapproved"),
        ({"TemplateParamSet": None}, "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
        ({"TemplateParamSet": ["5"]}, "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
        ({"TemplateParamSet": [12345, 5]}, "InvalidParameter"),
        ({"TemplateParamSet": ["0123456"]}, "InvalidParameterValue.TemplateParameterFormatError"),
        ({"TemplateParamSet": ["01234a"]}, "InvalidParameterValue.TemplateParameterFormatError"),
        ({"SessionContext": "中" * 171}, "InvalidParameter"),
        ({"SessionContext": "\ud83d"}, "InvalidParameter"),
    ],
    ids=ascii,
)
def test_what_cannot_be_sent(send: Callable[..., str], changes: dict[str, object], code: str) -> None:
    assert send(**changes) == code
    assert texts() == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X_TC_Region": ""}, "MissingParameter"),
        ({"X_TC_Region": "ap-tokyo"}, "UnsupportedRegion"),
        ({"X_TC_Version": "2019-07-11"}, "NoSuchVersion"),
        ({"X_TC_Version": ""}, "NoSuchVersion"),
        ({"X_TC_Action": "SendEmail"}, "InvalidAction"),
        ({"X_TC_Action": ""}, "InvalidAction"),
    ],
    ids=str,
)
def test_headers_that_are_needed(ask: Ask, headers: dict[str, str], code: str) -> None:
    assert code_of(ask("SendSms", SEND, **headers)) == code
    assert texts() == []


# ---------------------------------------------------------------- switches


def test_switch_tencent_sms_code(ask: Ask) -> None:
    """A code about a number is in the number's status. All others are an error."""
    places = {}
    for code in TENCENT_SMS_CODES:
        faults.write({"tencent_sms_code": code})
        response = ask("SendSms", SEND)
        assert code_of(response) == code
        places[code] = next(iter(response))
    assert places == dict.fromkeys(TENCENT_STATUS_CODES, "SendStatusSet") | dict.fromkeys(TENCENT_ERROR_CODES, "Error")
    assert texts() == []


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("not_now", "RequestLimitExceeded"),
        ("operator", "FailedOperation.InsufficientBalanceInSmsPackage"),
        ("number", "FailedOperation.PhoneNumberInBlacklist"),
        ("limit", "LimitExceeded.PhoneNumberThirtySecondLimit"),
        ("unknown", "InternalError.Timeout"),
        ("lost", "Ok"),
    ],
)
def test_switch_sms_outcome(send: Callable[..., str], outcome: str, code: str) -> None:
    faults.write({"sms_outcome": outcome})
    assert send() == code
    assert texts() == []


def test_switch_sms_network(served: str) -> None:
    faults.write({"sms_network": "garbage"})
    reply = tencent("SendSms", SEND, urlsplit(served).netloc).send(served)
    assert (reply.status, len(reply.body)) == (200, 256)
    assert len(texts()) == 1  # it was sent, but the sender cannot know that


def test_switch_sms_limits(send: Callable[..., str]) -> None:
    """The same text once in thirty seconds; ten SMS to one number on a calendar day in Beijing."""
    faults.write({"sms_limits": True})
    with time_machine.travel(MOMENT, tick=False) as clock:
        assert [send(), send()] == ["Ok", "LimitExceeded.PhoneNumberThirtySecondLimit"]
        assert send(TemplateParamSet=["543210", "5"]) == "Ok"
        clock.shift(30)
        for _ in range(8):
            assert send() == "Ok"
            clock.shift(30)
        assert send() == "LimitExceeded.PhoneNumberDailyLimit"
        assert send(PhoneNumberSet=["13800138001"]) == "Ok"
        clock.move_to(MOMENT + 8 * 3600 - 1)
        assert send() == "LimitExceeded.PhoneNumberDailyLimit"
        clock.shift(1)  # midnight in Beijing
        assert send() == "Ok"


# ---------------------------------------------------------------- receipts and packages

OF_NUMBER = {"SmsSdkAppId": "1400006666", "PhoneNumber": f"+86{MOBILE}", "BeginTime": MOMENT, "Offset": 0, "Limit": 10}
OF_ALL = {"SmsSdkAppId": "1400006666", "Limit": 100}


def test_receipts_of_a_number(ask: Ask) -> None:
    with time_machine.travel(MOMENT, tick=False) as clock:
        [status] = ask("SendSms", SEND)["SendStatusSet"]
        assert ask("PullSmsSendStatusByPhoneNumber", OF_NUMBER) == {"PullSmsSendStatusSet": []}
        clock.shift(receipts.CARRIER_SECONDS)
        expected = {
            "UserReceiveTime": MOMENT + 1, "CountryCode": "86", "SubscriberNumber": MOBILE,
            "PhoneNumber": f"+86{MOBILE}", "SerialNo": status["SerialNo"], "ReportStatus": "SUCCESS",
            "Description": "DELIVRD", "SessionContext": "",
        }  # fmt: skip
        for _ in range(2):  # the same answer each time
            assert ask("PullSmsSendStatusByPhoneNumber", OF_NUMBER) == {"PullSmsSendStatusSet": [expected]}
        for changes in (
            {"PhoneNumber": "13800138001"}, {"BeginTime": MOMENT + 1}, {"EndTime": MOMENT - 1}, {"Limit": 0},
        ):  # fmt: skip
            assert ask("PullSmsSendStatusByPhoneNumber", OF_NUMBER | changes) == {"PullSmsSendStatusSet": []}


def test_receipts_of_all_are_handed_out_once(ask: Ask) -> None:
    def send() -> str:
        [status] = ask("SendSms", SEND)["SendStatusSet"]
        return str(status["SerialNo"])

    def pull(limit: int) -> list[str]:
        found = ask("PullSmsSendStatus", OF_ALL | {"Limit": limit})["PullSmsSendStatusSet"]
        return [receipt["SerialNo"] for receipt in found]

    with time_machine.travel(MOMENT, tick=False) as clock:
        sent = [send() for _ in range(3)]
        clock.shift(receipts.CARRIER_SECONDS)
        send()  # the result is not known yet
        assert [pull(2), pull(100), pull(100)] == [sent[:2], sent[2:], []]


@pytest.mark.parametrize(
    ("result", "errmsg"),
    [
        ("off", "EXPIRED"),
        ("full", "MI:0208"),
        ("blacklisted", "MBBLACK"),
        ("number", "MK:0001"),
        ("signature", "REJECTD"),
        ("unknown", "UNKNOWN"),
    ],
)
def test_switch_sms_receipt(ask: Ask, send: Callable[..., str], result: str, errmsg: str) -> None:
    faults.write({"sms_receipt": result})
    with time_machine.travel(MOMENT, tick=False) as clock:
        assert send() == "Ok"
        clock.shift(receipts.CARRIER_SECONDS)
        [receipt] = ask("PullSmsSendStatusByPhoneNumber", OF_NUMBER)["PullSmsSendStatusSet"]
    assert (receipt["ReportStatus"], receipt["Description"]) == ("FAIL", errmsg)


@pytest.mark.parametrize("switches", [{"sms_receipt": "none"}, {"sms_outcome": "lost"}], ids=str)
def test_some_receipts_never_come(ask: Ask, send: Callable[..., str], switches: dict[str, str]) -> None:
    faults.write(switches)
    with time_machine.travel(MOMENT, tick=False) as clock:
        assert send() == "Ok"
        clock.shift(3600)
        assert ask("PullSmsSendStatus", OF_ALL) == {"PullSmsSendStatusSet": []}


PACKAGES = {"SmsSdkAppId": "1400006666", "Limit": 500, "Offset": 0, "BeginTime": "2025010100", "EndTime": "2026100116"}


def test_what_is_left_of_the_package(ask: Ask, send: Callable[..., str]) -> None:
    used = []
    with time_machine.travel(MOMENT, tick=False):
        for _ in range(2):
            [package] = ask("SmsPackagesStatistics", PACKAGES)["SmsPackagesStatisticsSet"]
            used.append((package["PackageAmount"], package["CurrentUsage"]))
            assert package["PackageEffectiveTime"] < time.time() < package["PackageExpiredTime"]
            assert send() == "Ok"
        later = ask("SmsPackagesStatistics", PACKAGES | {"BeginTime": "2025010101"})
    assert used == [(1000, 0), (1000, 1)]
    assert later == {"SmsPackagesStatisticsSet": []}  # it was bought before that time


@pytest.mark.parametrize(
    ("action", "fields", "code"),
    [
        ("PullSmsSendStatus", {"SmsSdkAppId": "1"}, "MissingParameter"),
        ("PullSmsSendStatus", {"SmsSdkAppId": "1", "Limit": "100"}, "InvalidParameter"),
        ("PullSmsSendStatus", {"SmsSdkAppId": "1", "Limit": 101}, "InvalidParameter"),
        (
            "PullSmsSendStatusByPhoneNumber",
            OF_NUMBER | {"PhoneNumber": "1"},
            "InvalidParameterValue.IncorrectPhoneNumber",
        ),
        ("PullSmsSendStatusByPhoneNumber", OF_NUMBER | {"Limit": -1}, "InvalidParameter"),
        ("PullSmsSendStatusByPhoneNumber", OF_NUMBER | {"EndTime": "now"}, "InvalidParameter"),
        ("SmsPackagesStatistics", {}, "MissingParameter"),
        ("SmsPackagesStatistics", PACKAGES | {"BeginTime": 2025010100}, "InvalidParameter"),
        ("SmsPackagesStatistics", PACKAGES | {"BeginTime": "20251111"}, "InvalidParameterValue.BeginTimeVerifyFail"),
        ("SmsPackagesStatistics", PACKAGES | {"EndTime": "now"}, "InvalidParameterValue.EndTimeVerifyFail"),
        ("SmsPackagesStatistics", PACKAGES | {"EndTime": "2025010100"}, "InvalidParameterValue.EndTimeVerifyFail"),
        ("SmsPackagesStatistics", PACKAGES | {"EndTime": "9999010100"}, "InvalidParameterValue.EndTimeVerifyFail"),
        ("SmsPackagesStatistics", [], "InvalidParameter"),
    ],
    ids=str,
)
def test_what_cannot_be_asked(ask: Ask, action: str, fields: object, code: str) -> None:
    assert code_of(ask(action, fields)) == code
