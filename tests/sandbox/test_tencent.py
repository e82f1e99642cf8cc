"""The emulated captcha, asked by Tencent's own client, which takes its answers for the real ones."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Page
from pytest_django import Settings
from tencentcloud.captcha.v20190722 import models
from tencentcloud.captcha.v20190722.captcha_client import CaptchaClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from phonebind_sandbox import faults
from phonebind_sandbox.codes import CAPTCHA_CODES, CLOUD_ERRORS
from phonebind_sandbox.tencent import TICKET_SECONDS
from server import demo

Ask = Callable[..., int]


def client(served: str, version: str = "2019-07-22") -> CaptchaClient:
    """It knows hosts and no paths: what it signs for the host is sent to the path."""
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
    """The CaptchaCode of a ticket; a changed parameter that is None is left out."""

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


def test_switch_tencent_network(ask: Ask) -> None:
    faults.write({"tencent_network": "down"})
    issued = issue()
    with pytest.raises(TencentCloudSDKException, match="ServerNetworkError"):
        ask(issued)
    faults.reset()
    assert ask(issued) == 1  # it never arrived


# ---------------------------------------------------------------- the script

LOAD = """src => new Promise((resolve, reject) => {
    window.answers = [];
    window.refused = [];
    addEventListener("securitypolicyviolation", (event) => refused.push(event.violatedDirective));
    const script = Object.assign(document.createElement("script"), { src, onload: resolve, onerror: reject });
    document.head.append(script);
})"""


#: The page that asks is the host's.
in_a_host = pytest.mark.parametrize("form", ["mounted"], indirect=True)


@pytest.fixture
def tab(browser: Browser, served: str, settings: Settings) -> Iterator[Page]:
    """The page that asks (for somebody who has no ticket), under its policy and on another origin than the script."""
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    script = f"{served}tencent/TJCaptcha.js"
    settings.PHONEBIND = {**settings.PHONEBIND, "HUMAN_CHECK": {**demo.TENCENT, "script": script}}
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{served.replace('127.0.0.1', 'localhost').removesuffix('sandbox/')}login/qq/bind/none/")
        page.evaluate(LOAD, script)
        yield page


def show(tab: Page, arguments: str = '"190000001", (answer) => answers.push(answer), { bizState: "b" }') -> None:
    tab.get_by_role("link").first.focus()
    tab.evaluate(f"() => new TencentCaptcha({arguments}).show()")


def answers(tab: Page, count: int = 1) -> list[dict[str, Any]]:
    tab.wait_for_function("count => answers.length === count", arg=count)
    assert tab.evaluate("refused") == []
    assert tab.locator("dialog").count() == 0
    told: list[dict[str, Any]] = tab.evaluate("answers")
    return told


@in_a_host
def test_who_presses_the_button_is_a_person(tab: Page, ask: Ask) -> None:
    show(tab)
    found = Axe().run(tab)
    assert not found.violations_count, found.generate_report()
    tab.get_by_role("button", name="I am a person").click()
    [answer] = answers(tab)
    assert answer.items() >= {"ret": 0, "CaptchaAppId": "190000001", "bizState": "b"}.items()
    assert ask(answer) == 1
    assert tab.get_by_role("link").first.evaluate("link => link === document.activeElement")


@in_a_host
def test_it_can_be_shown_again(tab: Page) -> None:
    show(tab, '"190000001", (answer) => answers.push(answer)')
    tab.get_by_role("button", name="Cancel").click()
    show(tab, 'document.body, "190000001", (answer) => answers.push(answer), {}')
    tab.get_by_role("button", name="I am a person").click()
    assert [answer["ret"] for answer in answers(tab, 2)] == [2, 0]


@in_a_host
@pytest.mark.parametrize("way", ["button", "key"])
def test_who_cancels_has_no_ticket(tab: Page, way: str) -> None:
    show(tab)
    if way == "button":
        tab.get_by_role("button", name="Cancel").click()
    else:
        tab.keyboard.press("Escape")
    [answer] = answers(tab)
    assert (answer["ret"], answer["ticket"]) == (2, None)


@in_a_host
def test_whom_the_captcha_cannot_reach_gets_a_fallback(tab: Page, ask: Ask) -> None:
    tab.route("**/ticket.js?*", lambda route: route.abort())
    show(tab)
    tab.get_by_role("button", name="I am a person").click()
    [answer] = answers(tab)
    assert (answer["ret"], answer["errorCode"]) == (0, 1001)
    assert ask(answer) == 21


@in_a_host
def test_a_captcha_without_an_app_is_a_mistake(tab: Page) -> None:
    with pytest.raises(Exception, match="new TencentCaptcha"):
        show(tab, '"", () => {}')
