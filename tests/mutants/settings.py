"""The tests' settings, with fast hashing: it is not part of the code that is mutated."""

from tests.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
