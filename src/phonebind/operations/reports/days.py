"""Two days for comparison: the chosen day and the day before."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from phonebind.operations.events import words
from phonebind.operations.reports import codes, hours, sums
from phonebind.operations.reports.sums import Hour, Row

#: Hours in one chart.
HOURS = 24
#: Types of rows whose outcome "bound" or "signed_in" is no sign-in: the person was already signed in.
INSIDE = ("identities", "identity")
_BY_SMS = ("sms_sign_in", "sign_up", "password_reset")

#: Selects rows.
Kind = Callable[[Row], bool]


def is_attempt(row: Row) -> bool:
    """Whether the row is an SMS given to a gateway."""
    return row.type == words.SMS_ATTEMPT


def is_sent(row: Row) -> bool:
    """Whether the row is an SMS that was sent because a person asked for it."""
    return row.type == words.SMS_ATTEMPT and row.outcome == "sent" and row.purpose != codes.NOTICE


def is_failed(row: Row) -> bool:
    return row.type == words.SMS_ATTEMPT and row.outcome != "sent"


def is_paid(row: Row) -> bool:
    return row.type == words.SMS_ATTEMPT and row.outcome in codes.PAID


def is_sign_in(row: Row) -> bool:
    return row.outcome in ("bound", "signed_in") and row.type not in INSIDE


def is_bind(row: Row) -> bool:
    return row.outcome == "bound"


def is_refusal(row: Row) -> bool:
    """Whether a limit refused the request: ours or a vendor's."""
    return row.limit != ""


def one(row: Row) -> float:
    """How many events the row stands for."""
    return row.total


def way(row: Row) -> str:
    """How the person signed in: the provider, "password" or "sms"."""
    return row.provider or ("sms" if row.type in _BY_SMS else "password")


@dataclass(frozen=True)
class Day:
    """24 hours."""

    each: list[Hour]

    @property
    def hours(self) -> list[datetime]:
        return [hour.begin for hour in self.each]

    def by_hour(self, is_meant: Kind, weigh: Callable[[Row], float] = one) -> list[float]:
        return [sum(map(weigh, filter(is_meant, hour.rows))) for hour in self.each]

    def total(self, is_meant: Kind, weigh: Callable[[Row], float] = one) -> float:
        return sum(self.by_hour(is_meant, weigh))

    def count(self, is_meant: Kind) -> int:
        return sum(row.total for hour in self.each for row in hour.rows if is_meant(row))

    def named(
        self, is_meant: Kind, name: Callable[[Row], str], weigh: Callable[[Row], float] = one
    ) -> dict[str, float]:
        """The sum of weights for each name."""
        sums: dict[str, float] = {}
        for hour in self.each:
            for row in filter(is_meant, hour.rows):
                sums[name(row)] = sums.get(name(row), 0) + weigh(row)
        return sums

    @property
    def used_share(self) -> float | None:
        """The share of numbers that used a code, among the numbers that were sent an SMS. None if no SMS was sent."""
        return _all_at_most(share(sum(hour.used for hour in self.each), sum(hour.asked for hour in self.each)))

    @property
    def used_shares(self) -> list[float | None]:
        return [_all_at_most(share(hour.used, hour.asked)) for hour in self.each]


def read(end: datetime) -> tuple[Day, Day]:
    """The day that ends with this hour, and the day before."""
    each = sums.between(end - 2 * HOURS * hours.HOUR, end)
    return Day(each[HOURS:]), Day(each[:HOURS])


def gateway(row: Row) -> str:
    return row.gateway


def outcome(row: Row) -> str:
    return row.outcome


def limit(row: Row) -> str:
    return row.limit


def _all_at_most(part: float | None) -> float | None:
    """At most 1. A code that was sent in one hour can be used in the next, so the share of an hour can exceed 1."""
    return None if part is None else min(part, 1.0)


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
