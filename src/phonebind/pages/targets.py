"""Where links and redirects lead."""

from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse

from phonebind.oauth import Provider
from phonebind.redirects import safe_next
from phonebind.states import State


def next_url(request: HttpRequest, known: str = "") -> str:
    """``?next=``, or what is known without it, or where the host sends people. Raises NextNotAllowed.

    The host's own setting is not for us to judge, wherever it leads; and it comes back to us by states and tickets.
    """
    usual = default_next()
    target = request.GET.get("next", "") or known or usual
    return usual if target == usual else safe_next(request, target)


def default_next() -> str:
    """``LOGIN_REDIRECT_URL`` where the host has set it; Django's own default, /accounts/profile/, is no page in most
    projects, and then our page says who is signed in.
    """
    if cast("Any", settings).is_overridden("LOGIN_REDIRECT_URL"):
        return resolve_url(settings.LOGIN_REDIRECT_URL)
    return reverse("phonebind_pages:done")


def signed_out_url() -> str:
    """``LOGOUT_REDIRECT_URL``, or the sign-in page."""
    return resolve_url(settings.LOGOUT_REDIRECT_URL or "phonebind_pages:login")


def origins_of_settings() -> list[str]:
    """Where ``LOGIN_REDIRECT_URL`` and ``LOGOUT_REDIRECT_URL`` lead off this host, as a CSP writes it."""
    found = [origin(str(url)) for url in (settings.LOGIN_REDIRECT_URL, settings.LOGOUT_REDIRECT_URL)]
    return [origin for origin in dict.fromkeys(found) if origin]


def login_url(target: str) -> str:
    return _with_next(reverse("phonebind_pages:login"), target)


def start_url(provider: str, target: str = "") -> str:
    return _with_next(reverse("phonebind_pages:start", args=[provider]), target)


def account_url(name: str, target: str = "", **query: str) -> str:
    """The page of that name of ``phonebind.lifecycle``, which leads to ``target``; "" where the host has not included
    its pages.
    """
    try:
        url = reverse(f"phonebind_account:{name}")
    except NoReverseMatch:
        return ""
    return f"{url}?{urlencode(query)}" if query else _with_next(url, target)


def bind_url(provider: Provider, state: State, *, kept: bool = False) -> str:
    """``kept``: the ticket that is kept says where it leads, and a short address makes short requests."""
    url = reverse("phonebind_pages:bind", args=[provider.name, state.id])
    return url if kept else _with_next(url, state.next)


def kept_url(name: str, provider: str, flow: str) -> str:
    """The page "bind" or "attach" of a sign-in whose ticket is kept."""
    return reverse(f"phonebind_pages:{name}", args=[provider, flow])


def _with_next(url: str, target: str) -> str:
    return url if target in ("", default_next()) else f"{url}?{urlencode({'next': target})}"


def origin(url: str) -> str:
    """As a CSP writes it; empty for a path, and for the name of a view or of a file."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if not host.isascii():
        host = host.encode("idna").decode()
    # Without a scheme a CSP means that of the page, and so does the URL.
    return f"{parts.scheme}://{host}" if host and parts.scheme else host
