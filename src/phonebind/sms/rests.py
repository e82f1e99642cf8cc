"""Which of several gateways are resting, in this process. A gateway that fails repeatedly is not tried for each
message.

The state is kept here, because the gateways are constructed for each message.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from django.core.signals import setting_changed

from phonebind.conf import SETTING

#: Failures in a row after which a gateway rests, and the seconds that it rests.
MOST = 3
SECONDS = 30.0

#: The index of a gateway in the list, and its name.
Key: TypeAlias = tuple[int, str]


@dataclass(slots=True)
class _State:
    #: Failures in a row.
    failures: int = 0
    #: The monotonic time from which on it may be tried again.
    until: float = 0.0


_states: defaultdict[Key, _State] = defaultdict(_State)
_lock = threading.Lock()


def choose(keys: Sequence[Key], besides: Container[Key]) -> Key | None:
    """The first gateway that is not resting and not in ``besides``. If all are resting, the one that has rested
    longest.

    When its rest is over, one message tries the gateway. For all other messages it keeps resting until that attempt has
    succeeded. So a gateway that still hangs blocks only one thread.
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
    """The gateway sent, or said why it does not send to this number."""
    with _lock:
        _states[key] = _State()


def failed(key: Key) -> bool:
    """The gateway failed. Returns True if it rests from now on."""
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
