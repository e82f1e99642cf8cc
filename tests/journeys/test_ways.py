"""The sign-in page with several ways to sign in, and the avatar on the next page, on a phone and on a desktop."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.journeys.conftest import PHONE, Person, listen, show_avatar
from tests.journeys.test_accessibility import inspect
from tests.support import ways
from tests.support.services import valkey_server
from tests.support.site import serve
from tests.support.visitor import Visitor

DESKTOP = {"width": 1280, "height": 720}

#: Opens a tab of a browser with this size, user agent and colour scheme.
Open: TypeAlias = Callable[..., Page]


@pytest.fixture(scope="module")
def shop(data: Path) -> Iterator[str]:
    """A site with QQ and other providers."""
    environ = {
        "DJANGO_SETTINGS_MODULE": "tests.support.ways_settings",
        "REDIS_URL": valkey_server().url.replace("db=0", "db=4"),
    }
    with serve(data / "ways", **environ) as url:
        yield url


@pytest.fixture
def open_tab(browser: Browser, shop: str, complaints: list[str]) -> Iterator[Open]:
    opened: list[AbstractContextManager[Any]] = []

    def start(user_agent: str, viewport: dict[str, int], **how: Any) -> Page:
        options: Any = {"base_url": shop, "locale": "en", "user_agent": user_agent, "viewport": viewport, **how}
        context = browser.new_context(**options)
        opened.append(context)
        context.set_default_timeout(10_000)
        listen(context, complaints)
        return context.new_page()

    yield start
    for context in opened:
        context.__exit__(None, None, None)


def buttons(page: Page) -> list[str]:
    return [text.strip() for text in page.locator(".ways a").all_inner_texts()]


@pytest.mark.parametrize(
    ("scheme", "user_agent", "viewport", "first", "wechat"),
    [
        ("light", ways.PHONE, PHONE, "QQ", False),
        ("dark", ways.IN_WECHAT, PHONE, "WeChat", True),
        ("light", ways.DESKTOP, DESKTOP, "QQ", True),
        ("dark", ways.DESKTOP, DESKTOP, "QQ", True),
    ],
    ids=["phone", "wechat", "desktop", "desktop-dark"],
)
def test_threat_21_several_ways_serve_everybody(
    open_tab: Open, scheme: str, user_agent: str, viewport: dict[str, int], first: str, wechat: bool
) -> None:
    page = open_tab(user_agent, viewport, color_scheme=scheme)
    page.goto("/login/")
    names = [text.removeprefix("Sign in with ") for text in buttons(page)]
    assert names[0] == first
    assert ("WeChat" in names) is wechat
    assert page.get_by_text("open this page in the WeChat app").is_visible() is not wechat
    assert len(names) == len(set(names)) >= 5
    inspect(page)


def test_the_marks_stand_below_each_other(open_tab: Open) -> None:
    page = open_tab(ways.PHONE, PHONE)
    page.goto("/login/")
    boxes: list[Any] = [mark.bounding_box() or {} for mark in page.locator(".ways .mark svg").all()]
    assert len(boxes) == len(buttons(page))
    [(_, width, height)] = {(box["x"], box["width"], box["height"]) for box in boxes}
    assert (width, height) == (24, 24)


def test_threat_21_several_ways_by_keyboard_and_without_script(open_tab: Open) -> None:
    page = open_tab(ways.IN_WECHAT, PHONE, java_script_enabled=False)
    page.route("https://avatar.example/**", show_avatar)
    page.goto("/login/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Sign in with WeChat", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Sign in with QQ", exact=True)).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/login/wechat_oa/bind/[0-9a-f]+/$"))
    expect(page.get_by_text("WeChat has confirmed you")).to_be_visible()


# ---------------------------------------------------------------- the avatar


def letter_is_seen(page: Page) -> bool:
    """Whether the letter in the circle can be seen. Beside a picture, the letter is below the circle, and is hidden."""
    return bool(
        page.locator(".avatar").evaluate("""circle => {
            const range = document.createRange();
            range.selectNodeContents(circle.lastChild);
            const letter = range.getBoundingClientRect(), box = circle.getBoundingClientRect();
            return letter.bottom <= box.bottom && letter.width > 0;
        }""")
    )


def test_the_avatar_is_asked_for_without_a_referrer_and_shown(open_tab: Open) -> None:
    page = open_tab(ways.PHONE, PHONE)
    asked: list[dict[str, str]] = []
    page.on("request", lambda request: asked.append(request.headers) if request.url == ways.AVATAR else None)
    page.route("https://avatar.example/**", show_avatar)
    page.goto("/login/weibo/")
    image = page.locator(".avatar img")
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 132
    box = image.bounding_box()
    assert box
    assert (box["width"], box["height"]) == (48, 48)
    assert not letter_is_seen(page)
    [headers] = asked
    assert "referer" not in headers
    inspect(page)


def test_an_avatar_that_does_not_load_leaves_the_letter_and_the_form(
    open_tab: Open, shop: str, new_mobile: Callable[[], str], complaints: list[str]
) -> None:
    page = open_tab(ways.PHONE, PHONE)
    page.route("https://avatar.example/**", lambda route: route.abort())
    page.goto("/login/weibo/")
    page.wait_for_load_state("networkidle")
    assert letter_is_seen(page)
    assert page.locator(".avatar").inner_text() == "小"
    inspect(page)
    visitor = Visitor(shop)
    visitor.faults()
    somebody = Person(page, visitor)
    somebody.get_code(new_mobile())
    somebody.submit()
    expect(page).to_have_url(re.compile(r"/login/done/$"))
    assert {text for text in complaints if "ERR_FAILED" not in text} == set()
    complaints.clear()


def test_no_other_picture_loads_there(open_tab: Open, complaints: list[str]) -> None:
    page = open_tab(ways.PHONE, PHONE)
    page.route("https://avatar.example/**", show_avatar)
    page.route("https://evil.example/**", show_avatar)
    page.goto("/login/weibo/")
    with page.expect_console_message():
        page.evaluate("document.querySelector('.avatar img').src = 'https://evil.example/x'")
    assert [text for text in complaints if "Content Security Policy" in text]
    complaints.clear()


def test_a_snapshot_leads_to_a_new_sign_in_by_a_tap(open_tab: Open) -> None:
    page = open_tab(ways.IN_A_SNAPSHOT, PHONE)
    page.route("https://avatar.example/**", show_avatar)
    page.goto("/login/")
    page.get_by_role("link", name="Sign in with WeChat").click()
    expect(page.get_by_role("heading")).to_have_text("WeChat shows a snapshot")
    inspect(page)
    page.route("**/login/wechat_oa/", in_full)
    page.get_by_role("link", name="Sign in again").click()
    expect(page.get_by_text("WeChat has confirmed you")).to_be_visible()


def in_full(route: Route) -> None:
    route.continue_(headers={**route.request.headers, "user-agent": ways.IN_WECHAT})
