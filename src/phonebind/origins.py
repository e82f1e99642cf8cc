"""Which site's page made the browser send a request.

A page anywhere can make its visitors' browsers ask us for images and post forms to us. We would count that against the
visitor, and against everybody behind the visitor's address. Browsers say so in ``Sec-Fetch-Site``, which no page can
change (Chromium 76, Firefox 90, Safari 16.4; whatever does not send it is not refused).
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from phonebind.conf import conf
from phonebind.exceptions import OriginNotAllowed


def check(request: HttpRequest) -> None:
    """Raises OriginNotAllowed where another site's page sent the request, and that site is not an allowed front end."""
    if is_foreign(request):
        raise OriginNotAllowed


def check_origin(request: HttpRequest) -> None:
    """As :func:`check`, by ``Origin``, for what signs a browser in by a cookie: every browser sends it with a POST.

    Where CORS allows every site, that is no front end's name: any page could sign its visitor in. Raises
    OriginNotAllowed.
    """
    origin = request.headers.get("Origin", "").lower()
    # Of a proxy that ends TLS Django may not know; of a page without TLS nobody knows who wrote it.
    own = [f"{scheme}://{request.get_host().lower()}" for scheme in ("https", request.scheme)]
    if origin and origin not in own and not _is_listed(origin):
        raise OriginNotAllowed


def is_foreign(request: HttpRequest) -> bool:
    """Whether a page of another site sent the request: one that neither CORS nor ``ALLOWED_ORIGINS`` allows."""
    if request.headers.get("Sec-Fetch-Site") != "cross-site":
        return False
    # Browsers send no Origin with an image or a link, but a Referer.
    origin = request.headers.get("Origin") or _origin(request.headers.get("Referer", ""))
    return not _is_allowed(origin.lower())


def allows_all() -> bool:
    """Whether CORS allows every site there is; then no request is foreign."""
    return any(_cors("CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL"))


def _is_allowed(origin: str) -> bool:
    return allows_all() or _is_listed(origin)


def _is_listed(origin: str) -> bool:
    listed = [*conf.allowed_origins, *_each("CORS_ALLOWED_ORIGINS", "CORS_ORIGIN_WHITELIST")]
    patterns = _each("CORS_ALLOWED_ORIGIN_REGEXES", "CORS_ORIGIN_REGEX_WHITELIST")
    return origin in map(str.lower, listed) or any(re.match(pattern, origin) for pattern in patterns)


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"


def _each(*names: str) -> Iterator[Any]:
    return (item for found in _cors(*names) for item in found)


def _cors(*names: str) -> Iterator[Any]:
    """The settings of django-cors-headers, by their present and their former names."""
    return (getattr(settings, name) for name in names if hasattr(settings, name))
