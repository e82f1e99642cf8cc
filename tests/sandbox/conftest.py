"""The sandbox over real HTTP, and through Django's test client."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.urls import reverse
from pytest_django import Settings

from tests.sandbox.client import QQ


@pytest.fixture(autouse=True)
def debug(settings: Settings) -> None:
    """As in development; the test runner turns it off."""
    settings.DEBUG = True


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def served(settings: Settings) -> Iterator[str]:
    """The address of the sandbox, ending in a slash, in the server that runserver runs."""
    settings.ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
    server = ThreadedWSGIServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.set_app(WSGIHandler())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}{reverse('phonebind_sandbox:index')}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def qq() -> QQ:
    return QQ()
