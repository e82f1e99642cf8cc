"""Shared by all pages: security headers, and an error page for each error."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeAlias, cast
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from phonebind import audit, bodies, databases, human, languages, origins
from phonebind.conf import conf
from phonebind.exceptions import (
    DATABASE_DOWN,
    UNREADABLE,
    AccountDisabled,
    CodeInvalid,
    Invalid,
    NextNotAllowed,
    PhonebindError,
    ProviderUnknown,
    SnapshotUser,
    StateInvalid,
    StorageUnavailable,
    Text,
    TicketInvalid,
    Unavailable,
)
from phonebind.pages import look
from phonebind.pages.targets import origins_of_settings

logger = logging.getLogger(__name__)

P = ParamSpec("P")
View: TypeAlias = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

_EXPIRED = _("This sign-in has expired")

#: The heading of the error page, by exception class.
TITLES: Mapping[type[PhonebindError], Text] = {
    Unavailable: _("Not available at the moment"),
    StateInvalid: _EXPIRED,
    CodeInvalid: _EXPIRED,
    TicketInvalid: _EXPIRED,
    SnapshotUser: _("WeChat shows a snapshot"),
    AccountDisabled: _("You cannot sign in"),
    NextNotAllowed: _("This link does not work"),
    ProviderUnknown: _("This page does not exist"),
    PhonebindError: _("That did not work"),
}


class _Page(HttpResponse):
    """A page. ``avatar`` is the URL of its only image from another site, or ""."""

    avatar = ""


class SeeOther(HttpResponseRedirect):
    """A redirect with status 303: the browser loads the next page with GET, whatever the method of this request."""

    status_code = 303


def page(
    action: str, *methods: str, asks: bool = False, guarded: Collection[str] = ("POST",)
) -> Callable[[View[P]], View[P]]:
    """Decorator for a view of this package. The response is never cached, has strict headers, and shows every expected
    error as a page or as JSON.

    ``action``: the action in the audit trail. ``asks``: the page has a human check, so it may load the scripts and
    frames of that check. ``guarded``: methods that count, send or change something; a request with them that another
    site caused is refused.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            audit.note(request, action=action, provider=kwargs.get("provider", ""))
            response: HttpResponseBase = HttpResponseNotAllowed(methods)
            if request.method in methods:
                response = _answer(request, partial(view, request, *args, **kwargs), guarded)
            audit.write(request, response)
            return _with_headers(response, asks=asks)

        quiet = sensitive_post_parameters()(databases.own_transactions(languages.in_ours(checked)))
        return cast("View[P]", login_not_required(quiet))

    return decorate


def _answer(request: HttpRequest, view: Callable[[], HttpResponseBase], guarded: Collection[str]) -> HttpResponseBase:
    """The view's response, or an error page for the person."""
    try:
        with foreseen():
            if request.method in guarded:
                origins.check(request)
            _read_form(request)
            return view()
    except PhonebindError as error:
        return refuse(request, error)
    except Exception:
        if not audit.is_committed(request):
            raise
        # The person may send the form again: the same form gives the same success.
        logger.exception("A bind was committed, and its answer failed")
        return refuse(request, StorageUnavailable())


@contextmanager
def foreseen() -> Iterator[None]:
    """Turn an exception of a library into the error that the person gets."""
    try:
        yield
    except DATABASE_DOWN as error:
        raise StorageUnavailable from error
    except UNREADABLE as error:
        raise Invalid from error


def _read_form(request: HttpRequest) -> None:
    """Read the whole form before the view does anything: check its length, its parts, and that they are UTF-8."""
    bodies.check_length(request)
    bodies.check_bytes(request)
    bodies.read_as_utf8(request)
    for fields in (request.GET, request.POST):
        bodies.check_text(fields)


def show(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, error: PhonebindError | None = None
) -> HttpResponse:
    """Render a page. Only this page may load the image at ``context["avatar"]``."""
    response = _Page(render_to_string(f"phonebind/{template}", {**look.context(), **context}, request))
    response.avatar = context.get("avatar", "")
    if error is not None:
        response.status_code = error.status
        for name, value in error.headers.items():
            response.headers[name] = value
        error.finish(response)
    return response


def marks(family: str) -> list[str]:
    """The templates for a provider's logo; the first that exists is used. A provider without a logo gets a key."""
    return [f"phonebind/marks/{family}.html", "phonebind/mark.html"]


def refuse(request: HttpRequest, error: PhonebindError, *, again: str = "") -> HttpResponse:
    """The error as a page with one link, to ``again`` or else to the sign-in page. For a script: as JSON."""
    audit.refused(request, error)
    if wants_json(request):
        return refuse_json(error)
    title = next(title for kind, title in TITLES.items() if isinstance(error, kind))
    # The error's own message is part of the API. It names a field that no page has.
    message = StateInvalid.message if isinstance(error, TicketInvalid) else error.message
    return problem(request, title, message, again=again, error=error)


def problem(
    request: HttpRequest, title: Text, message: Text, *, again: str = "", error: PhonebindError | None = None
) -> HttpResponse:
    return show(request, "problem.html", {"title": title, "message": message, "again": again}, error=error)


def refuse_json(error: PhonebindError, body: dict[str, Any] | None = None) -> HttpResponse:
    """``body`` replaces the error's own body."""
    response = JsonResponse(body or error.body, status=error.status, headers=error.headers)
    error.finish(response)
    return response


def wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def _with_headers(response: HttpResponseBase, *, asks: bool) -> HttpResponseBase:
    add_never_cache_headers(response)
    avatar = response.avatar if isinstance(response, _Page) else ""
    policy = content_security_policy(asks=asks, images=avatar[: avatar.index("/", len("https://"))] if avatar else "")
    response.headers.setdefault("Content-Security-Policy", policy)
    # The policy cannot be no-referrer: browsers would then post with "Origin: null", and Django's CSRF check refuses
    # that.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    return response


def content_security_policy(*, asks: bool = False, scripts: str = "", frames: str = "", images: str = "") -> str:
    """The policy of a page. ``scripts``, ``frames`` and ``images``: one further origin that the page may load each
    from.
    """
    files = urlsplit(static("phonebind/code_form.js"))
    ours = ["'self'", *([f"{files.scheme or 'https'}://{files.netloc}"] if files.netloc else [])]
    check = human.mode().check if asks else None
    theirs = check.origins if check else ()
    style, logo = look.origins()

    def sources(*more: str) -> str:
        return " ".join(dict.fromkeys(filter(None, (*more, *theirs)))) or "'none'"

    # Chromium also applies form-action to the redirect after the form. It leads to `next` or to an address in the
    # host's settings.
    targets = " ".join(("'self'", *conf.allowed_next_hosts, *origins_of_settings()))
    return (
        f"default-src 'none'; script-src {sources(*ours, scripts)}; style-src {sources(*ours, style)}; "
        f"img-src {sources(*ours, logo, images)}; connect-src {sources(ours[0])}; frame-src {sources(frames)}; "
        f"form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )
