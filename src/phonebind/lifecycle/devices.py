"""Which device a sign-in comes from: the device keeps a random name in a cookie for two years, and we keep its hash."""

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
    """Whether the front end keeps cookies, so that devices can keep their names."""
    return not (conf.legacy_state or conf.front_end == "tutorial")


def hash_of(request: HttpRequest) -> str:
    """The hash of the name of the device that sent the request. A device without a name gets one with the answer."""
    name = _held(request) or getattr(request, _ATTRIBUTE, "")
    if not name:
        name = secrets.token_urlsafe(24)
        setattr(request, _ATTRIBUTE, name)
    return hashlib.sha256(name.encode()).hexdigest()


def known_hash(request: HttpRequest) -> str:
    """The hash of the name that the device has sent; "" for a device without a name."""
    name = _held(request)
    return hashlib.sha256(name.encode()).hexdigest() if name else ""


def install() -> None:
    """Store the name that a sign-in gives to a device."""
    signals.sign_in_response.connect(remember, dispatch_uid="phonebind.lifecycle.devices")


def remember(request: HttpRequest, response: HttpResponseBase, **kwargs: Any) -> None:
    """Receiver of ``sign_in_response``: set the cookie if the device got its name for this sign-in, or for a question
    that only this device may answer.
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
