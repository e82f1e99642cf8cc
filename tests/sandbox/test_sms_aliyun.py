"""Both SMS products of Aliyun, by the examples of its documentation and by every rule that we know."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import RequestFactory
from pytest_django import Settings

from phonebind_sandbox import acs3, conf, faults, inbox
from phonebind_sandbox.sms import receipts
from phonebind_sandbox.sms.aliyun_pnvs import TEMPLATES
from phonebind_sandbox.sms_codes import ALIYUN_CODES, ALIYUN_STATUS, SmsRefused
from tests.sandbox.vendors import FORM, MOBILE, Aliyun, Call, Reply

#: The time in the examples: 2026-10-01T08:00:00Z.
MOMENT = 1790841600
NONCE = "3ee8c1b883d344afa94f4e0ad82fd6cf"
KEY = {"key_id": "testid-phonebind", "secret": "testsecret-phonebind"}

SEND = {
    "PhoneNumbers": MOBILE,
    "SignName": "示例商城",
    "TemplateCode": "SMS_154950909",
    "TemplateParam": '{"code":"012345","min":"5"}',
    "OutId": "a1b2c3",
}
VERIFY = {
    "CountryCode": "86",
    "PhoneNumber": MOBILE,
    "SignName": "速通互联验证码",
    "TemplateCode": "100004",
    "TemplateParam": '{"code":"012345","min":"5"}',
    "OutId": "a1b2c3",
    "Interval": "60",
    "DuplicatePolicy": "1",
}
VECTORS = {
    "dysmsapi.aliyuncs.com": (
        "aliyun/", "SendSms", SEND, "f68abd7d36d8944e184be59ec581f81cdcce9ad186dba7cc22177f4b1e916878",
        "69227fd2d51d5276cdfa5e4251a8544b201d50422c0f6e1d6331d5671f666edd",
    ),
    "dypnsapi.aliyuncs.com": (
        "aliyun-pnvs/", "SendSmsVerifyCode", VERIFY, "01172aa21add5a5cd09fd874cea7ae4ecbca0579d10805535358b17443fa160d",
        "1233fedab3647d669d7d0ea2fd87f5ac6f24799d54929c9a7dcb79ececba333b",
    ),
}  # fmt: skip

Send = Callable[..., Reply]


@pytest.fixture
def sms(served: str) -> Send:
    """``SendSms`` with some fields changed. A field that is None is left out."""
    return lambda **changes: _call(served, "aliyun/", "SendSms", SEND, changes)


@pytest.fixture
def pnvs(served: str) -> Send:
    return lambda **changes: _call(served, "aliyun-pnvs/", "SendSmsVerifyCode", VERIFY, changes)


def _call(served: str, path: str, action: str, form: dict[str, str], changes: dict[str, Any]) -> Reply:
    fields = {name: value for name, value in {**form, **changes}.items() if value is not None}
    return Aliyun(urlsplit(served).netloc, path).call(action, fields).send(served)


def texts() -> list[str]:
    return [message.text for message in inbox.messages()]


# ---------------------------------------------------------------- the signature


@pytest.fixture(params=VECTORS)
def vector(request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Call:
    """The request of the documentation's example, signed by its customer, at the time of the example."""
    path, action, form, body, signature = VECTORS[request.param]
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, request.param, "other.aliyuncs.com"]
    monkeypatch.setitem(conf.ALIYUN_SECRETS, KEY["key_id"], KEY["secret"])
    call = Aliyun(request.param, path, **KEY).call(action, form, nonce=NONCE, date="2026-10-01T08:00:00Z")
    assert call.headers["x-acs-content-sha256"] == body
    assert call.headers["authorization"].endswith(f",Signature={signature}")
    return call


@pytest.mark.parametrize("late", [-acs3.TOLERANCE, 0, acs3.TOLERANCE])
def test_the_vectors_are_taken_and_their_nonce_once(served: str, vector: Call, late: int) -> None:
    with time_machine.travel(MOMENT + late, tick=False):
        reply = vector.send(served)
        assert (reply.status, reply.json["Code"]) == (200, "OK")
        again = vector.send(served)
        assert (again.status, again.json["Code"]) == (400, "SignatureNonceUsed")
        [message] = inbox.messages()
    assert (message.mobile, message.code) == (MOBILE, "012345")


