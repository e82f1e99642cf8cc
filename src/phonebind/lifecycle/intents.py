"""What somebody who is signed in goes to a provider for: to bind an identity, or to show that it is still them.

The state of it is made for this user, session and intent alone: it signs nobody in, a state made to sign in serves for
nothing here, and one of somebody else's leads nowhere. Otherwise an attacker could have a victim's browser bind the
attacker's identity to the victim's account (the CSRF of linking). Where a front end keeps no cookies, that is all that
protects it: the state is no secret of the browser then, but nobody else can have one made for this session.
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
    """The intent of a state, as the query of ``/oauth/{provider}/authorization/`` names it; "" for a sign-in.

    Raises Invalid, TokenInvalid, StorageUnavailable.
    """
    word = request.query_params.get("intent", "")
    if not word:
        return ""
    if word not in (BIND, VERIFY):
        raise Invalid({"intent": [UNKNOWN]})
    return _of(people.of(request), word)


def start(request: HttpRequest, person: Person, intent: str, source: WebProvider, next_url: str) -> Started:
    """As ``states.start``. Raises TokenInvalid."""
    return states.start(request, source, next_url, _of(person, intent))


def find(request: HttpRequest, person: Person, source: WebProvider, state: str) -> tuple[str, State] | None:
    """What this person has gone to the provider for with ``state``; None where it is no such state of theirs."""
    for intent in (BIND, VERIFY):
        with suppress(StateInvalid):
            return intent, states.read(request, source, state, _of(person, intent))
    return None


def redeem(
    request: HttpRequest, person: Person, intent: str, *, provider: str, code: str, state: str
) -> tuple[Identity, SocialAccount | None, State]:
    """Who has come back from the provider, the binding that is known for them, and the state, to be forgotten.

    Nothing is made of it: not even the row of one who is known by another of our apps. Raises StateInvalid,
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
