"""Every human check in a real browser: the whole way, by keyboard, in light and dark, and with each error."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import redis
from playwright.sync_api import Browser, Page, Request, Route, expect

from phonebind import limits
from tests.journeys.conftest import PHONE, Person, listen
from tests.journeys.conftest import _serve as serve
from tests.journeys.test_accessibility import inspect
from tests.support.services import valkey_server
from tests.support.visitor import Visitor

NewMobile = Callable[[], str]
Arrive = Callable[[str], Person]
DONE = re.compile(r"/login/done/$")
#: The site of each mode has its own database in Valkey.
DATABASES = {"altcha": 3, "image+altcha": 4, "adaptive": 5}


@pytest.fixture(scope="module")
def start(data: Path) -> Iterator[Callable[[str], str]]:
    """The address of the site in a mode. The site is started at the first call for it."""
    sites: dict[str, str] = {}
    with ExitStack() as stack:

        def start(mode: str) -> str:
            if mode not in sites:
                environ = {"db": DATABASES[mode], "HUMAN_CHECK": mode}
                sites[mode] = stack.enter_context(serve(data / mode.replace("+", "-"), **environ))  # type: ignore[arg-type]
            return sites[mode]

        yield start


@pytest.fixture
def arrive(browser: Browser, start: Callable[[str], str], complaints: list[str]) -> Iterator[Arrive]:
    """A person with a phone, at the form of the site in a mode."""
    with ExitStack() as stack:

        def arrive(mode: str, *, script: bool = True) -> Person:
            url = start(mode)
            options = {"base_url": url, "locale": "zh-CN", "viewport": PHONE, "java_script_enabled": script}
            context = stack.enter_context(browser.new_context(**options))  # type: ignore[arg-type]
            context.set_default_timeout(15_000)
            listen(context, complaints)
            person = Person(context.new_page(), Visitor(url))
            person.arrive("bold")
            if script:
                person.wait_for_script()
            return person

        yield arrive


@pytest.fixture
def posted() -> list[dict[str, str]]:
    return []


def watch(page: Page, posted: list[dict[str, str]]) -> None:
    """The requests that the page's script sends."""

    def note(request: Request) -> None:
        if request.method == "POST":
            form = parse_qs(request.post_data or "", keep_blank_values=True)
            posted.append({name: values[0] for name, values in form.items()})

    page.on("request", note)


def sent(person: Person, mobile: str) -> None:
    """The page says that the SMS was sent, and the phone has it. Type the code, and bind."""
    page = person.page
    expect(page.locator("[data-status]")).to_contain_text("验证码已发送", timeout=15_000)
    expect(page.locator("[name=sms_code]")).to_be_focused()
    page.locator("[name=sms_code]").fill(person.read_sms(mobile))
    person.submit()
    expect(page).to_have_url(DONE)


def ask(person: Person, mobile: str) -> None:
    person.page.locator("[name=mobile]").fill(mobile)
    person.page.locator("[data-send]").click()


def test_a_proof_of_work_and_nothing_to_read(
    arrive: Arrive, new_mobile: NewMobile, posted: list[dict[str, str]]
) -> None:
    person, mobile = arrive("altcha"), new_mobile()
    watch(person.page, posted)
    expect(person.page.locator("[name=text], [data-other] button")).to_have_count(0)
    inspect(person.page)
    ask(person, mobile)
    sent(person, mobile)
    assert [form["action"] for form in posted] == ["human_check", "send_code", "mobile", "mobile", "bind"]
    assert posted[1]["human_check"]


def test_both_and_a_wrong_image_first(arrive: Arrive, new_mobile: NewMobile) -> None:
    person, mobile = arrive("image+altcha"), new_mobile()
    inspect(person.page)
    person.ask_for_code(mobile, text="0000")
    assert person.error("text") == "图形验证码错误"
    expect(person.page.locator("[name=text]")).to_be_focused()
    expect(person.page.locator("[data-status]")).to_be_empty()
    person.ask_for_code(mobile)
    sent(person, mobile)


