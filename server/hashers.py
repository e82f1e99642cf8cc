"""Argon2id with OWASP's minimum: 19 MiB, two passes, one lane; about 20 ms of CPU."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2id(Argon2PasswordHasher):
    """Django's hasher asks for 100 MiB, which a burst of sign-ins multiplies by the number of threads."""

    memory_cost = 19 * 1024
    time_cost = 2
    parallelism = 1
