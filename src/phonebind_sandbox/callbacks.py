"""Redirects to an app's callback."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.http import HttpResponse


def address(redirect_uri: str, fields: Mapping[str, str]) -> str:
    """``redirect_uri`` with these fields. It may already have a query."""
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(fields)}"


def found(url: str) -> HttpResponse:
    # Not HttpResponseRedirect: Django limits its length, but a long URL is the client's decision.
    return HttpResponse(status=302, headers={"Location": url})


def call_back(redirect_uri: str, fields: Mapping[str, str]) -> HttpResponse:
    return found(address(redirect_uri, fields))
