"""Why a signed-in person goes to a provider: to bind an identity, or for step-up.

The state is made for one user, one session and one intent. It cannot sign a person in. A state that was made for a
sign-in is not accepted here, and neither is a state of another person. Otherwise an attacker could make a victim's
browser bind the attacker's identity to the victim's account (the CSRF of linking). If the front end keeps no cookies,
this is the only protection: the state is then not a secret of the browser, but only this person can get one for this
session.
"""

from contextlib import suppress

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from phonebind import binding, oauth, states
from phonebind.exceptions import Invalid, StateInvalid
from phonebind.lifecycle import devices, people
from phonebind.lifecycle.people import Person
from phonebind.models import SocialAccount
from phonebind.oauth import Identity, WebProvider
from phonebind.states import Started, State

BIND, VERIFY = "bind", "verify"

UNKNOWN = _("Ask for bind or verify.")


def asked_for(request: Request) -> str:
    """The intent of a state, from the query of ``/oauth/{provider}/authorization/``; "" for a sign-in.

    Raises Invalid, TokenInvalid, StorageUnavailable.
    """
    word = request.query_params.get("intent", "")
    if not word:
        return ""
    if word not in (BIND, VERIFY):
        raise Invalid({"intent": [UNKNOWN]})
    return _of(people.of(request), word)


def start(request: HttpRequest, person: Person, intent: str, source: WebProvider, next_url: str) -> Started:
    """Like ``states.start``. Raises TokenInvalid."""
    return states.start(request, source, next_url, _of(person, intent))


def find(request: HttpRequest, person: Person, source: WebProvider, state: str) -> tuple[str, State] | None:
    """The intent with which this person went to the provider, and the state; None if ``state`` is not theirs."""
    for intent in (BIND, VERIFY):
        with suppress(StateInvalid):
            return intent, states.read(request, source, state, _of(person, intent))
    return None


def redeem(
    request: HttpRequest, person: Person, intent: str, *, provider: str, code: str, state: str
) -> tuple[Identity, SocialAccount | None, State]:
    """The identity that has come back from the provider, its binding if there is one, and the state. The caller must
    forget the state.

    Nothing is written, not even the row of a person who is known from another of our apps. Raises StateInvalid,
    ProviderUnknown, TokenInvalid, and what ``binding.identify`` raises.
    """
    source = oauth.web(provider)
    read = states.read if devices.are_kept() else states.take
    found = read(request, source, state, _of(person, intent))
    trade = lambda: source.exchange(code, secret=found.secret)  # noqa: E731
    identity, account = binding.identify(source, trade, adopt=False)
    return identity, account, found


def _of(person: Person, word: str) -> str:
    return f"{word}:{person.user.pk}:{person.need_session()}"