@pytest.mark.parametrize("late", [-acs3.TOLERANCE - 1, acs3.TOLERANCE + 1])
def test_the_vectors_are_not_taken_for_ever(served: str, vector: Call, late: int) -> None:
    with time_machine.travel(MOMENT + late, tick=False):
        reply = vector.send(served)
    assert (reply.status, reply.json["Code"]) == (400, "InvalidTimeStamp.Expired")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda call: replace(call, body=call.body.replace(b"012345", b"012346")), "SignatureDoesNotMatch"),
        (lambda call: replace(call, path=call.path + "?Extra=1"), "SignatureDoesNotMatch"),
        (lambda call: call.but(host="other.aliyuncs.com"), "SignatureDoesNotMatch"),
        (lambda call: call.but(x_acs_action="QuerySendDetails"), "SignatureDoesNotMatch"),
        (lambda call: call.but(x_acs_version="2017-05-26"), "SignatureDoesNotMatch"),
        (lambda call: call.but(x_acs_signature_nonce="other"), "SignatureDoesNotMatch"),
        (lambda call: call.but(x_acs_date="2026-10-01T08:00:01Z"), "SignatureDoesNotMatch"),
        (lambda call: call.but(content_type=f"{FORM}; charset=utf-8"), "SignatureDoesNotMatch"),
        (lambda call: call.but(authorization=call.headers["authorization"][:-1] + "0"), "SignatureDoesNotMatch"),
        (lambda call: call.but(x_acs_date="now"), "InvalidTimeStamp.Expired"),
        (lambda call: call.but(x_acs_date="2026-10-1T8:0:0Z"), "InvalidTimeStamp.Expired"),
        (lambda call: call.but(x_acs_date="2026-10-01T07:44:59Z"), "InvalidTimeStamp.Expired"),
        (lambda call: _authorized(call, KEY["key_id"], "nobody"), "InvalidAccessKeyId.NotFound"),
        (lambda call: call.but(x_acs_security_token="unsigned"), "IncompleteSignature"),
        (lambda call: _authorized(call, "content-type;", ""), "IncompleteSignature"),
        (lambda call: _authorized(call, "x-acs-date;", ""), "IncompleteSignature"),
        (lambda call: _authorized(call, "host;", ""), "IncompleteSignature"),
        (lambda call: _authorized(call, "ACS3-HMAC-SHA256", "ACS3-HMAC-SM3"), "IncompleteSignature"),
        (lambda call: call.but(authorization=""), "IncompleteSignature"),
        (lambda call: call.but(x_acs_action=""), "IncompleteSignature"),
        (lambda call: call.but(x_acs_signature_nonce=""), "IncompleteSignature"),
    ],
    ids=range(21),
)
def test_whatever_is_changed_they_are_not_signed_any_more(
    served: str, vector: Call, change: Callable[[Call], Call], code: str
) -> None:
    with time_machine.travel(MOMENT, tick=False):
        reply = change(vector).send(served)
        assert reply.json["Code"] == code
        assert reply.json["HostId"]
        assert reply.status == (404 if code == "InvalidAccessKeyId.NotFound" else 400)
        assert texts() == []
        assert vector.send(served).json["Code"] == "OK"  # no refusal has used up the nonce


def _authorized(call: Call, old: str, new: str) -> Call:
    changed = call.headers["authorization"].replace(old, new)
    assert changed != call.headers["authorization"]
    return call.but(authorization=changed)


def test_the_example_of_the_documentation_is_signed() -> None:
    """https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature"""
    authorization = (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"
        "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
        "authorization": authorization,
    }
    query = "RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"
    with time_machine.travel("2023-10-26T10:22:32Z", tick=False):
        request = RequestFactory().post("/anywhere/", query_params=None, headers=headers, QUERY_STRING=query)
        request._body = b""  # the factory sends a form if there is no body
        acs3.check(request, {"YourAccessKeyId": "YourAccessKeySecret"})
        with pytest.raises(SmsRefused, match="SignatureNonceUsed"):
            acs3.check(request, {"YourAccessKeyId": "YourAccessKeySecret"})


