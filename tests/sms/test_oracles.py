"""Our signatures for Aliyun compared with those of its own SDKs, and both compared with the examples in documents."""

from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

import pytest
import time_machine

from phonebind import acs3
from phonebind.sms import Message
from phonebind.sms.aliyun import Aliyun
from phonebind.sms.aliyun_api import AliyunApi
from phonebind.sms.aliyun_pnvs import INTERVAL, AliyunPnvs
from tests.support import oracles

pytestmark = pytest.mark.once

#: 2026-10-01 at 08:00 UTC.
MOMENT = 1790841600
DATE, NONCE = "2026-10-01T08:00:00Z", "3ee8c1b883d344afa94f4e0ad82fd6cf"
VERSION = "2017-05-25"
KEYS = ("testid-phonebind", "testsecret-phonebind")
MESSAGE = Message(mobile="13800138000", code="012345", minutes=5, text="【示例商城】012345", id="a1b2c3")

ALIYUN = Aliyun(
    access_key_id=KEYS[0],
    access_key_secret=KEYS[1],
    sign_name="示例商城",
    templates="SMS_154950909",
    params={"code": "code", "min": "minutes"},
)
SEND_SMS = {
    "PhoneNumbers": "13800138000",
    "SignName": "示例商城",
    "TemplateCode": "SMS_154950909",
    "TemplateParam": '{"code":"012345","min":"5"}',
    "OutId": "a1b2c3",
}
PNVS = AliyunPnvs(access_key_id=KEYS[0], access_key_secret=KEYS[1], sign_name="速通互联验证码")
SEND_SMS_VERIFY_CODE = {
    "CountryCode": "86",
    "PhoneNumber": "13800138000",
    "SignName": "速通互联验证码",
    "TemplateCode": "100004",
    "TemplateParam": '{"code":"012345","min":"5"}',
    "OutId": "a1b2c3",
    "Interval": "60",
    "DuplicatePolicy": "1",
}


def signature(authorization: str) -> str:
    return authorization.rpartition("Signature=")[2]


@pytest.fixture
def aliyun() -> oracles.Ask:
    """The answers of its SDKs to the questions of tests/sms/oracles/aliyun.py."""
    oracles.need()
    return oracles.aliyun


def question(headers: dict[str, str], body: bytes, keys: tuple[str, str] = KEYS) -> dict[str, Any]:
    """The request that Aliyun's SDK makes for a request of ours."""
    signed = {name: value for name, value in headers.items() if name != "authorization"}
    key_id, secret = keys
    return {
        "ask": "authorization",
        "headers": signed,
        "query": {},
        "body": body.decode(),
        "key_id": key_id,
        "secret": secret,
    }


@pytest.mark.parametrize(
    ("host", "action", "form", "digest", "signed"),
    [
        (
            "dysmsapi.aliyuncs.com",
            "SendSms",
            SEND_SMS,
            "f68abd7d36d8944e184be59ec581f81cdcce9ad186dba7cc22177f4b1e916878",
            "69227fd2d51d5276cdfa5e4251a8544b201d50422c0f6e1d6331d5671f666edd",
        ),
        (
            "dypnsapi.aliyuncs.com",
            "SendSmsVerifyCode",
            SEND_SMS_VERIFY_CODE,
            "01172aa21add5a5cd09fd874cea7ae4ecbca0579d10805535358b17443fa160d",
            "1233fedab3647d669d7d0ea2fd87f5ac6f24799d54929c9a7dcb79ececba333b",
        ),
    ],
    ids=["aliyun", "aliyun-pnvs"],
)
def test_aliyun_signs_a_message_as_we_do(
    aliyun: oracles.Ask, host: str, action: str, form: dict[str, str], digest: str, signed: str
) -> None:
    headers, body = acs3.sign(host, (action, VERSION), form, KEYS, DATE, NONCE)
    assert sha256(body).hexdigest() == headers["x-acs-content-sha256"] == digest
    assert signature(headers["authorization"]) == signed
    assert aliyun(question(headers, body)) == [headers["authorization"]]


AWKWARD = [
    {"TemplateParam": '{"code": "012345"}'},
    {"SignName": "a+b c*d~e/f'(g)!"},
    {"SignName": "店&OutId=1%2B=", "a b&c": "%"},
    {"SignName": "\r\n\t\0"},
    {"SignName": "😀﷽ é"},
    {"SignName": ""},
    {"b": "2", "a": "1", "B": "3"},
    {"TemplateParam": "1" * 70_000},
    {},
]


#: The example in the document has another interval than the gateway.
VERIFY = SEND_SMS_VERIFY_CODE | {"Interval": str(INTERVAL)}
SECRETS = ["s", "密钥 &=\n", "x" * 200]


