"""Which site's page made the browser send a request.

A page on any site can make its visitors' browsers request images from us and post forms to us. We would count these
requests against the visitor, and against everybody at the same address. Browsers report such requests in
``Sec-Fetch-Site``, which no page can change (Chromium 76, Firefox 90, Safari 16.4). Clients that do not send the header
are not refused.
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
    """Raises OriginNotAllowed if a page of another site sent the request, and that site is no allowed front end."""
    if is_foreign(request):
        raise OriginNotAllowed


def check_origin(request: HttpRequest) -> None:
    """Like :func:`check`, but by ``Origin``, for requests that sign a browser in by a cookie. Every browser sends that
    header with a POST.

    CORS for every site does not count here: it names no front end, and any page could sign its visitor in. Raises
    OriginNotAllowed.
    """
    origin = request.headers.get("Origin", "").lower()
    # https too, since Django may not know that a proxy ends TLS. Without TLS, anyone may have written the page.
    own = [f"{scheme}://{request.get_host().lower()}" for scheme in ("https", request.scheme)]
    if origin and origin not in own and not _is_listed(origin):
        raise OriginNotAllowed


def is_foreign(request: HttpRequest) -> bool:
    """Whether a page of another site sent the request, and neither CORS nor ``ALLOWED_ORIGINS`` allows that site."""
    if request.headers.get("Sec-Fetch-Site") != "cross-site":
        return False
    # Browsers send no Origin with an image or a link, but they send a Referer.
    origin = request.headers.get("Origin") or _origin(request.headers.get("Referer", ""))
    return not _is_allowed(origin.lower())


def allows_all() -> bool:
    """Whether CORS allows every site. Then no request is foreign."""
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
    """The settings of django-cors-headers, by their current and their former names."""
    return (getattr(settings, name) for name in names if hasattr(settings, name))
