"""System checks of the sandbox.

``phonebind_sandbox.E001``  it is installed, but DEBUG is off in the settings
``phonebind_sandbox.E002``  RECEIPTS names a vendor that sends no receipts, or has no valid URL
``phonebind_sandbox.W001``  its cache serves one process only
"""

from typing import Any

from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution

from . import conf, gate


def debug_only(**kwargs: Any) -> list[CheckMessage]:
    """The sandbox lets anyone sign in as anyone. So it is an error to start Django with it and with DEBUG off."""
    if gate.is_open():
        return []
    return [
        Error(
            "phonebind_sandbox is installed, but DEBUG is off in the settings.",
            hint="Add it to INSTALLED_APPS only if DEBUG is on. (A test runner may turn DEBUG off later.)",
            id="phonebind_sandbox.E001",
        )
    ]


def receipts(**kwargs: Any) -> list[CheckMessage]:
    """Without this check, a receipt that cannot be sent would be lost silently."""
    return [
        Error(
            f'PHONEBIND_SANDBOX["RECEIPTS"] has {vendor!r}: {url!r}.',
            hint=f"The names are {', '.join(conf.PUSHING)}. Each needs a complete http(s) URL.",
            id="phonebind_sandbox.E002",
        )
        for vendor, url in conf.receipts().items()
        if vendor not in conf.PUSHING or not conf.is_address(url)
    ]


def shared_cache(**kwargs: Any) -> list[CheckMessage]:
    """A code that one worker process issues must be known to the others."""
    if not isinstance(caches[conf.cache_alias()], LocMemCache | DummyCache):
        return []
    return [
        Caution(
            f"The sandbox keeps its state in the cache {conf.cache_alias()!r}, which is not shared between processes.",
            hint='Name a Valkey or Redis cache in PHONEBIND_SANDBOX = {"CACHE": ...}, or run a single process.',
            id="phonebind_sandbox.W001",
        )
    ]
