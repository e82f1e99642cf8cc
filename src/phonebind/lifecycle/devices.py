"""Which device a sign-in comes from: a random name that it keeps in a cookie for two years, and we as a hash."""

import hashlib
import re
import secrets
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from phonebind import browser, cookies, signals
from phonebind.conf import conf

#: Seconds.
MAX_AGE = 2 * 365 * 86_400

_ATTRIBUTE = "_phonebind_device"
_NAME = re.compile(r"[A-Za-z0-9_-]{32}\Z")


def are_kept() -> bool:
    """Whether the front end keeps cookies, and so devices their names."""
    return not (conf.legacy_state or conf.front_end == "tutorial")


def hash_of(request: HttpRequest) -> str:
    """Of the device that sent the request, which gets its name with the answer if it has none yet."""
    name = _held(request) or getattr(request, _ATTRIBUTE, "")
    if not name:
        name = secrets.token_urlsafe(24)
        setattr(request, _ATTRIBUTE, name)
    return hashlib.sha256(name.encode()).hexdigest()


def known_hash(request: HttpRequest) -> str:
    """Of a device that has brought its name; "" for another."""
    name = _held(request)
    return hashlib.sha256(name.encode()).hexdigest() if name else ""


def install() -> None:
    """A device keeps the name that a sign-in gives it."""
    signals.sign_in_response.connect(remember, dispatch_uid="phonebind.lifecycle.devices")


def remember(request: HttpRequest, response: HttpResponseBase, **kwargs: Any) -> None:
    """Receiver of ``sign_in_response``: a device that was named for this sign-in, or for a question that it alone may
    answer, keeps its name.
    """
    name = getattr(request, _ATTRIBUTE, "")
    if name:
        response.set_cookie(
            _cookie(request),
            name,
            max_age=MAX_AGE,
            secure=browser.is_secure(request),
            httponly=True,
            samesite=conf.cookie_samesite,  # type: ignore[arg-type]
        )


def _held(request: HttpRequest) -> str:
    name = cookies.read(request).get(_cookie(request), "")
    return name if _NAME.match(name) else ""


def _cookie(request: HttpRequest) -> str:
    return "__Host-phonebind_device" if browser.is_secure(request) else "phonebind_device"
