"""How many SMS a vendor sends to one number. What counts is that it was taken, whatever became of it.

Two requests in the same moment may both pass: this is for a developer who wants to see the vendor's refusal.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from phonebind_sandbox import state

MINUTE, HOUR, DAY = 60, 3_600, 86_400

#: Minutes, hours and days begin when they do in Beijing.
_OFFSET = 8 * HOUR


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` in ``seconds``: of the clock (the minute from 10:42:00 to 10:42:59), or of any such time."""

    name: str
    most: int
    seconds: int
    clock: bool = False

    @property
    def retry_after(self) -> int:
        """Seconds until it is worth another try: the rest of the clock's minute, or all of it."""
        passed = int(time.time() + _OFFSET) % self.seconds if self.clock else 0
        return self.seconds - passed

    def holds(self, moment: float, now: float) -> bool:
        """Whether what was sent at that moment counts now."""
        if self.clock:
            return (moment + _OFFSET) // self.seconds == (now + _OFFSET) // self.seconds
        return now - moment < self.seconds


def reached(scope: str, limits: Iterable[Limit]) -> Limit | None:
    """The first limit that lets nothing more through."""
    now, times = time.time(), _times(scope)
    return next((limit for limit in limits if sum(limit.holds(at, now) for at in times) >= limit.most), None)


def count(scope: str) -> None:
    now = time.time()
    state.put("sms_times", scope, [*(at for at in _times(scope) if now - at < DAY), now], DAY)


def _times(scope: str) -> list[float]:
    return list(state.get("sms_times", scope) or [])
