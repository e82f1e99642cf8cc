"""The interface of a fake provider, for the contract test."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from tests.support.edge import Answer, Upstream

#: Who must fix the error: the person (CodeInvalid), the operator or the provider (both ProviderUnavailable; the
#: operator's is an ERROR in the log).
Repair = Literal["user", "operator", "provider"]


class Driver(ABC):
    """One kind of provider, with a server in the provider's place."""

    kind: ClassVar[str]
    #: The entry in PROVIDERS, without base_url.
    settings: ClassVar[Mapping[str, Any]]
    #: A person's id in this provider's format, and the id of another person.
    openid: ClassVar[str]
    other_openid: ClassVar[str]
    #: None if the provider has no unionid.
    unionid: ClassVar[str | None] = None
    #: Those who never have to fix one of its refusals.
    never: ClassVar[frozenset[Repair]] = frozenset()
    #: Values that must never be logged, besides the secret in the settings.
    secrets: ClassVar[tuple[str, ...]] = ()
    #: The path of the call that trades the code or checks the token.
    path: ClassVar[str]
    #: The same path for an app's proof; "" if it is the same path.
    native_path: ClassVar[str] = ""

    def serve(self, upstream: Upstream) -> None:  # noqa: B027 - most publish nothing
        """Serve the data that the provider publishes before any sign-in: keys, and the addresses of its endpoints."""

    @abstractmethod
    def person(self, upstream: Upstream, openid: str, *, unionid: str | None = None, nickname: str = "小明") -> str:
        """Make this person known to the provider. Returns the code or token of the person."""

    def app(self, upstream: Upstream, openid: str) -> tuple[str, str]:
        """As :meth:`person`, for an app: what its SDK gets, and the nonce."""
        return self.person(upstream, openid), ""

    @abstractmethod
    def refusals(self) -> Iterable[tuple[str, Repair, Answer]]:
        """Every error of the provider's tables at :attr:`path`: a name for the test, who must fix it, the answer."""

    @abstractmethod
    def foreign(self, upstream: Upstream) -> str | None:
        """As :meth:`person`, with an answer that is for another app than ours. None if no answer names an app."""

    def useless(self) -> Iterable[bytes]:
        """Bodies at :attr:`path` without an identity, besides those that are useless for every provider."""
        return ()

    def parsers(self) -> Iterable[Any]:
        """Functions of this kind that parse bytes from outside. They raise only the errors of the provider's calls."""
        return ()
