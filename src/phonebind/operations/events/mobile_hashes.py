"""Mobile numbers as keyed hashes. Events can be searched by a whole number, but do not reveal the number.

There are only about ten thousand million possible numbers. A person who has the key can find all of them. So the key is
as secret as ``SECRET_KEY``.
"""

from django.conf import settings
from django.utils.crypto import salted_hmac

from phonebind.conf import conf

_SALT = "phonebind.operations.mobile"


def current(mobile: str) -> str:
    """The hash that new rows use. An empty mobile number gives ""."""
    return _hash(conf.events_key or settings.SECRET_KEY, mobile) if mobile else ""


def known(mobile: str) -> list[str]:
    """All hashes that a row may have. Older rows may use a former ``SECRET_KEY``, or predate ``EVENTS_KEY``."""
    keys = [conf.events_key, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [_hash(key, mobile) for key in dict.fromkeys(keys) if key]


def _hash(key: str | bytes, mobile: str) -> str:
    return salted_hmac(_SALT, mobile, secret=key, algorithm="sha256").hexdigest()
