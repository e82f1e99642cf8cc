"""How many threads of this process may do a long task at once.

A provider that hangs would block every thread until its deadline. A crowd whose passwords are hashed, or whose images
are drawn, would keep every thread busy. Then the process could serve no other requests either. So only some threads may
do it. In a burst, a few more wait in the order of their arrival: a short wait is worth it while others are being
served. A request that would wait in vain, or too long, is refused at once.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from phonebind.exceptions import (
    HumanCheckUnavailable,
    MobileProofUnavailable,
    PhonebindError,
    ProviderUnavailable,
    ServerBusy,
    SmsNotSent,
)

#: A request that waits holds a thread too. So as many may wait as there are places: they are served next. With few
#: places at least this many may wait; otherwise people who arrive together by chance would be refused. One place hashes
#: 8 passwords in 0.2 s.
QUEUE = 8
#: Seconds between two lines in the log.
WARN_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Slots:
    """The places for one kind of task. ``error`` is raised if there is no place.

    No request waits longer than ``longest`` seconds. None waits if no other request was served for ``patience``
    seconds. None waits after a task that raised ``error`` itself, unless the other server did answer: a refusal is no
    outage.
    """

    def __init__(self, error: type[PhonebindError], *, patience: float, longest: float) -> None:
        self._error = error
        self._patience = patience
        self._longest = longest
        self._lock = threading.Lock()
        self._queue: deque[threading.Condition] = deque()
        self._taken = 0
        self._moved = 0.0
        self._answering = True
        self._warned = -WARN_SECONDS

    @contextmanager
    def take(self, most: int) -> Iterator[None]:
        """Hold one of ``most`` places during the block."""
        with self._lock:
            self._wait(most)
            self._taken += 1
            self._moved = time.monotonic()
        answered = True
        try:
            yield
        except self._error as error:
            answered = error.answered
            raise
        finally:
            with self._lock:
                self._taken -= 1
                self._answering = answered
                self._moved = time.monotonic() if answered else self._moved
                self._call_next()

    def _wait(self, most: int) -> None:
        if self._taken < most and not self._queue:
            return
        if len(self._queue) >= max(most, QUEUE):
            self._refuse(most)
        end = time.monotonic() + self._longest
        turn = threading.Condition(self._lock)
        self._queue.append(turn)
        try:
            while self._taken >= most or self._queue[0] is not turn:
                left = min(self._moved + self._patience, end) - time.monotonic()
                if left <= 0 or not self._answering:
                    self._refuse(most)
                turn.wait(left)
        finally:
            self._queue.remove(turn)
            # Two places may have become free before the first request in the queue woke up.
            self._call_next()

    def _call_next(self) -> None:
        if self._queue:
            self._queue[0].notify()

    def _refuse(self, most: int) -> NoReturn:
        if self._warned + WARN_SECONDS < time.monotonic():
            self._warned = time.monotonic()
            logger.warning("All %s places of this process are taken: further requests get %s", most, self._error.code)
        raise self._error


# Here the cause of waiting is a server that may hang. So it counts whether it answers.
PROVIDER = Slots(ProviderUnavailable, patience=0.25, longest=0.5)
SMS = Slots(SmsNotSent, patience=0.25, longest=0.5)
HUMAN = Slots(HumanCheckUnavailable, patience=0.25, longest=0.5)
PROOF = Slots(MobileProofUnavailable, patience=0.25, longest=0.5)
# A hash always ends, and so does drawing an image.
HASHING = Slots(ServerBusy, patience=1, longest=1)
# Images and proofs of work. They are made quickly. In a flood of them, the other threads stay free for sign-ins.
MAKERS = 1
CHALLENGES = Slots(ServerBusy, patience=1, longest=1)
