"""Two days of an hour's rows each, side by side: the one that is looked at, and the one before."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from phonebind.operations import codes, hours, prices, sums
from phonebind.operations.sums import Row

#: Hours that a chart shows.
HOURS = 24
#: Types of rows with the outcome "bound" or "signed_in" by which nobody came in: they were in already.
_INSIDE = ("identities", "identity")
_BY_SMS = ("sms_sign_in", "sign_up", "password_reset")


@dataclass(frozen=True)
class Day:
    """24 hours from ``begin`` on."""

    begin: datetime
    rows: list[Row]

    @property
    def hours(self) -> list[datetime]:
        return [self.begin + number * hours.HOUR for number in range(HOURS)]

    def by_hour(self, rows: Iterable[Row]) -> list[int]:
        """How many these are, in each hour."""
        counts: Counter[datetime] = Counter()
        for row in rows:
            counts[row.hour] += row.total
        return [counts[hour] for hour in self.hours]

    @cached_property
    def attempts(self) -> list[Row]:
        """SMS given to gateways."""
        return [row for row in self.rows if row.type == codes.ATTEMPT]

    @cached_property
    def sent(self) -> list[Row]:
        """SMS that somebody asked for and got."""
        return [row for row in self.attempts if row.outcome == "sent" and row.purpose != codes.NOTICE]

    @cached_property
    def paid(self) -> list[Row]:
        return [row for row in self.attempts if row.outcome in codes.PAID]

    @cached_property
    def used(self) -> list[Row]:
        """Right codes."""
        return [row for row in self.rows if row.is_use]

    @cached_property
    def sign_ins(self) -> list[Row]:
        return [row for row in self.rows if row.outcome in ("bound", "signed_in") and row.type not in _INSIDE]

    @cached_property
    def binds(self) -> list[Row]:
        return [row for row in self.rows if row.outcome == "bound"]

    @cached_property
    def refusals(self) -> list[Row]:
        """What a limit refused, ours or a vendor's."""
        return [row for row in self.rows if row.limit]

    @property
    def cost(self) -> Decimal:
        return prices.total((row.gateway, row.total) for row in self.paid)

    @property
    def used_share(self) -> float | None:
        """Right codes for each SMS; None where none was sent."""
        return share(count(self.used), count(self.sent))


def read(end: datetime) -> tuple[Day, Day]:
    """The day that ends with this hour, and the one before it."""
    begin = end - HOURS * hours.HOUR
    before = begin - HOURS * hours.HOUR
    rows = sums.between(before, end)
    middle = next((number for number, row in enumerate(rows) if row.hour >= begin), len(rows))
    return Day(begin, rows[middle:]), Day(before, rows[:middle])


def count(rows: Iterable[Row]) -> int:
    return sum(row.total for row in rows)


def counted(rows: Iterable[Row], name: Callable[[Row], str]) -> Counter[str]:
    """How many there are of each name."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts[name(row)] += row.total
    return counts


def way(row: Row) -> str:
    """By what somebody came in: the provider, "password" or "sms"."""
    return row.provider or ("sms" if row.type in _BY_SMS else "password")


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
