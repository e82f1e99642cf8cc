"""Hashers for tests, without the cost of real ones."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from server import hashers


class Argon2id(hashers.Argon2id):
    """The hasher for new passwords, made fast: a thousand tests hash one, and each would take 20 ms and 19 MiB."""

    memory_cost = 8
    time_cost = 1


class Pbkdf2(PBKDF2PasswordHasher):
    """The hasher of older systems. A wrong password runs through every hasher in the settings; Django's takes a quarter
    of a second.
    """

    iterations = 1
