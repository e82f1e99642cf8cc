"""The way back to an app's callback."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.http import HttpResponse


def address(redirect_uri: str, fields: Mapping[str, str]) -> str:
    """``redirect_uri``, which may have a query of its own, with these."""
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(fields)}"


def found(url: str) -> HttpResponse:
    # Not HttpResponseRedirect: Django limits its length, and a long address is the client's affair.
    return HttpResponse(status=302, headers={"Location": url})


def call_back(redirect_uri: str, fields: Mapping[str, str]) -> HttpResponse:
    return found(address(redirect_uri, fields))
