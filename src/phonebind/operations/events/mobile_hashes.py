"""A mobile as a keyed hash: events can be searched by a whole number, and tell nobody a number.

There are some ten thousand million numbers, so whoever has the key finds them all: it is a secret like ``SECRET_KEY``.
"""

from django.conf import settings
from django.utils.crypto import salted_hmac

from phonebind.conf import conf

_SALT = "phonebind.operations.mobile"


def current(mobile: str) -> str:
    """As new rows have it; "" for no mobile."""
    return _hash(conf.events_key or settings.SECRET_KEY, mobile) if mobile else ""


def known(mobile: str) -> list[str]:
    """As any row may have it: before ``SECRET_KEY`` was changed, or ``EVENTS_KEY`` was set."""
    keys = [conf.events_key, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [_hash(key, mobile) for key in dict.fromkeys(keys) if key]


def _hash(key: str | bytes, mobile: str) -> str:
    return salted_hmac(_SALT, mobile, secret=key, algorithm="sha256").hexdigest()
