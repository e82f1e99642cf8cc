"""Keyed digests: by ``SECRET_KEY``, and by each former key for what was made before the key was replaced."""

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac


def digests(salt: str, said: str) -> tuple[str, ...]:
    """By the present key first, and then by those of ``SECRET_KEY_FALLBACKS``."""
    return tuple(
        salted_hmac(salt, said, secret=secret, algorithm="sha256").hexdigest()
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )


def is_of(digest: str, salt: str, said: str) -> bool:
    """Whether it was made of this, by any of the keys."""
    return any(constant_time_compare(digest, made) for made in digests(salt, said))
