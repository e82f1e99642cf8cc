"""How many SMS a vendor sends to one number. Each accepted SMS counts, whether it was delivered or not.

Two requests at the same moment may both pass. That is good enough for a developer who wants to see the vendor's
refusal.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from phonebind_sandbox import state

MINUTE, HOUR, DAY = 60, 3_600, 86_400

#: Minutes, hours and days follow Beijing time.
_OFFSET = 8 * HOUR


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` SMS in ``seconds``. ``clock``: the period follows the clock (a minute is 10:42:00 to
    10:42:59); otherwise it is a sliding window.
    """

    name: str
    most: int
    seconds: int
    clock: bool = False

    @property
    def retry_after(self) -> int:
        """Seconds until a new try can succeed: the rest of the clock's period, or the whole window."""
        passed = int(time.time() + _OFFSET) % self.seconds if self.clock else 0
        return self.seconds - passed

    def holds(self, moment: float, now: float) -> bool:
        """Whether an SMS sent at ``moment`` still counts."""
        if self.clock:
            return (moment + _OFFSET) // self.seconds == (now + _OFFSET) // self.seconds
        return now - moment < self.seconds


def reached(scope: str, limits: Iterable[Limit]) -> Limit | None:
    """The first limit that is used up; None if there is none."""
    now, times = time.time(), _times(scope)
    return next((limit for limit in limits if sum(limit.holds(at, now) for at in times) >= limit.most), None)


def count(scope: str) -> None:
    now = time.time()
    state.put("sms_times", scope, [*(at for at in _times(scope) if now - at < DAY), now], DAY)


def _times(scope: str) -> list[float]:
    return list(state.get("sms_times", scope) or [])
