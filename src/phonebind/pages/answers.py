"""What all pages have in common: their headers, and a clear answer to whatever went wrong."""

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

#: What a page is headed with when it can say nothing but that.
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
    """``avatar`` is the URL of the one image on it that comes from elsewhere, or ""."""

    avatar = ""


class SeeOther(HttpResponseRedirect):
    """On to another page, whichever way one came to this."""

    status_code = 303


def page(
    action: str, *methods: str, asks: bool = False, guarded: Collection[str] = ("POST",)
) -> Callable[[View[P]], View[P]]:
    """A view of this package: never cached, strict headers, and every foreseen error told on a page or in JSON.

    ``action`` is what the audit trail calls it. A page that ``asks`` whether one is a person may load what that takes.
    No page of another site may make a browser use the ``guarded`` methods: they count, send or change something.
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
    """The view's, or what its error means to the person at the other end."""
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
        # Asking again is right: the same form gives the same success.
        logger.exception("A bind was committed, and its answer failed")
        return refuse(request, StorageUnavailable())


@contextmanager
def foreseen() -> Iterator[None]:
    """What a library's exception means to the person at the other end."""
    try:
        yield
    except DATABASE_DOWN as error:
        raise StorageUnavailable from error
    except UNREADABLE as error:
        raise Invalid from error


def _read_form(request: HttpRequest) -> None:
    """All of it before anything is done: its length, its parts, and that they are UTF-8."""
    bodies.check_length(request)
    bodies.check_bytes(request)
    bodies.read_as_utf8(request)
    for fields in (request.GET, request.POST):
        bodies.check_text(fields)


def show(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, error: PhonebindError | None = None
) -> HttpResponse:
    """``context["avatar"]``, where the page has one, may be loaded by this page alone."""
    response = _Page(render_to_string(f"phonebind/{template}", {**look.context(), **context}, request))
    response.avatar = context.get("avatar", "")
    if error is not None:
        response.status_code = error.status
        for name, value in error.headers.items():
            response.headers[name] = value
        error.finish(response)
    return response


def marks(family: str) -> list[str]:
    """The templates of a provider's mark, the first that there is: a key stands for whoever has none."""
    return [f"phonebind/marks/{family}.html", "phonebind/mark.html"]


def refuse(request: HttpRequest, error: PhonebindError, *, again: str = "") -> HttpResponse:
    """The error as a page with one way on, ``again`` or else the sign-in page; or as JSON for a script."""
    audit.refused(request, error)
    if wants_json(request):
        return refuse_json(error)
    title = next(title for kind, title in TITLES.items() if isinstance(error, kind))
    # Its own message is the contract's, and names a field that no page has.
    message = StateInvalid.message if isinstance(error, TicketInvalid) else error.message
    return problem(request, title, message, again=again, error=error)


def problem(
    request: HttpRequest, title: Text, message: Text, *, again: str = "", error: PhonebindError | None = None
) -> HttpResponse:
    return show(request, "problem.html", {"title": title, "message": message, "again": again}, error=error)


def refuse_json(error: PhonebindError, body: dict[str, Any] | None = None) -> HttpResponse:
    """``body``: its own, in other words."""
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
    # Not no-referrer: browsers then post with "Origin: null", and Django's CSRF check refuses that.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    return response


def content_security_policy(*, asks: bool = False, scripts: str = "", frames: str = "", images: str = "") -> str:
    """``scripts``, ``frames`` and ``images``: an origin of whose a page has some besides ours."""
    files = urlsplit(static("phonebind/code_form.js"))
    ours = ["'self'", *([f"{files.scheme or 'https'}://{files.netloc}"] if files.netloc else [])]
    check = human.mode().check if asks else None
    theirs = check.origins if check else ()
    style, logo = look.origins()

    def sources(*more: str) -> str:
        return " ".join(dict.fromkeys(filter(None, (*more, *theirs)))) or "'none'"

    # Chromium applies form-action to the redirect after the form, which leads to `next` or where the host says.
    targets = " ".join(("'self'", *conf.allowed_next_hosts, *origins_of_settings()))
    return (
        f"default-src 'none'; script-src {sources(*ours, scripts)}; style-src {sources(*ours, style)}; "
        f"img-src {sources(*ours, logo, images)}; connect-src {sources(ours[0])}; frame-src {sources(frames)}; "
        f"form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )
