"""Digests with a secret key: with ``SECRET_KEY``, and with each former key for digests from before a change of key."""

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac


def digests(salt: str, said: str) -> tuple[str, ...]:
    """Digests of the current key first, then of those in ``SECRET_KEY_FALLBACKS``."""
    return tuple(
        salted_hmac(salt, said, secret=secret, algorithm="sha256").hexdigest()
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )


def is_of(digest: str, salt: str, said: str) -> bool:
    """Whether the digest is that of ``said``, with any of the keys."""
    return any(constant_time_compare(digest, made) for made in digests(salt, said))
