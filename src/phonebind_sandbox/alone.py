"""The sandbox as a separate server: Django without a project. One process, one port, its state in memory."""

from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any

import django
from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

from . import chunks, network

#: Names that always lead to this machine.
LOOPBACK = ("localhost", ".localhost", "127.0.0.1", "[::1]")

#: Far more entries than a day of tests leaves behind. Beyond this, the oldest entries are removed.
MOST_KEPT = 100_000


class Handler(WSGIRequestHandler):
    """runserver's handler, with support for chunked bodies and access to the connection."""

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
    """runserver's server: one thread for each connection, so a fault that delays one client delays no other."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_port = False  # otherwise a second sandbox could silently share the same port


def project(
    *, apps: Mapping[str, Mapping[str, Any]], names: Iterable[str] = (), receipts: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The settings. ``names``: host names besides the loopback names. ``receipts``: for each SMS vendor, the URL
    that its receipts are sent to.
    """
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
        "USE_TZ": False,  # times are shown in this machine's local time
    }


def start_django(project: Mapping[str, Any]) -> None:
    """Set up Django, whatever DJANGO_SETTINGS_MODULE says. The sandbox is open, because it has no other use alone."""
    settings.configure(**project, DEBUG=True, LOGGING=_LOGGING)
    django.setup()
    # The sandbox stays open. DEBUG is off again, because Django's debug pages would show the environment of this
    # process.
    settings.DEBUG = False


def listen(host: str, port: int) -> Server:
    """A server that already listens; call ``serve_forever()``. Raises OSError."""
    server = Server((host, port), Handler, ipv6=":" in host)
    server.set_app(StaticFilesHandler(WSGIHandler()))
    return server


# Errors go to stderr: Django would mail them to an empty list. Django's line for each request is unchanged.
_LOGGING: Mapping[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {"django.request": {"handlers": ["stderr"], "level": "ERROR", "propagate": False}},
}
