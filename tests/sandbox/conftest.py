"""The sandbox over real HTTP, and through Django's test client."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.sandbox.client import QQ
from tests.sandbox.server import serve


@pytest.fixture(autouse=True)
def debug(settings: Settings) -> None:
    """As in development; the test runner turns it off."""
    settings.DEBUG = True


@pytest.fixture
def served(settings: Settings) -> Iterator[str]:
    """The address of the sandbox, ending in a slash."""
    settings.ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
    with serve() as url:
        yield url


@pytest.fixture
def qq() -> QQ:
    return QQ()
