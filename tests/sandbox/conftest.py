"""The sandbox as a host mounts it and alone, over real HTTP and through Django's test client."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from phonebind_sandbox import alone
from phonebind_sandbox.conf import DEFAULT_APPS
from tests.sandbox.client import QQ
from tests.sandbox.server import serve


@pytest.fixture(params=["mounted", "alone"])
def form(request: pytest.FixtureRequest, settings: Settings) -> str:
    """In which of its two forms the sandbox is there. Whatever talks to it is tried with both."""
    form: str = request.param
    if form == "alone":
        for name, value in alone.project(apps=DEFAULT_APPS, names=["testserver"]).items():
            setattr(settings, name, value)
        cache.clear()  # its state is in memory, and the last test was in the same process
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
