"""What every human check is."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable


@runtime_checkable
class Check(Protocol):
    """Constructed with the options of ``PHONEBIND["HUMAN_CHECK"]`` as keyword arguments."""

    #: What front ends know it by.
    name: ClassVar[str]
    #: Asks people to see something, so those who cannot are offered another way.
    visual: ClassVar[bool]

    @property
    def origins(self) -> Sequence[str]:
        """Other sites that it loads something from, shows in a frame or connects to: the bind page allows them."""

    def check(self) -> list[str]:
        """What is wrong with the options, for the system checks; nobody is asked."""

    def issue(self, mobile: str) -> Mapping[str, Any]:
        """What the browser needs in order to answer, as JSON beside the name. Raises ServerBusy."""

    def verify(self, mobile: str, address: str, answer: str) -> None:
        """Use ``answer`` up: it is good for one SMS to this mobile. ``address`` is whom the limits count.

        Raises HumanCheckInvalid, or HumanCheckUnavailable where nobody can tell.
        """
