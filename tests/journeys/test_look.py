"""What makes the pages easy to use: numbers with a country code, errors that disappear, buttons that show progress;
and a theme.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import PHONE, Person, listen
from tests.journeys.test_accessibility import inspect
from tests.support.services import valkey_server
from tests.support.site import serve
from tests.support.visitor import Visitor

NewMobile = Callable[[], str]


@pytest.fixture(autouse=True)
def fresh(visitor: Visitor) -> None:
    visitor.faults()


@pytest.mark.parametrize("form", ["+86 {} {} {}", "0086{}{}{}", "86-{}-{}-{}", "{} {} {}", "\u202a+86{}{}{}\u202c"])
def test_a_number_with_a_country_code_is_shown_without(person: Person, new_mobile: NewMobile, form: str) -> None:
    """+86 stands before the field, so a number is accepted with it."""
    mobile = new_mobile()
    person.arrive("sam")
    person.wait_for_script()
    field = person.page.locator("[name=mobile]")
    field.fill(form.format(mobile[:3], mobile[3:7], mobile[7:]))
    field.blur()
    expect(field).to_have_value(mobile)


@pytest.mark.parametrize("text", ["+85 139 0000 0001", "1390000000", "somebody"])
def test_what_is_no_number_stays_as_it_is(person: Person, text: str) -> None:
    person.arrive("sam")
    person.wait_for_script()
    field = person.page.locator("[name=mobile]")
    field.fill(text)
    field.blur()
    expect(field).to_have_value(text)


def test_an_error_goes_when_it_is_mended_and_the_others_stay(person: Person) -> None:
    page = person.page
    person.arrive("sam")
    person.wait_for_script()
    person.go_on()
    person.error("mobile")
    person.error("sms_code")
    page.locator("[name=mobile]").press_sequentially("1")
    expect(page.locator("#id_mobile_error")).to_be_empty()
    expect(page.locator("[name=mobile]")).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#id_sms_code_error")).not_to_be_empty()


@pytest.mark.parametrize(("motion", "turns"), [("no-preference", "turn"), ("reduce", "none")])
def test_a_button_whose_answer_is_awaited_says_so_and_is_pressed_once(person: Person, motion: Any, turns: str) -> None:
    page, asked = person.page, []
    page.emulate_media(reduced_motion=motion)
    person.arrive("sam")
    person.wait_for_script()

    def hold(route: Any) -> None:
        asked.append(route)

    page.route("**/bind/**", hold)
    button = page.locator("form .button.main")
    button.click()
    expect(button).to_have_text(re.compile("请稍"))
    expect(button).to_have_attribute("aria-disabled", "true")
    ring = button.evaluate(
        "button => { const s = getComputedStyle(button, '::before'); return [s.width, s.animationName]; }"
    )
    assert ring == ["17px", turns]
    button.click(force=True)
    page.wait_for_timeout(200)
    assert len(asked) == 1
    asked[0].fulfill(status=503, json={"code": "x", "message": "…"})
    expect(button).not_to_have_attribute("aria-disabled", "true")


def test_the_prefix_takes_no_tap_and_no_room(person: Person) -> None:
    """A tap on +86 is a tap on the field. The field is as wide as the others."""
    page = person.page
    person.arrive("sam")
    prefix, field = page.locator(".prefix"), page.locator("[name=mobile]")
    box, own = field.bounding_box(), prefix.bounding_box()
    assert box
    assert own
    assert box["x"] < own["x"] < own["x"] + own["width"] < box["x"] + box["width"]
    page.mouse.click(own["x"] + 10, own["y"] + own["height"] / 2)
    expect(field).to_be_focused()
    padding = field.evaluate("field => parseFloat(getComputedStyle(field).paddingLeft)")
    assert padding > own["width"]


#: Of each visible field: its example, the width of the example in the field's font, and the room for it.
EXAMPLES = """fields => fields.filter(field => field.offsetParent && field.placeholder).map(field => {
    const style = getComputedStyle(field), text = document.createElement("canvas").getContext("2d");
    text.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const padding = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
    return [field.placeholder, text.measureText(field.placeholder).width, field.clientWidth - padding];
})"""


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_the_example_in_a_field_is_shown_whole(browser: Browser, site: str, complaints: list[str], locale: str) -> None:
    with browser.new_context(base_url=site, locale=locale) as context:
        listen(context, complaints)
        page = context.new_page()
        Person(page, Visitor(site)).arrive("sam")
        bind = page.url
        seen = set()
        for address in (bind, "/login/by/sms/", "/login/by/password/", "/login/by/reset/"):
            page.goto(address)
            for width in (320, 360, PHONE["width"]):
                page.set_viewport_size({**PHONE, "width": width})  # type: ignore[typeddict-item]
                found = page.locator("input[placeholder]").evaluate_all(EXAMPLES)
                seen |= {example for example, _, _ in found}
                assert [each for each in found if each[1] > each[2]] == []
        assert len(seen) == 4


# ---------------------------------------------------------------- the themed example


@pytest.fixture(scope="module")
def tea_shop(data: Path) -> Iterator[str]:
    environ = {
        "DJANGO_SETTINGS_MODULE": "examples.themed_shop.settings",
        "REDIS_URL": valkey_server().url.replace("db=0", "db=7"),
    }
    with serve(data / "tea", **environ) as url:
        yield url


@pytest.fixture(params=["light", "dark"])
def visit(request: pytest.FixtureRequest, browser: Browser, tea_shop: str, complaints: list[str]) -> Iterator[Page]:
    options: Any = {"base_url": tea_shop, "locale": "zh-CN", "viewport": PHONE, "color_scheme": request.param}
    with browser.new_context(**options) as context:
        context.set_default_timeout(10_000)
        listen(context, complaints)
        yield context.new_page()


def test_threat_21_a_theme_serves_everybody_too(visit: Page) -> None:
    visit.goto("/login/")
    logo = visit.locator(".site img.logo")
    assert logo.evaluate("image => image.decode().then(() => image.getBoundingClientRect().height)") == 36
    expect(visit.locator(".site")).to_contain_text("青山茶铺")
    expect(visit.get_by_text("新用户首单包邮")).to_be_visible()
    inspect(visit)
    Person(visit, Visitor("")).arrive("sam")
    accent = visit.locator("form .button.main").evaluate("button => getComputedStyle(button).backgroundColor")
    assert accent in {"rgb(25, 112, 90)", "rgb(134, 211, 187)"}
    inspect(visit)
