"""Every page, in both languages, in light and dark: axe finds no error, each button is large enough for a finger,
nothing is wider than the screen.
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from phonebind.human.image_drawing import SIZE
from tests.journeys.conftest import PHONE, QQ, Person, listen
from tests.support.visitor import Visitor

TARGETS = (
    ".button:visible, .way-out a, .foot a, .image:visible, .show:visible, .plain:visible, .row input:visible, .check"
)
FINGER = 44


@pytest.fixture(params=["zh-CN", "en-US"])
def locale(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def person(
    browser: Browser, site_with_terms: str, locale: str, scheme: Literal["light", "dark"], complaints: list[str]
) -> Iterator[Person]:
    visitor = Visitor(site_with_terms)
    visitor.faults()
    options: Any = {"base_url": site_with_terms, "locale": locale, "color_scheme": scheme, "viewport": PHONE}
    with browser.new_context(**options) as context:
        listen(context, complaints)
        yield Person(context.new_page(), visitor)


def inspect(page: Page) -> None:
    page.wait_for_load_state()
    found = Axe().run(page)
    assert not found.violations_count, found.generate_report()
    small = [found for found in map(size, page.locator(TARGETS).all()) if min(found[1:]) < FINGER]
    assert not small
    for width, text in ((195, "100%"), (390, "200%")):  # a phone zoomed to 200 %: the whole page, or the text alone
        page.set_viewport_size({"width": width, "height": 844})
        page.evaluate("size => { document.documentElement.style.fontSize = size; }", text)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("document.documentElement.style.fontSize = ''")
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # In a smaller size, the image code is hard to read.
        assert all(size(image)[1:] == SIZE for image in page.locator(".image img:visible").all())
    page.set_viewport_size({"width": 390, "height": 844})


def size(target: Locator) -> tuple[str, float, float]:
    box = target.bounding_box()
    assert box
    return target.evaluate("element => element.outerHTML"), box["width"], box["height"]


def test_threat_21_every_page_serves_everybody(person: Person, new_mobile: Callable[[], str]) -> None:
    page = person.page
    page.goto("/login/")
    inspect(page)

    person.arrive("bold")
    person.look()
    inspect(page)
    person.go_on()
    person.error("terms")
    inspect(page)
    person.get_code(new_mobile())
    inspect(page)
    page.locator("[name=terms]").check()
    page.locator("[name=privacy]").check()
    person.submit("short")
    person.error("password")
    inspect(page)
    page.route("**/bind/**", lambda route: route.fulfill(status=503, json={"code": "x", "message": "…"}))
    person.submit()
    expect(page.get_by_role("alert")).to_be_focused()
    inspect(page)
    page.unroute("**/bind/**")
    person.submit()
    page.wait_for_url("**/done/")
    inspect(page)


def test_threat_21_the_other_pages_too(person: Person, new_mobile: Callable[[], str]) -> None:
    page = person.page
    person.arrive("bold")
    page.locator("[name=terms]").check()
    page.locator("[name=privacy]").check()
    person.get_code(new_mobile())
    person.submit()
    page.wait_for_url("**/done/")
    person.arrive("xiaolan")
    page.wait_for_url("**/attach/**")
    inspect(page)
    page.goto("/login/")
    inspect(page)
    page.goto("/login/qq/callback/")
    inspect(page)
    page.goto("/login/qq/bind/none/")
    inspect(page)


def test_who_wants_no_motion_gets_none(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto("/login/")
    durations = page.locator(QQ).evaluate("element => getComputedStyle(element).transitionDuration")
    assert set(durations.split(", ")) == {"0s"}
