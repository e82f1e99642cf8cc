"""How many threads of this process may do at once what holds a thread for long.

A provider that hangs would hold every thread there is until its deadline; a crowd whose passwords are hashed, or whose
images are drawn, would have every thread compute; and with the threads goes all that has nothing to do with it. So only
some may, and in a burst a few more wait for them, in the order they came: a place is worth a moment's patience while
others are being served. Who would wait in vain, or too long, is told so at once.
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

#: Who waits holds a thread too, so as many may wait as have places: they are served next. Where the places are few it
#: is this many, or people who come at the same moment by chance would be refused; one place hashes for 8 in 0.2 s.
QUEUE = 8
#: Seconds between two lines in the log.
WARN_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Slots:
    """The places for one kind of work; ``error`` is raised for want of one.

    Nobody waits longer than ``longest`` seconds, nor where nobody was served for ``patience`` seconds, nor after work
    that ended with ``error`` itself, unless a neighbour did answer: a refusal is no outage.
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
        """Hold one of ``most`` places for the length of the block."""
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
            # Two places may have become free before the first in the queue woke up.
            self._call_next()

    def _call_next(self) -> None:
        if self._queue:
            self._queue[0].notify()

    def _refuse(self, most: int) -> NoReturn:
        if self._warned + WARN_SECONDS < time.monotonic():
            self._warned = time.monotonic()
            logger.warning("All %s places of this process are taken: %s for who comes now", most, self._error.code)
        raise self._error


# Neighbours that hang are the reason here, so what counts is whether they answer.
PROVIDER = Slots(ProviderUnavailable, patience=0.25, longest=0.5)
SMS = Slots(SmsNotSent, patience=0.25, longest=0.5)
HUMAN = Slots(HumanCheckUnavailable, patience=0.25, longest=0.5)
PROOF = Slots(MobileProofUnavailable, patience=0.25, longest=0.5)
# A hash always ends, and so does a drawing.
HASHING = Slots(ServerBusy, patience=1, longest=1)
# What people have to answer: images, and proofs of work. They are soon made, and a flood of them leaves the rest to
# sign-ins.
MAKERS = 1
CHALLENGES = Slots(ServerBusy, patience=1, longest=1)
