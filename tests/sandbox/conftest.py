"""The sandbox mounted in a host and alone, over real HTTP and through Django's test client."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from phonebind_sandbox import alone, names
from phonebind_sandbox.conf import DEFAULT_APPS
from tests.sandbox.client import QQ
from tests.sandbox.server import serve


@pytest.fixture(params=["mounted", "alone"])
def form(request: pytest.FixtureRequest, settings: Settings) -> str:
    """The form of the sandbox: mounted or alone. Every test that sends requests to it runs with both."""
    form: str = request.param
    if form == "alone":
        for name, value in alone.project(apps=DEFAULT_APPS, names=["testserver"]).items():
            setattr(settings, name, value)
        cache.clear()  # its state is in memory, and the last test ran in this process
    return form


@pytest.fixture
def client(form: str) -> Client:
    return Client()


@pytest.fixture
def served(form: str) -> Iterator[str]:
    """The address of the sandbox, ending in a slash."""
    with serve(alone.listen("127.0.0.1", 0) if form == "alone" else None) as url:
        yield url


@pytest.fixture
def qq(form: str) -> QQ:
    return QQ()


class Resolver:
    """In place of the machine's resolver: it knows the names that a test adds, and asks no server."""

    def __init__(self) -> None:
        #: The addresses of each name, or a function that runs in place of the look-up.
        self.names: dict[str, list[str] | Callable[[], list[str]]] = {}
        self.asked: list[str] = []

    def __call__(self, host: str, port: str | int | None, *args: Any, **how: Any) -> list[Any]:
        if names.is_loopback(host):
            return self.real(host, port, *args, **how)
        self.asked.append(host)
        known = self.names.get(host, [])
        addresses = known() if callable(known) else known
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    real = staticmethod(socket.getaddrinfo)


@pytest.fixture(autouse=True)
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    new = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", new)
    names._found_here.cache_clear()
    return new
