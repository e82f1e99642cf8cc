"""The source table of the bindings: its columns, and its rows page by page in the order of its key."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any

from django.conf import settings
from django.db import connections
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from phonebind.importing import people
from phonebind.importing.base import PAGE, ImportRefused, as_text
from phonebind.importing.scratch import Scratch

#: A possible id at a provider: printable ASCII without a blank, at most as long as our column.
_READABLE = re.compile(r"[!-~]{1,255}")

#: Moments are read as text. Otherwise, one value that is not a date for Python makes the whole page fail: a text in
#: SQLite, infinity in PostgreSQL. PostgreSQL's own texts depend on the server's DateStyle, but JSON uses ISO 8601.
_MOMENTS = {"sqlite": "CAST({} AS TEXT)", "postgresql": "to_json({}) #>> '{{}}'"}
#: Texts are read as bytes for the same reason: SQLite stores texts that are not UTF-8 unchanged.
_TEXTS = {"sqlite": "CAST({} AS BLOB)"}

EMPTY, MALFORMED, PADDED = "openid_empty", "openid_malformed", "openid_padded"


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The names of the columns in the table. "" for a column that it does not have."""

    openid: str
    user: str
    created: str
    unionid: str


@dataclass(frozen=True)
class Source:
    """A table that was inspected: the database knows all of its names."""

    database: str
    table: str
    key: str
    columns: Columns

    def __str__(self) -> str:
        return f"{self.table} ({self.database})"


def tables(database: str) -> list[str]:
    """The names of the tables and views."""
    connection = connections[database]
    with connection.cursor() as cursor:
        return connection.introspection.table_names(cursor, include_views=True)


def find(database: str, table: str, columns: Columns) -> Source:
    """Raises ImportRefused if the database has no such table or columns, and names the ones that it has."""
    there = tables(database)
    if table not in there:
        message = _("There is no table %(table)s in the database “%(database)s”. There are: %(known)s.")
        raise ImportRefused(message % {"table": table, "database": database, "known": ", ".join(sorted(there))})
    connection = connections[database]
    with connection.cursor() as cursor:
        there = [column.name for column in connection.introspection.get_table_description(cursor, table)]
        key = connection.introspection.get_primary_key_columns(cursor, table) or []
    wanted = [columns.openid, columns.user, *filter(None, (columns.created, columns.unionid))]
    missing = [column for column in wanted if column not in there]
    if missing:
        message = _("The table %(table)s has no column %(missing)s. It has: %(known)s.")
        raise ImportRefused(message % {"table": table, "missing": ", ".join(missing), "known": ", ".join(there)})
    if len(key) != 1:
        raise ImportRefused(_("The table %(table)s needs a primary key of one column.") % {"table": table})
    return Source(database, table, key[0], columns)


def count(source: Source) -> int:
    """The number of rows."""
    connection = connections[source.database]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {connection.ops.quote_name(source.table)}")  # noqa: S608 - quoted
        return int(cursor.fetchone()[0])


def load(source: Source, scratch: Scratch) -> Iterator[int]:
    """Copy all rows. Yields the number of rows after each page."""
    read, seq = _reader(source), 0
    for page in _pages(source):
        scratch.add("source", (read(seq + number, *row) for number, row in enumerate(page, start=1)))
        seq += len(page)
        yield len(page)


def _pages(source: Source) -> Iterator[list[Any]]:
    """Pages by key, not by offset: each page is fast, and no row is skipped while others are added and removed."""
    connection = connections[source.database]
    key, select = connection.ops.quote_name(source.key), _select(source)
    after, values = "", list[Any]()
    while True:
        with connection.cursor() as cursor:
            cursor.execute(f"{select} {after} ORDER BY {key} LIMIT {PAGE}", values)
            page = list(cursor.fetchall())
        if page:
            yield page
        if len(page) < PAGE:
            return
        after, values = f"WHERE {key} > %s", [page[-1][0]]


def _select(source: Source) -> str:
    connection, columns = connections[source.database], source.columns
    quote, vendor = connection.ops.quote_name, connection.vendor

    def told(column: str, forms: Mapping[str, str]) -> str:
        return forms.get(vendor, "{}").format(quote(column)) if column else "NULL"

    openid, unionid = told(columns.openid, _TEXTS), told(columns.unionid, _TEXTS)
    names = [quote(source.key), openid, quote(columns.user), told(columns.created, _MOMENTS), unionid]
    return f"SELECT {', '.join(names)} FROM {quote(source.table)}"  # noqa: S608 - quoted


def _reader(source: Source) -> Callable[..., tuple[Any, ...]]:
    """A function that makes a row of the scratch file from a row of the table."""
    zone = connections[source.database].timezone
    key_of = people.keys()

    def read(seq: int, row: Any, *cells: Any) -> tuple[Any, ...]:
        openid, user, created, unionid = cells
        openid = _text(openid)
        bare = openid.strip()
        if not bare:
            fault = EMPTY
        elif not _READABLE.fullmatch(bare):
            fault = MALFORMED
        else:
            fault = PADDED if bare != openid else ""
        unionid = _text(unionid)
        known = unionid if _READABLE.fullmatch(unionid) else None
        return seq, str(row), openid, bare.casefold(), key_of(user), _moment(created, zone), known, fault

    return read


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return "" if value is None else str(value)


def _moment(value: Any, zone: Any) -> str | None:
    """The moment as text, or None if it is unknown: NULL, or MariaDB's 0000-00-00.

    It is also None in the first and the last year that Python supports: in other time zones, it could be out of range.
    """
    try:
        moment = parse_datetime(value) if isinstance(value, str) else value
        if not isinstance(moment, datetime) or moment.year in (MINYEAR, MAXYEAR):
            return None
        if settings.USE_TZ and timezone.is_naive(moment):
            moment = timezone.make_aware(moment, zone)
        return as_text(moment)
    except (ValueError, OverflowError):
        return None
