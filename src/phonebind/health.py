"""``/healthz`` and ``/readyz`` for load balancers, Kubernetes and monitors.

A host puts the middleware before all that asks for the request's host or sends it to HTTPS:

    MIDDLEWARE = ["phonebind.health.HealthMiddleware", ...]

``/healthz``: 200 ``{"status": "alive"}`` as long as a thread of this process can answer; asks nobody else.

``/readyz``: 200 where all is right, otherwise 503, at most a second old:

    {"status": "not ready", "configuration": "ok", "migrations": "ok", "database": "failed", "store": "ok"}

``configuration`` are Django's system checks; ``database`` and ``migrations`` are of the alias that has the users;
``store`` is the cache of codes and limits. After :func:`drain` the ``status`` is ``ending``. Why something failed is in
the log, once.
"""

import asyncio
import json
import math
import mmap
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from phonebind import store
from phonebind.readiness import DEADLINE, Check, Readiness

#: A byte that a process shares with all that are forked from it.
_ending = mmap.mmap(-1, 1)


def drain() -> None:
    """Say that this process, and all processes forked from it, will end soon. From now on ``/readyz`` answers 503."""
    _ending[0] = 1


def draining() -> bool:
    """Whether :func:`drain` was called."""
    return _ending[0] == 1


def unapplied(connection: BaseDatabaseWrapper) -> list[str]:
    """The migrations that are still to be made, as ``users.0001_initial``. Takes a tenth of a second of CPU."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _configuration() -> None:
    if any(found.is_serious() and not found.is_silenced() for found in run_checks()):
        raise ImproperlyConfigured


def _migrations() -> None:
    # By its alias: Django's recorder asks for no other.
    with closing(connections[_alias()]) as connection:
        if unapplied(connection):
            raise ImproperlyConfigured


def _database() -> None:
    with _own_connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _store() -> None:
    # It is written to: a replica, or a server that is full, would answer who only reads.
    with store.connection() as client:
        client.set(store.key("ready", ""), 1, ex=60)


def _alias() -> str:
    return router.db_for_write(get_user_model())


#: How long a database may take to let us in, by its vendor, unless the host has said it.
_PATIENCE = {vendor: {"connect_timeout": math.ceil(DEADLINE)} for vendor in ("postgresql", "mysql")}


@contextmanager
def _own_connection() -> Iterator[BaseDatabaseWrapper]:
    """Not one of the pool's: in a crowd the line for those is long, and the database is well all the same."""
    own = connections[_alias()].copy()
    options = own.settings_dict["OPTIONS"]
    options.pop("pool", None)
    own.settings_dict["OPTIONS"] = _PATIENCE.get(own.vendor, {}) | options
    with closing(own):
        yield own


#: Of this process.
readiness = Readiness(
    {
        "configuration": Check("configuration", _configuration, lasts=True),
        "migrations": Check("migrations", _migrations, lasts=True),
        "database": Check("database", _database),
        "store": Check("store", _store),
    }
)


class HealthMiddleware:
    """Answers ``/healthz`` and ``/readyz``, for any ``Host`` and over plain HTTP. Put it first in ``MIDDLEWARE``."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._states = {"/healthz": _alive, "/readyz": _ready}
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        state = self._states.get(request.path_info)
        if state is None:
            return self._get_response(request)
        # Nobody waits in the thread of the event loop.
        return asyncio.to_thread(_answer, request, state) if self._is_async else _answer(request, state)


def _alive() -> dict[str, str]:
    return {"status": "alive"}


def _ready() -> dict[str, str]:
    found = readiness.report()
    status = "ending" if draining() else "ready" if all(found.values()) else "not ready"
    return {"status": status, **{name: "ok" if passed else "failed" for name, passed in found.items()}}


def _answer(request: HttpRequest, state: Callable[[], dict[str, str]]) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    content = state()
    body = json.dumps(content).encode()
    status = 200 if content["status"] in ("alive", "ready") else 503
    headers = {"Cache-Control": "no-store", "Content-Length": str(len(body)), "X-Content-Type-Options": "nosniff"}
    answer = HttpResponse(b"" if request.method == "HEAD" else body, "application/json", status, headers=headers)
    # Or Django has a line at ERROR for each probe, which anybody may send.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer
