"""What the system checks say about the vendors' options, and which template a message uses."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from phonebind import sms
from phonebind.checks import check_gateway
from phonebind.sms import Message
from phonebind.sms.aliyun import Aliyun
from phonebind.sms.tencent import Tencent
from phonebind.sms.yuntongxun import Yuntongxun
from tests.sms.dialects import DIALECTS
from tests.support.edge import Configure, Upstream

KEYS: dict[str, Any] = {"access_key_id": "LTAI", "access_key_secret": "very-secret"}
PNVS = {"gateway": "aliyun-pnvs", **KEYS, "sign_name": "速通互联验证码"}
ALIYUN = {"gateway": "aliyun", **KEYS, "sign_name": "示例商城", "templates": "SMS_1"}
TENCENT = {
    "gateway": "tencent",
    "secret_id": "AKID",
    "secret_key": "very-secret",
    "sdk_app_id": "1400006666",
    "sign_name": "示例商城",
    "templates": "1110",
}
YUNTONGXUN = {
    "gateway": "yuntongxun",
    "account_sid": "8a",
    "auth_token": "very-secret",
    "app_id": "8b",
    "templates": "1",
}
HTTP = {
    "gateway": "http",
    "endpoint": "https://sms.example.cn/send",
    "secret": "whsec_cGhvbmViaW5kLXNlY3JldC0wMTIzNDU2Nzg5",
}
GOOD = [PNVS, ALIYUN, TENCENT, YUNTONGXUN, HTTP]


class Open:
    """A host's gateway that accepts any option."""

    def __init__(self, url: str, **more: Any) -> None:
        if not isinstance(url, str):
            raise TypeError("url is a str")


def told(phonebind: Configure, options: dict[str, Any]) -> list[str]:
    phonebind(sms=options)
    return [message.msg.removeprefix("PHONEBIND['SMS']: ") for message in check_gateway()]


