"""For development and tests: the answer is in the number, and nobody is asked."""

from dataclasses import dataclass
from datetime import datetime

from phonebind.conf import development
from phonebind.lifecycle.exceptions import NumberStateUnavailable
from phonebind.lifecycle.number_state.base import State

#: As the emulator of ``phonebind_sandbox`` has them. All other numbers have the owner that they had.
RECYCLED, UNKNOWN, DOWN = ("91", "93"), "90", "99"


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """Numbers that end in 91 or 93 have a new owner, or none; of 90 nobody knows; at 99 the vendor is down."""

    def check(self) -> list[str]:
        return [] if development() else ["the sandbox makes its answers up: it is for development"]

    def since(self, mobile: str, moment: datetime) -> State:
        if mobile.endswith(DOWN):
            raise NumberStateUnavailable
        if mobile.endswith(UNKNOWN):
            return "unknown"
        return "recycled" if mobile.endswith(RECYCLED) else "same"
