"""What the contract test asks of the other side of a provider."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from tests.support.edge import Answer, Upstream

#: Who has to repair it: the person (CodeInvalid), the operator or the provider (ProviderUnavailable, and the operator's
#: is an error in the log).
Repair = Literal["user", "operator", "provider"]


class Driver(ABC):
    """One kind, with a server in the provider's place."""

    kind: ClassVar[str]
    #: The entry in PROVIDERS, without base_url.
    settings: ClassVar[Mapping[str, Any]]
    #: A person's ids as this provider forms them, and one of somebody else.
    openid: ClassVar[str]
    other_openid: ClassVar[str]
    #: None where the provider has none.
    unionid: ClassVar[str | None] = None
    #: Whom none of its refusals is for.
    never: ClassVar[frozenset[Repair]] = frozenset()
    #: What must never be logged, besides the secret of the settings.
    secrets: ClassVar[tuple[str, ...]] = ()
    #: The path of the call that trades the code or asks about the token.
    path: ClassVar[str]
    #: Likewise for what an app brings; "" where that is the same one.
    native_path: ClassVar[str] = ""

    def serve(self, upstream: Upstream) -> None:  # noqa: B027 - most publish nothing
        """What the provider publishes before anybody signs in: keys, where its endpoints are."""

    @abstractmethod
    def person(self, upstream: Upstream, openid: str, *, unionid: str | None = None, nickname: str = "小明") -> str:
        """From now on the provider knows this person. The code or token that stands for them."""

    def app(self, upstream: Upstream, openid: str) -> tuple[str, str]:
        """As :meth:`person`, for an app: what its SDK was given, and the nonce."""
        return self.person(upstream, openid), ""

    @abstractmethod
    def refusals(self) -> Iterable[tuple[str, Repair, Answer]]:
        """Every error of the provider's tables at :attr:`path`: a name for the test, who repairs it, the answer."""

    @abstractmethod
    def foreign(self, upstream: Upstream) -> str | None:
        """As :meth:`person`, with an answer that is about another app than ours. None where no answer names one."""

    def useless(self) -> Iterable[bytes]:
        """Bodies at :attr:`path` that hold nobody, besides those that no provider can mean."""
        return ()

    def parsers(self) -> Iterable[Any]:
        """Functions of this kind that read bytes from outside, and never raise but what the provider's calls do."""
        return ()
