"""Where links and redirects lead."""

from urllib.parse import quote, urlencode

from django.http import HttpRequest
from django.urls import reverse

from phonebind.exceptions import NextNotAllowed
from phonebind.oauth import Provider
from phonebind.redirects import safe_next
from phonebind.tickets import State

#: Characters, as quoted in the bind page's address: Django redirects to no address of more than 2048.
MAX_NEXT = 1024


def next_url(request: HttpRequest) -> str:
    """``?next=``, or the page that says who is signed in. Raises NextNotAllowed."""
    target = request.GET.get("next", "")
    if len(quote(target)) > MAX_NEXT:
        raise NextNotAllowed
    return safe_next(request, target or _done())


def start_url(provider: str, target: str = "") -> str:
    return _with_next(reverse("phonebind_pages:start", args=[provider]), target)


def bind_url(provider: Provider, state: State) -> str:
    return _with_next(reverse("phonebind_pages:bind", args=[provider.name, state.id]), state.next)


def label(provider: str) -> str:
    """What people call the provider."""
    return provider.upper()


def _with_next(url: str, target: str) -> str:
    return url if target in ("", _done()) else f"{url}?{urlencode({'next': target})}"


def _done() -> str:
    return reverse("phonebind_pages:done")
