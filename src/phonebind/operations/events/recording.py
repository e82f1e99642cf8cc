"""Writes audit records and SMS attempts as rows of ``SecurityEvent``.

A row is written after the commit of the change it describes. It is never written inside a transaction of the caller: if
one is open, the row is written after its commit. A row that cannot be written never causes an error response; it waits
until the database works again.
"""

import atexit
import logging
import time
from dataclasses import fields, replace
from functools import cache, partial
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connections
from django.utils import timezone

from phonebind import alarms, databases, signals
from phonebind.conf import conf
from phonebind.operations.events import mobile_hashes, words
from phonebind.operations.events.tally import Row, Tally
from phonebind.operations.models import SecurityEvent

#: Maximum number of rows in one statement.
BATCH = 100

logger = logging.getLogger(__name__)

_tally = Tally()
#: The name of the database that the rows belong to, by alias. Test runners change this name. Rows that a test created
#: must not reach the real database.
_home: dict[str, Any] = {}


def install() -> None:
    """Connect the receivers of the signals."""
    signals.audited.connect(_on_audited, dispatch_uid="phonebind.operations.audited")
    signals.sms_attempted.connect(_on_sms_attempted, dispatch_uid="phonebind.operations.sms_attempted")
    atexit.register(finish)


def user_id(pk: Any) -> str:
    """The user id in a row. If the primary key is the mobile number, this is a hash: rows contain no whole numbers."""
    text = "" if pk is None else str(pk)
    return mobile_hashes.current(text) if get_user_model()._meta.pk.name == conf.mobile_field else text


def finish() -> None:
    """Write all rows that are counted but not yet written."""
    rows = _tally.rest()
    if rows and _is_home():
        _write(rows)


def _on_audited(record: dict[str, Any], mobile: str, **kwargs: Any) -> None:
    how = words.how(record["outcome"])
    # The row for an operator's act is written elsewhere, in the same transaction as the act.
    if how == "not" or record["action"] == words.OPERATOR:
        _after_commit(None)
        return
    row = Row(
        at=timezone.now(),
        type=record["action"],
        outcome=record["outcome"],
        provider=record["provider"],
        user_id=user_id(record["user_id"]),
        mobile=record["mobile"],
        mobile_hmac=mobile_hashes.current(mobile),
        address=record["address"],
        limit=record["limit"],
        cause=record["cause"],
        request_id=record["request_id"],
    )
    _after_commit(row, alone=how == "each")


def _on_sms_attempted(gateway: str, purpose: str, outcome: str, **kwargs: Any) -> None:
    row = Row(at=timezone.now(), type=words.SMS_ATTEMPT, outcome=outcome, purpose=purpose, gateway=gateway)
    # This row is written together with the audit record of the same request. The purpose of a password-reset SMS
    # depends on whether the number has an account. With a separate statement, a client could see whether this purpose
    # is new.
    _after_commit(row, alone=False, held=True)


def _after_commit(row: Row | None, **how: bool) -> None:
    using = databases.primary(SecurityEvent)
    if connections[using].in_atomic_block:
        databases.after_commit(using, partial(_record, row, **how))
    else:
        _record(row, **how)


def _record(row: Row | None, **how: bool) -> None:
    if not _is_home():
        _tally.rest()
    now = time.monotonic()
    rows = _tally.over(now) if row is None else _tally.add(row, now, **how)
    for first in range(0, len(rows), BATCH):
        _write(rows[first : first + BATCH])


def _is_home() -> bool:
    """Whether the database is still the same as at the last call. Also remembers the current database."""
    using = databases.primary(SecurityEvent)
    name = connections[using].settings_dict["NAME"]
    before, _home[using] = _home.get(using, name), name
    return bool(before == name)


def _write(rows: list[Row]) -> None:
    try:
        try:
            _insert(rows)
        except databases.MAY_REFUSE_TEXT as error:
            if not databases.refuses_text(error):
                raise
            _insert([_plain(row) for row in rows])
    except Exception:
        lost = _tally.failed(rows, time.monotonic())
        if alarms.is_due("events"):
            logger.exception(
                "Events are not written; %s of them were lost. Is the database available, and migrated?", lost
            )


def _insert(rows: list[Row]) -> None:
    using = databases.primary(SecurityEvent)
    connection = connections[using]
    columns, lengths, one = _statement(using)
    adapt = connection.ops.adapt_datetimefield_value
    values: list[Any] = []
    for row in rows:
        values.append(adapt(row.at))
        values += [_cut(getattr(row, name), length) for name, length in lengths]
    with connection.cursor() as cursor:
        cursor.execute(f"{columns} VALUES {', '.join([one] * len(rows))}", values)


@cache
def _statement(using: str) -> tuple[str, list[tuple[str, int | None]], str]:
    """The parts of the INSERT statement, composed once.

    Each sign-in writes a row. The ORM takes longer to compose the statement than the database takes to write it.
    """
    quote, meta = connections[using].ops.quote_name, SecurityEvent._meta
    given = [field.name for field in fields(Row)]
    filled: dict[str, str] = {"actor_id": "''", "session_id": "''", "data": "'{}'"}
    names = ", ".join(quote(name) for name in [*given, *filled])
    placeholders = ", ".join(["%s"] * len(given) + list(filled.values()))
    lengths = [(name, getattr(meta.get_field(name), "max_length", None)) for name in given[1:]]
    return f"INSERT INTO {quote(meta.db_table)} ({names})", lengths, f"({placeholders})"


def _cut(value: Any, length: int | None) -> Any:
    return value[:length] if length else value


def _plain(row: Row) -> Row:
    """The row in ASCII, for a database that cannot store some characters."""
    texts: dict[str, Any] = {field.name: _ascii(getattr(row, field.name)) for field in fields(Row) if field.type is str}
    return replace(row, **texts)


def _ascii(text: str) -> str:
    return text.replace("\0", "").encode("ascii", "replace").decode()
