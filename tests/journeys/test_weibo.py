"""Weibo in a real browser, and the apps with the SDKs, against the reference server and its sandbox."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Person
from tests.support.visitor import Visitor

NewMobile = Callable[[], str]
DONE = re.compile(r"/login/done/$")


@pytest.fixture(autouse=True)
def fresh(visitor: Visitor) -> None:
    visitor.faults()


def _press(page: Page, button: str) -> None:
    page.goto("/login/weibo/")
    page.locator(button).click()


def test_who_cancels_may_begin_again(person: Person) -> None:
    _press(person.page, "button[name=deny]")
    expect(person.page).to_have_url(re.compile(r"/login/weibo/callback/\?error_uri="))
    expect(person.page.locator("a[href*='/login/']").first).to_be_visible()


def test_weibo_down(person: Person, visitor: Visitor) -> None:
    visitor.faults(weibo_token_network="down")
    _press(person.page, "button[value=xiaolan]")
    expect(person.page).to_have_url(re.compile(r"/login/weibo/callback/"))


def test_the_website_and_the_app_of_qq_are_joined_by_the_unionid(visitor: Visitor, new_mobile: NewMobile) -> None:
    ticket = visitor.arrive("sam").data["access_token"]
    assert visitor.bind(new_mobile(), "horse-staple-9", ticket=ticket).status == 201
    token = str(visitor.get("/sandbox/qq/sdk/token", person="sam").data["access_token"])
    assert visitor.post("/oauth/qq_app/native/", token=token).data["token"]


def test_who_is_bound_at_weibos_website_is_known_in_the_app(person: Person, new_mobile: NewMobile) -> None:
    _press(person.page, "button[value=liming]")
    person.get_code(new_mobile())
    person.submit()
    expect(person.page).to_have_url(DONE)
    token = str(person.visitor.get("/sandbox/weibo/sdk/token", person="liming").data["access_token"])
    assert person.visitor.post("/oauth/weibo/native/", token=token).data["token"]
    foreign = person.visitor.get("/sandbox/weibo/sdk/token", person="liming", client_id="100000002").data
    refused = person.visitor.post("/oauth/weibo/native/", token=foreign["access_token"])
    assert (refused.status, refused.data["code"]) == (400, "code_invalid"), "threat 8"


def test_numbers_as_text_and_a_profile_too_long_to_read(visitor: Visitor) -> None:
    visitor.faults(weibo_numbers="string", weibo_profile="long")
    token = str(visitor.get("/sandbox/weibo/sdk/token", person="bold").data["access_token"])
    arrived = visitor.post("/oauth/weibo/native/", token=token).data
    assert arrived["access_token"]
    assert (arrived["nickname"], arrived["avatar"]) == ("", "")


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        (21327, "code_invalid"),
        (21332, "code_invalid"),
        (21321, "provider_unavailable"),
        (10001, "provider_unavailable"),
    ],
)
def test_what_weibo_refuses_is_told_by_who_can_repair_it(visitor: Visitor, code: int, answer: str) -> None:
    token = str(visitor.get("/sandbox/weibo/sdk/token", person="bold").data["access_token"])
    visitor.faults(weibo_token_info_error=code)
    assert visitor.post("/oauth/weibo/native/", token=token).data["code"] == answer


def test_a_token_that_weibo_calls_another_apps_is_refused(visitor: Visitor) -> None:
    token = str(visitor.get("/sandbox/weibo/sdk/token", person="bold").data["access_token"])
    visitor.faults(weibo_wrong_appkey=True)
    assert visitor.post("/oauth/weibo/native/", token=token).data["code"] == "code_invalid"
