"""Prepares the start: checks the settings, migrates the database, collects static files, makes the demo's account."""

import functools
import io
import sys
from contextlib import suppress

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import IntegrityError, connections

from phonebind import health, human, store
from phonebind.exceptions import StorageUnavailable
from server import demo, private
from server.migrating import migrate

#: gunicorn's ``Arbiter.WORKER_BOOT_ERROR``.
_BOOT_ERROR = 3


@functools.cache
def check() -> None:
    """End the process if Django's checks find an error: a WSGI server does not run them.

    Once in a process. Workers that are forked from it need not run the checks again.
    """
    django.setup()
    try:
        call_command("check", stdout=io.StringIO())
    except SystemCheckError as error:
        sys.exit(str(error))
    health.readiness.settle("configuration")
    human.load()


def check_in_worker() -> None:
    """Like :func:`check`, for another server. With this exit code gunicorn starts no further workers."""
    try:
        check()
    except SystemExit as told:
        print(told, file=sys.stderr)
        sys.exit(_BOOT_ERROR)


def prepare() -> None:
    """Idempotent. Leaves no connection open, since the workers are forked from this process."""
    check()
    _check_store()
    private.directory(settings.DATA_DIR)
    try:
        migrate()
        health.readiness.settle("migrations")
        if settings.DEBUG:
            _create_known_account()
        else:
            # With DEBUG on, WhiteNoise finds the files in their source folders.
            call_command("collectstatic", verbosity=0, interactive=False)
    finally:
        _close_connections()


def _check_store() -> None:
    """End the process if the client can only reach a part of the store. A store that is down does not end it."""
    try:
        if store.is_out_of_reach():
            sys.exit(f"phonebind: {store.PLAIN_CLIENT} {store.CLUSTER_HINT}")
    except StorageUnavailable:
        pass


def _close_connections() -> None:
    for connection in connections.all(initialized_only=True):
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()


def _create_known_account() -> None:
    users = get_user_model()._default_manager
    if not users.filter(mobile=demo.MOBILE).exists():
        with suppress(IntegrityError):  # another node was faster
            users.create_user(username=demo.MOBILE, mobile=demo.MOBILE, password=demo.PASSWORD)
