"""A cache on a Valkey or Redis Cluster, which neither Django's RedisCache nor django-redis supports.

    CACHES["phonebind"] = {
        "BACKEND": "phonebind.clusters.ClusterCache",
        "LOCATION": ["redis://10.0.0.1:6379", "redis://10.0.0.2:6379", "redis://10.0.0.3:6379"],
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1, "max_connections": 100},
    }

Any one node that answers is enough to find all others. Username, password, TLS (``rediss://``) and its files come from
the first address and are used for every node. ``OPTIONS`` are arguments of ``redis.cluster.RedisCluster``;
``max_connections`` is for each node.
"""

from collections.abc import Mapping
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import parse_url
from redis.retry import Retry

#: The clients of the process, by their addresses and options.
_clients: dict[str, RedisCluster] = {}


class _Client(RedisCacheClient):
    """Django's client has a pool for each cache, and a cache for each thread. Here a process has one client."""

    _serializer: Any

    def __init__(self, servers: list[str], serializer: Any = None, **options: Any) -> None:
        super().__init__(servers, serializer)
        self._nodes, self._options = servers, options

    def get_client(self, key: object = None, *, write: bool = False) -> Any:
        """Raises RedisClusterException if no node answers, or if a server is no node of a cluster."""
        name = repr((self._nodes, sorted(self._options.items())))
        return _clients.get(name) or _clients.setdefault(name, _connect(self._nodes, self._options))

    def get_many(self, keys: Any) -> dict[Any, Any]:
        """Several keys are in several slots."""
        found = zip(keys, self.get_client().mget_nonatomic(keys), strict=True)
        return {key: self._serializer.loads(value) for key, value in found if value is not None}

    def set_many(self, data: Mapping[Any, Any], timeout: Any) -> None:
        """One by one, since several keys are in several slots."""
        for key, value in data.items():
            self.set(key, value, timeout)


class ClusterCache(RedisCache):
    """A cache in a Valkey or Redis Cluster, with everything of Django's RedisCache.

    ``LOCATION`` is a list of addresses; any node that answers tells of all others. User name, password, TLS
    (``rediss://``) and its files are those of the first address, for every node. ``OPTIONS`` are arguments of
    ``redis.cluster.RedisCluster``; ``max_connections`` holds for each node.
    """

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _Client


def _connect(servers: list[str], options: Mapping[str, Any]) -> RedisCluster:
    first, *others = servers
    nodes = [ClusterNode(url["host"], url.get("port", 6379)) for url in map(parse_url, others)]  # type: ignore[no-untyped-call]
    # A command that timed out may have been executed. Sending it again would count a limit twice, or find no state
    # after a GETDEL. The client has then asked for the new topology, so the next request goes to the right node.
    at_most_once = Retry(NoBackoff(), 0)
    return RedisCluster.from_url(first, **{"startup_nodes": nodes, "retry": at_most_once, **options})
