"""Gunicorn's configuration: ``gunicorn -c python:server.gunicorn_conf``."""

import gc
import os
from typing import Any

from server.environment import number
from server.prepare import prepare

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")

wsgi_app = "server.wsgi"
bind = os.environ.get("BIND") or "127.0.0.1:8000"

# Most of a request is waiting for a provider, so threads, not processes, are what more visitors at once need.
worker_class = "gthread"
workers = number("WORKERS", 2, least=1)
threads = number("THREADS", 16, least=1)
graceful_timeout = 5
control_socket_disable = True
loglevel = "warning"


def on_starting(server: Any) -> None:
    """Once, in the master, before the first worker exists: they share the Django that is loaded here.

    `preload_app` would be too early: WhiteNoise looks for the static files when the application is made.
    """
    prepare()
    # Or the garbage collector writes to all these objects in each worker, and the pages they lie on are shared no more.
    gc.freeze()
