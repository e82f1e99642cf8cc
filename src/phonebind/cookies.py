"""The cookies of a request, by the exact names under which the browser sent them.

Django strips all of Unicode's white space off a cookie's name (``str.strip``). A host beside ours may not set
``__Host-x`` for us, but it may set ``<U+2000>__Host-x``, and ``request.COOKIES`` then holds that as ``__Host-x``. So
nothing that must be this browser's own is read from ``request.COOKIES``.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest

_HEADER = "HTTP_COOKIE"
#: What RFC 6265 allows between a pair and its separator. ``str.strip()`` without it takes more, and so does Django.
_SPACE = " \t"
#: RFC 9110, 5.6.2. Every browser and framework names its own cookies so.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


def read(request: HttpRequest) -> dict[str, str]:
    """Values by exact name, in the order in which the browser sent them; of a name that comes twice, the last."""
    return dict(_pairs(request.META.get(_HEADER, "")))


def drop_unnamed(environ: dict[str, Any]) -> None:
    """Take every pair out of the Cookie header of ``request.META`` whose name is not an ASCII token."""
    pairs = environ.get(_HEADER, "").split(";")
    kept = [pair for pair in pairs if _TOKEN.match(_split(pair)[0])]
    if len(kept) < len(pairs):
        environ[_HEADER] = ";".join(kept)


def _pairs(header: str) -> Iterator[tuple[str, str]]:
    return (_split(pair) for pair in header.split(";"))


def _split(pair: str) -> tuple[str, str]:
    name, _, value = pair.partition("=")
    return name.strip(_SPACE), value.strip(_SPACE)
