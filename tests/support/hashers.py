"""The hasher of older systems, without its cost."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class Pbkdf2(PBKDF2PasswordHasher):
    """A wrong password is run through every hasher that the settings accept; Django's takes a quarter of a second."""

    iterations = 1
