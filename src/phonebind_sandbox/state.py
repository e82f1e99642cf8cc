"""The only module that uses the cache. If something must happen only once, one atomic command decides it."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from django.core.cache import BaseCache, caches

from . import conf

FOREVER = None


def put(kind: str, name: str, value: Any, seconds: int | None) -> None:
    _cache().set(_key(kind, name), value, seconds)


def put_once(kind: str, name: str, seconds: int | None) -> bool:
    """True for the first caller only."""
    return bool(_cache().add(_key(kind, name), 1, seconds))


def get(kind: str, name: str) -> Any:
    """The value, or None if there is none."""
    return _cache().get(_key(kind, name))


def get_many(kind: str, names: Iterable[str]) -> dict[str, Any]:
    """The existing values by name, in the order of ``names``."""
    keys = {name: _key(kind, name) for name in names}
    found = _cache().get_many(keys.values())
    return {name: found[key] for name, key in keys.items() if key in found}


def forget(kind: str, name: str) -> bool:
    return bool(_cache().delete(_key(kind, name)))


def count(kind: str) -> int:
    """The next number of a sequence: 1, 2, 3 ... Each number is returned to one caller only."""
    key = _key(kind, "count")
    _cache().add(key, 0, FOREVER)
    return int(_cache().incr(key))


def counted(kind: str) -> int:
    """The last number of the sequence; 0 before the first."""
    return int(get(kind, "count") or 0)


def _cache() -> BaseCache:
    return caches[conf.cache_alias()]


def _key(kind: str, name: str) -> str:
    # Names come from requests and may contain any character. A digest is a valid key in every cache.
    return f"phonebind_sandbox:{kind}:{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
