"""The one door to Valkey or Redis: connection, scripts, names of the keys, and what happens when it is down.

The connection and the names of the keys are those of the host's own cache, so Sentinel, TLS and a cluster
(``phonebind.clusters``) are configured where they always are, and two sites with a ``KEY_PREFIX`` each never meet.
Every decision is one command or one script, so it is atomic for all processes; and each key carries a hash tag, one for
all keys of a script, so a cluster serves it too.
"""

import functools
import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.cache import BaseCache, caches
from django.core.cache.backends.redis import RedisCache
from django.core.signals import setting_changed
from redis.exceptions import MovedError, NoScriptError, RedisClusterException, RedisError

from phonebind.conf import conf
from phonebind.exceptions import StorageUnavailable

#: What is wrong where a client that knows nothing of clusters is told that another node has the key.
PLAIN_CLIENT = "The cache of codes and limits is a node of a cluster, and its client cannot follow to the others."
CLUSTER_HINT = (
    "Use 'phonebind.clusters.ClusterCache' as its BACKEND, or REDIS_CLUSTER: see docs/en/how-to/fail-over.md#cluster."
)

#: Where two nodes share the slots evenly, the chance that one has all of these is one in four billion.
_PROBES = 32

logger = logging.getLogger(__name__)


def key(kind: str, subject: str) -> str:
    """``key("sms", "13800000001")`` → ``:1:phonebind:sms:{13800000001}``, after the cache's prefix and version."""
    return str(caches[conf.cache].make_key(f"phonebind:{kind}:{{{subject}}}"))


@contextmanager
def connection() -> Iterator[Any]:
    """A redis-py client. Whatever goes wrong with the server inside the block is StorageUnavailable."""
    with failures():
        yield _client(conf.cache)


@contextmanager
def failures() -> Iterator[None]:
    """What goes wrong with a server inside the block, ours or one behind another of the host's caches, is
    StorageUnavailable.
    """
    try:
        yield
    except (RedisError, RedisClusterException) as error:
        if isinstance(error, MovedError):
            _tell_of_cluster()
        raise StorageUnavailable from error


@functools.cache
def _tell_of_cluster() -> None:
    """Once a process: only another setting helps, and that takes a new process."""
    logger.error("%s %s", PLAIN_CLIENT, CLUSTER_HINT)


def is_out_of_reach() -> bool:
    """Whether a plain client is at one node of a cluster: it asks for keys of many slots, and learns of another node.
    Raises StorageUnavailable where the server does not answer.
    """
    try:
        with connection() as client:
            for number in range(_PROBES):
                client.exists(key("probe", str(number)))
    except StorageUnavailable as error:
        if isinstance(error.__cause__, MovedError):
            return True
        raise
    return False


def is_supported(cache: BaseCache) -> bool:
    """Whether it is a cache that has a redis-py client: Django's own RedisCache, or django-redis's."""
    return isinstance(cache, RedisCache) or hasattr(getattr(cache, "client", None), "get_client")


def _client(alias: str) -> Any:
    cache: Any = caches[alias]
    return _shared_client(alias) if isinstance(cache, RedisCache) else cache.client.get_client(write=True)


@functools.cache
def _shared_client(alias: str) -> Any:
    """Django makes a cache for each thread, or for each request under ASGI, and its own one a pool for itself."""
    cache: Any = caches[alias]
    return cache._cache.get_client(write=True)


def _forget_clients(*, setting: str, **kwargs: object) -> None:
    if setting == "CACHES":
        _shared_client.cache_clear()


setting_changed.connect(_forget_clients)


def first(name: str, seconds: int) -> bool:
    """True for one caller of all processes, and then for nobody until the seconds are over."""
    with connection() as client:
        return bool(client.set(name, 1, nx=True, ex=seconds))


def exists(name: str) -> bool:
    with connection() as client:
        return bool(client.exists(name))


class Script:
    """A Lua script over one key or several of one tag; sent whole only where the server does not know it yet."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: str | Sequence[str], *args: str | int) -> Any:
        keys = [keys] if isinstance(keys, str) else keys
        with connection() as client:
            try:
                return client.evalsha(self.sha, len(keys), *keys, *args)
            except NoScriptError:
                return client.eval(self.source, len(keys), *keys, *args)
