"""How a sign-in is held together from its first request to the bind: by the browser's cookies, or not at all.

What a front end sends decides which of them serves it.
"""

from abc import ABC, abstractmethod

from django.http import HttpRequest

from phonebind import tickets
from phonebind.api import landing
from phonebind.oauth import Identity, Provider
from phonebind.redirects import safe_next
from phonebind.tickets import Cookie, State


class Flow(ABC):
    #: Whether bind tickets are good in any browser.
    unbound = False

    @abstractmethod
    def start(self, request: HttpRequest, provider: Provider, target: str) -> tuple[str, Cookie | None]:
        """The state for the provider to bring back, and the cookie that makes it this browser's."""

    @abstractmethod
    def read(self, request: HttpRequest, provider: Provider, state: str) -> State:
        """The sign-in that has come back; ``digest`` is empty where no cookie belongs to it.

        Raises StateInvalid, NextNotAllowed.
        """

    @abstractmethod
    def issue(self, request: HttpRequest, identity: Identity, target: str) -> tuple[str, Cookie | None]:
        """The bind ticket, and the cookie that makes it this browser's."""


class Bound(Flow):
    """The contract: state and ticket are of use to one browser, once."""

    def start(self, request: HttpRequest, provider: Provider, target: str) -> tuple[str, Cookie | None]:
        return tickets.start(request, provider, target)

    def read(self, request: HttpRequest, provider: Provider, state: str) -> State:
        return tickets.read_state(request, provider, state)

    def issue(self, request: HttpRequest, identity: Identity, target: str) -> tuple[str, Cookie | None]:
        return tickets.issue(request, identity, target)


class Legacy(Flow):
    """For front ends whose ``state`` is ``next`` and who keep no cookies: whoever has code or ticket can use it."""

    unbound = True

    def start(self, request: HttpRequest, provider: Provider, target: str) -> tuple[str, Cookie | None]:
        return target, None

    def read(self, request: HttpRequest, provider: Provider, state: str) -> State:
        return State(next=safe_next(request, state), digest="")

    def issue(self, request: HttpRequest, identity: Identity, target: str) -> tuple[str, Cookie | None]:
        return tickets.issue_unbound(identity, target), None


class Landing(Legacy):
    """As :class:`Legacy`, for pages that go to what ``decodeURI`` makes of the state."""

    def start(self, request: HttpRequest, provider: Provider, target: str) -> tuple[str, Cookie | None]:
        return landing.state_for(request, provider, target), None

    def read(self, request: HttpRequest, provider: Provider, state: str) -> State:
        return State(next=landing.target_of(request, provider, state), digest="")


class Stateless(Bound):
    """As :class:`Bound`, for pages that keep cookies and bring no state back: some sign-in began in this browser."""

    def start(self, request: HttpRequest, provider: Provider, target: str) -> tuple[str, Cookie | None]:
        return landing.state_for(request, provider, target), tickets.start_stateless(request, provider)

    def read(self, request: HttpRequest, provider: Provider, state: str) -> State:
        return tickets.read_stateless(request, provider, landing.target_of(request, provider, state))


BOUND = Bound()
LEGACY = Legacy()
LANDING = Landing()
STATELESS = Stateless()
