"""Who asked for SMS: by networks, and by the beginnings of numbers. Nobody is named."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, F, Q, Sum, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Left, StrIndex, Substr

from phonebind.operations import codes, hours
from phonebind.operations.charts import percent
from phonebind.operations.models import SecurityEvent

#: How many are listed.
TOP = 10
#: Digits of a mobile that its masked form begins with.
_BEGINNING = 3


@dataclass(frozen=True)
class Group:
    """``start``: what its addresses, or masked mobiles, start with. ``sent`` SMS to ``numbers`` numbers, and of the
    codes ``used`` right ones.
    """

    start: str
    sent: int
    numbers: int
    used: int

    @property
    def network(self) -> str:
        """As it is written: 203.0.0.0/16, 2001:db8::/32."""
        if self.start.count(".") == 2:
            return f"{self.start}0.0/16"
        return f"{self.start.rstrip(':')}::/32" if ":" in self.start else self.start or "unknown"

    @property
    def share(self) -> str:
        """Right codes for each SMS."""
        return percent(self.used / self.sent)

    @property
    def each(self) -> float:
        """SMS for each number."""
        return self.sent / (self.numbers or 1)


def by_network(begin: datetime, end: datetime, top: int = TOP) -> list[Group]:
    """Those with the most SMS: IPv4 by /16, IPv6 by /32."""
    return _top(_network(), begin, end, top)


def by_number(begin: datetime, end: datetime, top: int = TOP) -> list[Group]:
    """Likewise, by the first three digits of the mobile."""
    return _top(Left("mobile", _BEGINNING), begin, end, top)


def sent_of(starts: Sequence[str], begin: datetime, end: datetime) -> dict[str, int]:
    """How many SMS each of these networks asked for."""
    rows = _rows(begin, end).filter(codes.asked()).annotate(start=_network()).filter(start__in=starts)
    return dict(rows.values_list("start").annotate(total=Sum("count")))


def _top(start: Combinable, begin: datetime, end: datetime, top: int) -> list[Group]:
    rows = (
        _rows(begin, end)
        .annotate(start=start)
        .values_list("start")
        .annotate(
            sent=Coalesce(Sum("count", filter=codes.asked()), 0),
            numbers=Count("mobile_hmac", distinct=True, filter=codes.asked()),
            used=Coalesce(Sum("count", filter=codes.used()), 0),
        )
        .filter(sent__gt=0)
        .order_by("-sent", "start")
    )
    return [Group(*row) for row in rows[:top]]


def _rows(begin: datetime, end: datetime) -> Any:
    return SecurityEvent.objects.filter(
        type__in=(*codes.ASKED, *codes.USING), at__gte=hours.stored(begin), at__lt=hours.stored(end)
    ).order_by()


def _network() -> Case:
    """The address up to its second point or colon; "unknown" as it is."""
    return Case(
        *(When(Q(address__contains=mark), then=_two_parts(mark)) for mark in ":."),
        default=F("address"),
    )


def _two_parts(mark: str) -> Left:
    first = StrIndex("address", Value(mark))
    return Left("address", first + StrIndex(Substr("address", first + 1), Value(mark)))
