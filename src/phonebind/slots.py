"""How many threads of this process may wait for somebody else's server at once.

A provider that hangs would hold every thread there is until its deadline, and with them all that has nothing to do with
it. So only some may wait; who finds no place is told at once that the service is not available. In a burst, while those
who wait are being answered, a place is worth a moment's patience.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from phonebind.exceptions import PhonebindError, ProviderUnavailable, SmsNotSent

#: Seconds without an answer to anybody, after which it has no point to wait for a place.
PATIENCE = 0.25
#: Seconds to wait for one at most: whoever waits holds a thread too.
LONGEST = 0.5
#: Seconds between two lines in the log.
WARN_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Slots:
    """The places at one kind of server; ``error`` is raised for want of one."""

    def __init__(self, error: type[PhonebindError]) -> None:
        self._error = error
        self._changed = threading.Condition()
        self._taken = 0
        self._moved = 0.0
        self._answering = True
        self._warned = -WARN_SECONDS

    @contextmanager
    def take(self, most: int) -> Iterator[None]:
        """Hold one of ``most`` places for the length of the block."""
        with self._changed:
            self._wait(most)
            self._taken += 1
            self._moved = time.monotonic()
        answered = True
        try:
            yield
        except self._error:
            answered = False
            raise
        finally:
            with self._changed:
                self._taken -= 1
                self._answering = answered
                self._moved = time.monotonic() if answered else self._moved
                self._changed.notify()

    def _wait(self, most: int) -> None:
        end = time.monotonic() + LONGEST
        while self._taken >= most:
            left = min(self._moved + PATIENCE, end) - time.monotonic()
            if left <= 0 or not self._answering:
                self._warn(most)
                raise self._error
            self._changed.wait(left)

    def _warn(self, most: int) -> None:
        if self._warned + WARN_SECONDS < time.monotonic():
            self._warned = time.monotonic()
            logger.warning("All %s places of this process are taken: %s for who comes now", most, self._error.code)


PROVIDER = Slots(ProviderUnavailable)
SMS = Slots(SmsNotSent)
