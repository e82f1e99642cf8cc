"""The protocol of human checks."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol

from phonebind import limits, slots
from phonebind.conf import conf
from phonebind.exceptions import HumanCheckUnavailable


class Check(Protocol):
    """Constructed for each use, with the options of ``PHONEBIND["HUMAN_CHECK"]`` as keyword arguments."""

    #: The name by which front ends know it.
    name: ClassVar[str]
    #: Whether people have to see something. If so, another way is offered to those who cannot see.
    visual: ClassVar[bool]

    @property
    @abstractmethod
    def origins(self) -> Sequence[str]:
        """Other sites that it loads from, shows in a frame or connects to. The bind page allows them in its CSP."""

    @abstractmethod
    def check(self) -> list[str]:
        """Errors in the options, for the system checks. Sends no request."""

    @abstractmethod
    def issue(self, mobile: str) -> Mapping[str, Any]:
        """The data that the browser needs to answer. It is sent as JSON beside the name. Raises ServerBusy."""

    @abstractmethod
    def verify(self, mobile: str, address: str, answer: str) -> bool:
        """Whether ``answer`` shows that there is a person. The answer is used up: it is valid for one SMS to this
        number.

        ``answer`` is what the client sent, up to 8,192 characters, or "" if it sent nothing. ``address`` is the one
        that the limits count. Raises HumanCheckUnavailable if it cannot be verified now.
        """


@contextmanager
def asking(address: str) -> Iterator[None]:
    """Holds a limit and a slot during a request to another server.

    Without slots, a server that hangs would hold every thread. Without a limit, the answers could cost the site money.
    Raises HumanCheckUnavailable if all slots are taken, and TooManyRequests. A request that ends with
    HumanCheckUnavailable does not count against the address.
    """
    with (
        limits.taken(("human_answer_address_hour", address), unless=HumanCheckUnavailable),
        slots.HUMAN.take(max(1, conf.sms_slots // 2)),
    ):
        yield
