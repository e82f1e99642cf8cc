"""The scratch file: the data that was read, and the results, in tables that compare byte for byte.

It is a temporary database of SQLite. No other process can open it, and it ends with this process, even if killed.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

#: The KiB that it may use in memory.
_MEMORY = 48 * 1024

_TABLES = """
CREATE TABLE source (
    seq INTEGER PRIMARY KEY, row TEXT, openid TEXT, folded TEXT, person TEXT, created TEXT, unionid TEXT, fault TEXT
);
CREATE TABLE people (
    person TEXT, mobile TEXT, state TEXT, name TEXT, disabled INTEGER, last_login TEXT, date_joined TEXT
);
CREATE TABLE bound (pk INTEGER, openid TEXT, person TEXT, created TEXT);
CREATE TABLE chosen (openid TEXT PRIMARY KEY, person TEXT) WITHOUT ROWID;
CREATE TABLE spelled (folded TEXT PRIMARY KEY, settled INTEGER) WITHOUT ROWID;
CREATE TABLE claim (
    openid TEXT, person TEXT, first TEXT, last TEXT, first_seq INTEGER, last_seq INTEGER, rows INTEGER, unionid TEXT,
    PRIMARY KEY (openid, person)
) WITHOUT ROWID;
CREATE TABLE shared (openid TEXT PRIMARY KEY, person TEXT) WITHOUT ROWID;
"""

#: The number of columns of the tables that are filled row by row.
_COLUMNS = {"source": 8, "people": 7, "bound": 4, "chosen": 2}

#: Created after all rows are read: sorting once is faster than keeping the rows sorted.
_INDEXES = """
CREATE INDEX source_folded ON source (folded, openid, person);
CREATE INDEX source_person ON source (person);
CREATE UNIQUE INDEX people_person ON people (person);
CREATE INDEX people_mobile ON people (mobile) WHERE mobile <> '';
CREATE UNIQUE INDEX bound_openid ON bound (openid);
ANALYZE;
"""


class Scratch:
    """Close it after use, to free its space."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        # The file is lost with the process anyway, so it needs no journal.
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", f"cache_size = -{_MEMORY}"):
            self._db.execute(f"PRAGMA {pragma}")
        self._run_all(_TABLES)
        self._db.execute("BEGIN")

    def close(self) -> None:
        """Free its space."""
        self._db.close()

    def add(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows that have all columns of ``table``."""
        marks = ", ".join("?" * _COLUMNS[table])
        self._db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - a table of ours

    def index(self) -> None:
        """Create the indexes. Call it after all rows are read, and before the first query over them."""
        self._run_all(_INDEXES)

    def run(self, sql: str, *values: Any) -> None:
        """Run one statement that changes something."""
        self._db.execute(sql, values)

    def select(self, sql: str, *values: Any) -> Iterator[Any]:
        """The rows one by one, as tuples."""
        return iter(self._db.execute(sql, values))

    def number(self, sql: str, *values: Any) -> int:
        """The result of a SELECT that returns one number."""
        return int(next(self.select(sql, *values))[0] or 0)

    def _run_all(self, script: str) -> None:
        # Not executescript(), which commits first.
        for statement in script.split(";"):
            self._db.execute(statement)
