"""The protocol of human checks."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol

from phonebind import limits, slots
from phonebind.conf import conf
from phonebind.exceptions import HumanCheckUnavailable


class Check(Protocol):
    """Made for each use, with the options of ``PHONEBIND["HUMAN_CHECK"]`` as keyword arguments.

    ``name`` is its name for front ends. ``visual`` is True if people must see something; those who cannot are
    offered another way.
    """

    #: The name by which front ends know it.
    name: ClassVar[str]
    #: Whether people have to see something. If so, another way is offered to those who cannot see.
    visual: ClassVar[bool]

    @property
    @abstractmethod
    def origins(self) -> Sequence[str]:
        """Other sites from which it loads something, or which it shows or connects to. The bind page allows them."""

    @abstractmethod
    def check(self) -> list[str]:
        """A list of problems with the options, for the system checks. It asks no other server."""

    @abstractmethod
    def issue(self, mobile: str) -> Mapping[str, Any]:
        """What the browser needs for its answer: JSON, shown beside the name. Raises ServerBusy."""

    @abstractmethod
    def verify(self, mobile: str, address: str, answer: str) -> bool:
        """Whether ``answer`` shows a person. It uses the answer up: one answer is valid for one SMS to this mobile.

        ``answer`` is what the client sent, up to 8,192 characters, or "". The limits count by ``address``.

        Raises HumanCheckUnavailable if the answer cannot be checked now.
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
