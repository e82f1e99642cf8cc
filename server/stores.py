"""The server of codes and limits: one Valkey, a cluster, or the master that Sentinels choose.

REDIS_URL=redis://:password@10.0.0.1/0
REDIS_CLUSTER=redis://:password@10.0.0.1:6379,10.0.0.2:6379,10.0.0.3:6379
REDIS_SENTINELS=10.0.0.1:26379,10.0.0.2:26379,10.0.0.3:26379 REDIS_SENTINEL_MASTER=redis://:password@mymaster/0
"""

from typing import Any
from urllib.parse import urlsplit

from redis.connection import parse_url

from server import environment as env

#: Seconds. Without these timeouts, a Valkey that is down would block every thread that calls it.
_CONNECT, _ANSWER = 1, 1
_TIMEOUTS = {"socket_connect_timeout": _CONNECT, "socket_timeout": _ANSWER}


def cache(default: str | None, connections: int) -> dict[str, Any]:
    """The ``CACHES`` entry. ``default``: the URL if no variable is set. ``connections``: the most connections of a
    process to a server.
    """
    cluster, sentinels = env.words("REDIS_CLUSTER"), env.words("REDIS_SENTINELS")
    if len([given for given in (env.text("REDIS_URL", ""), cluster, sentinels) if given]) > 1:
        env.note("REDIS_URL, REDIS_CLUSTER and REDIS_SENTINELS: only one of them may be set.")
    if cluster:
        return _cluster(cluster, connections)
    if sentinels:
        return _sentinels(sentinels, connections)
    return _django_redis(env.text("REDIS_URL", default), {"max_connections": connections})


def _cluster(nodes: list[str], connections: int) -> dict[str, Any]:
    return {
        "BACKEND": "phonebind.clusters.ClusterCache",
        "LOCATION": [_url("REDIS_CLUSTER", node) for node in nodes],
        "OPTIONS": {**_TIMEOUTS, "max_connections": connections},
    }


def _sentinels(sentinels: list[str], connections: int) -> dict[str, Any]:
    master = _url("REDIS_SENTINEL_MASTER", env.text("REDIS_SENTINEL_MASTER", "mymaster"))
    host = urlsplit(master).netloc.rpartition("@")[2]
    if host != host.lower():
        env.note("REDIS_SENTINEL_MASTER must be in lower case, as the names in a URL are.")
    urls = [_url("REDIS_SENTINELS", sentinel) for sentinel in sentinels]
    watchers = [parse_url(url) for url in urls]  # type: ignore[no-untyped-call]
    own = {name: value for name, value in watchers[0].items() if name not in ("host", "port", "db", "connection_class")}
    # The only option for TLS with Sentinel in redis-py.
    pool = {"max_connections": connections} | _tls(master)
    return _django_redis(
        master.replace("rediss:", "redis:", 1),
        pool,
        CONNECTION_FACTORY="django_redis.pool.SentinelConnectionFactory",
        SENTINELS=[(watcher["host"], watcher.get("port", 26379)) for watcher in watchers],
        SENTINEL_KWARGS={**_TIMEOUTS, **_tls(urls[0]), **own},
    )


def _django_redis(location: str, pool: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": location,
        "OPTIONS": {
            "SOCKET_CONNECT_TIMEOUT": _CONNECT,
            "SOCKET_TIMEOUT": _ANSWER,
            "CONNECTION_POOL_KWARGS": pool,
            **options,
        },
    }


def _tls(url: str) -> dict[str, Any]:
    return {"ssl": True} if url.startswith("rediss:") else {}


def _url(name: str, word: str) -> str:
    """A URL. ``host:port`` is short for one."""
    url = word if "://" in word else f"redis://{word}"
    try:
        if parse_url(url).get("host"):  # type: ignore[no-untyped-call]
            return url
    except ValueError:
        pass
    # The value is not shown: it may contain the password.
    env.note(f"{name} is not made of host:port, or of URLs as redis://user:password@host:port.")
    return "redis://127.0.0.1"
