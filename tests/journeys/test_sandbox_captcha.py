"""The captcha of the sandbox in a browser: what a person sees and presses, and what the page gets."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from pytest_django import Settings

from server import demo
from tests.sandbox.conftest import form, served
from tests.sandbox.test_tencent import Ask, ask

__all__ = ["ask", "form", "served"]

LOAD = """src => new Promise((resolve, reject) => {
    window.answers = [];
    window.refused = [];
    addEventListener("securitypolicyviolation", (event) => refused.push(event.violatedDirective));
    const script = Object.assign(document.createElement("script"), { src, onload: resolve, onerror: reject });
    document.head.append(script);
})"""


#: The page with the captcha is a page of the host project.
in_a_host = pytest.mark.parametrize("form", ["mounted"], indirect=True)


@pytest.fixture
def tab(browser: Browser, served: str, settings: Settings) -> Iterator[Page]:
    """The page with the captcha (for a person without a ticket). It has its policy, and another origin than the
    script.
    """
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
