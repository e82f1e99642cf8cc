"""Shared by the account pages: the signed-in person, whether a form is theirs, and the message for the next page."""

import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from phonebind import accounts, audit, keyed, masking
from phonebind.exceptions import PhonebindError, Text, TokenInvalid
from phonebind.life import SID
from phonebind.lifecycle import numbers, people, sessions
from phonebind.lifecycle.exceptions import NotFound
from phonebind.lifecycle.people import Person
from phonebind.pages import answers
from phonebind.pages.answers import SeeOther, View, page, wants_json
from phonebind.pages.middleware import AUTH_TIME
from phonebind.pages.targets import login_url

P = ParamSpec("P")

#: Session key: the message for the next page, whether it is bad news, and for which user, if that is not clear.
_TOLD = "phonebind_told"


def home() -> str:
    return reverse("phonebind_account:account")


def mine(
    action: str, *methods: str, asks: bool = False
) -> Callable[[Callable[Concatenate[HttpRequest, Person, P], HttpResponse]], View[P]]:
    """Decorator for a page of the person's own account; see ``phonebind.pages.answers.page``.

    A visitor who is not signed in is redirected to sign-in, and comes back. A form that another user filled in, in
    another tab or on another site, has no effect.
    """

    def decorate(view: Callable[Concatenate[HttpRequest, Person, P], HttpResponse]) -> View[P]:
        @wraps(view)
        def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            return attend(request, lambda person: view(request, person, *args, **kwargs))

        # The form contains a seal of its session that no other site can know, so it needs no token of Django's. That
        # token changes with every sign-in, and its error page has no link to go on.
        return csrf_exempt(page(action, *methods, asks=asks)(cast("View[P]", checked)))

    return decorate


def attend(request: HttpRequest, view: Callable[[Person], HttpResponse]) -> HttpResponse:
    """Call ``view`` with the signed-in person, as a page decorated with :func:`mine` does."""
    try:
        person = _visitor(request)
        audit.note(request, user_id=person.user.pk)
        if request.method == "POST" and not _is_theirs(request, person):
            return _anew(request)
        return view(person)
    except TokenInvalid as error:
        return sign_in_first(request, error)
    except PhonebindError as error:
        if wants_json(request):
            raise
        return problem(request, error)


def show(
    request: HttpRequest,
    person: Person,
    template: str,
    context: Mapping[str, Any],
    *,
    error: PhonebindError | None = None,
) -> HttpResponse:
    return answers.show(request, template, {**own(request, person), **context}, error=error)


def own(request: HttpRequest, person: Person) -> dict[str, Any]:
    """Context for every template of the account pages."""
    return {"seal": _seal(person), "home": home(), "told": _told(request, person)}


def tell(request: HttpRequest, text: Text, *, bad: bool = False, signed_out: Person | None = None) -> None:
    """Store a message for the next page. ``signed_out``: the user who was just signed out; only this user sees the
    message, after the next sign-in.
    """
    request.session[_TOLD] = [str(text), bad, str(signed_out.user.pk) if signed_out else ""]


def is_told(request: HttpRequest) -> bool:
    """Whether there is a message that the person has not seen yet."""
    return _TOLD in request.session


def sign_in_first(request: HttpRequest, error: TokenInvalid) -> HttpResponse:
    if wants_json(request):
        # The script reloads the page.
        raise error
    audit.refused(request, error)
    # The posted data is lost with the session. A URL that accepts only POST cannot be the target either.
    return SeeOther(login_url(request.path if request.method in ("GET", "HEAD") else home()))


def problem(request: HttpRequest, error: PhonebindError, back: str = "") -> HttpResponse:
    """The error as a page with a link back."""
    audit.refused(request, error)
    title = _("This page does not exist") if isinstance(error, NotFound) else _title(error)
    context = {"title": title, "message": error.message, "back": back or home()}
    return answers.show(request, "account_problem.html", context, error=error)


def name_of(person: Person) -> str:
    """The masked mobile number; without a number, the username."""
    return masking.mobile(accounts.mobile_of(person.user)) or person.user.get_username()


def _title(error: PhonebindError) -> Text:
    return next(title for kind, title in answers.TITLES.items() if isinstance(error, kind))


def _visitor(request: HttpRequest) -> Person:
    """The signed-in person. First carries out a change of the mobile number that is due.

    Raises TokenInvalid, StorageUnavailable.
    """
    try:
        person = people.of_page(request)
    except TokenInvalid:
        # The session was ended elsewhere, and the host does not use our middleware.
        if request.user.is_authenticated:
            auth.logout(request)
        raise
    if not person.sid:
        person = _begin(request, person)
    outcome = numbers.carry_out(person.user.pk, person.sid)
    if outcome == "changed":
        person = people.of_page(request)
        tell(request, _("Your mobile number is %(mobile)s from now on.") % {"mobile": name_of(person)})
    elif outcome:
        tell(request, _("Your mobile number was not changed: the new one could not be used any more."), bad=True)
    return person


def _begin(request: HttpRequest, person: Person) -> Person:
    """Start a session of ours for a Django session that has none: it is older than this app, or the host made it.
    Tokens are taken over in the same way, by a refresh.
    """
    now = time.time()
    since, ends = request.session.get(AUTH_TIME, now), now + settings.SESSION_COOKIE_AGE
    turn = sessions.begin(request, person.user, sessions.CONTINUED, None, since, ends)
    request.session[SID] = turn.sid
    return Person(person.user, turn.sid, person.device)


def _anew(request: HttpRequest) -> HttpResponse:
    """Redirect to the account page of the person who is signed in now."""
    if wants_json(request):
        raise TokenInvalid
    tell(request, _("You have signed in again since this page was loaded. Please check it again."), bad=True)
    audit.note(request, outcome=TokenInvalid.code)
    return SeeOther(home())


def _is_theirs(request: HttpRequest, person: Person) -> bool:
    return keyed.is_of(request.POST.get("seal", ""), *_sealed(person))


def _seal(person: Person) -> str:
    return keyed.digests(*_sealed(person))[0]


def _sealed(person: Person) -> tuple[str, str]:
    """The values that the seal protects: this user in this session."""
    return "phonebind.lifecycle.pages", f"{person.user.pk}:{person.need_session()}"


def _told(request: HttpRequest, person: Person) -> dict[str, Any] | None:
    if request.method != "GET" or _TOLD not in request.session:
        return None
    text, bad, whom = request.session.pop(_TOLD)
    return {"text": text, "bad": bad} if whom in ("", str(person.user.pk)) else None
