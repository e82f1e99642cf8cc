"""Events that are alike, counted together: a flood of requests must not become a flood of rows.

The first of them is a row at once. Those that follow within ``SECONDS`` are counted here, in this process, and become
one row: with the next event of whatever kind once the time is over, or at the end of the process. So the sums over
``count`` are exact, some seconds later; a process that is killed takes what it has counted with it.

Memory and rows are bounded: what an address does in ever new ways is counted by address alone, and what ever new
addresses do is counted without them.
"""

import threading
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime

#: How long they are counted together.
SECONDS = 10
#: How many kinds of rows there are in that time, of one address and of all.
OF_AN_ADDRESS = 10
OF_ALL = 200
#: How many rows wait for a database that is away. More are lost, and counted.
WAITING = 1_000

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """The columns of ``SecurityEvent`` that records fill, in the order in which they are written."""

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
        """What rows have in common that are counted together."""
        return replace(self, at=_NEVER, count=1, request_id="")


class Tally:
    """Of one process, and safe in its threads. Times are seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends = 0.0
        #: When the database may be asked again.
        self._asks_at = 0.0
        #: What is counted, by what it has in common; None where its first row is written, and no other has come.
        self._counted: dict[Row, Row | None] = {}
        self._kinds: Counter[str] = Counter()
        self._waiting: list[Row] = []
        self._lost = 0

    def add(self, row: Row, now: float, *, alone: bool, held: bool = False) -> list[Row]:
        """The rows to be written now: ``alone``, this one is among them whatever there was before; ``held``, it is
        written with whatever comes next.
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
        """The rows to be written now, where nothing has come to be counted."""
        with self._lock:
            return self._over(now) + self._ready(now)

    def rest(self) -> list[Row]:
        """All that is not written yet."""
        with self._lock:
            rows = [*self._waiting, *filter(None, self._counted.values())]
            self._clear()
            return rows

    def failed(self, rows: list[Row], now: float) -> int:
        """They were not written, and the database is left alone for a while. How many were lost meanwhile."""
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
    """The row, which says of whom it is about no more than its kind does."""
    return replace(
        row,
        user_id=kind.user_id,
        mobile=kind.mobile,
        mobile_hmac=kind.mobile_hmac,
        address=kind.address,
        cause=kind.cause,
    )
