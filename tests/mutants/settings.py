"""The tests' settings, in a hurry: hashing is no part of what is mutated."""

from tests.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
