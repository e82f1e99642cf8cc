"""Write many people at once: with COPY, and with the indexes made afterwards.

An index that grows row by row is rewritten all over, so ten million rows take hours. This module drops unique
constraints, foreign keys and indexes, and makes the same ones again at the end. Primary keys stay: rows in key order
only append to them.
"""

import re
from collections.abc import Iterable, Sequence

import psycopg

#: The form of the contenders' statements that write people.
_INSERT = re.compile(r"INSERT INTO (?P<table>\w+) (?P<columns>\([^)]*\))\s+(?P<rows>SELECT\s.*)", re.DOTALL)
#: Rows that go to the server at once.
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
    """Run each ``INSERT INTO … SELECT …`` as COPY and other statements unchanged, in the connection's transaction."""
    inserts = [match for match in map(_INSERT.fullmatch, statements) if match]
    tables = [match["table"] for match in inserts]
    # Drop constraints before indexes: some indexes belong to constraints.
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
    """One session makes the rows and another one stores them."""
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
    """Fill in psycopg's parameter, the one with a cast: SQL's ``format()`` has its own ``%s`` and ``%I``."""
    return re.sub(r"%(?!s::)", "%%", sql)