@pytest.mark.parametrize("host", ["dysmsapi.aliyuncs.com", "127.0.0.1:8000", "[::1]:8000"])
def test_aliyun_signs_whatever_we_may_send(aliyun: oracles.Ask, host: str) -> None:
    cases = [(form, ("id/+=", secret)) for form in AWKWARD for secret in SECRETS]
    requests = [(acs3.sign(host, ("SendSms", VERSION), form, keys, DATE, NONCE), keys) for form, keys in cases]
    signed = aliyun(*(question(headers, body, keys) for (headers, body), keys in requests))
    assert signed == [headers["authorization"] for (headers, _), _ in requests]


def test_what_we_write_in_a_form_is_what_aliyun_writes(aliyun: oracles.Ask) -> None:
    forms = [SEND_SMS, SEND_SMS_VERIFY_CODE, *AWKWARD]
    written = aliyun(*({"ask": "form", "fields": form} for form in forms))
    for form, theirs in zip(forms, written, strict=True):
        _, ours = acs3.sign("h", ("a", "v"), form, KEYS, DATE, NONCE)
        pairs = parse_qsl(ours.decode(), keep_blank_values=True, strict_parsing=bool(form))
        assert dict(pairs) == form
        assert sorted(pairs) == sorted(parse_qsl(theirs, keep_blank_values=True))


@pytest.mark.parametrize(
    ("gateway", "product", "action", "form"),
    [(ALIYUN, "dysmsapi", "SendSms", SEND_SMS), (PNVS, "dypnsapi", "SendSmsVerifyCode", VERIFY)],
    ids=["aliyun", "aliyun-pnvs"],
)
def test_aliyun_would_send_the_message_that_the_gateway_sends(
    aliyun: oracles.Ask, gateway: AliyunApi, product: str, action: str, form: dict[str, str]
) -> None:
    """The SDK puts it into the query. We put it into the body, so that a log of addresses shows no code."""
    with time_machine.travel(MOMENT, tick=False):
        ours = gateway.call(MESSAGE)
    fields = {"action": action, "fields": form, "key_id": KEYS[0], "secret": KEYS[1]}
    theirs, signed = aliyun({"ask": "call", "product": product, **fields}, question(dict(ours.headers), ours.body))
    assert ours.headers["authorization"] == signed
    assert ours.headers["x-acs-date"] == DATE
    assert dict(parse_qsl(ours.body.decode(), strict_parsing=True)) == form == theirs["query"]
    assert (theirs["method"], theirs["pathname"], theirs["body"]) == ("POST", "/", None)
    for name in ("host", "x-acs-action", "x-acs-version"):
        assert ours.headers[name] == theirs["headers"][name]
    assert f"https://{theirs['headers']['host']}" == ours.url
    assert set(ours.headers) - {"authorization", "content-type"} < set(theirs["headers"])


def test_aliyun_reproduces_the_examples_of_its_documentation(aliyun: oracles.Ask) -> None:
    """https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature, and version 1 of 2017.

    We send no query and do not use version 1. The test shows that the SDK does what the documentation describes.
    """
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": empty,
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    query = {"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai"}
    keys = {"key_id": "YourAccessKeyId", "secret": "YourAccessKeySecret"}
    old = {"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "Action": "SendSms", "Version": "2017-05-25"}
    of_2017 = {
        "AccessKeyId": "testId",
        "Timestamp": "2017-07-12T02:42:19Z",
        "Format": "XML",
        "SignatureNonce": "45e25e9b-0a6f-4070-8c85-2956eda1b466",
        "RegionId": "cn-hangzhou",
        "PhoneNumbers": "15300000001",
        "SignName": "阿里云短信测试专用",
        "TemplateCode": "SMS_71390007",
        "TemplateParam": '{"customer":"test"}',
        "OutId": "123",
    }
    of_ours = {
        "AccessKeyId": KEYS[0],
        "Timestamp": DATE,
        "Format": "JSON",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
    }
    run_instances, get, post = aliyun(
        {"ask": "authorization", "headers": headers, "query": query, "body": "", **keys},
        {"ask": "rpc", "parameters": old | of_2017, "method": "GET", "secret": "testSecret"},
        {"ask": "rpc", "parameters": old | of_ours | SEND_SMS, "method": "POST", "secret": KEYS[1]},
    )
    assert signature(run_instances) == "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    assert get == "zJDF+Lrzhj/ThnlvIToysFRq6t4="
    assert post == "HXBWrEKpwhcXgLfblZCNmN31ORA="
