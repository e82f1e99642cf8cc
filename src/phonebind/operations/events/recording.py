"""Records of the audit trail, and SMS given to gateways, become rows of ``SecurityEvent``.

A row is written after the commit of what it tells of, and never in a transaction of somebody else's: where one is open
it comes after that. A row that cannot be written turns no answer into an error; it waits for the database.
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

#: How many rows one statement writes.
BATCH = 100

logger = logging.getLogger(__name__)

_tally = Tally()
#: The database that the rows are for. Test runners change its name, and the rows of a test are not for the real one.
_home: dict[str, Any] = {}


def install() -> None:
    """Listen."""
    signals.audited.connect(_on_audited, dispatch_uid="phonebind.operations.audited")
    signals.sms_attempted.connect(_on_sms_attempted, dispatch_uid="phonebind.operations.sms_attempted")
    atexit.register(finish)


def user_id(pk: Any) -> str:
    """How rows name a user. By a hash, where the primary key is the mobile: rows keep no whole numbers."""
    text = "" if pk is None else str(pk)
    return mobile_hashes.current(text) if get_user_model()._meta.pk.name == conf.mobile_field else text


def finish() -> None:
    """Write what is counted and not written yet."""
    rows = _tally.rest()
    if rows and _is_home():
        _write(rows)


def _on_audited(record: dict[str, Any], mobile: str, **kwargs: Any) -> None:
    how = words.how(record["outcome"])
    # An operator's act is written by itself, in one transaction with what it did.
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
    # With the record of who asked for it. The purpose of a reset depends on whether the number has an account, and by a
    # statement of its own anybody could see whether this purpose is a new one.
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
    """Whether the database is still the one of the time before; from now on it is this one."""
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
            logger.exception("Events are not written; %s of them were lost. Is the database there, and migrated?", lost)


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
    """Composed once: each sign-in has a row, and the ORM takes longer to compose it than the database to write it."""
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
    """For a database that has no room for some character."""
    texts: dict[str, Any] = {field.name: _ascii(getattr(row, field.name)) for field in fields(Row) if field.type is str}
    return replace(row, **texts)


def _ascii(text: str) -> str:
    return text.replace("\0", "").encode("ascii", "replace").decode()
