"""How a sign-in is held together from its first request to the bind: by the browser's cookies, or without cookies.

The settings ``FRONT_END`` and ``LEGACY_STATE`` choose the flow, because they say what a front end can send.
"""

from abc import ABC, abstractmethod

from django.http import HttpRequest

from phonebind import states, tickets
from phonebind.api import landing
from phonebind.browser import Cookie
from phonebind.oauth import Identity, WebProvider
from phonebind.redirects import safe_next
from phonebind.states import Started, State

#: The state for providers that accept only letters and digits. A ``next`` always has other characters.
NO_STATE = "0"


class Flow(ABC):
    #: Whether binding tokens are valid in any browser.
    unbound = False
    #: Whether binding tokens of apps are also valid in any browser. False where a bind signs the browser in: otherwise,
    #: an attacker could sign another person's browser in to the attacker's account.
    loose = True

    @abstractmethod
    def start(self, request: HttpRequest, provider: WebProvider, target: str) -> Started:
        """The state that the provider is asked with, and the cookie that ties it to this browser.

        Raises ProviderUnavailable if the provider needs a cookie and the front end keeps none.
        """

    @abstractmethod
    def read(self, request: HttpRequest, provider: WebProvider, state: str) -> State:
        """The sign-in that has come back from the provider. ``digest`` is empty if no cookie belongs to it.

        Raises StateInvalid, NextNotAllowed.
        """

    @abstractmethod
    def issue(self, request: HttpRequest, identity: Identity, target: str) -> tuple[str, Cookie | None]:
        """The binding token, and the cookie that ties it to this browser."""


class Bound(Flow):
    """The contract: a state and a binding token work in one browser, once."""

    def start(self, request: HttpRequest, provider: WebProvider, target: str) -> Started:
        return states.start(request, provider, target)

    def read(self, request: HttpRequest, provider: WebProvider, state: str) -> State:
        return states.read(request, provider, state)

    def issue(self, request: HttpRequest, identity: Identity, target: str) -> tuple[str, Cookie | None]:
        return tickets.issue(request, identity, target)


class Legacy(Flow):
    """For front ends that send ``next`` as ``state`` and keep no cookies.

    Anyone who has the code or the binding token can use it.
    """

    unbound = True

    def start(self, request: HttpRequest, provider: WebProvider, target: str) -> Started:
        return Started(_brought_back(provider, target))

    def read(self, request: HttpRequest, provider: WebProvider, state: str) -> State:
        return State(next=safe_next(request, state if provider.takes_any_state else ""), digest="")

    def issue(self, request: HttpRequest, identity: Identity, target: str) -> tuple[str, Cookie | None]:
        return tickets.issue_unbound(identity, target), None


class Landing(Legacy):
    """As :class:`Legacy`, for pages that decode the state with ``decodeURI`` and go to the result."""

    def start(self, request: HttpRequest, provider: WebProvider, target: str) -> Started:
        return Started(_brought_back(provider, landing.state_for(request, provider, target)))

    def read(self, request: HttpRequest, provider: WebProvider, state: str) -> State:
        return State(next=landing.target_of(request, provider, state), digest="")


class Stateless(Bound):
    """As :class:`Bound`, for pages that keep cookies but do not bring the state back.

    It only checks that some sign-in began in this browser.
    """

    loose = False

    def start(self, request: HttpRequest, provider: WebProvider, target: str) -> Started:
        state = landing.state_for(request, provider, target)
        return states.start_stateless(request, provider, state if provider.takes_any_state else NO_STATE)

    def read(self, request: HttpRequest, provider: WebProvider, state: str) -> State:
        return states.read_stateless(request, provider, landing.target_of(request, provider, state))


def _brought_back(provider: WebProvider, state: str) -> str:
    if provider.uses_secret:
        raise provider.unavailable("it needs a cookie for its secret, and FRONT_END or LEGACY_STATE keeps no cookie")
    return state if provider.takes_any_state else NO_STATE


BOUND = Bound()
LEGACY = Legacy()
LANDING = Landing()
STATELESS = Stateless()
