"""Messages that wait for a worker. They are in the store, not in the queue.

Only an id and a number go through the broker. So its log, its events and pages that show its tasks contain no mobile
number and no code, at any log level. In the store, messages are encrypted with a key derived from ``SECRET_KEY``.
"""

import base64
import json
import time
from dataclasses import asdict, dataclass

from django.conf import settings
from django.utils.crypto import salted_hmac

from phonebind import store
from phonebind.sms.base import Message

try:
    from cryptography.fernet import Fernet, InvalidToken, MultiFernet
except ImportError as error:
    raise ImportError("cryptography is not installed: pip install 'phonebind[celery]'") from error

#: Seconds. As long as the code in the parcel is valid, so that a worker that comes too late can still invalidate it.
KEPT = 300
#: Seconds for which the same parcel is not given out again. Redis as a broker redelivers after an hour by default.
MARKED = 2 * 3600

# KEYS: the parcel, its mark. ARGV: seconds. One caller gets the parcel. After that, no caller can put it back. Later
# callers get 1. If there never was a parcel, the result is nil.
_take = store.Script("""
local parcel = redis.call('GET', KEYS[1])
if not parcel then
  return redis.call('EXISTS', KEYS[2]) == 1 and 1
end
redis.call('DEL', KEYS[1])
if not redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[1]) then
  return 1
end
return parcel
""")


class Missing(Exception):
    """The parcel is not in our store, and it was not taken from there."""


class Unreadable(Exception):
    """The parcel was encrypted with another SECRET_KEY, or by a release with other messages."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """``until``: the time after which it must not be sent, in seconds since 1970.

    ``attempt``: the number of earlier tries.
    """

    message: Message
    until: float
    attempt: int = 0

    @property
    def left(self) -> float:
        """Seconds in which it may still be sent. Negative after that."""
        return self.until - time.time()


def put(parcel: Parcel) -> None:
    """Store the parcel. Raises StorageUnavailable."""
    key = _keys(parcel.message.id, parcel.attempt)[0]
    content = json.dumps({"until": parcel.until, **asdict(parcel.message)})
    with store.connection() as client:
        client.set(key, _seal().encrypt(content.encode()), ex=KEPT)


def take(message_id: str, attempt: int) -> Parcel | None:
    """The parcel for the first caller, None for all later callers.

    Raises Missing, Unreadable, StorageUnavailable.
    """
    found = _take(_keys(message_id, attempt), MARKED)
    if not found:
        raise Missing
    if found == 1:
        return None
    try:
        fields = json.loads(_seal().decrypt(found))
        until = fields.pop("until")
        return Parcel(Message(**fields), until, attempt)
    except (InvalidToken, KeyError, TypeError):
        # ``from None``: Celery would log the original error, and error trackers would log every variable with it.
        raise Unreadable from None


def _keys(message_id: str, attempt: int) -> tuple[str, str]:
    subject = f"{message_id}:{attempt}"
    return store.key("sms_parcel", subject), store.key("sms_parcel_mark", subject)


def _seal() -> MultiFernet:
    """Encrypts with the current key. Former keys only decrypt."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    digests = [salted_hmac("phonebind.sms.parcels", "", secret=key, algorithm="sha256").digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