@pytest.mark.parametrize(("path", "action", "form"), [vector[:3] for vector in VECTORS.values()])
def test_the_vendors_sdk_has_the_parameters_in_the_query(
    served: str, path: str, action: str, form: dict[str, str]
) -> None:
    call = Aliyun(urlsplit(served).netloc, path).call(action, form, in_query=True)
    assert call.body == b""
    assert call.send(served).json["Code"] == "OK"
    assert [message.code for message in inbox.messages()] == ["012345"]
    assert (
        replace(call, path=call.path.replace("012345", "012346")).send(served).json["Code"] == "SignatureDoesNotMatch"
    )


@pytest.mark.parametrize(("skew", "taken"), [(0, True), (400, True), (-400, True), (1000, False), (-1000, False)])
def test_switch_clock_skew(sms: Send, pnvs: Send, skew: int, taken: bool) -> None:
    faults.write({"clock_skew": skew})
    assert {send().json["Code"] for send in (sms, pnvs)} == {"OK" if taken else "InvalidTimeStamp.Expired"}


# ---------------------------------------------------------------- the gateway before both


@pytest.mark.parametrize("path", ["aliyun/", "aliyun-pnvs/"])
def test_what_there_is_not(served: str, path: str) -> None:
    aliyun = Aliyun(urlsplit(served).netloc, path)
    reply = aliyun.call("SendBatchSms", {}).send(served)
    assert (reply.status, reply.json["Code"]) == (404, "InvalidAction.NotFound")
    reply = replace(aliyun, version="2015-01-01").call("QuerySendDetails", {}).send(served)
    assert (reply.status, reply.json["Code"]) == (400, "InvalidVersion")


# ---------------------------------------------------------------- SendSms


def test_a_message_arrives(sms: Send) -> None:
    reply = sms()
    assert reply.status == 200
    assert reply.json.keys() == {"Code", "Message", "BizId", "RequestId"}
    assert re.fullmatch(r"[0-9]{18}\^0", reply.json["BizId"])
    [message] = inbox.messages()
    assert (message.mobile, message.vendor) == (MOBILE, "aliyun")
    assert message.text == "【示例商城】您的验证码为012345，5分钟内有效，请勿泄露。"


@pytest.mark.parametrize("number", ["13800138000", "+8613800138000", "8613800138000", "008613800138000"])
def test_a_number_may_have_its_country_code(sms: Send, number: str) -> None:
    assert sms(PhoneNumbers=number).json["Code"] == "OK"
    assert [message.mobile for message in inbox.messages()] == [MOBILE]


