"""``python -m bench.hashing TIMES``: CPU milliseconds of a bare hash, by argon2-cffi itself and by Django's hasher."""

import json
import sys
from collections.abc import Callable
from time import process_time

import argon2
from django.conf import settings

from server.hashers import Argon2id

PASSWORD = "a-quiet-Harbour7"


def cpu_ms(times: int, hash_one: Callable[[], object]) -> float:
    """CPU milliseconds of one call, after a warm-up."""
    hash_one()
    start = process_time()
    for _ in range(times):
        hash_one()
    return (process_time() - start) * 1000 / times


def main(times: int) -> None:
    settings.configure()
    bare = argon2.PasswordHasher(Argon2id.time_cost, Argon2id.memory_cost, Argon2id.parallelism)
    django = Argon2id()
    costs = {
        "bare": cpu_ms(times, lambda: bare.hash(PASSWORD)),
        "django": cpu_ms(times, lambda: django.encode(PASSWORD, django.salt())),
    }
    print(json.dumps(costs))


if __name__ == "__main__":
    main(int(sys.argv[1]))
