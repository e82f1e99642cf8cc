"""Whether the sandbox is open, and the decorator of all its pages and endpoints."""

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

# No form-action: Chromium also applies it to the redirect after a form, and ours leads to the callback of any app.
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"


@cache
def is_open() -> bool:
    """Whether DEBUG was on when Django started. The app asks then, and the answer is valid for the whole process.

    Test runners turn DEBUG off later, and a host's tests must still be able to sign in here. A closed sandbox never
    opens.
    """
    return settings.DEBUG


def sandbox_view(*methods: str) -> Callable[[View[P]], View[P]]:
    """Decorator for a view that exists only while the sandbox is open. Scripts may post to it: it needs no CSRF
    token and no sign-in.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not is_open():
                raise Http404
            # Protects against DNS rebinding, with any middleware of the host. An attacker's page may point its own name
            # to this machine, but that name is not in ALLOWED_HOSTS.
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
