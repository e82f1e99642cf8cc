"""Operating system processes that race for one database and one Valkey.

Each process is started anew, not forked, and inherits nothing but the addresses of the services.
"""

import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import count, takewhile
from typing import Any, TypeVar

import django
import redis
from django.conf import settings
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.test.utils import setup_test_environment
from redis.client import Pipeline

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
        """As :func:`together`, spread over the processes; the answers in the order of the arguments. ``call`` is a
        function of a module.
        """
        start = time.time() + 0.2
        shares = [arguments[index::PROCESSES] for index in range(PROCESSES)]
        futures = [self._pool.submit(together, call, share, start) for share in shares]
        found = [future.result(timeout=60) for future in futures]
        return [found[index % PROCESSES][index // PROCESSES] for index in range(len(arguments))]


@contextmanager
def racers() -> Iterator[Racers]:
    """Needs the test database."""
    with ProcessPoolExecutor(PROCESSES, mp_context=_spawn, initializer=_join, initargs=_place()) as pool:
        # One call each, so that none is still starting when the race begins.
        list(pool.map(time.sleep, [0.2] * PROCESSES))
        yield Racers(pool)


class Deaths:
    """How a request may die: killed before its first step, before its second, and so on, until it is through. A step is
    a statement, a commit or a command to the store.

    Each is a child of one process that stands ready: to start one anew takes a second.
    """

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool
        self._is_through = False

    def __iter__(self) -> Iterator[int]:
        self._is_through = False
        return takewhile(lambda _: not self._is_through, count())

    def of(self, call: Callable[..., object], *arguments: Any, step: int) -> None:
        """``call``, killed before this step. ``call`` is a function of a module."""
        code = self._pool.submit(_child, step, call, arguments).result(timeout=60)
        assert code in (0, -signal.SIGKILL), code
        self._is_through = code == 0


@contextmanager
def deaths() -> Iterator[Deaths]:
    """Needs the test database."""
    with ProcessPoolExecutor(1, mp_context=_spawn, initializer=_join, initargs=_place()) as pool:
        # Once, and not in each child.
        pool.submit(_import_views).result(timeout=60)
        yield Deaths(pool)


def _import_views() -> None:
    import_module(settings.ROOT_URLCONF)


def _child(step: int, call: Callable[..., object], arguments: tuple[Any, ...]) -> int:
    """How it ended."""
    pid = os.fork()
    if not pid:
        with suppress(BaseException):
            _die_before(step)
            call(*arguments)
            os._exit(0)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _die_before(step: int) -> None:
    left = count(step, -1)

    def counted(real: Callable[..., T]) -> Callable[..., T]:
        def act(*args: Any, **kwargs: Any) -> T:
            if not next(left):
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        return act

    steps: Any = [(CursorWrapper, "execute"), (BaseDatabaseWrapper, "_commit")]
    steps += [(redis.Redis, "execute_command"), (Pipeline, "execute")]
    for kind, name in steps:
        setattr(kind, name, counted(getattr(kind, name)))


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