def test_adaptive_asks_for_no_proof_until_it_is_hot(
    arrive: Arrive, new_mobile: NewMobile, posted: list[dict[str, str]]
) -> None:
    person, mobile = arrive("adaptive"), new_mobile()
    watch(person.page, posted)
    person.ask_for_code(mobile)
    expect(person.page.locator("[data-status]")).to_contain_text("验证码已发送")
    assert [form["action"] for form in posted if "human_check" not in form] == ["human_check", "send_code"]
    with redis.Redis.from_url(valkey_server().url.replace("db=0", f"db={DATABASES['adaptive']}")) as client:
        now = int(time.time() * 1000) // limits.rule("sms_site_hour").width
        client.hset(limits.key("sms_site_hour", limits.SITE), str(now), 900)
    mobile = new_mobile()
    person.ask_for_code(mobile)
    sent(person, mobile)
    assert next(form for form in reversed(posted) if form["action"] == "send_code")["human_check"]


def test_threat_21_who_cannot_see_the_image_gets_in_by_keyboard(person: Person, new_mobile: NewMobile) -> None:
    page, mobile = person.page, new_mobile()
    person.arrive("bold")
    person.wait_for_script()
    page.locator("[name=mobile]").focus()
    page.keyboard.type(mobile)
    other = page.get_by_role("button", name="视障人士")
    for _ in range(6):
        if other.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(other).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[name=text]")).to_be_hidden()
    expect(page.get_by_role("status").filter(has_text="将由您的设备计算几秒来代替")).to_be_visible()
    back = page.get_by_role("button", name="恢复原来的验证方式")
    expect(back).to_be_focused()
    inspect(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("[data-send]")).to_be_focused()
    page.keyboard.press("Enter")
    sent(person, mobile)


def test_who_can_see_it_after_all_gets_the_image_back(person: Person, new_mobile: NewMobile) -> None:
    page, mobile = person.page, new_mobile()
    person.arrive("bold")
    page.get_by_role("button", name="视障人士").click()
    page.get_by_role("button", name="恢复原来的验证方式").click()
    expect(page.locator("[name=text]")).to_be_visible()
    person.ask_for_code(mobile)
    sent(person, mobile)


@pytest.mark.parametrize(
    "broken",
    [
        "Object.defineProperty(crypto, 'subtle', {value: undefined})",
        "crypto.subtle.deriveBits = () => Promise.reject(new Error('no memory'))",
    ],
    ids=["a page without HTTPS", "a browser that cannot"],
)
def test_where_it_cannot_be_computed_the_page_says_so_and_keeps_what_was_typed(
    arrive: Arrive, new_mobile: NewMobile, complaints: list[str], broken: str
) -> None:
    person, mobile = arrive("image+altcha"), new_mobile()
    person.page.evaluate(f"() => {{ {broken} }}")
    person.ask_for_code(mobile, text="acde")
    assert person.error("sms_code") == "人机验证未完成，请重试，或换一个浏览器"
    assert person.page.locator("[name=text]").input_value() == "acde"
    expect(person.page.locator("[data-status]")).to_be_empty()
    expect(person.page.locator("[data-send]")).to_be_enabled()
    assert complaints  # a line for the developer who looks for the reason
    complaints.clear()


def test_where_its_script_does_not_load_the_next_try_may(
    arrive: Arrive, new_mobile: NewMobile, complaints: list[str]
) -> None:
    person, mobile = arrive("altcha"), new_mobile()
    person.page.route("**/human*.js", lambda route: route.abort())
    ask(person, mobile)
    assert person.error("sms_code") == "人机验证未完成，请重试，或换一个浏览器"
    complaints.clear()
    person.page.unroute("**/human*.js")
    ask(person, mobile)
    sent(person, mobile)


