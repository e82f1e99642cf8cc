"""The report of one month: how many SMS were sent, and what they cost."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from django.db.models import Count, Sum
from django.utils import timezone

from phonebind.operations.events import words
from phonebind.operations.reports import codes, days, hours, networks, prices
from phonebind.operations.reports.networks import Group


@dataclass(frozen=True)
class Line:
    """SMS of one purpose, gateway and outcome. ``price``: of one SMS. ``cost``: of all that were or may have been
    sent. Both are None if the price is not set.
    """

    purpose: str
    gateway: str
    outcome: str
    count: int
    price: Decimal | None

    @property
    def is_paid(self) -> bool:
        return self.outcome in codes.PAID

    @property
    def cost(self) -> Decimal | None:
        return None if self.price is None else self.price * self.count * self.is_paid


@dataclass(frozen=True)
class Report:
    """The report of a month in the site's time zone. ``asked``: numbers that were sent an SMS. ``used``: numbers
    that used a code.
    """

    month: str
    lines: list[Line]
    bound: int
    signed_in: int
    asked: int
    used: int
    networks: list[Group]

    @property
    def paid(self) -> int:
        return sum(line.count for line in self.lines if line.is_paid)

    @property
    def cost(self) -> Decimal | None:
        """None if no price is set."""
        costs = [line.cost for line in self.lines if line.cost is not None]
        return sum(costs, Decimal()) if prices.known() else None

    @property
    def unpriced(self) -> list[str]:
        """Gateways that sent SMS and have no price."""
        return sorted({line.gateway for line in self.lines if line.is_paid and line.price is None})

    def cost_of_one(self, count: int) -> Decimal | None:
        """The cost divided by ``count``. None if ``count`` is 0 or no price is set."""
        return None if self.cost is None or not count else self.cost / count


def of_month(year: int, month: int) -> Report:
    """Raises ValueError if the month does not exist."""
    begin, end = _first(year, month), _first(year + month // 12, month % 12 + 1)
    rows = codes.events(begin, end)
    tried = rows.filter(type=words.SMS_ATTEMPT)
    found = tried.values_list("purpose", "gateway", "outcome").annotate(total=Sum("count"))
    came = rows.filter(outcome__in=("bound", "signed_in")).values_list("type", "outcome").annotate(total=Sum("count"))
    counts = {(kind, outcome): total for kind, outcome, total in came}
    asked = codes.asked(begin, end)
    numbers = Count("mobile_hmac", distinct=True)
    return Report(
        month=f"{year:04}-{month:02}",
        lines=[
            Line(purpose, gateway, outcome, total, prices.of(gateway))
            for purpose, gateway, outcome, total in sorted(found)
        ],
        bound=sum(total for (_, outcome), total in counts.items() if outcome == "bound"),
        signed_in=sum(total for (kind, _), total in counts.items() if kind not in days.INSIDE),
        asked=asked.aggregate(numbers=numbers)["numbers"],
        used=codes.used(begin, end, by=asked).aggregate(numbers=numbers)["numbers"],
        networks=networks.by_network(begin, end),
    )


def this_month() -> tuple[int, int]:
    """The current year and month in the site's time zone."""
    today = hours.shown(datetime.now(UTC))
    return today.year, today.month


def _first(year: int, month: int) -> datetime:
    """The begin of the month."""
    return timezone.make_aware(datetime(year, month, 1), timezone.get_default_timezone())  # noqa: DTZ001 - it is made so
