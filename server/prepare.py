"""What must be right before the first request: the settings, the database, the static files, the demo's account."""

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
    """Ends the process where Django's checks find an error, since a WSGI server runs none of them.

    Once per process: workers that are forked from one that has done it need not again.
    """
    django.setup()
    try:
        call_command("check", stdout=io.StringIO())
    except SystemCheckError as error:
        sys.exit(str(error))
    health.readiness.settle("configuration")
    human.load()


def check_in_worker() -> None:
    """The same where another server loads the application: gunicorn starts no worker after one that ended like this."""
    try:
        check()
    except SystemExit as told:
        print(told, file=sys.stderr)
        sys.exit(_BOOT_ERROR)


def prepare() -> None:
    """Idempotent; leaves no connection open, since the workers are forked from this process."""
    check()
    _check_store()
    private.directory(settings.DATA_DIR)
    try:
        migrate()
        health.readiness.settle("migrations")
        if settings.DEBUG:
            _create_known_account()
        else:
            # With DEBUG on WhiteNoise finds them where they lie.
            call_command("collectstatic", verbosity=0, interactive=False)
    finally:
        _close_connections()


def _check_store() -> None:
    """Ends the process where its client could reach only a part of the store. A store that is away is no reason."""
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
