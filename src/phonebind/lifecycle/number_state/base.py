"""The protocol of gateways that know which numbers have a new owner."""

from datetime import datetime
from typing import Literal, Protocol, TypeAlias

State: TypeAlias = Literal["same", "recycled", "unknown"]


class Gateway(Protocol):
    """Constructed for each question. The keyword arguments are the other keys of ``PHONEBIND["NUMBER_STATE"]``."""

    def check(self) -> list[str]:
        """Errors in the options, for the system checks. Sends no request."""

    def since(self, mobile: str, moment: datetime) -> State:
        """Whether the number has had the same owner since ``moment``, the time of its last proof. "recycled" also means
        that it has no owner now.

        Raises NumberStateUnavailable. Its ``answered`` is True if the vendor answered and bills nothing.
        """
