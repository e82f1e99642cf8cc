"""The sandbox alone: Django without a project, and a server for it. One process, one port, its state in memory."""

from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any

import django
from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

from . import chunks, network

#: The names that lead to this machine and nowhere else.
LOOPBACK = ("localhost", ".localhost", "127.0.0.1", "[::1]")

#: Far more than a day's tests leave behind; beyond it the oldest is forgotten.
MOST_KEPT = 100_000


class Handler(WSGIRequestHandler):
    """runserver's, but for what it leaves out."""

    def handle_one_request(self) -> None:
        connection = self.rfile
        super().handle_one_request()
        self.rfile = connection

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        if self.headers.get("Transfer-Encoding", "").strip().lower() != "chunked":
            return True
        try:
            body = chunks.read(self.rfile)
        except chunks.Unreadable:
            self.close_connection = True
            self.send_error(400, "Bad chunks")
            return False
        del self.headers["Transfer-Encoding"], self.headers["Content-Length"]
        self.headers["Content-Length"] = str(len(body))
        self.rfile = BytesIO(body)
        return True

    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), network.SOCKET: self.connection}


class Server(ThreadedWSGIServer):
    """runserver's: a thread for each connection, so that whoever is kept waiting by a fault waits alone."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_port = False  # or a second sandbox on the same port would share it in silence


def project(
    *, apps: Mapping[str, Mapping[str, Any]], names: Iterable[str] = (), receipts: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The settings. ``names``: under which Host the sandbox answers besides those of the loopback; ``receipts``: where
    those of each SMS vendor go."""
    return {
        "ALLOWED_HOSTS": [*LOOPBACK, *names],
        "CACHES": {
            "default": {
                "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
                "LOCATION": "phonebind_sandbox",
                "OPTIONS": {"MAX_ENTRIES": MOST_KEPT},
            }
        },
        "INSTALLED_APPS": ["django.contrib.staticfiles", "phonebind_sandbox"],
        "MIDDLEWARE": [],
        "PHONEBIND_SANDBOX": {"APPS": apps, "RECEIPTS": receipts or {}},
        "ROOT_URLCONF": "phonebind_sandbox.root",
        "STATIC_URL": "static/",
        "TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        "TIME_ZONE": None,
        "USE_TZ": False,  # times are shown as this machine's clock has them
    }


def start_django(project: Mapping[str, Any]) -> None:
    """Whatever DJANGO_SETTINGS_MODULE says. The sandbox opens, since nobody runs it alone for anything else."""
    settings.configure(**project, DEBUG=True, LOGGING=_LOGGING)
    django.setup()
    # Open is open. The pages that DEBUG shows where something fails would tell the environment of this process.
    settings.DEBUG = False


def listen(host: str, port: int) -> Server:
    """A server that is bound already, for ``serve_forever()``. Raises OSError."""
    server = Server((host, port), Handler, ipv6=":" in host)
    server.set_app(StaticFilesHandler(WSGIHandler()))
    return server


# Django would mail our errors to nobody. Its line for each request stays as it is.
_LOGGING: Mapping[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {"django.request": {"handlers": ["stderr"], "level": "ERROR", "propagate": False}},
}
