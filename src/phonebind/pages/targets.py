"""Where links and redirects lead."""

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import reverse

from phonebind import oauth
from phonebind.oauth import Provider
from phonebind.redirects import safe_next
from phonebind.tickets import State


def next_url(request: HttpRequest) -> str:
    """``?next=``, or where the host sends people. Raises NextNotAllowed."""
    return safe_next(request, request.GET.get("next", "") or default_next())


def default_next() -> str:
    """``LOGIN_REDIRECT_URL`` where the host has set it; Django's own default, /accounts/profile/, is no page in most
    projects, and then our page says who is signed in.
    """
    if settings.is_overridden("LOGIN_REDIRECT_URL"):
        return resolve_url(settings.LOGIN_REDIRECT_URL)
    return reverse("phonebind_pages:done")


def signed_out_url() -> str:
    """``LOGOUT_REDIRECT_URL``, or the sign-in page."""
    return resolve_url(settings.LOGOUT_REDIRECT_URL or "phonebind_pages:login")


def login_url(target: str) -> str:
    return _with_next(reverse("phonebind_pages:login"), target)


def start_url(provider: str, target: str = "") -> str:
    return _with_next(reverse("phonebind_pages:start", args=[provider]), target)


def bind_url(provider: Provider, state: State) -> str:
    return with_next("bind", provider.name, state.id, target=state.next)


def attach_url(provider: Provider, state: State) -> str:
    return with_next("attach", provider.name, state.id, target=state.next)


def with_next(name: str, *args: str, target: str) -> str:
    """The page of this name, and where to go after it."""
    return _with_next(reverse(f"phonebind_pages:{name}", args=args), target)


def label(provider: str) -> str:
    """What people call the provider; its name where bindings have outlived its code."""
    known = oauth.PROVIDERS.get(provider)
    return known.label if known else provider


def _with_next(url: str, target: str) -> str:
    return url if target in ("", default_next()) else f"{url}?{urlencode({'next': target})}"
