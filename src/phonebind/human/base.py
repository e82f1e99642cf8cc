"""What every human check is."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol

from phonebind import limits, slots
from phonebind.conf import conf
from phonebind.exceptions import HumanCheckUnavailable


class Check(Protocol):
    """Made for each use, with the options of ``PHONEBIND["HUMAN_CHECK"]`` as keyword arguments.

    ``name`` is what front ends know it by. ``visual`` is True if people must see something; those who cannot are
    offered another way.
    """

    #: What front ends know it by.
    name: ClassVar[str]
    #: Asks people to see something, so those who cannot are offered another way.
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

        ``answer`` is whatever somebody sent, up to 8,192 characters, or "". ``address`` is whom the limits count.

        Raises HumanCheckUnavailable if nobody can tell.
        """


@contextmanager
def asking(address: str) -> Iterator[None]:
    """Around a question to somebody else's server: one that hangs must not hold every thread, and one that answers may
    want to be paid for it.

    Raises HumanCheckUnavailable where all places are taken, and TooManyRequests; what ends with the former counts
    against nobody.
    """
    with (
        limits.taken(("human_answer_address_hour", address), unless=HumanCheckUnavailable),
        slots.HUMAN.take(max(1, conf.sms_slots // 2)),
    ):
        yield
