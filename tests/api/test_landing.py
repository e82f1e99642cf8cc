"""Pages go to ``decodeURI(state)``. They reach the right page, and never another site."""

from datetime import timedelta
from importlib import import_module
from itertools import product
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus, unquote, urlsplit

import pytest
import time_machine
from django import urls
from django.core import signing
from django.test import Client, RequestFactory
from django.urls import include
from pytest_django import Settings

from phonebind import oauth, states, tickets
from phonebind.api import dialects, landing
from tests.support.dialects import PAGE, Start, decode_uri, front_end, goes_to, lands, state_of
from tests.support.edge import Upstream

__all__ = ["front_end"]

SITE = "http://www.shop.example:8080"
#: The API on a port, as in the course: each address of it contains a colon.
ON_A_PORT = {"HTTP_HOST": "localhost:8000"}
ORIGINS = {"http://www.shop.example:8080", "http://testserver", "http://localhost:8000"}
#: Attacks that were tried on other projects, and values that are harmless until they are decoded once too often.
NASTY = [
    "/%5C%5Cevil.example/",
    "/%5Cevil.example",
    "%5C%5Cevil.example",
    "%2F%2Fevil.example",
    "/%2F%2Fevil.example",
    "/%2Fevil.example",
    "/%252F%252Fevil.example",
    "/%255C%255Cevil.example",
    "/%09/evil.example",
    "/javascript:alert(1)",
    "/javascript%3Aalert(1)",
    "/https:evil.example",
    "/https:%2F%2Fevil.example",
    "/https://evil.example",
    "/;//evil.example",
    "/.//evil.example",
    "..//evil.example",
    "/@evil.example",
    "/:80@evil.example",
    "/cart.html?next=//evil.example",
    "/cart.html#//evil.example",
    "?//evil.example",
    "#javascript:alert(1)",
]


@pytest.fixture
def pages(front_end: Start) -> None:
    front_end("tutorial", allowed_next_hosts=("www.shop.example:8080", "news.example"))


@pytest.fixture
def relayed(front_end: Start) -> str:
    """With ``callback_page``: QQ sends people to us, and we send them on to the page."""
    providers = {"redirect_uri": "http://testserver/oauth/qq/callback/", "callback_page": PAGE}
    front_end("tutorial", providers=providers, allowed_next_hosts=("www.shop.example:8080", "news.example"))
    return "/oauth/qq/callback/"


def shown(address: str) -> str:
    """The page that the browser shows in the end, when an address of ours redirects on the way."""
    parts = urlsplit(address)
    if not parts.path.startswith("/oauth/qq/next/"):
        return address
    answer = Client().get(parts.path, HTTP_HOST=parts.netloc)
    assert answer.status_code == 302
    assert "no-store" in answer["Cache-Control"]
    return goes_to(answer["Location"])


def state_on_the_page(location: str) -> str:
    """Read with the pattern that pages use: it stops at the first "&" and does not decode "+"."""
    assert location.startswith(f"{PAGE}?")
    pairs = dict(pair.split("=", 1) for pair in urlsplit(location).query.split("&"))
    return decode_uri(pairs["state"])


# ---------------------------------------------------------------- the state as the provider returns it


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize(
    ("next_", "expected"),
    [
        ("/", "/"),
        ("/cart.html", "/cart.html"),
        ("/goods/1.html", "/goods/1.html"),
        ("/goods/hot/", "/goods/hot/"),
        ("cart.html", "/cart.html"),
        ("goods/1.html", "/goods/1.html"),
        ("/商品.html", "/商品.html"),
        ("/商品/手机.html", "/商品/手机.html"),
        ("/a b.html", "/a%20b.html"),
        ("/a;b,c@d+e$f=g.html", "/a%3Bb%2Cc%40d%2Be%24f%3Dg.html"),
        ("/time/12:30.html", "/time/12%3A30.html"),
        ("/12:30.html", "/12%3A30.html"),
        (f"{SITE}/cart.html", "/cart.html"),
        (f"{SITE}/", "/"),
        (SITE, "/"),
    ],
)
def test_a_path_is_written_into_the_state(next_: str, expected: str) -> None:
    assert lands(next_) == lands(next_, **ON_A_PORT) == SITE + expected


