"""``/healthz`` and ``/readyz`` for load balancers, Kubernetes and monitors.

A host puts the middleware before everything that checks the request's host or redirects to HTTPS:

    MIDDLEWARE = ["phonebind.health.HealthMiddleware", ...]

``/healthz``: 200 ``{"status": "alive"}`` as long as a thread of this process can answer. It calls no other server.

``/readyz``: 200 if all checks pass, otherwise 503. The result is at most a second old:

    {"status": "not ready", "configuration": "ok", "migrations": "ok", "database": "failed", "store": "ok"}

``configuration``: Django's system checks. ``database`` and ``migrations``: the alias that has the users. ``store``: the
cache of codes and limits. After :func:`drain` the ``status`` is ``ending``. The log says once why a check failed.
"""

import asyncio
import json
import math
import mmap
from collections.abc import Callable, Collection, Iterator
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

#: One byte, shared by a process and all its forks.
_ending = mmap.mmap(-1, 1)


def drain() -> None:
    """Say that this process, and all processes forked from it, will end soon. From now on ``/readyz`` answers 503."""
    _ending[0] = 1


def draining() -> bool:
    """Whether :func:`drain` was called."""
    return _ending[0] == 1


def unapplied(connection: BaseDatabaseWrapper, labels: Collection[str] | None = None) -> list[str]:
    """The migrations that are not applied yet, such as ``users.0001_initial``. Takes 0.1 s of CPU.

    ``labels``: only of these apps, and those that they depend on. Default: of all apps.
    """
    executor = MigrationExecutor(connection)
    leaves = executor.loader.graph.leaf_nodes()
    plan = executor.migration_plan([leaf for leaf in leaves if labels is None or leaf[0] in labels])
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _configuration() -> None:
    if any(found.is_serious() and not found.is_silenced() for found in run_checks()):
        raise ImproperlyConfigured


def _migrations() -> None:
    # The connection of the alias, not a copy: Django's recorder uses no other.
    with closing(connections[_alias()]) as connection:
        if unapplied(connection):
            raise ImproperlyConfigured


def _database() -> None:
    with _own_connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _store() -> None:
    # A write: a replica, or a server whose memory is full, would still answer a read.
    with store.connection() as client:
        client.set(store.key("ready", ""), 1, ex=60)


def _alias() -> str:
    return router.db_for_write(get_user_model())


#: How long connecting to a database may take, by vendor, unless the host has set it.
_PATIENCE = {vendor: {"connect_timeout": math.ceil(DEADLINE)} for vendor in ("postgresql", "mysql")}


@contextmanager
def _own_connection() -> Iterator[BaseDatabaseWrapper]:
    """Not a connection of the pool: in a crowd the pool has a long queue, although the database is fine."""
    own = connections[_alias()].copy()
    options = own.settings_dict["OPTIONS"]
    options.pop("pool", None)
    own.settings_dict["OPTIONS"] = _PATIENCE.get(own.vendor, {}) | options
    with closing(own):
        yield own


#: One for the process.
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
        # Under ASGI in another thread: the event loop must not wait.
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
    # Otherwise Django logs an ERROR for each failed probe, and any client may send probes.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer
