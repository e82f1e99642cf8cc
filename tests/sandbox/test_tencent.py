"""The emulated captcha and Tencent's own client, which accepts the answers as real."""

import json
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from tencentcloud.captcha.v20190722 import models
from tencentcloud.captcha.v20190722.captcha_client import CaptchaClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from phonebind_sandbox import faults
from phonebind_sandbox.codes import CAPTCHA_CODES, CLOUD_ERRORS
from phonebind_sandbox.tencent import TICKET_SECONDS

Ask = Callable[..., int]


def client(served: str, version: str = "2019-07-22") -> CaptchaClient:
    """The client has a host and no path. A request that it signs for the host is sent to the path."""
    profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=urlsplit(served).netloc))
    made = CaptchaClient(Credential("sandbox-secret-id", "sandbox-secret-key"), "", profile)
    made._apiVersion = version
    made.request._handle_host = lambda host: f"{served}tencent/"
    return made


def issue(app_id: str = "190000001") -> dict[str, str]:
    """Press the button."""
    answer = Client().get(reverse("phonebind_sandbox:tencent_ticket"), {"app_id": app_id, "call": "0"})
    found = re.fullmatch(r'TencentCaptcha\.answered\("0", (.*)\);\n', answer.content.decode())
    assert found
    return dict(json.loads(found[1]))


@pytest.fixture
def ask(served: str) -> Ask:
    """The CaptchaCode of a ticket. A parameter that is None is left out."""

    def ask(issued: dict[str, str], **changes: object) -> int:
        question = models.DescribeCaptchaResultRequest()
        question._deserialize(
            {
                "CaptchaType": 9,
                "Ticket": issued["ticket"],
                "Randstr": issued["randstr"],
                "UserIp": "192.0.2.1",
                "CaptchaAppId": 190000001,
                "AppSecretKey": "sandbox-captcha-secret",
            }
            | changes
        )
        answer = client(served).DescribeCaptchaResult(question)
        assert answer.CaptchaMsg == CAPTCHA_CODES[answer.CaptchaCode]
        assert re.fullmatch("[0-9a-f-]{36}", answer.RequestId)
        return int(answer.CaptchaCode)

    return ask


def error(call: Callable[[], object]) -> str:
    with pytest.raises(TencentCloudSDKException) as refused:
        call()
    assert refused.value.message == CLOUD_ERRORS[refused.value.code]
    return str(refused.value.code)


def test_a_ticket_is_good_once(ask: Ask) -> None:
    issued = issue()
    assert ask(issued) == 1
    assert ask(issued) == 9
    assert ask(issue()) == 1


def test_a_ticket_lives_five_minutes(ask: Ask) -> None:
    with time_machine.travel(0, tick=False) as clock:
        first, second = issue(), issue()
        clock.shift(TICKET_SECONDS - 1)
        assert ask(first) == 1
        clock.shift(1)
        assert ask(second) == 8


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Randstr": "@other"}, 7),
        ({"Ticket": "tr03never"}, 15),
        ({"Ticket": "trerror_1001_190000001_1772000000"}, 21),
        ({"CaptchaAppId": 190000002}, 100),
        ({"AppSecretKey": "wrong"}, 100),
    ],
    ids=str,
)
def test_what_does_not_belong_together(ask: Ask, changes: dict[str, object], code: int) -> None:
    assert ask(issue(), **changes) == code


def test_a_ticket_of_another_app(ask: Ask) -> None:
    assert ask(issue(app_id="190000002")) == 16


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Ticket": None}, "MissingParameter"),
        ({"AppSecretKey": None, "Imei": "1"}, "MissingParameter"),
        ({"CaptchaType": 1}, "InvalidParameter"),
        ({"CaptchaAppId": "190000001"}, "InvalidParameter"),
        ({"UserIp": 7}, "InvalidParameter"),
    ],
    ids=str,
)
def test_parameters_that_cannot_be(ask: Ask, changes: dict[str, object], code: str) -> None:
    assert error(lambda: ask(issue(), **changes)) == code


def test_what_there_is_not(served: str) -> None:
    question = models.DescribeCaptchaMiniResultRequest()
    assert error(lambda: client(served).DescribeCaptchaMiniResult(question)) == "InvalidAction"
    question = models.DescribeCaptchaResultRequest()
    assert error(lambda: client(served, "2017-03-12").DescribeCaptchaResult(question)) == "NoSuchVersion"
    assert error(lambda: client(served).call_octet_stream("DescribeCaptchaResult", {}, b"[]")) == "InvalidParameter"


def test_nobody_asks_without_a_signature() -> None:
    answer = Client().post(reverse("phonebind_sandbox:tencent_api"), "{}", content_type="application/json")
    assert answer.json()["Response"]["Error"]["Code"] == "AuthFailure.InvalidAuthorization"


@pytest.mark.parametrize("code", CAPTCHA_CODES)
def test_switch_tencent_code(ask: Ask, code: int) -> None:
    faults.write({"tencent_code": code})
    assert ask({"ticket": "any", "randstr": "any"}) == code


@pytest.mark.parametrize("code", CLOUD_ERRORS)
def test_switch_tencent_error(ask: Ask, code: str) -> None:
    faults.write({"tencent_error": code})
    assert error(lambda: ask(issue())) == code


@pytest.mark.parametrize("skew", [400, -400])
def test_switch_clock_skew(ask: Ask, skew: int) -> None:
    faults.write({"clock_skew": skew})
    assert error(lambda: ask(issue())) == "AuthFailure.SignatureExpire"


def test_switch_tencent_network(ask: Ask) -> None:
    faults.write({"tencent_network": "down"})
    issued = issue()
    with pytest.raises(TencentCloudSDKException, match="ServerNetworkError"):
        ask(issued)
    faults.reset()
    assert ask(issued) == 1  # it never arrived
