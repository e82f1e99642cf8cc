"""What a sign-in keeps in the browser: its cookies, what they are called, how many there may be, what they weigh.

They are HttpOnly and, where the site is served over HTTPS, ``__Host-``: neither script nor a host beside this one can
set them.
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

#: What our cookies are called. Others may begin alike, and be called what no answer can repeat.
_OURS = re.compile(r"(?:__Host-)?phonebind_(?:flow|ticket|kept|reset)_[0-9a-f]{1,12}\Z")


@dataclass(frozen=True, slots=True)
class Cookie:
    """Sent with the answer that carries the state or the ticket it belongs to; seconds until the browser drops it."""

    name: str
    value: str
    max_age: int

    @property
    def weight(self) -> int:
        """Bytes in each request that carries it."""
        return len(f"{self.name}={self.value}; ")


def name_of(request: HttpRequest, kind: str, digest: str) -> str:
    """Of the cookie of this ``kind`` ("flow", "ticket", "kept" or "reset") that belongs to ``digest``."""
    # __Host- cookies cannot be planted by another host of the same site, which over plain HTTP nothing prevents.
    prefix = "__Host-" if is_secure(request) else ""
    return f"{prefix}phonebind_{kind}_{digest[:ID_LENGTH]}"


def held(request: HttpRequest, kind: str, digest: str) -> str:
    """The value of that cookie, "" where the browser has none."""
    return cookies.read(request).get(name_of(request, kind, digest), "")


def others(request: HttpRequest, name: str) -> Iterator[tuple[str, str]]:
    """The cookies of ours, by name, that are of one kind with ``name``. Browsers send the oldest first (RFC 6265,
    5.4).
    """
    kind = name.rpartition("_")[0]
    for found, value in cookies.read(request).items():
        if is_ours(found) and found.startswith(f"{kind}_") and found != name:
            yield found, value


def remember(request: HttpRequest, response: HttpResponseBase, cookie: Cookie, *, most: int, room: int) -> None:
    """Set the cookie, and drop the oldest of its kind: all but ``most``, and those that find no place in ``room``
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
    """Of the cookies that are of one kind with ``name``, as many as are too many, or find no room."""
    for index, (found, value) in enumerate(reversed(list(others(request, name)))):
        room -= Cookie(found, value, 0).weight
        if index >= most or room < 0:
            delete(response, found)


def delete(response: HttpResponseBase, name: str) -> None:
    response.delete_cookie(name, samesite=conf.cookie_samesite)  # type: ignore[arg-type]


def drop(request: HttpRequest, response: HttpResponseBase, kind: str, digest: str) -> None:
    """Delete that cookie, where the browser has it."""
    name = name_of(request, kind, digest)
    if is_ours(name) and name in cookies.read(request):
        delete(response, name)


def is_ours(name: str) -> bool:
    """Whether a cookie of this name is one of ours. What somebody has typed may be none that an answer can repeat."""
    return bool(_OURS.match(name))


def forget_all(request: HttpRequest, response: HttpResponseBase) -> None:
    """Every sign-in that is open in this browser: the next person at it is somebody else."""
    for name in cookies.read(request):
        if is_ours(name):
            delete(response, name)


def is_secure(request: HttpRequest) -> bool:
    """Whether the site is served over HTTPS."""
    return settings.SESSION_COOKIE_SECURE or request.is_secure()