@pytest.mark.usefixtures("pages")
def test_a_blank_that_comes_back_as_a_plus_is_a_blank() -> None:
    """Forms write a blank as a plus, and so does the sandbox."""
    assert goes_to(decode_uri(quote_plus(state_of("/a b.html")))) == f"{SITE}/a%20b.html"


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize("next_", ["/", "/cart.html", "/goods/1.html", "/商品/手机.html"])
def test_it_is_the_same_for_pages_that_decode_twice_and_for_providers_that_do_not_encode(next_: str) -> None:
    state = state_of(next_)
    expected = SITE + next_
    assert goes_to(unquote(decode_uri(quote(state, safe="")))) == expected
    assert goes_to(decode_uri(state)) == expected


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize(
    ("next_", "expected"),
    [
        ("/list.html?cat=115&page=2", f"{SITE}/list.html?cat=115&page=2"),
        ("/list.html?q=手机", f"{SITE}/list.html?q=%E6%89%8B%E6%9C%BA"),
        ("/list.html#top", f"{SITE}/list.html#top"),
        ("/100%.html", f"{SITE}/100%.html"),
        ("/a%2Fb.html", f"{SITE}/a%2Fb.html"),
        ("?page=2", f"{PAGE}?page=2"),
        (f"{SITE}/list.html?cat=115", f"{SITE}/list.html?cat=115"),
        ("http://news.example/today/", "http://news.example/today/"),
    ],
)
def test_what_cannot_be_written_leads_through_an_address_of_ours(next_: str, expected: str) -> None:
    assert lands(next_).startswith("http://testserver/oauth/qq/next/")
    assert shown(lands(next_)) == expected


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize(
    ("next_", "expected"),
    [
        ("/list.html?cat=115&page=2", "/list.html"),
        ("/list.html#top", "/list.html"),
        ("/a%2Fb.html", "/"),
        ("?page=2", "/"),
        (f"{SITE}?page=2", "/"),
        ("http://news.example/today/", "/"),
    ],
)
def test_on_a_port_the_page_alone_is_better_than_nothing(next_: str, expected: str) -> None:
    assert lands(next_, **ON_A_PORT) == SITE + expected


def test_a_callback_page_in_a_directory_has_its_neighbours(front_end: Start) -> None:
    page = "http://www.shop.example/front/oauth_callback.html"
    front_end("tutorial", providers={"redirect_uri": page})
    for next_ in ("/front/cart.html", "/cart.html", "/front/", "/", "/front/goods/1.html"):
        assert goes_to(decode_uri(quote(state_of(next_), safe="")), page) == f"http://www.shop.example{next_}"


# ---------------------------------------------------------------- relayed


@pytest.mark.parametrize(
    "next_",
    ["/", "/cart.html", "/goods/1.html", "/list.html?cat=115", "/商品.html?q=手机", "http://news.example/today/"],
)
@pytest.mark.parametrize("host", [{}, ON_A_PORT])
def test_a_relay_writes_what_the_page_can_read(relayed: str, next_: str, host: dict[str, str]) -> None:
    answer = Client().get(relayed, {"code": "CODE", "state": state_of(next_, **host)}, **host)  # type: ignore[arg-type]
    assert answer.status_code == 302
    assert "no-store" in answer["Cache-Control"]
    assert "code=CODE" in answer["Location"]
    assert goes_to(state_on_the_page(answer["Location"])) == goes_to(next_)


@pytest.mark.parametrize("next_", ["/list.html?cat=115&page=2", "/list.html#top", "/100%.html", "/a%2Fb.html?c=%26"])
@pytest.mark.parametrize("host", [{}, ON_A_PORT])
def test_what_a_page_cannot_read_is_relayed_through_an_address_of_ours(
    relayed: str, next_: str, host: dict[str, str]
) -> None:
    answer = Client().get(relayed, {"code": "CODE", "state": next_}, **host)  # type: ignore[arg-type]
    assert shown(goes_to(state_on_the_page(answer["Location"]))) == SITE + next_


@pytest.mark.parametrize("query", [{"usercancel": "1"}, {"error": "100030"}, {}])
def test_a_relay_brings_a_cancel_too(relayed: str, query: dict[str, str]) -> None:
    location = Client().get(relayed, {**query, "state": "/cart.html", "other": "x"})["Location"]
    assert {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()} == {
        **query,
        "state": "/cart.html",
    }


