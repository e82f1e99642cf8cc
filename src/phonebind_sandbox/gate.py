"""Whether there is a sandbox here at all, and what all of its pages and endpoints have in common."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

# No form-action: Chromium applies it to the redirect after a form too, and ours leads to any app's callback.
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"


@cache
def is_open() -> bool:
    """Whether DEBUG was on when Django started: the app asks then, and that answer stands for the whole process.

    Test runners turn DEBUG off afterwards, and a host's tests sign in here all the same. Nothing opens what was shut.
    """
    return settings.DEBUG


def sandbox_view(*methods: str) -> Callable[[View[P]], View[P]]:
    """A view that exists only where the sandbox is open. Scripts may post to it: no CSRF token and no sign-in."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not is_open():
                raise Http404
            # A page that has its own name point to this machine (DNS rebinding) reads nothing here, whatever the
            # host's middleware is: that name is not among ALLOWED_HOSTS.
            request.get_host()
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            response = view(request, *args, **kwargs)
            response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Cache-Control"] = "no-store"
            return response

        return csrf_exempt(login_not_required(guarded))

    return decorate
