"""Gunicorn's configuration: ``gunicorn -c server/gunicorn_conf.py server.wsgi``."""

import os
from typing import Any

from server.prepare import prepare

wsgi_app = "server.wsgi"
bind = os.environ.get("BIND", "127.0.0.1:8000")

# Most of a request is waiting for a provider, so threads, not processes, are what more visitors at once need.
worker_class = "gthread"
workers = int(os.environ.get("WORKERS", "2"))
threads = int(os.environ.get("THREADS", "16"))
graceful_timeout = 5
# Loads Django once, and brings the database up to date before the first worker exists.
preload_app = True
control_socket_disable = True
loglevel = "warning"


def on_starting(server: Any) -> None:
    """Once, in the master, with Django loaded."""
    prepare()
