"""The published front end: on another origin, without cookies. Its ``state`` is the page to open afterwards."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from tests.support.edge import Configure, Person, Upstream

pytestmark = pytest.mark.django_db

MOBILE = "13900000001"
PASSWORD = "horse-staple-9"


class FrontEnd:
    """The published front end: Vue 2 and axios, each request without cookies."""

    def login_url(self, page: str) -> dict[str, list[str]]:
        answer = Client().get("/oauth/qq/authorization/", {"state": page})
        assert answer.status_code == 200, answer.content
        assert not answer.cookies
        return parse_qs(urlsplit(answer.json()["login_url"]).query)

    def callback(self, code: str = "CODE", **query: str) -> Any:
        return Client().get("/oauth/qq/user/", {"code": code, **query})

    def bind(self, ticket: str, sms_code: str) -> Any:
        form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": sms_code, "access_token": ticket}
        return Client().post("/oauth/qq/user/", form, content_type="application/json")


@pytest.fixture
def published(qq: Upstream, phonebind: Configure) -> FrontEnd:
    phonebind(legacy_state=True)
    return FrontEnd()


def test_it_is_served_unchanged(published: FrontEnd, person: Person) -> None:
    query = published.login_url("/cart.html")
    assert query["state"] == ["/cart.html"], "the callback URL carries it back, and there it goes after success"
    new = published.callback()
    assert set(new.json()) == {"access_token", "expires_in", "next", "nickname", "avatar"}
    assert not new.cookies
    bound = published.bind(new.json()["access_token"], person.sms_code(MOBILE))
    assert bound.status_code == 201
    known = published.callback()
    assert known.json()["username"] == MOBILE
    assert not known.cookies


@pytest.mark.parametrize(("query", "next_"), [({}, "/"), ({"state": "/cart.html"}, "/cart.html"), ({"state": ""}, "/")])
def test_next_is_the_state_that_the_url_carries(published: FrontEnd, query: dict[str, str], next_: str) -> None:
    assert published.callback(**query).json()["next"] == next_


@pytest.mark.parametrize("state", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_threat_16_the_state_is_no_way_out_of_the_site(published: FrontEnd, qq: Upstream, state: str) -> None:
    assert published.callback(state=state).json()["code"] == "next_not_allowed"
    assert qq.requests == [], "and the code is not used up"
    answer = Client().get("/oauth/qq/authorization/", {"state": state})
    assert answer.json()["code"] == "next_not_allowed"


@pytest.mark.parametrize(("error", "code"), [("100030", "code_invalid"), ("100008", "provider_unavailable")])
def test_an_error_in_place_of_a_code(published: FrontEnd, qq: Upstream, error: str, code: str) -> None:
    answer = Client().get("/oauth/qq/user/", {"error": error, "state": "/cart.html"})
    assert answer.json()["code"] == code
    assert Client().get("/oauth/qq/user/", {"state": "/cart.html"}).json()["code"] == "sign_in_cancelled"
    assert qq.requests == []


def test_off_it_is_refused_what_it_needs(published: FrontEnd, person: Person, phonebind: Configure) -> None:
    ticket = published.callback().json()["access_token"]
    sms_code = person.sms_code(MOBILE)
    phonebind(legacy_state=False)
    assert published.bind(ticket, sms_code).json()["code"] == "ticket_invalid"
    assert published.callback().json()["code"] == "state_invalid"
    assert published.callback(state="/cart.html").json()["code"] == "state_invalid"
    assert Client().get("/oauth/qq/authorization/", {"state": "/"}).cookies


def test_a_ticket_that_has_a_browser_keeps_it(qq: Upstream, person: Person, phonebind: Configure) -> None:
    ticket = person.callback().json()["access_token"]
    phonebind(legacy_state=True)
    assert FrontEnd().bind(ticket, person.sms_code(MOBILE)).json()["code"] == "ticket_invalid"