def test_a_callback_page_may_have_a_query_of_its_own(front_end: Start, relayed: str) -> None:
    front_end("tutorial", providers={"callback_page": f"{PAGE}?from=qq"})
    location = Client().get(relayed, {"code": "A&state=/x", "state": "/cart.html"})["Location"]
    assert location == f"{PAGE}?from=qq&code=A%26state%3D%2Fx&state=/cart.html"


def test_without_a_callback_page_there_is_no_relay(front_end: Start) -> None:
    front_end("tutorial")
    assert Client().get("/oauth/qq/callback/").status_code == 404


@pytest.mark.parametrize("path", ["/oauth/weibo/callback/", "/oauth/weibo/next/x/"])
def test_nor_is_there_for_a_provider_that_is_not_there(relayed: str, path: str) -> None:
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize("path", ["/oauth/qq/callback/", "/oauth/qq/next/x/"])
def test_neither_is_there_for_the_contract(front_end: Start, path: str) -> None:
    front_end("contract")
    assert Client().get(path).status_code == 404
    front_end("tutorial", providers={"callback_page": PAGE})
    assert Client().post(path).status_code == 405


# ---------------------------------------------------------------- no redirect to another site


def stays(address: str) -> bool:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" in ORIGINS


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize("host", [{}, ON_A_PORT])
def test_threat_16_a_state_leads_nowhere_else_however_often_it_is_decoded(host: dict[str, str]) -> None:
    for next_, returned in product(NASTY, (lambda state: state, lambda state: quote(state, safe=""))):
        href = returned(state_of(next_, **host))
        for decode in (decode_uri, unquote, unquote):
            href = decode(href)
            assert stays(goes_to(href)), (next_, href)
            assert stays(shown(goes_to(href))), (next_, href)


@pytest.mark.parametrize(
    "state", [*NASTY, "//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil", "x:y"]
)
def test_threat_16_a_relay_is_no_way_out_of_the_site(relayed: str, state: str) -> None:
    location = Client().get(relayed, {"code": "CODE", "state": state})["Location"]
    href = state_on_the_page(location)
    for _ in range(2):
        assert stays(goes_to(href)), (state, href)
        assert stays(shown(goes_to(href))), (state, href)
        href = unquote(href)


def test_threat_16_what_is_no_next_leads_to_the_shop(relayed: str) -> None:
    for state in ("https://evil.example/", "//evil.example", "/" + "x" * 600, "\x00", ""):
        assert state_on_the_page(Client().get(relayed, {"state": state})["Location"]) == "/"


@pytest.mark.usefixtures("pages")
def test_threat_16_only_what_we_signed_for_this_leads_on() -> None:
    """An attacker cannot make an address of ours that leads to another site. An address that we made is valid for an
    hour.
    """
    evil = "https://evil.example/"
    good = signing.dumps("/cart.html?a=1", salt=landing.SALT, compress=True)
    state = states.start(RequestFactory().get("/"), oauth.web("qq"), "/cart.html").state
    tokens = {
        good: f"{SITE}/cart.html?a=1",
        good[:-1] + ("A" if good[-1] != "A" else "B"): f"{SITE}/",
        signing.dumps(evil, salt=landing.SALT, key="guessed"): f"{SITE}/",
        signing.dumps(evil, salt=tickets.SALT): f"{SITE}/",
        state: f"{SITE}/",
        evil.replace("/", ""): f"{SITE}/",
        "é": f"{SITE}/",
        "%ED%A0%80": f"{SITE}/",
    }
    for token, expected in tokens.items():
        assert Client().get(f"/oauth/qq/next/{token}/")["Location"] == expected
    with time_machine.travel(timedelta(seconds=landing.MAX_AGE + 1)):
        assert Client().get(f"/oauth/qq/next/{good}/")["Location"] == f"{SITE}/"


# ---------------------------------------------------------------- what pages send of the state