@pytest.mark.parametrize("options", GOOD, ids=lambda options: options["gateway"])
def test_what_the_console_gives_is_enough(
    phonebind: Configure, start_with_debug: Callable[[bool], None], options: dict[str, Any]
) -> None:
    start_with_debug(False)
    assert told(phonebind, options) == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"gateway": "aliyun-sms"},
            "there is no gateway 'aliyun-sms'; known are aliyun-pnvs, aliyun, tencent,",
        ),
        ({"gateway": '{"secret": "very-secret"}'}, "gateway must be one of aliyun-pnvs, aliyun, tencent,"),
        ({"gateway": '{"a": "shop.sms", "secret": "very-secret"}'}, "gateway must be one of aliyun-pnvs,"),
        (
            {"gateway": "failover", "gateways": [HTTP, {"gateway": '{"secret": "very-secret"}'}]},
            "gateways[1]: gateway must be one of aliyun-pnvs,",
        ),
        (
            {**PNVS, "access_key_secret": ""},
            "access_key_secret must be a str, not empty, without white space around it",
        ),
        ({**PNVS, "access_key_id": "LTAI\n"}, "access_key_id must be a str, not empty, without white space around it"),
        (
            {**PNVS, "access_key_id": "<您的 AccessKey ID>"},
            "access_key_id has white space or letters that no key has: copy",
        ),
        ({**TENCENT, "secret_id": "ＡＫＩＤ"}, "secret_id has white space or letters that no key has"),
        ({**TENCENT, "secret_key": "very-\nsecret"}, "secret_key has white space or letters that no key has"),
        ({**YUNTONGXUN, "account_sid": "8a 8b"}, "account_sid has white space or letters that no key has"),
        ({**PNVS, "sign_name": None}, "sign_name must be a str, not empty, without white space around it"),
        ({"endpoint": "https://sms.example.cn"}, "gateway must be a str that names one"),
        ({"gateway": PNVS}, "gateway must be a str that names one"),
        ({"gateway": "aliyun-pnvs", **KEYS}, "missing: sign_name"),
        (
            {**PNVS, "sign": "x"},
            "unknown: 'sign'; the options are access_key_id, access_key_secret, sign_name, templates, params, endpoint",
        ),
        (
            {"gateway": "aliyun", **KEYS, "sign": "x"},
            "missing: sign_name, templates; unknown: 'sign'; the options are ",
        ),
        ({"gateway": "console", "url": ""}, "unknown: 'url'; the options are none"),
        ({"gateway": "tests.sms.test_options.Open", "more": "very-secret"}, "missing: url"),
        ({"gateway": "tests.sms.test_options.Open", "url": 7}, "TypeError: url is a str"),
        ({"gateway": "sandbox"}, "the sandbox gateway shows SMS codes to everyone; choose a real one with DEBUG off"),
        ({**PNVS, "sign_name": "【速通互联验证码】"}, "sign_name must be the name without 【】: the vendor adds them"),
        ({**ALIYUN, "templates": ""}, "templates is empty, or has white space around it"),
        ({**ALIYUN, "templates": "SMS_1 "}, "templates is empty, or has white space around it"),
        ({**ALIYUN, "templates": {"bind": "SMS_1\n"}}, "templates['bind'] must be a str, or a dict of str by language"),
        ({**ALIYUN, "templates": 154950909}, "templates must be a str, or a dict by purpose"),
        ({**ALIYUN, "templates": {}}, "templates has none for 'bind'"),
        ({**ALIYUN, "templates": {"sign_in": "SMS_1"}}, "templates has none for 'bind'"),
        ({**ALIYUN, "templates": {"bind": {"en": "SMS_2"}}}, "templates['bind'] has none for 'zh-hans', the fallback"),
        (
            {**ALIYUN, "templates": {"bind": {"zh-hans": 7}}},
            "templates['bind'] must be a str, or a dict of str by language",
        ),
        ({**ALIYUN, "templates": {"bind": 7}}, "templates['bind'] must be a str, or a dict of str by language"),
        ({**ALIYUN, "params": ["code"]}, "params must be like {'code': 'code', 'min': 'minutes'}, of code and minutes"),
        ({**ALIYUN, "params": {"code": "mobile"}}, "params must be like"),
        ({**ALIYUN, "params": {"min": "minutes"}}, "params has no 'code': the template would show none"),
        ({**TENCENT, "params": {"code": "code"}}, "params must be like ['code', 'minutes'], of code and minutes"),
        ({**TENCENT, "params": "code"}, "params must be like ['code', 'minutes']"),
        ({**TENCENT, "params": ["minutes"]}, "params has no 'code'"),
        ({**YUNTONGXUN, "templates": None}, "templates must be a str, or a dict by purpose"),
        ({**YUNTONGXUN, "endpoint": "app.cloopen.com"}, "endpoint must be a whole http(s) URL"),
        ({**YUNTONGXUN, "endpoint": "https://app.cloopen.com:88830"}, "endpoint must be a whole http(s) URL"),
        ({**PNVS, "endpoint": "http://dypnsapi.aliyuncs.com"}, "endpoint is not https"),
        ({**HTTP, "endpoint": "http://10.0.0.7/send"}, "endpoint is not https"),
        ({**HTTP, "secret": "very-secret"}, "secret must be whsec_ and 24 bytes or more in base64"),
        ({**HTTP, "secret": "whsec_dmVyeS1zZWNyZXQ="}, "secret must be whsec_ and 24 bytes or more in base64"),
        ({**HTTP, "secret": "whsec_%%%"}, "secret must be whsec_ and 24 bytes or more in base64"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line_without_a_secret(
    phonebind: Configure, start_with_debug: Callable[[bool], None], options: dict[str, Any], problem: str
) -> None:
    start_with_debug(False)
    [line] = told(phonebind, options)
    assert line.startswith(problem)
    assert "very-secret" not in line


# ---------------------------------------------------------------- which template

BY_LANGUAGE: Any = {"bind": {"zh-hans": "SMS_1", "en": "SMS_2", "zh-hant": "SMS_3"}, "sign_in": "SMS_4"}


@pytest.mark.parametrize(
    ("purpose", "language", "template"),
    [
        ("bind", "zh-hans", "SMS_1"),
        ("bind", "en", "SMS_2"),
        ("bind", "en-gb", "SMS_2"),
        ("bind", "zh-hant", "SMS_3"),
        ("bind", "de", "SMS_1"),
        ("sign_in", "en", "SMS_4"),
    ],
)
def test_the_template_is_that_of_purpose_and_language(
    upstream: Upstream, purpose: str, language: str, template: str
) -> None:
    message = Message(mobile="13800138000", code="012345", minutes=5, text="", purpose=purpose, language=language)
    upstream.answer("/", {"Code": "OK"})
    Aliyun(**KEYS, sign_name="店", templates=BY_LANGUAGE, endpoint=upstream.url).send(message)
    [(_, form)] = upstream.requests
    assert form["TemplateCode"] == template


def test_one_str_is_the_template_for_all(upstream: Upstream) -> None:
    message = Message(mobile="13800138000", code="012345", minutes=5, text="", purpose="verify", language="fr")
    upstream.answer("/", {"Code": "OK"})
    Aliyun(**KEYS, sign_name="店", templates="SMS_9", endpoint=upstream.url).send(message)
    assert upstream.requests[0][1]["TemplateCode"] == "SMS_9"


def test_what_a_template_shows_is_named_as_the_template_names_it(upstream: Upstream) -> None:
    message = Message(mobile="13800138000", code="012345", minutes=5, text="")
    upstream.answer("/", {"Code": "OK"})
    names = {"number": "code", "minute": "minutes"}
    Aliyun(**KEYS, sign_name="店", templates="SMS_1", params=names, endpoint=upstream.url).send(message)
    assert json.loads(upstream.requests[0][1]["TemplateParam"]) == {"number": "012345", "minute": "5"}


@pytest.mark.parametrize("gateway", ["aliyun", "aliyun-pnvs"])
def test_a_code_template_gets_no_more_than_it_takes(upstream: Upstream, gateway: str) -> None:
    """Aliyun refuses a variable that is not in the template. The free templates have two variables."""
    upstream.answer("/", {"Code": "OK"})
    DIALECTS[gateway].gateway(upstream.url).send(Message(mobile="13800138000", code="012345", minutes=5, text=""))
    expected = {"aliyun": {"code": "012345"}, "aliyun-pnvs": {"code": "012345", "min": "5"}}[gateway]
    assert json.loads(upstream.requests[0][1]["TemplateParam"]) == expected


def test_what_a_template_shows_is_in_its_order(upstream: Upstream) -> None:
    message = Message(mobile="13800138000", code="012345", minutes=5, text="")
    upstream.answer("/", {"Response": {"SendStatusSet": [{"Code": "Ok", "SerialNo": "1"}]}})
    options = {name: value for name, value in TENCENT.items() if name != "gateway"}
    Tencent(**options, params=["minutes", "code"], endpoint=upstream.url).send(message)
    assert json.loads(upstream.raw[0][1])["TemplateParamSet"] == ["5", "012345"]


def test_an_endpoint_may_have_a_path(upstream: Upstream) -> None:
    upstream.answer("/sandbox/yuntongxun/2013-12-26/Accounts/8a/SMS/TemplateSMS", {"statusCode": "000000"})
    options = {name: value for name, value in YUNTONGXUN.items() if name != "gateway"}
    Yuntongxun(**options, endpoint=f"{upstream.url}/sandbox/yuntongxun/").send(
        Message(mobile="13800138000", code="012345", minutes=5, text="")
    )
    assert len(upstream.requests) == 1


def test_the_gateway_of_a_host_is_named_by_its_path(phonebind: Configure) -> None:
    phonebind(sms={"gateway": "phonebind.sms.aliyun.Aliyun", **KEYS, "sign_name": "店", "templates": "SMS_1"})
    assert isinstance(sms.get(), Aliyun)
