"""Who asked for SMS: by network, and by the first digits of numbers. No person is identified."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, F, Sum, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Left, StrIndex, Substr

from phonebind.operations.reports import codes, hours
from phonebind.operations.reports.charts import percent

#: How many groups are listed.
TOP = 10
#: How many digits a masked mobile number begins with.
_BEGINNING = 3


@dataclass(frozen=True)
class Group:
    """One group of requests for SMS.

    ``start``: the prefix of its addresses, or of its masked numbers. ``sent``: SMS sent. ``numbers``: the numbers they
    were sent to. ``used``: how many of these numbers used a code.
    """

    start: str
    sent: int
    numbers: int
    used: int

    @property
    def network(self) -> str:
        """The network as text: 203.0.0.0/16, 2001:db8::/32."""
        if self.start.count(".") == 2:
            return f"{self.start}0.0/16"
        return f"{self.start.rstrip(':')}::/32" if ":" in self.start else self.start or "unknown"

    @property
    def share(self) -> str:
        """The share of the numbers that used a code."""
        return percent(self.used / self.numbers)

    @property
    def each(self) -> float:
        """SMS per number."""
        return self.sent / self.numbers


def by_network(begin: datetime, end: datetime, top: int = TOP) -> list[Group]:
    """The groups with the most SMS: IPv4 by /16, IPv6 by /32."""
    return _top(_network(), begin, end, top)


def by_number(begin: datetime, end: datetime, top: int = TOP) -> list[Group]:
    """The groups with the most SMS, by the first three digits of the mobile number."""
    return _top(Left("mobile", _BEGINNING), begin, end, top)


def sent_of(starts: Sequence[str], begin: datetime, end: datetime) -> dict[str, int]:
    """How many SMS each of these networks asked for."""
    rows = codes.asked(begin, end).annotate(start=_network()).filter(start__in=starts)
    return dict(rows.values_list("start").annotate(total=Sum("count")))


def _top(beginning: Combinable, begin: datetime, end: datetime, top: int) -> list[Group]:
    numbers = Count("mobile_hmac", distinct=True)
    asked = codes.asked(begin, end)
    rows: Any = asked.annotate(start=beginning).values_list("start")
    found: list[Any] = list(rows.annotate(sent=Sum("count"), numbers=numbers).order_by("-sent", "start")[:top])
    # The address where the code was used does not matter: a phone may ask for the code in one network and use it in
    # another.
    users = codes.right(begin, end + hours.HOUR).values("mobile_hmac")
    rows = rows.filter(start__in=[each for each, *_ in found], mobile_hmac__in=users)
    used = dict(rows.annotate(numbers=numbers))
    return [Group(start, sent, count, used.get(start, 0)) for start, sent, count in found]


def _network() -> Case:
    """The address up to its second dot or colon. "unknown" stays as it is."""
    return Case(
        *(When(address__contains=mark, then=_two_parts(mark)) for mark in ":."),
        default=F("address"),
    )


def _two_parts(mark: str) -> Left:
    first = StrIndex("address", Value(mark))
    return Left("address", first + StrIndex(Substr("address", first + 1), Value(mark)))