@pytest.mark.django_db
@pytest.mark.once
@pytest.mark.usefixtures("pages")
def test_the_state_itself_tells_next() -> None:
    for next_ in ("/", "/cart.html", "/goods/1.html", "/商品.html", "/list.html?a=1", "/a%2Fb.html"):
        answer = Client().get("/oauth/qq/user/", {"code": "CODE", "state": state_of(next_)}).json()
        assert answer["next"] == next_
    bare = Client().get("/oauth/qq/user/", {"code": "CODE"}).json()
    assert bare["next"] == "/"


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize("state", ["//evil.example", "\\\\evil.example", "https://evil.example/", "%2F%2Fevil.example"])
def test_threat_16_a_state_is_checked_on_its_way_back(qq: Upstream, state: str) -> None:
    answer: Any = Client().get("/oauth/qq/user/", {"code": "CODE", "state": state})
    assert (answer.status_code, answer.json()["code"]) == (400, "next_not_allowed")
    assert qq.requests == [], "and the code is not used up"


# ---------------------------------------------------------------- what is not an address


@pytest.mark.django_db
@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize("state", ["\x01//[", "%01//[", "%09//[", " //[", "%20//[", "%09//℀"])
def test_threat_18_a_state_that_is_no_url_is_refused(qq: Upstream, state: str) -> None:
    """Python removes the characters before the slashes, and then reads a host in brackets."""
    answer: Any = Client().get("/oauth/qq/user/", {"code": "CODE", "state": state})
    assert (answer.status_code, answer.json()["code"]) == (400, "next_not_allowed")
    assert qq.requests == []


@pytest.mark.parametrize("charset", ["utf-16", "gbk"])
def test_threat_50_a_relay_reads_utf_8_whatever_the_request_names(relayed: str, charset: str) -> None:
    named = f"text/plain; charset={charset}"
    location = Client().get(f"{relayed}?code=%41&state=%2F%E5%95%86.html", CONTENT_TYPE=named)["Location"]
    assert location == f"{PAGE}?code=A&state=/%E5%95%86.html"


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize("port", ["65536", "9" * 5000])
def test_threat_18_a_host_on_a_port_that_there_is_not(port: str) -> None:
    """Django checks the name only, not the port."""
    assert lands("/list.html?a=1", HTTP_HOST=f"localhost:{port}") == f"{SITE}/list.html"


# ---------------------------------------------------------------- any place where the host includes our URLs


def _mounted(*patterns: Any, settings: Settings) -> None:
    urls = ModuleType("urls")
    urls.__dict__["urlpatterns"] = patterns
    settings.ROOT_URLCONF = urls


@pytest.mark.parametrize("namespace", ["accounts", "shop"])
def test_a_query_survives_in_a_namespace_of_the_hosts(relayed: str, settings: Settings, namespace: str) -> None:
    ours = (import_module("phonebind.api.urls").urlpatterns, "phonebind")
    nested = {
        "accounts": include(ours, namespace="accounts"),
        "shop": include(([urls.path("", include(ours))], "shop")),
    }
    _mounted(urls.path("v1/", nested[namespace]), settings=settings)
    location = Client().get(f"/v1{relayed}", {"state": "/list.html?a=1&b=2"})["Location"]
    through = urlsplit(state_on_the_page(location)).path
    assert through.startswith("/v1/oauth/qq/next/")
    assert Client().get(through)["Location"] == f"{SITE}/list.html?a=1&b=2"


def test_a_query_survives_where_an_address_of_the_hosts_starts_it(front_end: Start, settings: Settings) -> None:
    front_end("tutorial")
    ours = include((import_module("phonebind.api.urls").urlpatterns, "phonebind"))
    button = dialects.path("button/", "authorization", provider="qq")
    for patterns in ([button, urls.path("", ours)], [urls.path("", include(([button, urls.path("", ours)], "shop")))]):
        _mounted(*patterns, settings=settings)
        address = Client().get("/button/", {"next": "/list.html?a=1"}).json()["login_url"]
        [state] = parse_qs(urlsplit(address).query)["state"]
        assert shown(goes_to(decode_uri(quote(state, safe="")))) == f"{SITE}/list.html?a=1"


def test_where_nothing_of_ours_leads_on_the_page_comes_without_its_query(front_end: Start, settings: Settings) -> None:
    front_end("tutorial")
    _mounted(dialects.path("button/", "authorization", provider="qq"), settings=settings)
    address = Client().get("/button/", {"next": "/list.html?a=1"}).json()["login_url"]
    assert parse_qs(urlsplit(address).query)["state"] == ["list.html"]
