"""How often the operator is alerted: a flood of requests must not become a flood of log lines."""

import time

from phonebind import store
from phonebind.exceptions import StorageUnavailable

#: The shortest time between two lines about one subject.
SECONDS = 60

#: When this process last asked the store whether it may log, by subject. Asking the store for each request of a flood
#: would cost more than the line. Subjects are few and fixed: nothing in a request makes a new one.
_asked: dict[str, float] = {}


def is_due(subject: str, seconds: int = SECONDS) -> bool:
    """True once in ``seconds`` (at least a minute), for all processes together. If the store is unavailable, once a
    minute for each process.
    """
    now = time.monotonic()
    if now - _asked.get(subject, -SECONDS) < SECONDS:
        return False
    _asked[subject] = now
    try:
        return store.first(store.key("alarm", subject), max(seconds, SECONDS))
    except StorageUnavailable:
        return True