def test_a_proof_that_came_too_late_is_asked_for_again(arrive: Arrive, new_mobile: NewMobile) -> None:
    person, mobile = arrive("altcha"), new_mobile()
    late = {
        "code": "human_check_invalid",
        "message": "人机验证未通过，请重试",
        "errors": {"human_check": ["人机验证未通过，请重试"]},
    }

    def answer_late(route: object) -> None:
        request = route.request  # type: ignore[attr-defined]
        if "action=send_code" in (request.post_data or ""):
            route.fulfill(status=400, json=late)  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    person.page.route("**/bind/**", answer_late)
    ask(person, mobile)
    assert person.error("sms_code") == "人机验证未通过，请重试"
    person.page.unroute("**/bind/**")
    ask(person, mobile)
    sent(person, mobile)


def test_without_a_script_the_page_says_that_it_needs_one(arrive: Callable[..., Person]) -> None:
    person = arrive("altcha", script=False)
    assert "需要启用 JavaScript" in person.page.locator("noscript").inner_text()
    ask(person, "13900000001")
    expect(person.page.get_by_role("alert")).to_contain_text("人机验证未通过，请重试")
    assert person.page.locator("[name=mobile]").input_value() == "13900000001"


def test_what_cannot_be_asked_for_costs_no_look_at_another_image(
    arrive: Arrive, new_mobile: NewMobile, complaints: list[str]
) -> None:
    person = arrive("image+altcha")
    before = person.page.locator("[data-image] img").get_attribute("src")

    def break_off(route: Route) -> None:
        (route.abort if "action=human_check" in (route.request.post_data or "") else route.continue_)()

    person.page.route("**/bind/**", break_off)
    person.ask_for_code(new_mobile(), text="acde")
    assert "网络连接失败" in person.error("sms_code")
    assert person.page.locator("[name=text]").input_value() == "acde"
    assert person.page.locator("[data-image] img").get_attribute("src") == before
    complaints.clear()


def test_what_is_changed_while_it_is_computed_is_meant_for_the_next_time(
    arrive: Arrive, new_mobile: NewMobile, posted: list[dict[str, str]]
) -> None:
    person, mobile = arrive("image+altcha"), new_mobile()
    page = person.page
    watch(page, posted)
    page.get_by_role("button", name="视障人士").click()
    page.locator("[name=mobile]").fill(mobile)
    # The proof of work stops at the first try, so that the test can act in the middle of it.
    page.evaluate(
        """() => {
            const derive = crypto.subtle.deriveBits.bind(crypto.subtle);
            const told = new Promise((resolve) => { globalThis.goOn = resolve; });
            crypto.subtle.deriveBits = async (...given) => (await told, derive(...given));
        }"""
    )
    page.locator("[data-send]").click()
    expect(page.locator("[data-status]")).to_contain_text("正在进行人机验证")
    expect(page.locator("[data-send]")).to_be_focused()
    page.get_by_role("button", name="恢复原来的验证方式").click()
    page.locator("[name=mobile]").fill("13")
    page.evaluate("goOn()")
    expect(page.locator("[data-status]")).to_contain_text("验证码已发送", timeout=15_000)
    assert (posted[-1]["mobile"], posted[-1]["without_image"]) == (mobile, "1")
    assert person.read_sms(mobile)


def test_a_check_that_never_answers_is_given_up(arrive: Arrive, new_mobile: NewMobile, complaints: list[str]) -> None:
    person = arrive("altcha")
    person.page.clock.install()
    person.page.evaluate(
        """() => {
            crypto.subtle.deriveBits = () => {
                document.documentElement.dataset.begun = "";
                return new Promise(() => {});
            };
        }"""
    )
    ask(person, new_mobile())
    # Check this first: a person who waits 121 s before the script has begun to wait waits in vain.
    expect(person.page.locator("html[data-begun]")).to_have_count(1)
    expect(person.page.locator("[data-status]")).to_contain_text("正在进行人机验证")
    person.page.clock.run_for(121_000)
    assert person.error("sms_code") == "人机验证未完成，请重试，或换一个浏览器"
    complaints.clear()
