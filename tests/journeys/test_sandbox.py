"""What only a browser can show: the pages work without a script, and no policy blocks them."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.sandbox.client import QQ
from tests.sandbox.conftest import form, qq, served

__all__ = ["form", "qq", "served"]


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    with browser.new_context(java_script_enabled=False) as context:
        yield context.new_page()


def _open(tab: Page, served: str) -> list[str]:
    """Open the authorize page. The list gets the requests of the callback, which is a page of the sandbox itself."""
    callback = f"{served}inbox/"
    calls: list[str] = []
    tab.on("request", lambda request: calls.append(request.url) if request.url.startswith(callback) else None)
    query = {"response_type": "code", "client_id": "101000001", "redirect_uri": callback, "state": "s"}
    tab.goto(f"{served}qq/oauth2.0/authorize?{urlencode(query)}")
    return calls


def test_pressing_a_person_calls_back(tab: Page, served: str) -> None:
    calls = _open(tab, served)
    tab.get_by_role("button", name="小兰").click()
    tab.wait_for_url(f"{served}inbox/**")
    assert calls == [tab.url]
    assert "code=" in tab.url


def test_cancel_calls_nobody(tab: Page, served: str) -> None:
    calls = _open(tab, served)
    tab.get_by_role("button", name="关闭窗口 Cancel").click()
    expect(tab.get_by_role("heading", name="The window closes here")).to_be_visible()
    assert calls == []


def test_switch_callback_twice(tab: Page, served: str, qq: QQ) -> None:
    qq.turn(callback="twice")
    calls = _open(tab, served)
    tab.get_by_role("button", name="小兰").click()
    tab.wait_for_url(f"{served}inbox/**")
    assert calls == [tab.url, tab.url]


def test_cancel_on_a_phone_calls_back(tab: Page, served: str) -> None:
    calls = _open(tab, served)
    tab.get_by_role("button", name="Cancel on a phone").click()
    tab.wait_for_url(f"{served}inbox/**")
    assert calls == [tab.url]
    assert tab.url.endswith("?usercancel=1&state=s")
