"""Pooled connections: hundreds of threads that mostly wait for a provider share a few connections.

Django's check of a connection (``CONN_HEALTH_CHECKS``) costs a round trip before the first statement of each request.
This backend needs none: a server that ends closes its connections, and the socket shows that.
"""

import select
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """It needs ``OPTIONS["pool"]``."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection whose server still runs. Raises OperationalError if there is none in time."""
        connection = super().get_new_connection(conn_params)
        # There is no pool for work outside of the databases, such as making a database for tests.
        for _ in range(self.pool.max_size if self.pool else 0):
            if not _has_news(connection):
                break
            connection.close()
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection


def _has_news(connection: Any) -> bool:
    """Whether anything has arrived on an idle connection. That only happens when the server ends."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
