"""The cookies of a sign-in: their names, how many a browser may have, and how many bytes.

They are HttpOnly. On a site with HTTPS their names begin with ``__Host-``: no script and no neighbouring host can set
them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from phonebind import cookies
from phonebind.conf import conf

ID_LENGTH = 12

#: The names of our cookies. Other cookies may begin alike and contain characters that no answer may repeat.
_OURS = re.compile(r"(?:__Host-)?phonebind_(?:flow|ticket|kept|reset)_[0-9a-f]{1,12}\Z")


@dataclass(frozen=True, slots=True)
class Cookie:
    """It is sent with the state or the ticket that it belongs to. ``max_age``: seconds until the browser drops it."""

    name: str
    value: str
    max_age: int

    @property
    def weight(self) -> int:
        """Bytes in each request that carries it."""
        return len(f"{self.name}={self.value}; ")


def name_of(request: HttpRequest, kind: str, digest: str) -> str:
    """The name of the cookie of this ``kind`` ("flow", "ticket", "kept" or "reset") that belongs to ``digest``."""
    # Another host of the same site cannot set a __Host- cookie. Over plain HTTP nothing prevents that.
    prefix = "__Host-" if is_secure(request) else ""
    return f"{prefix}phonebind_{kind}_{digest[:ID_LENGTH]}"


def held(request: HttpRequest, kind: str, digest: str) -> str:
    """The value of that cookie; "" if the browser has none."""
    return cookies.read(request).get(name_of(request, kind, digest), "")


def others(request: HttpRequest, name: str) -> Iterator[tuple[str, str]]:
    """Our other cookies of the same kind as ``name``: name, value. Browsers send the oldest first (RFC 6265, 5.4)."""
    kind = name.rpartition("_")[0]
    for found, value in cookies.read(request).items():
        if is_ours(found) and found.startswith(f"{kind}_") and found != name:
            yield found, value


def remember(request: HttpRequest, response: HttpResponseBase, cookie: Cookie, *, most: int, room: int) -> None:
    """Set the cookie, and delete the oldest of its kind: all above ``most``, and those that do not fit into ``room``
    bytes.
    """
    response.set_cookie(
        cookie.name,
        cookie.value,
        max_age=cookie.max_age,
        secure=is_secure(request),
        httponly=True,
        samesite=conf.cookie_samesite,  # type: ignore[arg-type]
    )
    drop_oldest(request, response, cookie.name, most=most - 1, room=room - cookie.weight)


def drop_oldest(request: HttpRequest, response: HttpResponseBase, name: str, *, most: int, room: int) -> None:
    """Delete the oldest cookies of the same kind as ``name``: those above ``most``, and those that do not fit."""
    for index, (found, value) in enumerate(reversed(list(others(request, name)))):
        room -= Cookie(found, value, 0).weight
        if index >= most or room < 0:
            delete(response, found)


def delete(response: HttpResponseBase, name: str) -> None:
    response.delete_cookie(name, samesite=conf.cookie_samesite)  # type: ignore[arg-type]


def drop(request: HttpRequest, response: HttpResponseBase, kind: str, digest: str) -> None:
    """Delete that cookie, if the browser has it."""
    name = name_of(request, kind, digest)
    if is_ours(name) and name in cookies.read(request):
        delete(response, name)


def is_ours(name: str) -> bool:
    """Whether this is the name of one of our cookies. A name that a client made up may not be repeated in an answer."""
    return bool(_OURS.match(name))


def forget_all(request: HttpRequest, response: HttpResponseBase) -> None:
    """Delete all open sign-ins of this browser: another person may use it next."""
    for name in cookies.read(request):
        if is_ours(name):
            delete(response, name)


def is_secure(request: HttpRequest) -> bool:
    """Whether the site is served over HTTPS."""
    return settings.SESSION_COOKIE_SECURE or request.is_secure()
