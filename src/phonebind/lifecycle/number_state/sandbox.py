"""For development and tests: the last digits of the number choose the answer. No request is sent."""

from dataclasses import dataclass
from datetime import datetime

from phonebind.conf import development
from phonebind.lifecycle.exceptions import NumberStateUnavailable
from phonebind.lifecycle.number_state.base import State

#: The same endings as in the emulator of ``phonebind_sandbox``. All other numbers have the same owner.
RECYCLED, UNKNOWN, DOWN = ("91", "93"), "90", "99"


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """Numbers that end in 91 or 93 have a new owner, or none. 90: unknown. 99: the vendor is down."""

    def check(self) -> list[str]:
        return [] if development() else ["the sandbox invents its answers: use it only for development"]

    def since(self, mobile: str, moment: datetime) -> State:
        if mobile.endswith(DOWN):
            raise NumberStateUnavailable
        if mobile.endswith(UNKNOWN):
            return "unknown"
        return "recycled" if mobile.endswith(RECYCLED) else "same"
