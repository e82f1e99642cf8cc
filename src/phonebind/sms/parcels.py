"""Messages that wait for a worker: in the store, and not in the queue.

What goes through the broker is an id and a number. So neither its log nor its events nor a page that shows its tasks
has a mobile or a code, at whatever level they log. In the store they are sealed, by ``SECRET_KEY``.
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

#: Seconds. As long as the code that a parcel holds is good, so that a worker that comes too late can take it away.
KEPT = 300
#: Seconds for which nobody gets the same parcel again. Redis as a broker redelivers after an hour, its default.
MARKED = 2 * 3600

# KEYS: the parcel, its mark. ARGV: seconds. One caller gets the parcel, and once it was taken nobody can put it back; 1
# for those who come later, and nothing where there never was one.
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
    """It is not in our store, and was not taken out of it."""


class Unreadable(Exception):
    """It was sealed by a SECRET_KEY that is not ours, or by a release whose messages are others."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """``until``: seconds since 1970, after which it must not be sent; ``attempt``: how many tries there were before."""

    message: Message
    until: float
    attempt: int = 0

    @property
    def left(self) -> float:
        """Seconds in which it may still be sent; below 0 when they are over."""
        return self.until - time.time()


def put(parcel: Parcel) -> None:
    """Raises StorageUnavailable."""
    key = _keys(parcel.message.id, parcel.attempt)[0]
    content = json.dumps({"until": parcel.until, **asdict(parcel.message)})
    with store.connection() as client:
        client.set(key, _seal().encrypt(content.encode()), ex=KEPT)


def take(message_id: str, attempt: int) -> Parcel | None:
    """The parcel, for one caller of all; None for all others.

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
        # Celery would log what was raised, and error trackers every variable with it.
        raise Unreadable from None


def _keys(message_id: str, attempt: int) -> tuple[str, str]:
    subject = f"{message_id}:{attempt}"
    return store.key("sms_parcel", subject), store.key("sms_parcel_mark", subject)


def _seal() -> MultiFernet:
    """By the present key; former ones open what they have sealed."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    digests = [salted_hmac("phonebind.sms.parcels", "", secret=key, algorithm="sha256").digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
