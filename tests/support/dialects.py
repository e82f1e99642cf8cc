"""``FRONT_END`` as if Django had started with it (the URLs are made once), and what existing pages do with an
address.
"""

import importlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urljoin, urlsplit

import pytest
from django.test import Client, RequestFactory
from django.urls import clear_url_caches

from phonebind import exceptions
from phonebind.api import dialects
from phonebind.api.authorizations import PasswordView
from phonebind.api.base import View
from phonebind.exceptions import PhonebindError
from tests.support.edge import Configure, Upstream

#: The page that the provider sends people to: a static page on another port, as in the course.
PAGE = "http://www.shop.example:8080/oauth_callback.html"
MOBILE = "13900000001"
PASSWORD = "horse-staple-9"
#: Without the other URLs of the reference server, which take long to make again.
URLS = "tests.support.front_end_urls"

Start = Callable[..., None]


@pytest.fixture
def front_end(phonebind: Configure, qq: Upstream) -> Iterator[Start]:
    """``front_end("tutorial", **other settings)``, with a QQ that sends people to PAGE."""

    def start(word: str, providers: dict[str, Any] | None = None, **changes: object) -> None:
        phonebind(front_end=word, providers={"redirect_uri": PAGE, **(providers or {})}, **changes)
        _reload()

    phonebind.settings.ROOT_URLCONF = URLS
    yield start
    phonebind(front_end="contract")
    _reload()


def _reload() -> None:
    for name in ("phonebind.api.urls", URLS):
        if name in sys.modules:
            importlib.reload(sys.modules[name])
    clear_url_caches()


# ---------------------------------------------------------------- what pages do with an address


def decode_uri(text: str) -> str:
    """Like JavaScript's decodeURI: reserved characters stay encoded."""
    for letter in ";/?:@&=+$,#":
        text = text.replace(quote(letter, safe=""), quote(quote(letter, safe=""), safe=""))
    return unquote(text)


def goes_to(href: str, page: str = PAGE) -> str:
    """Where ``location.href = href`` leads. Browsers read a backslash as a slash, and any number of slashes as two."""
    href = re.sub(r"[\t\r\n]", "", href).replace("\\", "/")
    return urljoin(page, re.sub(r"\A//+", "//", href))


def state_of(next_: str, **extra: Any) -> str:
    """The state that the provider gets and returns."""
    answer = Client().get("/oauth/qq/authorization/", {"next": next_}, **extra)
    assert answer.status_code == 200, answer.content
    [state] = parse_qs(urlsplit(str(answer.json()["login_url"])).query)["state"]
    return state


def lands(next_: str, **extra: Any) -> str:
    """Where a page goes after success. The state is encoded on its way back, as QQ encodes it."""
    return goes_to(decode_uri(quote(state_of(next_, **extra), safe="")))


# ---------------------------------------------------------------- refusals


#: The view that refuses: a dialect may treat the two differently.
KINDS: Mapping[str, type[View]] = {"any": View, "password": PasswordView}


def outcomes() -> list[PhonebindError]:
    """One error of each class."""
    kinds: list[Any] = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
    return [kind(60) if issubclass(kind, exceptions.Limited) else kind() for kind in kinds if _is_told(kind)]


def _is_told(kind: type) -> bool:
    return isinstance(getattr(kind, "code", None), str) and hasattr(kind, "message")


def refusing(dialect: type[dialects.Dialect], error: PhonebindError, kind: str) -> Any:
    """The answer of a view that only raises this error."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise error

    made: Any = type("Refusing", (dialect, KINDS[kind]), {"actions": {"POST": "x"}, "post": refuse})
    return made.as_view()(RequestFactory().post("/", {}))
