"""The cookies of a request, by the exact names that the browser sent.

Django strips all of Unicode's white space from a cookie's name (``str.strip``). A neighbouring host cannot set
``__Host-x`` for us, but it can set ``<U+2000>__Host-x``, and ``request.COOKIES`` then contains it as ``__Host-x``. So a
cookie that must belong to this browser is never read from ``request.COOKIES``.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest

_HEADER = "HTTP_COOKIE"
#: The white space that RFC 6265 allows between a pair and its separator. ``str.strip()``, and so Django, strips more.
_SPACE = " \t"
#: RFC 9110, 5.6.2. All browsers and frameworks name their own cookies this way.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


def read(request: HttpRequest) -> dict[str, str]:
    """Values by exact name, in the order of the browser. If a name occurs twice, the last value counts."""
    return dict(_pairs(request.META.get(_HEADER, "")))


def drop_unnamed(environ: dict[str, Any]) -> None:
    """Remove from the Cookie header of ``request.META`` every pair whose name is not an ASCII token."""
    pairs = environ.get(_HEADER, "").split(";")
    kept = [pair for pair in pairs if _TOKEN.match(_split(pair)[0])]
    if len(kept) < len(pairs):
        environ[_HEADER] = ";".join(kept)


def _pairs(header: str) -> Iterator[tuple[str, str]]:
    return (_split(pair) for pair in header.split(";"))


def _split(pair: str) -> tuple[str, str]:
    name, _, value = pair.partition("=")
    return name.strip(_SPACE), value.strip(_SPACE)
