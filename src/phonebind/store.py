"""The one door to Valkey or Redis: connection, scripts, names of the keys, and what happens when it is down.

The connection is the host's own django-redis one, so Sentinel, Cluster and TLS are configured where they always are.
Every decision is one command or one script, so it is atomic for all processes; and each key carries a hash tag, one for
all keys of a script, so a cluster serves it too.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django_redis import get_redis_connection
from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from phonebind.conf import conf
from phonebind.exceptions import StorageUnavailable


def key(kind: str, subject: str) -> str:
    """``key("sms", "13800000001")`` → ``phonebind:sms:{13800000001}``."""
    return f"phonebind:{kind}:{{{subject}}}"


@contextmanager
def connection() -> Iterator[Any]:
    """A redis-py client. Whatever goes wrong with the server inside the block is StorageUnavailable."""
    try:
        yield get_redis_connection(conf.cache)
    except (RedisError, RedisClusterException) as error:
        raise StorageUnavailable from error


def first(name: str, seconds: int) -> bool:
    """True for one caller of all processes, and then for nobody until the seconds are over."""
    with connection() as client:
        return bool(client.set(name, 1, nx=True, ex=seconds))


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
