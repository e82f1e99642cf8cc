"""Checks what a process needs: one thread for each check, an answer that is valid for a second, and a deadline.

So neither many probes nor a server that hangs can block the threads that serve requests.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future

#: Seconds that an answer is valid.
LIFE = 1.0
#: The same for checks that are expensive and whose success is final.
LASTING_LIFE = 5.0
#: Seconds in which a check must answer.
DEADLINE = 2.0
#: Seconds after which a check that never answered is started again.
LOST = 30.0

logger = logging.getLogger(__name__)


class Check:
    """One condition. Not safe for two threads at once."""

    def __init__(self, name: str, ask: Callable[[], object], *, lasts: bool = False) -> None:
        """``ask`` raises an exception if the condition fails. With ``lasts``, a success is final."""
        self.passed: bool | None = None
        self.settled = False
        self._name, self._ask, self._lasts = name, ask, lasts
        self._begun = -math.inf
        self._answer: Future[object] | None = None

    def begin(self) -> None:
        """Start ``ask``, if it is due."""
        hangs = self._answer is not None and not self._answer.done()
        life = LOST if hangs else LASTING_LIFE if self._lasts else LIFE
        if not self.settled and time.monotonic() - self._begun >= life:
            self._begun = time.monotonic()
            self._answer = _in_a_thread(self._ask)

    def conclude(self) -> None:
        """Wait for the answer until the deadline, and read it."""
        if self.settled or self._answer is None:
            return
        try:
            self._answer.result(max(0, self._begun + DEADLINE - time.monotonic()))
        except Exception as error:  # noqa: BLE001 - a driver may raise anything
            self._fail(error)
        else:
            self.passed, self.settled = True, self._lasts

    def _fail(self, error: Exception) -> None:
        if self.passed is not False:
            # Only the class: the message may contain an address or a row.
            kind = type(error.__cause__ or error)
            logger.warning("Not ready: %s (%s.%s)", self._name, kind.__module__, kind.__qualname__)
        self.passed = False


class Readiness:
    """Several checks, for many threads at once."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        """``checks`` by their names in the report."""
        self._checks = checks
        self._turn = threading.Lock()

    def report(self) -> dict[str, bool]:
        """Whether each check passes. While one thread runs them, the others get the previous results."""
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
        """Mark these as passed for the life of the process: the caller has made sure of them."""
        for name in names:
            self._checks[name].passed = self._checks[name].settled = True


def _in_a_thread(ask: Callable[[], object]) -> Future[object]:
    answer: Future[object] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except Exception as error:  # noqa: BLE001 - a driver may raise anything
            answer.set_exception(error)

    # A daemon thread: a server that hangs does not stop this process from ending.
    threading.Thread(target=run, name="phonebind-readiness", daemon=True).start()
    return answer
