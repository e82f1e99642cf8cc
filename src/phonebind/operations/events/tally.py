"""Counts similar events together, so that a flood of requests does not become a flood of rows.

The first event of a kind becomes a row at once. Similar events within ``SECONDS`` are counted in the memory of this
process and become one row. This row is written with the first event of any kind after that time, or when the process
ends. So the sums over ``count`` are exact after some seconds. If the process is killed, the events that it has counted
in memory are lost.

Memory and rows are bounded. If one address causes too many kinds of events, the rest are counted by address alone. If
too many addresses do this, the rest are counted without the address.
"""

import threading
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime

#: For how many seconds similar events are counted together.
SECONDS = 10
#: Maximum number of kinds in that time: for one address, and for all addresses.
OF_AN_ADDRESS = 10
OF_ALL = 200
#: How many rows wait while the database is unavailable. Further rows are lost, and the lost rows are counted.
WAITING = 1_000

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """The columns of ``SecurityEvent`` that audit records fill, in the order of the INSERT statement."""

    at: datetime
    type: str
    outcome: str
    count: int = 1
    purpose: str = ""
    provider: str = ""
    gateway: str = ""
    user_id: str = ""
    mobile: str = ""
    mobile_hmac: str = ""
    address: str = ""
    limit: str = ""
    cause: str = ""
    request_id: str = ""

    def alike(self) -> "Row":
        """The row without its time, count and request id. Rows that are equal after this are counted together."""
        return replace(self, at=_NEVER, count=1, request_id="")


class Tally:
    """The counts of one process. Thread-safe. ``now`` is in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends = 0.0
        #: No statement before this time, after a failed one.
        self._asks_at = 0.0
        #: Counted rows by kind. None: the first row of this kind is written, and no similar event has come since.
        self._counted: dict[Row, Row | None] = {}
        self._kinds: Counter[str] = Counter()
        self._waiting: list[Row] = []
        self._lost = 0

    def add(self, row: Row, now: float, *, alone: bool, held: bool = False) -> list[Row]:
        """Count the row, and return the rows to write now.

        ``alone``: the row is written as it is, and not counted together with others.
        ``held``: the row is written together with the next one.
        """
        with self._lock:
            rows = self._over(now)
            if held:
                rows += self._ready(now)
            if alone:
                self._wait([row])
            else:
                self._count(row)
            return rows if held else rows + self._ready(now)

    def over(self, now: float) -> list[Row]:
        """Return the rows to write now, without a new row."""
        with self._lock:
            return self._over(now) + self._ready(now)

    def rest(self) -> list[Row]:
        """Return all rows that are not written yet."""
        with self._lock:
            rows = [*self._waiting, *filter(None, self._counted.values())]
            self._clear()
            return rows

    def failed(self, rows: list[Row], now: float) -> int:
        """Keep the rows that could not be written. No statement runs for the next ``SECONDS``. Returns how many
        events were lost since the last failure.
        """
        with self._lock:
            self._asks_at = now + SECONDS
            self._wait(rows)
            lost, self._lost = self._lost, 0
            return lost

    def _count(self, row: Row) -> None:
        kind = self._kind(row)
        if kind not in self._counted:
            self._counted[kind] = None
            self._kinds[row.address] += 1
            self._wait([_as(row, kind)])
            return
        before = self._counted[kind]
        held = _as(row, kind) if before is None else replace(before, count=before.count + row.count)
        self._counted[kind] = held

    def _kind(self, row: Row) -> Row:
        whole = row.alike()
        by_address = replace(whole, user_id="", mobile="", mobile_hmac="", cause="")
        is_full = len(self._counted) >= OF_ALL
        if whole in self._counted or not (is_full or self._kinds[row.address] >= OF_AN_ADDRESS):
            return whole
        if by_address in self._counted or not is_full:
            return by_address
        return replace(by_address, address="")

    def _over(self, now: float) -> list[Row]:
        if now < self._ends or now < self._asks_at:
            return []
        rows = [row for row in self._counted.values() if row is not None]
        self._counted.clear()
        self._kinds.clear()
        self._ends = now + SECONDS
        return rows

    def _ready(self, now: float) -> list[Row]:
        if now < self._asks_at:
            return []
        rows, self._waiting = self._waiting, []
        return rows

    def _wait(self, rows: list[Row]) -> None:
        room = WAITING - len(self._waiting)
        self._waiting += rows[:room]
        self._lost += sum(row.count for row in rows[room:])

    def _clear(self) -> None:
        self._counted.clear()
        self._kinds.clear()
        self._waiting = []


def _as(row: Row, kind: Row) -> Row:
    """The row with no more personal data than its kind has."""
    return replace(
        row,
        user_id=kind.user_id,
        mobile=kind.mobile,
        mobile_hmac=kind.mobile_hmac,
        address=kind.address,
        cause=kind.cause,
    )
