"""The sandbox in its own server or in runserver's, in this process. So tests can set its switches and its clock."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.urls import reverse


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Write no log."""


@contextmanager
def serve(server: ThreadedWSGIServer | None = None) -> Iterator[str]:
    """The server's address, with a slash at the end."""
    if server is None:
        server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
        server.set_app(WSGIHandler())
    server.RequestHandlerClass = type("Quiet", (_Quiet, cast("type", server.RequestHandlerClass)), {})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}{reverse('phonebind_sandbox:index')}"
    server.shutdown()
    thread.join()
    server.server_close()
