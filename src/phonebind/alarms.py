"""What the operator is told, and how often: a flood of requests must not become a flood of log lines."""

import time

from phonebind import store
from phonebind.exceptions import StorageUnavailable

#: Between two lines about one subject, at the least.
SECONDS = 60

#: When this process last asked whether it may say it; asking the store for each request of a flood would cost more than
#: the line. Subjects are few and fixed: nothing that comes in a request makes a new one.
_asked: dict[str, float] = {}


def is_due(subject: str, seconds: int = SECONDS) -> bool:
    """True once in ``seconds``, a minute at least, for all processes together; where the store is away, once a minute
    for each of them.
    """
    now = time.monotonic()
    if now - _asked.get(subject, -SECONDS) < SECONDS:
        return False
    _asked[subject] = now
    try:
        return store.first(store.key("alarm", subject), max(seconds, SECONDS))
    except StorageUnavailable:
        return True
