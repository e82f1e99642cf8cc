"""Operating system processes that race for one database and one Valkey.

Each process is started anew, not forked, and inherits nothing but the addresses of the services.
"""

import multiprocessing
import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import django
from django.conf import settings
from django.db import connection, connections
from django.test.utils import setup_test_environment

PROCESSES = 2

T = TypeVar("T")
_spawn = multiprocessing.get_context("spawn")


def together(call: Callable[..., T], arguments: Sequence[tuple[Any, ...]], start: float = 0) -> list[T]:
    """``call`` once with each of the arguments, each in a thread of its own, all at the moment ``start``."""

    def run(arguments: tuple[Any, ...]) -> T:
        time.sleep(max(0, start - time.time()))
        try:
            return call(*arguments)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(arguments)) as threads:
        return list(threads.map(run, arguments))


class Racers:
    """Processes that stand ready."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def race(self, call: Callable[..., T], arguments: Sequence[tuple[Any, ...]]) -> list[T]:
        """As :func:`together`, spread over the processes. ``call`` is a function of a module."""
        start = time.time() + 0.2
        shares = [arguments[index::PROCESSES] for index in range(PROCESSES)]
        futures = [self._pool.submit(together, call, share, start) for share in shares]
        return [answer for future in futures for answer in future.result(timeout=60)]


@contextmanager
def racers() -> Iterator[Racers]:
    """Needs the test database."""
    with ProcessPoolExecutor(PROCESSES, mp_context=_spawn, initializer=_join, initargs=_place()) as pool:
        # One call each, so that none is still starting when the race begins.
        list(pool.map(time.sleep, [0.2] * PROCESSES))
        yield Racers(pool)


def crash(call: Callable[..., object], *arguments: Any) -> int:
    """Run ``call`` in a process that is expected to die of it; how it ended (-9: killed)."""
    process = _spawn.Process(target=_alone, args=(_place(), pickle.dumps((call, arguments))))
    process.start()
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode


def _place() -> tuple[str, dict[str, Any]]:
    return str(connection.settings_dict["NAME"]), settings.PHONEBIND


def _join(database: str, phonebind: dict[str, Any]) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    settings.DATABASES["default"]["NAME"] = database
    settings.PHONEBIND = phonebind
    django.setup()
    setup_test_environment(debug=False)


def _alone(place: tuple[str, dict[str, Any]], pickled: bytes) -> None:
    _join(*place)
    # Only now: the function's module imports models.
    call, arguments = pickle.loads(pickled)  # noqa: S301
    call(*arguments)
