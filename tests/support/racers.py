"""Processes that race for one database and one Valkey.

Each process is started new, not forked. It inherits only the addresses of the services.
"""

import multiprocessing
import os
import pickle
import re
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
#: The beginnings of statements and commands that change nothing.
_READS = re.compile(r"(SELECT|BEGIN|PRAGMA|GET|MGET|EXISTS)\b|SET .")

T = TypeVar("T")
_spawn = multiprocessing.get_context("spawn")


def together(call: Callable[..., T], arguments: Sequence[tuple[Any, ...]], start: float = 0) -> list[T]:
    """Run ``call`` once with each of the arguments, each in its own thread, all at the moment ``start``."""

    def run(arguments: tuple[Any, ...]) -> T:
        time.sleep(max(0, start - time.time()))
        try:
            return call(*arguments)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(arguments)) as threads:
        return list(threads.map(run, arguments))


class Racers:
    """Processes that are ready to start."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def race(self, call: Callable[..., T], arguments: Sequence[tuple[Any, ...]]) -> list[T]:
        """Like :func:`together`, spread over the processes. The answers are in the order of the arguments. ``call`` is
        a function of a module.
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
        # One call for each process, so that none of them is still starting when the race begins.
        list(pool.map(time.sleep, [0.2] * PROCESSES))
        yield Racers(pool)


class Deaths:
    """The ways in which a request may die: killed before its first step, before its second, and so on, and before its
    answer.

    A step is a statement, a commit or a command to the store that changes something; a step that only reads changes
    nothing.

    Each request runs in a child of one process that is ready: to start a new process takes a second.
    """

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool
        self._is_through = False

    def __iter__(self) -> Iterator[int]:
        self._is_through = False
        return takewhile(lambda _: not self._is_through, count())

    def of(self, call: Callable[..., object], *arguments: Any, step: int) -> None:
        """Run ``call``, killed before this step. ``call`` is a function of a module."""
        code = self._pool.submit(_child, step, call, arguments).result(timeout=60)
        assert code in (0, -signal.SIGKILL), code
        self._is_through = code == 0


@contextmanager
def deaths() -> Iterator[Deaths]:
    """Needs the test database."""
    with ProcessPoolExecutor(1, mp_context=_spawn, initializer=_join, initargs=_place()) as pool:
        # Imported once, and not in each child.
        pool.submit(_import_views).result(timeout=60)
        yield Deaths(pool)


def _import_views() -> None:
    import_module(settings.ROOT_URLCONF)


def _child(step: int, call: Callable[..., object], arguments: tuple[Any, ...]) -> int:
    """The exit status of the child."""
    pid = os.fork()
    if not pid:
        with suppress(BaseException):
            take_step = _count(step)
            call(*arguments)
            take_step()
            os._exit(0)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _count(step: int) -> Callable[[], None]:
    left = count(step, -1)

    def take_step() -> None:
        if not next(left):
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(real: Callable[..., T]) -> Callable[..., T]:
        def act(self: Any, *args: Any, **kwargs: Any) -> T:
            if not (args and _READS.match(str(args[0]))):
                take_step()
            return real(self, *args, **kwargs)

        return act

    steps: Any = [(CursorWrapper, "execute"), (BaseDatabaseWrapper, "_commit")]
    steps += [(redis.Redis, "execute_command"), (Pipeline, "execute")]
    for kind, name in steps:
        setattr(kind, name, counted(getattr(kind, name)))
    return take_step


def crash(call: Callable[..., object], *arguments: Any) -> int:
    """Run ``call`` in a process that is expected to die from it. Returns its exit status (-9: killed)."""
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
    # Only now, because the function's module imports models.
    call, arguments = pickle.loads(pickled)  # noqa: S301
    call(*arguments)
