"""Who is bound: one prepared SELECT, asked of libpq itself."""

import os

from psycopg import OperationalError, pq

_QUERY = b"""SELECT u.id, u.username FROM shop_qqaccount a JOIN shop_user u ON u.id = a.user_id
             WHERE a.openid = $1 AND u.is_active"""

#: Those nobody uses. A list, since its append and pop are atomic and the last one used is the warmest.
_idle: list[pq.PGconn] = []


def find(openid: str) -> tuple[str, str] | None:
    """Their id and username."""
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
