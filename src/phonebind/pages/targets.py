"""The targets of links and redirects."""

import re
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse

from phonebind.oauth import Provider
from phonebind.redirects import safe_next
from phonebind.states import State

#: A host and its port. Any other character could add a source, or a directive, to the policy.
_HOST = re.compile(r"[0-9A-Za-z._:\[\]-]+")


def next_url(request: HttpRequest, known: str = "") -> str:
    """``?next=``, or ``known``, or the host's default. Raises NextNotAllowed.

    The host's default is always allowed, wherever it leads. It also comes back to us in states and tickets.
    """
    usual = default_next()
    target = request.GET.get("next", "") or known or usual
    return usual if target == usual else safe_next(request, target)


def default_next() -> str:
    """``LOGIN_REDIRECT_URL`` if the host has set it, else our page that says who is signed in. Django's default,
    /accounts/profile/, does not exist in most projects.
    """
    if cast("Any", settings).is_overridden("LOGIN_REDIRECT_URL"):
        return resolve_url(settings.LOGIN_REDIRECT_URL)
    return reverse("phonebind_pages:done")


def signed_out_url() -> str:
    """``LOGOUT_REDIRECT_URL``, or the sign-in page."""
    return resolve_url(settings.LOGOUT_REDIRECT_URL or "phonebind_pages:login")


def origins_of_settings() -> list[str]:
    """The origins of ``LOGIN_REDIRECT_URL`` and ``LOGOUT_REDIRECT_URL`` on other hosts, as in a CSP."""
    found = [origin(str(url)) for url in (settings.LOGIN_REDIRECT_URL, settings.LOGOUT_REDIRECT_URL)]
    return [origin for origin in dict.fromkeys(found) if origin]


def login_url(target: str) -> str:
    return _with_next(reverse("phonebind_pages:login"), target)


def start_url(provider: str, target: str = "") -> str:
    return _with_next(reverse("phonebind_pages:start", args=[provider]), target)


def account_url(name: str, target: str = "", **query: str) -> str:
    """The URL of this page of ``phonebind.lifecycle``, leading to ``target``. "" if the host has not included its
    pages.
    """
    try:
        url = reverse(f"phonebind_account:{name}")
    except NoReverseMatch:
        return ""
    return f"{url}?{urlencode(query)}" if query else _with_next(url, target)


def bind_url(provider: Provider, state: State, *, kept: bool = False) -> str:
    """``kept``: the stored ticket contains the target, so the URL can be short. Short URLs make short requests."""
    url = reverse("phonebind_pages:bind", args=[provider.name, state.id])
    return url if kept else _with_next(url, state.next)


def kept_url(name: str, provider: str, flow: str) -> str:
    """The URL of the page "bind" or "attach", for a sign-in whose ticket is stored in a cookie."""
    return reverse(f"phonebind_pages:{name}", args=[provider, flow])


def _with_next(url: str, target: str) -> str:
    return url if target in ("", default_next()) else f"{url}?{urlencode({'next': target})}"


def origin(url: str) -> str:
    """The origin, as in a CSP. Empty for a path, for the name of a view or a file, and for a host that no URL has."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        if not host.isascii():
            host = host.encode("idna").decode()
    except ValueError:
        return ""
    if not _HOST.fullmatch(host):
        return ""
    # Without a scheme, a CSP uses the scheme of the page. The URL does the same.
    return f"{parts.scheme}://{host}" if parts.scheme else host
