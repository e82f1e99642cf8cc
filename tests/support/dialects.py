"""``FRONT_END`` as if Django had started with it: URLs are made once."""

import importlib
import sys
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.urls import clear_url_caches

from tests.support.edge import Configure

Start = Callable[..., None]


@pytest.fixture
def front_end(phonebind: Configure) -> Iterator[Start]:
    """``front_end("tutorial", **other settings)``."""

    def start(word: str, **changes: object) -> None:
        phonebind(front_end=word, **changes)
        _reload()

    yield start
    phonebind(front_end="contract")
    _reload()


def _reload() -> None:
    for name in ("phonebind.api.urls", settings.ROOT_URLCONF):
        if name in sys.modules:
            importlib.reload(sys.modules[name])
    clear_url_caches()
