"""Whose pages these are: who looks at them, whether a form that comes back was theirs, and what they are told next."""

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

#: In Django's session: what the next page tells, whether it is bad news, and to whom, where that is not plain.
_TOLD = "phonebind_told"


def home() -> str:
    return reverse("phonebind_account:account")


def mine(
    action: str, *methods: str, asks: bool = False
) -> Callable[[Callable[Concatenate[HttpRequest, Person, P], HttpResponse]], View[P]]:
    """A page of one's own account, as ``phonebind.pages.answers.page``. Whoever is not signed in goes to sign in, and
    comes back; a form that somebody else has filled in, in another tab or on another site, does nothing.
    """

    def decorate(view: Callable[Concatenate[HttpRequest, Person, P], HttpResponse]) -> View[P]:
        @wraps(view)
        def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            return attend(request, lambda person: view(request, person, *args, **kwargs))

        # The form names its session by what nobody else can know, and so needs no token of Django's: that one changes
        # whenever somebody signs in, and says so on a page without a way on.
        return csrf_exempt(page(action, *methods, asks=asks)(cast("View[P]", checked)))

    return decorate


def attend(request: HttpRequest, view: Callable[[Person], HttpResponse]) -> HttpResponse:
    """The answer of ``view`` to who is signed in, as of a page that is :func:`mine`."""
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
    """What every template here knows."""
    return {"seal": _seal(person), "home": home(), "told": _told(request, person)}


def tell(request: HttpRequest, text: Text, *, bad: bool = False, signed_out: Person | None = None) -> None:
    """On the next page that they see; to whom it was that has just been ``signed_out``, if they come in again."""
    request.session[_TOLD] = [str(text), bad, str(signed_out.user.pk) if signed_out else ""]


def is_told(request: HttpRequest) -> bool:
    """Whether there is something that they have not seen yet."""
    return _TOLD in request.session


def sign_in_first(request: HttpRequest, error: TokenInvalid) -> HttpResponse:
    if wants_json(request):
        # The script loads the page anew.
        raise error
    audit.refused(request, error)
    # What was posted is lost with the session, and so is an address that takes nothing else.
    return SeeOther(login_url(request.path if request.method in ("GET", "HEAD") else home()))


def problem(request: HttpRequest, error: PhonebindError, back: str = "") -> HttpResponse:
    """The error as a page with a way back."""
    audit.refused(request, error)
    title = _("This page does not exist") if isinstance(error, NotFound) else _title(error)
    context = {"title": title, "message": error.message, "back": back or home()}
    return answers.show(request, "account_problem.html", context, error=error)


def name_of(person: Person) -> str:
    """The masked mobile; the username of who has none."""
    return masking.mobile(accounts.mobile_of(person.user)) or person.user.get_username()


def _title(error: PhonebindError) -> Text:
    return next(title for kind, title in answers.TITLES.items() if isinstance(error, kind))


def _visitor(request: HttpRequest) -> Person:
    """Raises TokenInvalid, StorageUnavailable. A change of mobile that is due comes first."""
    try:
        person = people.of_page(request)
    except TokenInvalid:
        # Ended elsewhere, where no middleware of ours has seen it.
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
    """Django's session is older than the app, or the host's own: it becomes one of ours, as tokens do by a refresh."""
    now = time.time()
    since, ends = request.session.get(AUTH_TIME, now), now + settings.SESSION_COOKIE_AGE
    turn = sessions.begin(request, person.user, sessions.CONTINUED, None, since, ends)
    request.session[SID] = turn.sid
    return Person(person.user, turn.sid, person.device)


def _anew(request: HttpRequest) -> HttpResponse:
    """The page as it is for who is signed in now."""
    if wants_json(request):
        raise TokenInvalid
    tell(request, _("You have signed in anew since this page was loaded. Please look at it again."), bad=True)
    audit.note(request, outcome=TokenInvalid.code)
    return SeeOther(home())


def _is_theirs(request: HttpRequest, person: Person) -> bool:
    return keyed.is_of(request.POST.get("seal", ""), *_sealed(person))


def _seal(person: Person) -> str:
    return keyed.digests(*_sealed(person))[0]


def _sealed(person: Person) -> tuple[str, str]:
    """This user in this session."""
    return "phonebind.lifecycle.pages", f"{person.user.pk}:{person.need_session()}"


def _told(request: HttpRequest, person: Person) -> dict[str, Any] | None:
    if request.method != "GET" or _TOLD not in request.session:
        return None
    text, bad, whom = request.session.pop(_TOLD)
    return {"text": text, "bad": bad} if whom in ("", str(person.user.pk)) else None
