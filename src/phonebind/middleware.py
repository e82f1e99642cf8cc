"""Middleware for hosts."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest

from phonebind import cookies


class CookieNamesMiddleware:
    """Drops cookies whose name is not an ASCII token, before Django parses them.

    Without it, a host beside this one can set ``<U+2000>sessionid`` or ``<U+3000>csrftoken``, and Django reads it as
    the site's own cookie. Put it first in ``MIDDLEWARE``: a middleware before it may read the cookies as they came.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        cookies.drop_unnamed(request.META)
        return self._get_response(request)
