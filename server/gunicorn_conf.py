"""Gunicorn's configuration: ``gunicorn -c python:server.gunicorn_conf``."""

import gc
import logging
import os
import resource
import signal
import sys
from functools import partial
from importlib import import_module
from typing import Any

from phonebind import health
from server import settings
from server.prepare import prepare
from server.worker import ENDING

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")

wsgi_app = "server.wsgi"
bind = os.environ.get("BIND") or "127.0.0.1:8000"

# Most of a request is waiting for a provider, so threads, not processes, are what more visitors at once need; and none
# of them waits for a slow client.
worker_class = "server.worker.Worker"
worker_connections = settings.CONNECTIONS
# Longer than the proxy keeps a connection that it does not use, or it sends a form into one that we are closing.
keepalive = 15
workers = settings.WORKERS
threads = settings.THREADS
graceful_timeout = 5
control_socket_disable = True
# No header of a request says where the application is mounted: `SCRIPT_NAME` was an error 500.
forwarder_headers = ""
loglevel = "warning"


_INSTEAD = "Run `gunicorn -k … server.wsgi` without it: docs/en/how-to/servers.md#gevent"


def on_starting(server: Any) -> None:
    """Once, in the master, before the first worker exists: they share the Django that is loaded here.

    `preload_app` would be too early: WhiteNoise looks for the static files when the application is made.
    """
    if server.cfg.worker_class_str != worker_class:
        # What others patch, such as gevent, is loaded here before they come to it; and our deadlines are our worker's.
        sys.exit(f"server.gunicorn_conf needs its own worker, not {server.cfg.worker_class_str}. {_INSTEAD}")
    if settings.PHONEBIND["METRICS_TOKEN"]:
        _count()
    prepare()
    server.handle_term = partial(_end, server)
    _allow_open_files(worker_connections + 4 * threads + 256)
    # Or the garbage collector writes to all these objects in each worker, and the pages they lie on are shared no more.
    gc.freeze()


def pre_fork(server: Any, worker: Any) -> None:
    """In the master, before each worker. A signal to end waits until the worker has handlers of its own.

    A new worker still has the master's handlers, which would drop it: the master then waits `graceful_timeout`.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)


def _unblock_in_the_master() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


# gunicorn has no hook there.
os.register_at_fork(after_in_parent=_unblock_in_the_master)


def child_exit(server: Any, worker: Any) -> None:
    """In the master, when a worker is no more, whatever ended it."""
    if settings.PHONEBIND["METRICS_TOKEN"]:
        _counting().ended(worker.pid)


def _counting() -> Any:
    """Loaded only where somebody counts."""
    return import_module("phonebind.operations.monitoring.workers")


def _count() -> None:
    """Before anything loads prometheus-client, which decides then where it counts. A full disk stops no site."""
    try:
        _counting().begin(settings.METRICS_DIR)
    except OSError as error:
        logging.getLogger(__name__).warning("There are no metrics: %s", error)
        settings.PHONEBIND["METRICS_TOKEN"] = ""


def pre_request(worker: Any, request: Any) -> None:
    """In a thread of a worker. Connections are not kept where they end soon: no proxy shall send a form into one."""
    if health.draining():
        request.force_close()


def _end(server: Any) -> None:
    """SIGTERM, in the master. ``/readyz`` says so, and all goes on until the proxies know; then gunicorn ends it."""
    gunicorn = type(server)
    if not settings.DRAIN:
        gunicorn.handle_term(server)
    elif health.draining():
        gunicorn.handle_quit(server)  # told again: at once
    else:
        health.drain()
        server.handle_alrm = partial(gunicorn.handle_term, server)
        signal.signal(signal.SIGALRM, server.signal)
        signal.setitimer(signal.ITIMER_REAL, settings.DRAIN)


def _allow_open_files(number: int) -> None:
    """So many in a process: its connections, and what its threads open. The usual 1,024 are too few for both."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
