"""The scratch file: what was read, and what follows from it, in tables that compare byte for byte.

It is SQLite's own temporary database: nobody else can open it, and it ends with the process, even a killed one.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

#: KiB that it may hold in memory.
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

#: Of those that are filled row by row.
_COLUMNS = {"source": 8, "people": 7, "bound": 4, "chosen": 2}

#: Made when all is read: to sort once is quicker than to keep sorted.
_INDEXES = """
CREATE INDEX source_folded ON source (folded, openid, person);
CREATE INDEX source_person ON source (person);
CREATE UNIQUE INDEX people_person ON people (person);
CREATE INDEX people_mobile ON people (mobile) WHERE mobile <> '';
CREATE UNIQUE INDEX bound_openid ON bound (openid);
ANALYZE;
"""


class Scratch:
    """To be closed; its space is free again then."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        # What is lost with the process anyway needs no journal.
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", f"cache_size = -{_MEMORY}"):
            self._db.execute(f"PRAGMA {pragma}")
        self._run_all(_TABLES)
        self._db.execute("BEGIN")

    def close(self) -> None:
        """Give its space back."""
        self._db.close()

    def add(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Rows with all columns of ``table``."""
        marks = ", ".join("?" * _COLUMNS[table])
        self._db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - a table of ours

    def index(self) -> None:
        """All is read, and can be asked about."""
        self._run_all(_INDEXES)

    def run(self, sql: str, *values: Any) -> None:
        """One statement that changes something."""
        self._db.execute(sql, values)

    def select(self, sql: str, *values: Any) -> Iterator[Any]:
        """Rows one by one, as tuples."""
        return iter(self._db.execute(sql, values))

    def number(self, sql: str, *values: Any) -> int:
        """Of a SELECT that has one number for an answer."""
        return int(next(self.select(sql, *values))[0] or 0)

    def _run_all(self, script: str) -> None:
        # Not executescript(), which commits first.
        for statement in script.split(";"):
            self._db.execute(statement)
