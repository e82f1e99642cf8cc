"""Asks what a process needs: one thread for each check, an answer that holds for a second, and a deadline.

So neither many probes nor a server that hangs hold the threads that serve requests.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future

#: Seconds for which an answer holds.
LIFE = 1.0
#: The same for what is dear to find out, and stays right once it was.
LASTING_LIFE = 5.0
#: Seconds in which an answer must have come.
DEADLINE = 2.0
#: Seconds after which a question that was never answered is asked again.
LOST = 30.0

logger = logging.getLogger(__name__)


class Check:
    """One thing that must be right. Not for two threads at once."""

    def __init__(self, name: str, ask: Callable[[], object], *, lasts: bool = False) -> None:
        """``ask`` raises where it is wrong. What ``lasts`` is not asked again once it was right."""
        self.passed: bool | None = None
        self.settled = False
        self._name, self._ask, self._lasts = name, ask, lasts
        self._begun = -math.inf
        self._answer: Future[object] | None = None

    def begin(self) -> None:
        """Ask, where it is due."""
        hangs = self._answer is not None and not self._answer.done()
        life = LOST if hangs else LASTING_LIFE if self._lasts else LIFE
        if not self.settled and time.monotonic() - self._begun >= life:
            self._begun = time.monotonic()
            self._answer = _in_a_thread(self._ask)

    def conclude(self) -> None:
        """Read the answer, for which we wait until the deadline."""
        if self.settled or self._answer is None:
            return
        try:
            self._answer.result(max(0, self._begun + DEADLINE - time.monotonic()))
        except Exception as error:  # noqa: BLE001 - whatever a driver raises
            self._fail(error)
        else:
            self.passed, self.settled = True, self._lasts

    def _fail(self, error: Exception) -> None:
        if self.passed is not False:
            # Not what it says, which may name an address or quote a row.
            kind = type(error.__cause__ or error)
            logger.warning("Not ready: %s (%s.%s)", self._name, kind.__module__, kind.__qualname__)
        self.passed = False


class Readiness:
    """Several checks, for many threads at once."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        """By the names under which the answers stand."""
        self._checks = checks
        self._turn = threading.Lock()

    def report(self) -> dict[str, bool]:
        """Whether each is right. While one thread asks, the others are told what was known before."""
        if self._turn.acquire(blocking=False):
            try:
                for check in self._checks.values():
                    check.begin()
                for check in self._checks.values():
                    check.conclude()
            finally:
                self._turn.release()
        return {name: check.passed is True for name, check in self._checks.items()}

    def settle(self, *names: str) -> None:
        """These are right for as long as the process lives: whoever started it has seen to it."""
        for name in names:
            self._checks[name].passed = self._checks[name].settled = True


def _in_a_thread(ask: Callable[[], object]) -> Future[object]:
    answer: Future[object] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except Exception as error:  # noqa: BLE001 - whatever a driver raises
            answer.set_exception(error)

    # A daemon: a server that hangs does not keep this process from its end.
    threading.Thread(target=run, name="phonebind-readiness", daemon=True).start()
    return answer
