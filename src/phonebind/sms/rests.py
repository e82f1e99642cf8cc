"""Which of several gateways rest, in this process: one that fails again and again is not asked for every message.

Kept here and not in the gateways, which are made anew for each message.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from django.core.signals import setting_changed

from phonebind.conf import SETTING

#: Failures in a row after which a gateway rests, and for how many seconds.
MOST = 3
SECONDS = 30.0

#: A gateway's place among the others, and its name.
Key: TypeAlias = tuple[int, str]


@dataclass(slots=True)
class _State:
    #: In a row.
    failures: int = 0
    #: The monotonic time at which it may be asked again.
    until: float = 0.0


_states: defaultdict[Key, _State] = defaultdict(_State)
_lock = threading.Lock()


def choose(keys: Sequence[Key], besides: Container[Key]) -> Key | None:
    """The first that does not rest, and is not one of ``besides``. Where all of them rest: the one that has rested for
    longest.

    When its time is over one message tries it, and for all others it rests on until that one has gone well. A gateway
    that still hangs is met by a single thread so.
    """
    with _lock:
        now = time.monotonic()
        left = [key for key in keys if key not in besides]
        chosen = next((key for key in left if _states[key].until <= now), None)
        if chosen is None and all(_states[key].until > now for key in keys):
            chosen = min(left, key=lambda key: _states[key].until, default=None)
        if chosen is not None and _states[chosen].failures >= MOST:
            _states[chosen].until = now + SECONDS
        return chosen


def able(key: Key) -> None:
    """It sent, or said why it does not send to this number."""
    with _lock:
        _states[key] = _State()


def failed(key: Key) -> bool:
    """It did not. True where it rests from now on."""
    with _lock:
        state = _states[key]
        state.failures += 1
        if state.failures < MOST:
            return False
        state.until = time.monotonic() + SECONDS
        return True


def _forget(*, setting: str, **kwargs: object) -> None:
    if setting == SETTING:
        with _lock:
            _states.clear()


setting_changed.connect(_forget)
