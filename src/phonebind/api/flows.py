"""How a sign-in is held together from its first request to the bind: by the browser's cookies, or not at all.

What a front end sends decides which of them serves it.
"""

from abc import ABC, abstractmethod

from django.http import HttpRequest

from phonebind import states, tickets
from phonebind.api import landing
from phonebind.browser import Cookie
from phonebind.oauth import Identity, WebProvider
from phonebind.redirects import safe_next
from phonebind.states import Started, State

#: For providers that take letters and digits alone, which no ``next`` is.
NO_STATE = "0"


class Flow(ABC):
    #: Whether bind tickets are good in any browser.
    unbound = False
    #: Whether those of apps are, too. Not where a bind signs the browser in: or it could be somebody else's browser.
    loose = True

    @abstractmethod
    def start(self, request: HttpRequest, provider: WebProvider, target: str) -> Started:
        """What the provider is asked with, and the cookie that makes it this browser's.

        Raises ProviderUnavailable where that takes a cookie, and the front end keeps none.
        """

    @abstractmethod
    def read(self, request: HttpRequest, provider: WebProvider, state: str) -> State:
        """The sign-in that has come back; ``digest`` is empty where no cookie belongs to it.

        Raises StateInvalid, NextNotAllowed.
        """

    @abstractmethod
    def issue(self, request: HttpRequest, identity: Identity, target: str) -> tuple[str, Cookie | None]:
        """The bind ticket, and the cookie that makes it this browser's."""


class Bound(Flow):
    """The contract: state and ticket are of use to one browser, once."""

    def start(self, request: HttpRequest, provider: WebProvider, target: str) -> Started:
        return states.start(request, provider, target)

    def read(self, request: HttpRequest, provider: WebProvider, state: str) -> State:
        return states.read(request, provider, state)

    def issue(self, request: HttpRequest, identity: Identity, target: str) -> tuple[str, Cookie | None]:
        return tickets.issue(request, identity, target)


class Legacy(Flow):
    """For front ends whose ``state`` is ``next`` and who keep no cookies: whoever has code or ticket can use it."""

    unbound = True

    def start(self, request: HttpRequest, provider: WebProvider, target: str) -> Started:
        return Started(_brought_back(provider, target))

    def read(self, request: HttpRequest, provider: WebProvider, state: str) -> State:
        return State(next=safe_next(request, state if provider.takes_any_state else ""), digest="")

    def issue(self, request: HttpRequest, identity: Identity, target: str) -> tuple[str, Cookie | None]:
        return tickets.issue_unbound(identity, target), None


class Landing(Legacy):
    """As :class:`Legacy`, for pages that go to what ``decodeURI`` makes of the state."""

    def start(self, request: HttpRequest, provider: WebProvider, target: str) -> Started:
        return Started(_brought_back(provider, landing.state_for(request, provider, target)))

    def read(self, request: HttpRequest, provider: WebProvider, state: str) -> State:
        return State(next=landing.target_of(request, provider, state), digest="")


class Stateless(Bound):
    """As :class:`Bound`, for pages that keep cookies and bring no state back: some sign-in began in this browser."""

    loose = False

    def start(self, request: HttpRequest, provider: WebProvider, target: str) -> Started:
        state = landing.state_for(request, provider, target)
        return states.start_stateless(request, provider, state if provider.takes_any_state else NO_STATE)

    def read(self, request: HttpRequest, provider: WebProvider, state: str) -> State:
        return states.read_stateless(request, provider, landing.target_of(request, provider, state))


def _brought_back(provider: WebProvider, state: str) -> str:
    if provider.uses_secret:
        raise provider.unavailable("it is asked with a secret, and FRONT_END or LEGACY_STATE keeps no cookie")
    return state if provider.takes_any_state else NO_STATE


BOUND = Bound()
LEGACY = Legacy()
LANDING = Landing()
STATELESS = Stateless()
