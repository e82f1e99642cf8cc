"""``next`` never leaves the site."""

from urllib.parse import urljoin, urlsplit

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from phonebind.exceptions import NextNotAllowed
from phonebind.redirects import safe_next
from tests.support.edge import Configure

HTTP = RequestFactory().get("/")
HTTPS = RequestFactory().get("/", secure=True)

ELSEWHERE = [
    "//",
    "//?x",
    "//#//testserver",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "\u00a0//evil.example",
    "//\u3000",
    "/cart ",
    "/cart\\",
    "\x00//evil.example",
    "\u202e//evil.example",
    "/cart\r\nSet-Cookie: a=b",
    "/cart\x7f",
    "/cart\u200b",
    "/cart\ud800",
    "https://evil.example/",
    "http:evil.example",
    "http:/evil.example",
    "http:///evil.example",
    "https:\\\\evil.example",
    "http://testserver@evil.example/",
    "http://testserver:80@evil.example/",
    "http://testserver.evil.example/",
    "http://evil.example#testserver",
    "http://evil.example?testserver",
    "http://testserver\u3002evil.example/",
    "http://testserver:8000/",
    "//testserver:pass@evil.example",
    "http://[::1",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\nscript:alert(1)",
    "javascript://testserver/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://testserver/",
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_threat_16_next_leads_nowhere_else(target: str) -> None:
    for request in (HTTP, HTTPS):
        with pytest.raises(NextNotAllowed):
            safe_next(request, target)


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/cart.html",
        "/cart?item=1&next=//evil.example",
        "cart.html",
        "/购物车",
        "/%2F%2Fevil",
        "http://testserver/x",
    ],
)
def test_next_leads_anywhere_on_the_site(target: str) -> None:
    assert safe_next(HTTP, target) == target


def test_no_next_is_the_front_page() -> None:
    assert safe_next(HTTP, "") == "/"


def test_another_host_must_be_allowed_by_name(phonebind: Configure) -> None:
    phonebind(allowed_next_hosts=["www.shop.example", "localhost:8080"])
    assert safe_next(HTTP, "https://www.shop.example/cart") == "https://www.shop.example/cart"
    assert safe_next(HTTP, "http://localhost:8080/cart")
    for other in ("https://shop.example/", "https://www.shop.example.evil/", "http://localhost/"):
        with pytest.raises(NextNotAllowed):
            safe_next(HTTP, other)


def test_https_does_not_lead_back_to_http() -> None:
    with pytest.raises(NextNotAllowed):
        safe_next(HTTPS, "http://testserver/")


def _as_a_browser_reads(target: str) -> str:
    """WHATWG URL: strip C0 and space, remove tabs and newlines, and read a backslash as a slash."""
    stripped = target.strip("".join(map(chr, range(0x21))))
    return urljoin("http://testserver/login/", stripped.translate({9: None, 10: None, 13: None, 92: "/"}))


URLISH = st.text(st.sampled_from("/\\:@.?#%aevil \t\n\r\x00\u00a0\uff0f\u3002[]"), max_size=12)
STARTS = st.sampled_from(["", "/", "//", "http:", "https:", "HTTP://", "javascript:", "http://testserver"])


@given(start=STARTS, rest=URLISH | st.text(max_size=12))
def test_threat_16_whatever_is_let_through_stays_here(start: str, rest: str) -> None:
    target = start + rest
    try:
        safe_next(HTTP, target)
    except NextNotAllowed:
        return
    where = urlsplit(_as_a_browser_reads(target))
    assert (where.scheme, where.netloc) == ("http", "testserver")
