"""The hashers of tests, without their cost."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from server import hashers


class Argon2id(hashers.Argon2id):
    """What new passwords are hashed with, in a hurry: a thousand tests hash one, at 20 ms and 19 MiB each."""

    memory_cost = 8
    time_cost = 1


class Pbkdf2(PBKDF2PasswordHasher):
    """Of older systems. A wrong password is run through every hasher that the settings accept; Django's takes a quarter
    of a second.
    """

    iterations = 1
