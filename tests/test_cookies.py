"""Threat 41: a cookie is ours only under the exact name that the browser sent."""

import sys
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from phonebind import browser, cookies, oauth, states, tickets
from phonebind.browser import Cookie
from phonebind.exceptions import StateInvalid, TicketInvalid
from phonebind.middleware import CookieNamesMiddleware
from phonebind.oauth import Identity
from tests.support.edge import OPENID

#: All white space that Python, and so Django, strips from a name, except the two characters that separate pairs.
WHITE_SPACE = [char for char in map(chr, range(sys.maxunicode + 1)) if char.isspace() and char not in " \t"]
IDENTITY = Identity("qq", "101000001", OPENID)


def request(header: str) -> HttpRequest:
    """A request over HTTPS. The web server passes this header on: its bytes are read as Latin-1."""
    return RequestFactory().get("/", secure=True, HTTP_COOKIE=header.encode().decode("latin-1"))


def in_asgi(header: str) -> HttpRequest:
    """Under ASGI Django reads the header as Latin-1, so it strips single bytes."""
    sent = header.encode("latin-1", "ignore") if "\xa0" in header or "\x85" in header else header.encode()
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"cookie", sent)]}
    return ASGIRequest({**scope, "scheme": "https", "query_string": b""}, None)  # type: ignore[arg-type]


@pytest.fixture(params=[request, in_asgi], ids=["wsgi", "asgi"])
def received(request: pytest.FixtureRequest) -> Any:
    return request.param


def planted(cookie: Cookie, before: str = "", after: str = "") -> str:
    return f"{before}{cookie.name}{after}={cookie.value}"


@pytest.mark.parametrize("char", WHITE_SPACE, ids=lambda char: f"U+{ord(char):04X}")
@pytest.mark.parametrize("place", ["before", "after"])
def test_threat_41_a_name_with_white_space_is_another_name(received: Any, char: str, place: str) -> None:
    qq, plain = oauth.web("qq"), received("")
    started = states.start(plain, qq, "/")
    state, flow = started.state, started.cookie
    assert flow is not None
    ticket, own = tickets.issue(plain, IDENTITY, "/")
    assert flow.name.startswith("__Host-")
    states.read(received(planted(flow, " \t")), qq, state)  # the form that is expected
    with pytest.raises(StateInvalid):
        states.read(received(planted(flow, **{place: char})), qq, state)
    with pytest.raises(TicketInvalid):
        tickets.read(received(planted(own, **{place: char})), qq, ticket)


@pytest.mark.parametrize("char", WHITE_SPACE, ids=lambda char: f"U+{ord(char):04X}")
def test_threat_41_no_ticket_is_kept_or_dropped_for_a_planted_name(received: Any, char: str) -> None:
    name = f"__Host-phonebind_kept_{'a' * 12}"
    assert tickets.kept(received(f"{name}=T"), "a" * 12) == "T"
    assert tickets.kept(received(f"{char}{name}=T"), "a" * 12) == ""
    many = "; ".join(f"{char}__Host-phonebind_flow_{number:x}=x" for number in range(20))
    response = HttpResponse()
    browser.remember(received(many), response, Cookie("__Host-phonebind_flow_a1", "y", 600), most=8, room=960)
    browser.forget_all(received(many), response)
    assert list(response.cookies) == ["__Host-phonebind_flow_a1"]


def test_the_cookies_come_in_the_order_of_the_browser() -> None:
    assert list(cookies.read(request("b=1; a=2;c=;  d = 4 ;b=5; e")).items()) == [
        ("b", "5"),
        ("a", "2"),
        ("c", ""),
        ("d", "4"),
        ("e", ""),
    ]


# ---------------------------------------------------------------- for Django's own cookies


def through(asked: HttpRequest) -> dict[str, str]:
    """The cookies that Django reads behind the middleware."""
    seen: list[dict[str, str]] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(dict(request.COOKIES))
        return HttpResponse()

    CookieNamesMiddleware(view)(asked)
    return seen[0]


@pytest.mark.parametrize("char", WHITE_SPACE, ids=lambda char: f"U+{ord(char):04X}")
@pytest.mark.parametrize("name", ["sessionid", "csrftoken"])
def test_threat_41_the_middleware_drops_planted_names(received: Any, name: str, char: str) -> None:
    assert request(f"a=1; {char}{name}=evil").COOKIES[name] == "evil"  # Django without our middleware
    assert through(received(f"a=1; {char}{name}=evil; b=2")) == {"a": "1", "b": "2"}
    assert through(received(f"{name}=mine; {name}{char}=evil")) == {name: "mine"}


@pytest.mark.parametrize("header", ["", "a=1", "a=1; b=2", 'q="x y"; t=a=b', "sessionid=x;csrftoken=y; _ga=GA1.2"])
def test_the_middleware_leaves_tokens_as_they_came(received: Any, header: str) -> None:
    asked = received(header)
    before = asked.META.get("HTTP_COOKIE")
    assert through(asked) == received(header).COOKIES
    assert asked.META.get("HTTP_COOKIE") == before


@pytest.mark.parametrize("pair", ["=x", "x", "é=1", "a b=1", "a[b]=1", "a\x00=1"])
def test_the_middleware_drops_what_is_no_token(received: Any, pair: str) -> None:
    kept = through(received(f"{pair}; a=1"))
    # For Django, a name without a value has the empty name. For us it is a token.
    assert {name: value for name, value in kept.items() if name} == {"a": "1"}


def test_the_middleware_is_asynchronous_where_django_is() -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.COOKIES.get("sessionid", "none"))

    middleware = CookieNamesMiddleware(view)
    answer = async_to_sync(middleware)(in_asgi("\u2000sessionid=evil"))
    assert answer.content == b"none"
