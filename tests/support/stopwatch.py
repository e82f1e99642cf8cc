"""How long something takes, without the time in which the machine did not let this process run.

A busy machine sometimes stops a process for a second or more. That says nothing about the code under test, and it fails
a test that measures with the wall clock.
"""

import threading
import time
from collections.abc import Callable
from typing import Self

#: Seconds between two looks at the clock.
_TICK = 0.02


class Stopwatch:
    """Measures its ``with`` block.

    A thread wakes up again and again. Where it wakes up late, and the process has used no CPU meanwhile, the machine
    stood still. A process that computes is not standing still, even if no other thread of it can run. A call that waits
    and keeps the interpreter's lock would count as standing still: do not measure one.
    """

    def __init__(self) -> None:
        #: Seconds of the wall clock. Timeouts go on while the machine stands still, so lower bounds are about these.
        self.wall = 0.0
        #: Seconds in which the process could run: for upper bounds.
        self.seconds = 0.0
        self._lost = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._begun = self._seen = time.monotonic()
        self._used = time.process_time()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        self.wall = self._seen - self._begun
        self.seconds = self.wall - self._lost

    def _look(self) -> None:
        is_over = False
        while not is_over:
            is_over = self._over.wait(_TICK)
            now, used = time.monotonic(), time.process_time()
            self._lost += max(0, now - self._seen - _TICK - (used - self._used))
            self._seen, self._used = now, used


def seconds(act: Callable[[], object]) -> float:
    """The seconds in which the process could run until ``act`` returned."""
    with Stopwatch() as watch:
        act()
    return watch.seconds
