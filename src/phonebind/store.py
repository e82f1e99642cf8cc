"""All access to Valkey or Redis: the connection, the scripts, the names of the keys, and the error if it is down.

The connection and the prefix of the keys are those of the host's cache. So Sentinel, TLS and a cluster
(``phonebind.clusters``) are configured there, and two sites with a ``KEY_PREFIX`` each share no keys. Every decision is
one command or one script, so it is atomic for all processes. Each key has a hash tag, which is the same for all keys of
a script, so a cluster works too.
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

#: The message if a plain client, which does not support clusters, learns that another node has the key.
PLAIN_CLIENT = "The cache of codes and limits is a node of a cluster, and its client cannot follow to the others."
CLUSTER_HINT = (
    "Use 'phonebind.clusters.ClusterCache' as its BACKEND, or REDIS_CLUSTER: see docs/en/how-to/fail-over.md#cluster."
)

#: If two nodes share the slots evenly, the chance that one of them has all of these keys is one in four billion.
_PROBES = 32

logger = logging.getLogger(__name__)


def key(kind: str, subject: str) -> str:
    """``key("sms", "13800000001")`` → ``:1:phonebind:sms:{13800000001}``, after the cache's prefix and version."""
    return str(caches[conf.cache].make_key(f"phonebind:{kind}:{{{subject}}}"))


@contextmanager
def connection() -> Iterator[Any]:
    """A redis-py client. Any error of the server inside the block becomes StorageUnavailable."""
    with failures():
        yield _client(conf.cache)


@contextmanager
def failures() -> Iterator[None]:
    """Any error of a Redis server inside the block becomes StorageUnavailable. The server may be ours, or that of
    another cache of the host.
    """
    try:
        yield
    except (RedisError, RedisClusterException) as error:
        if isinstance(error, MovedError):
            _tell_of_cluster()
        raise StorageUnavailable from error


@functools.cache
def _tell_of_cluster() -> None:
    """Logged once in a process: only another setting helps, and that needs a new process."""
    logger.error("%s %s", PLAIN_CLIENT, CLUSTER_HINT)


def is_out_of_reach() -> bool:
    """Whether a plain client is connected to one node of a cluster. It asks for keys of many slots, and sees whether
    another node has one. Raises StorageUnavailable if the server does not answer.
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
    """Whether the cache has a redis-py client: Django's RedisCache, or that of django-redis."""
    return isinstance(cache, RedisCache) or hasattr(getattr(cache, "client", None), "get_client")


def _client(alias: str) -> Any:
    cache: Any = caches[alias]
    return _shared_client(alias) if isinstance(cache, RedisCache) else cache.client.get_client(write=True)


@functools.cache
def _shared_client(alias: str) -> Any:
    """One client for all threads. Django makes a cache for each thread, or under ASGI for each request, and each of
    Django's own caches makes a pool.
    """
    cache: Any = caches[alias]
    return cache._cache.get_client(write=True)


def _forget_clients(*, setting: str, **kwargs: object) -> None:
    if setting == "CACHES":
        _shared_client.cache_clear()


setting_changed.connect(_forget_clients)


def first(name: str, seconds: int) -> bool:
    """True for the first caller of all processes; False for all others until the seconds are over."""
    with connection() as client:
        return bool(client.set(name, 1, nx=True, ex=seconds))


def exists(name: str) -> bool:
    with connection() as client:
        return bool(client.exists(name))


class Script:
    """A Lua script on one or several keys with one tag. Its text is only sent if the server does not know it yet."""

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
