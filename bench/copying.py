"""Many people at once: by COPY, with the indexes made afterwards.

An index that grows with each row is written all over, and ten million rows take hours. So unique constraints, foreign
keys and indexes go, but for primary keys, which rows in order only append to; then they come back as they were.
"""

import re
from collections.abc import Iterable, Sequence

import psycopg

#: How contenders write their people.
_INSERT = re.compile(r"INSERT INTO (?P<table>\w+) (?P<columns>\([^)]*\))\s+(?P<rows>SELECT\s.*)", re.DOTALL)
#: Rows that go to the server in one piece.
_PIECE = 500

_CONSTRAINTS = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('u', 'f')
ORDER BY contype = 'f'
"""
_INDEXES = """
SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
FROM pg_index WHERE indrelid = ANY(%s::regclass[])
AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
"""


def copy(url: str, connection: psycopg.Connection, statements: Sequence[str]) -> None:
    """Run ``INSERT INTO … SELECT …`` as COPY, and all others as they are, inside the connection's transaction."""
    inserts = [match for match in map(_INSERT.fullmatch, statements) if match]
    tables = [match["table"] for match in inserts]
    # Constraints before indexes: some indexes are theirs.
    made = [row for sql in (_CONSTRAINTS, _INDEXES) for row in connection.execute(_only(sql), [tables]).fetchall()]
    connection.execute("SET LOCAL maintenance_work_mem = '1GB'")
    _each(connection, (drop for drop, _ in made))
    for statement in statements:
        match = _INSERT.fullmatch(statement)
        if match:
            _stream(url, connection, match)
        else:
            connection.execute(statement)
    _each(connection, (create for _, create in made))


def _stream(url: str, connection: psycopg.Connection, match: re.Match[str]) -> None:
    """The rows are made by one session and stored by another."""
    with psycopg.connect(url) as source, source.cursor() as maker, connection.cursor() as keeper:
        into = f"COPY {match['table']} {match['columns']} FROM STDIN"
        with maker.copy(f"COPY ({match['rows']}) TO STDOUT") as rows, keeper.copy(into) as stored:
            piece: list[bytes] = []
            for row in rows:
                piece.append(bytes(row))
                if len(piece) == _PIECE:
                    stored.write(b"".join(piece))
                    piece.clear()
            stored.write(b"".join(piece))


def _each(connection: psycopg.Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        connection.execute(statement)


def _only(sql: str) -> str:
    """``format()`` has its own ``%s`` and ``%I``; psycopg's is the one with a cast."""
    return re.sub(r"%(?!s::)", "%%", sql)
