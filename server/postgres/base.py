"""Pooled connections, so that hundreds of threads which mostly wait for a provider share a few.

Django's own check of a connection (``CONN_HEALTH_CHECKS``) is a round trip before each request's first statement. A
server that ended has hung up, and that can be seen without asking it.
"""

import select
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Needs ``OPTIONS["pool"]``."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """One at whose other end there still is a server. Raises OperationalError where none comes in time."""
        connection = super().get_new_connection(conn_params)
        # Django has none for what it does beside the databases, such as to make one for tests.
        for _ in range(self.pool.max_size if self.pool else 0):
            if not _has_news(connection):
                break
            connection.close()
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection


def _has_news(connection: Any) -> bool:
    """At rest there is none, but that the server ends."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