@pytest.mark.parametrize(
    ("param", "text"),
    [
        ('{"code":"012345"}', "您的验证码为012345，请勿泄露。"),
        ('{"yzm":"Ab34"}', "您的验证码为Ab34，请勿泄露。"),
        ('{"min":"10","code":"0123"}', "您的验证码为0123，10分钟内有效，请勿泄露。"),
        ('{"product":"phonebind","code":"012345"}', "您的验证码为012345，请勿泄露。"),
    ],
)
def test_a_template_may_call_its_variables_as_it_likes(sms: Send, param: str, text: str) -> None:
    assert sms(TemplateParam=param).json["Code"] == "OK"
    assert texts() == [f"【示例商城】{text}"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"SignName": None}, 400, "MissingSignName"),
        ({"SignName": ""}, 400, "MissingSignName"),
        ({"PhoneNumbers": None}, 400, "MissingPhoneNumbers"),
        ({"TemplateCode": None}, 400, "MissingTemplateCode"),
        ({"TemplateCode": "154950909"}, 200, "isv.SMS_TEMPLATE_ILLEGAL"),
        ({"PhoneNumbers": "1380013800"}, 200, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"PhoneNumbers": "85261234567"}, 200, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"TemplateParam": None}, 200, "isv.TEMPLATE_MISSING_PARAMETERS"),
        ({"TemplateParam": "{}"}, 200, "isv.TEMPLATE_MISSING_PARAMETERS"),
        ({"TemplateParam": '{"code":12345}'}, 200, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": '{"code":"012345","min":5}'}, 200, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": '["012345"]'}, 200, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": "012345"}, 200, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": '{"code":"\\ud83d"}'}, 200, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": "[" * 5_000}, 200, "isv.INVALID_JSON_PARAM"),
        ({"TemplateParam": '{"code":"0123456"}'}, 200, "isv.TEMPLATE_PARAMS_ILLEGAL"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_sent(sms: Send, changes: dict[str, str | None], status: int, code: str) -> None:
    reply = sms(**changes)
    assert (reply.status, reply.json["Code"]) == (status, code)
    assert texts() == []


# ---------------------------------------------------------------- SendSmsVerifyCode


def test_a_code_arrives(pnvs: Send) -> None:
    reply = pnvs()
    assert (reply.status, reply.json["Code"], reply.json["Success"]) == (200, "OK", True)
    assert reply.json["Model"].keys() == {"BizId", "OutId"}
    assert reply.json["Model"]["OutId"] == "a1b2c3"
    [message] = inbox.messages()
    assert (message.mobile, message.vendor, message.code) == (MOBILE, "aliyun-pnvs", "012345")
    assert message.text == (
        "【速通互联验证码】尊敬的客户，您正在进行绑定手机号操作，您的验证码为012345。"
        "以上验证码5分钟内有效，请注意保密，切勿告知他人。"
    )


@pytest.mark.parametrize("template", TEMPLATES)
def test_there_are_five_templates(pnvs: Send, template: str) -> None:
    assert pnvs(TemplateCode=template).json["Code"] == "OK"
    assert "012345" in texts()[0]
    assert "5分钟" in texts()[0]


@pytest.mark.parametrize(
    ("changes", "form"),
    [
        ({}, "[0-9]{4}"),
        ({"CodeLength": "6"}, "[0-9]{6}"),
        ({"CodeLength": "8", "CodeType": "2"}, "[A-Z]{8}"),
        ({"CodeLength": "8", "CodeType": "7"}, "[0-9A-Za-z]{8}"),
    ],
    ids=str,
)
def test_the_vendor_makes_a_code_where_it_is_asked_to(pnvs: Send, changes: dict[str, str], form: str) -> None:
    reply = pnvs(TemplateParam='{"code":"##code##","min":"5"}', ReturnVerifyCode="true", **changes)
    code = reply.json["Model"]["VerifyCode"]
    assert re.fullmatch(form, code)
    assert f"您的验证码为{code}。" in texts()[0]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"SignName": None}, 400, "MissingSignName"),
        ({"PhoneNumber": None}, 400, "MissingPhoneNumber"),
        ({"TemplateParam": None}, 400, "MissingTemplateParam"),
        ({"TemplateCode": "100006"}, 200, "isv.SMS_TEMPLATE_ILLEGAL"),
        ({"TemplateCode": "SMS_154950909"}, 200, "isv.SMS_TEMPLATE_ILLEGAL"),
        ({"CountryCode": "852"}, 200, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"PhoneNumber": "12800138000"}, 200, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"TemplateParam": '{"code":"012345"}'}, 200, "isv.TEMPLATE_MISSING_PARAMETERS"),
        ({"TemplateParam": '{"code":12345,"min":5}'}, 200, "isv.INVALID_JSON_PARAM"),
        ({"Interval": "soon"}, 200, "isv.INVALID_PARAMETERS"),
        ({"TemplateParam": '{"code":"##code##","min":"5"}', "CodeLength": "9"}, 200, "isv.INVALID_PARAMETERS"),
        ({"TemplateParam": '{"code":"##code##","min":"5"}', "CodeType": "8"}, 200, "isv.INVALID_PARAMETERS"),
    ],
    ids=str,
)
def test_what_cannot_be_verified(pnvs: Send, changes: dict[str, str | None], status: int, code: str) -> None:
    reply = pnvs(**changes)
    assert (reply.status, reply.json["Code"]) == (status, code)
    assert reply.json.get("Success") == (False if status == 200 else None)
    assert texts() == []


def test_a_number_has_its_interval(pnvs: Send) -> None:
    with time_machine.travel(MOMENT, tick=False) as clock:
        assert pnvs().json["Code"] == "OK"
        assert pnvs(PhoneNumber="13800138001").json["Code"] == "OK"
        clock.shift(59)
        assert pnvs().json["Code"] == "biz.FREQUENCY"
        assert pnvs(Interval=None).json["Code"] == "biz.FREQUENCY"  # sixty if no interval is given
        assert pnvs(Interval="59").json["Code"] == "OK"
        assert pnvs(Interval="0").json["Code"] == "OK"


# ---------------------------------------------------------------- switches


