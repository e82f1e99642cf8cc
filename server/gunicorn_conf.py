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

# A request mostly waits for a provider. So more visitors at once need more threads, not processes. No thread waits for
# a slow client.
worker_class = "server.worker.Worker"
worker_connections = settings.CONNECTIONS
# Longer than the proxy keeps an idle connection. Otherwise the proxy may send a form into a connection that we close.
keepalive = 15
workers = settings.WORKERS
threads = settings.THREADS
graceful_timeout = 5
control_socket_disable = True
# No header of a request may say where the application is mounted: `SCRIPT_NAME` caused an error 500.
forwarder_headers = ""
if not settings.PHONEBIND["TRUSTED_PROXIES"]:
    # gunicorn itself believes `X-Forwarded-Proto` and its two like from 127.0.0.1 and over a Unix socket.
    secure_scheme_headers: dict[str, str] = {}
loglevel = "warning"


_INSTEAD = "Run `gunicorn -k … server.wsgi` without it: docs/en/how-to/servers.md#gevent"


def on_starting(server: Any) -> None:
    """Runs once, in the master, before the first worker exists. The workers share the Django that is loaded here.

    `preload_app` would be too early: WhiteNoise looks for the static files when the application is made.
    """
    if server.cfg.worker_class_str != worker_class:
        # Other workers, such as gevent, patch modules that are already loaded here. And only our worker has deadlines.
        sys.exit(f"server.gunicorn_conf needs its own worker, not {server.cfg.worker_class_str}. {_INSTEAD}")
    if settings.PHONEBIND["METRICS_TOKEN"]:
        _count()
    prepare()
    server.handle_term = partial(_end, server)
    _allow_open_files(worker_connections + 4 * threads + 256)
    # Otherwise the garbage collector writes to all these objects in each worker, and their memory pages are not shared.
    gc.freeze()


def pre_fork(server: Any, worker: Any) -> None:
    """Runs in the master, before each fork. Blocks the signals that end a worker until the worker has its handlers.

    A new worker still has the master's handlers, which would drop the signal. Then the master would wait for
    `graceful_timeout`.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)


def _unblock_in_the_master() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


# gunicorn has no hook for this.
os.register_at_fork(after_in_parent=_unblock_in_the_master)


def child_exit(server: Any, worker: Any) -> None:
    """Runs in the master after a worker has ended, for any reason."""
    if settings.PHONEBIND["METRICS_TOKEN"]:
        _counting().ended(worker.pid)


def _counting() -> Any:
    """Imported only if metrics are on."""
    return import_module("phonebind.operations.monitoring.workers")


def _count() -> None:
    """Before prometheus-client is imported, since it then chooses its directory. A full disk must not stop the site."""
    try:
        _counting().begin(settings.METRICS_DIR)
    except OSError as error:
        logging.getLogger(__name__).warning("There are no metrics: %s", error)
        settings.PHONEBIND["METRICS_TOKEN"] = ""


def pre_request(worker: Any, request: Any) -> None:
    """Runs in a thread of a worker. Closes connections of a node that ends soon, so that no proxy sends a form into
    one.
    """
    if health.draining():
        request.force_close()


def _end(server: Any) -> None:
    """SIGTERM in the master. ``/readyz`` reports it, and the node goes on until the proxies know; then gunicorn
    ends."""
    gunicorn = type(server)
    if not settings.DRAIN:
        gunicorn.handle_term(server)
    elif health.draining():
        gunicorn.handle_quit(server)  # a second signal: end at once
    else:
        health.drain()
        server.handle_alrm = partial(gunicorn.handle_term, server)
        signal.signal(signal.SIGALRM, server.signal)
        signal.setitimer(signal.ITIMER_REAL, settings.DRAIN)


def _allow_open_files(number: int) -> None:
    """Open files of a process: its connections, and the files of its threads. The usual limit of 1,024 is too low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
