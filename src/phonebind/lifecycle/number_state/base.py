"""What every gateway is that knows which numbers have a new owner."""

from datetime import datetime
from typing import Literal, Protocol, TypeAlias

State: TypeAlias = Literal["same", "recycled", "unknown"]


class Gateway(Protocol):
    """Constructed for each question, with the rest of ``PHONEBIND["NUMBER_STATE"]`` as keyword arguments."""

    def check(self) -> list[str]:
        """What is wrong with the options, for the system checks; nothing is sent."""

    def since(self, mobile: str, moment: datetime) -> State:
        """Whether the number has had the same owner since ``moment``, when it was proved last; "recycled" too where it
        is nobody's.

        Raises NumberStateUnavailable; ``answered`` where the vendor did answer, and bills nothing.
        """