@pytest.mark.parametrize("product", ["sms", "pnvs"])
def test_switch_aliyun_code(product: str, sms: Send, pnvs: Send) -> None:
    send = {"sms": sms, "pnvs": pnvs}[product]
    seen = {}
    for code in ALIYUN_CODES:
        faults.write({"aliyun_code": code})
        reply = send()
        seen[reply.json["Code"]] = reply.status
        assert reply.json["Message"] == ALIYUN_CODES[code]
    assert seen == {code: ALIYUN_STATUS.get(code, 200) for code in ALIYUN_CODES}
    assert texts() == []


@pytest.mark.parametrize(
    ("outcome", "status", "code", "pnvs_code"),
    [
        ("not_now", 400, "Throttling.User", "Throttling.User"),
        ("operator", 200, "isv.AMOUNT_NOT_ENOUGH", "isv.AMOUNT_NOT_ENOUGH"),
        ("number", 200, "isv.BLACK_KEY_CONTROL_LIMIT", "isv.MOBILE_NUMBER_ILLEGAL"),
        ("limit", 200, "isv.BUSINESS_LIMIT_CONTROL", "biz.FREQUENCY"),
        ("unknown", 200, "isp.SYSTEM_ERROR", "isp.SYSTEM_ERROR"),
        ("lost", 200, "OK", "OK"),
    ],
)
def test_switch_sms_outcome(sms: Send, pnvs: Send, outcome: str, status: int, code: str, pnvs_code: str) -> None:
    faults.write({"sms_outcome": outcome})
    assert [(reply.status, reply.json["Code"]) for reply in (sms(), pnvs())] == [(status, code), (status, pnvs_code)]
    assert texts() == []


def test_switch_sms_network(sms: Send, pnvs: Send) -> None:
    for fault, status in [("down", 503), ("html", 200), ("redirect", 302)]:
        faults.write({"sms_network": fault})
        assert [send().status for send in (sms, pnvs)] == [status, status]
    assert texts() == []
    faults.write({"sms_network": "empty"})
    assert [send().body for send in (sms, pnvs)] == [b"", b""]
    assert len(texts()) == 2  # they were sent, but the sender cannot know that


def test_who_follows_a_redirect_is_taken(served: str) -> None:
    call = Aliyun(urlsplit(served).netloc).call("SendSms", SEND)
    faults.write({"sms_network": "redirect"})
    assert replace(call, path="aliyun/?redirected=1").send(served).json["Code"] == "OK"


def test_switch_sms_limits(sms: Send) -> None:
    """Limits per minute and hour of the clock, and per any 24 hours. Each counts one number with one signature."""

    def words() -> str:
        reply = sms()
        assert reply.json["Code"] in {"OK", "isv.BUSINESS_LIMIT_CONTROL"}
        return str(reply.json["Message"])

    with time_machine.travel(MOMENT + 59, tick=False) as clock:
        assert (words(), words()) == ("OK", "OK")
        faults.write({"sms_limits": True})
        assert words() == "触发分钟级流控Permits:1"
        assert sms(PhoneNumbers="13800138001").json["Code"] == "OK"
        assert sms(SignName="另一个").json["Code"] == "OK"
        clock.shift(1)  # the next minute
        for _ in range(3):
            assert words() == "OK"
            clock.shift(60)
        assert words() == "触发小时级流控Permits:5"
        clock.shift(3600)
        for _ in range(5):
            assert words() == "OK"
            clock.shift(60)
        clock.shift(3600)
        assert words() == "触发天级流控Permits:10"
        clock.shift(86_400)
        assert words() == "OK"


def test_switch_sms_limits_of_codes(pnvs: Send) -> None:
    faults.write({"sms_limits": True})
    with time_machine.travel(MOMENT, tick=False) as clock:
        assert pnvs(Interval="1").json["Code"] == "OK"
        clock.shift(2)
        reply = pnvs(Interval="1")
    assert (reply.json["Code"], reply.json["Message"]) == ("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1")


# ---------------------------------------------------------------- QuerySendDetails

FAILURES = {
    "off": "MOBILE_NOT_ON_SERVICE",
    "full": "MOBLLE_TERMINAL_ERROR",
    "blacklisted": "MOBILE_IN_BLACK",
    "number": "INVALID_NUMBER",
    "signature": "PORT_NOT_REGISTERED",
    "unknown": "SP_UNKNOWN_ERROR",
}
DAY = {"PhoneNumber": MOBILE, "SendDate": "20261001", "PageSize": "10", "CurrentPage": "1"}


