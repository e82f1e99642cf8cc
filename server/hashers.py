"""Argon2id with OWASP's minimum: 19 MiB, two passes, one lane; about 20 ms of CPU."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2id(Argon2PasswordHasher):
    """Django's hasher uses 100 MiB. In a burst of sign-ins each thread would need that much."""

    memory_cost = 19 * 1024
    time_cost = 2
    parallelism = 1
