"""Find bound people with one prepared SELECT, sent straight through libpq."""

import os

from psycopg import OperationalError, pq

_QUERY = b"""SELECT u.id, u.username FROM shop_qqaccount a JOIN shop_user u ON u.id = a.user_id
             WHERE a.openid = $1 AND u.is_active"""

#: Idle connections. A list: its append and pop are atomic, and the connection that was used last has the warmest
#: caches.
_idle: list[pq.PGconn] = []


def find(openid: str) -> tuple[str, str] | None:
    """The person's id and username, or None."""
    try:
        connection = _idle.pop()
    except IndexError:
        connection = _connect()
    result = connection.exec_prepared(b"find", [openid.encode()])
    if result.status != pq.ExecStatus.TUPLES_OK:
        connection.finish()
        raise OperationalError(result.error_message)
    _idle.append(connection)
    if not result.ntuples:
        return None
    return (result.get_value(0, 0) or b"").decode(), (result.get_value(0, 1) or b"").decode()


def _connect() -> pq.PGconn:
    connection = pq.PGconn.connect(os.environ["DATABASE_URL"].encode())
    if connection.status != pq.ConnStatus.OK:
        raise OperationalError(connection.error_message)
    connection.prepare(b"find", _QUERY)
    return connection