@dataclass(frozen=True)
class Product:
    served: str
    path: str

    def send(self, **changes: str) -> str:
        """Send a message. Returns its BizId."""
        action, form = (
            ("SendSms", SEND) if self.path == "aliyun/" else ("SendSmsVerifyCode", {**VERIFY, "Interval": "0"})
        )
        answer = _call(self.served, self.path, action, form, changes).json
        return str(answer.get("BizId") or answer["Model"]["BizId"])

    def ask(self, **changes: str) -> tuple[list[dict[str, Any]], int]:
        """One page of the sent messages, and the total number."""
        found = _call(self.served, self.path, "QuerySendDetails", DAY, changes).json
        assert found["Code"] == "OK", found
        listed = found["Model"] if "Model" in found else found["SmsSendDetailDTOs"]["SmsSendDetailDTO"]
        return listed, int(found["TotalCount"])


@pytest.fixture(params=["aliyun/", "aliyun-pnvs/"])
def product(request: pytest.FixtureRequest, served: str) -> Product:
    return Product(served, request.param)


def test_what_became_of_a_message_can_be_asked(product: Product) -> None:
    with time_machine.travel(MOMENT, tick=False) as clock:
        assert product.ask() == ([], 0)
        product.send()
        [sent], _ = product.ask()
        assert sent | {"Content": "", "TemplateCode": ""} == {
            "PhoneNum": MOBILE, "SendDate": "2026-10-01 16:00:00", "OutId": "a1b2c3", "SendStatus": 1,
            "Content": "", "TemplateCode": "",
        }  # fmt: skip
        assert "012345" in sent["Content"]
        clock.shift(receipts.CARRIER_SECONDS)
        [sent], _ = product.ask()
    assert (sent["SendStatus"], sent["ErrCode"], sent["ReceiveDate"]) == (3, "DELIVERED", "2026-10-01 16:00:01")


@pytest.mark.parametrize(("result", "code"), FAILURES.items())
def test_switch_sms_receipt(product: Product, result: str, code: str) -> None:
    faults.write({"sms_receipt": result})
    with time_machine.travel(MOMENT, tick=False) as clock:
        product.send()
        clock.shift(receipts.CARRIER_SECONDS)
        [sent], _ = product.ask()
    assert (sent["SendStatus"], sent["ErrCode"]) == (2, code)


@pytest.mark.parametrize("switches", [{"sms_receipt": "none"}, {"sms_outcome": "lost"}], ids=str)
def test_some_receipts_never_come(product: Product, switches: dict[str, str]) -> None:
    faults.write(switches)
    with time_machine.travel(MOMENT, tick=False) as clock:
        product.send()
        clock.shift(3600)
        [sent], _ = product.ask()
    assert (sent["SendStatus"], "ErrCode" in sent) == (1, False)


def test_a_page_of_a_day_of_a_number(product: Product) -> None:
    with time_machine.travel(MOMENT, tick=False) as clock:
        ids = []
        for number in range(3):
            ids.append(product.send(OutId=str(number)))
            clock.shift(1)
        assert [sent["OutId"] for sent in product.ask()[0]] == ["2", "1", "0"]
        page, total = product.ask(PageSize="2", CurrentPage="2")
        assert ([sent["OutId"] for sent in page], total) == (["0"], 3)
        assert [sent["OutId"] for sent in product.ask(BizId=ids[1])[0]] == ["1"]
        assert product.ask(SendDate="20261002") == ([], 0)
        assert product.ask(PhoneNumber="13800138001") == ([], 0)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"PageSize": None}, 400, "MissingPageSize"),
        ({"PageSize": "51"}, 200, "isv.INVALID_PARAMETERS"),
        ({"PageSize": "0"}, 200, "isv.INVALID_PARAMETERS"),
        ({"CurrentPage": "0"}, 200, "isv.INVALID_PARAMETERS"),
        ({"CurrentPage": "x"}, 200, "isv.INVALID_PARAMETERS"),
        ({"CurrentPage": "9" * 5_000}, 200, "isv.INVALID_PARAMETERS"),
        ({"PhoneNumber": "1"}, 200, "isv.MOBILE_NUMBER_ILLEGAL"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_asked(served: str, changes: dict[str, str | None], status: int, code: str) -> None:
    reply = _call(served, "aliyun/", "QuerySendDetails", DAY, changes)
    assert (reply.status, reply.json["Code"]) == (status, code)
