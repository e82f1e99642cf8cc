"""The one door to the cache. Whatever must happen once is decided by the result of one atomic command."""

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
    """The value, or None."""
    return _cache().get(_key(kind, name))


def get_many(kind: str, names: Iterable[str]) -> dict[str, Any]:
    """The values there are, by name, in the order asked for."""
    keys = {name: _key(kind, name) for name in names}
    found = _cache().get_many(keys.values())
    return {name: found[key] for name, key in keys.items() if key in found}


def forget(kind: str, name: str) -> bool:
    return bool(_cache().delete(_key(kind, name)))


def count(kind: str) -> int:
    """The next number of a sequence: 1, 2, 3 ..., each for one caller."""
    key = _key(kind, "count")
    _cache().add(key, 0, FOREVER)
    return int(_cache().incr(key))


def counted(kind: str) -> int:
    """The last number given out, 0 before the first."""
    return int(get(kind, "count") or 0)


def _cache() -> BaseCache:
    return caches[conf.cache_alias()]


def _key(kind: str, name: str) -> str:
    # Names come from outside and may hold anything; a digest is a good key for every cache.
    return f"phonebind_sandbox:{kind}:{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
