"""What the charts show: for each hour of a day a bar, and the day before as a line."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from phonebind.operations import codes, days, prices
from phonebind.operations.days import Day
from phonebind.operations.sums import Row

Text = str | Promise

#: What came of an SMS, in the order of a bar's parts from below.
OUTCOMES: dict[str, Text] = {
    "sent": _("sent"),
    "unknown": _("unknown whether sent"),
    "not_now": _("not sent: vendor away or busy"),
    "operator": _("not sent: for you to repair"),
    "number": _("not sent: number refused"),
    "limit": _("not sent: vendor's limit"),
}
WAYS: dict[str, Text] = {"password": _("password"), "sms": _("SMS")}
#: Parts of a bar that have a name of their own; the rest is one part.
_PARTS = 5


@dataclass(frozen=True)
class Series:
    """One part of each bar. ``total`` and ``before``: of the day, and of the day before."""

    label: Text
    values: list[float]
    total: float
    before: float


@dataclass(frozen=True)
class Chart:
    """``filters``: which events these are, for the list of events. ``show``: one of its numbers as text."""

    key: str
    title: Text
    about: Text
    series: list[Series]
    total: float | None
    before_total: float | None
    #: The day before, hour by hour; None where there is nothing to compare.
    before: list[float | None]
    show: Callable[[float], str]
    filters: dict[str, str] = field(default_factory=dict)
    #: Where the parts of a bar say who it was, a look at networks helps.
    networks: bool = False

    @property
    def hourly(self) -> list[float | None]:
        """The whole of each bar."""
        return [sum(values) for values in zip(*(series.values for series in self.series), strict=True)]


@dataclass(frozen=True)
class Ratio(Chart):
    """One part, in per cent; hours without an SMS have none."""

    shares: list[float | None] = field(default_factory=list)

    @property
    def hourly(self) -> list[float | None]:
        return self.shares


def number(value: float) -> str:
    return formats.number_format(round(value), 0, force_grouping=True)


def percent(value: float) -> str:
    return f"{formats.number_format(round(100 * value), 0)} %"


def money(value: float) -> str:
    return prices.money(Decimal(value))


def all_of(day: Day, before: Day) -> list[Chart]:
    """In the order in which an operator wants to see them."""
    return [
        _sms(day, before),
        *([_cost(day, before)] if prices.known() else []),
        _used(day, before),
        _binds(day, before),
        _sign_ins(day, before),
        _refusals(day, before),
    ]


def _sms(day: Day, before: Day) -> Chart:
    parts = [
        _series(label, day, [row for row in day.attempts if row.outcome == outcome], before.attempts, outcome)
        for outcome, label in OUTCOMES.items()
    ]
    return Chart(
        "sms",
        _("SMS by outcome"),
        _("Each attempt at a gateway."),
        [parts[0], *(part for part in parts[1:] if part.total or part.before)],
        days.count(day.attempts),
        days.count(before.attempts),
        [*before.by_hour(before.attempts)],
        number,
        {"type": codes.ATTEMPT},
        networks=True,
    )


def _series(label: Text, day: Day, rows: list[Row], rows_before: list[Row], outcome: str) -> Series:
    then = sum(row.total for row in rows_before if row.outcome == outcome)
    return Series(label, [*day.by_hour(rows)], days.count(rows), then)


def _cost(day: Day, before: Day) -> Chart:
    def by_hour(day: Day, gateway: str) -> list[float]:
        price = float(prices.of(gateway) or 0)
        return [price * value for value in day.by_hour(row for row in day.paid if row.gateway == gateway)]

    gateways = sorted({row.gateway for row in [*day.paid, *before.paid] if prices.of(row.gateway)})
    parts = [Series(name, now := by_hour(day, name), sum(now), sum(by_hour(before, name))) for name in gateways]
    hourly = [by_hour(before, name) for name in gateways] or [[0.0] * days.HOURS]
    then: list[float | None] = [sum(values) for values in zip(*hourly, strict=True)]
    return Chart(
        "cost",
        _("Cost of SMS by gateway"),
        _("SMS that were sent, or may have been, times their price in SMS_PRICES."),
        parts or [Series(_("no SMS with a price"), [0.0] * days.HOURS, 0, 0)],
        float(day.cost),
        float(before.cost),
        then,
        money,
        {"type": codes.ATTEMPT, "outcome__in": ",".join(codes.PAID)},
    )


def _used(day: Day, before: Day) -> Chart:
    shares, then = ([*map(days.share, each.by_hour(each.used), each.by_hour(each.sent))] for each in (day, before))
    label = _("right codes for each SMS that was sent")
    filled = [share or 0.0 for share in shares]
    return Ratio(
        "used",
        _("Codes that were used"),
        _("Low where SMS go to numbers whose owners never asked for them (SMS pumping), or where they do not arrive."),
        [Series(label, filled, day.used_share or 0.0, before.used_share or 0.0)],
        day.used_share,
        before.used_share,
        then,
        percent,
        {"type__in": ",".join(codes.USING)},
        shares=shares,
    )


def _binds(day: Day, before: Day) -> Chart:
    about = _("Identities that belong to an account from now on.")
    return _named(("binds", _("New binds by provider"), about), day, (day.binds, before.binds), before, days.way)


def _sign_ins(day: Day, before: Day) -> Chart:
    about = _("By provider, by password and by SMS; new binds are among them.")
    return _named(("sign-ins", _("Sign-ins"), about), day, (day.sign_ins, before.sign_ins), before, days.way)


def _refusals(day: Day, before: Day) -> Chart:
    about = _("Requests that a limit refused.")

    def name(row: Row) -> str:
        return row.limit

    return _named(("refusals", _("Refusals by limit"), about), day, (day.refusals, before.refusals), before, name)


_FILTERS = {
    "binds": {"outcome": "bound"},
    "sign-ins": {"outcome__in": "bound,signed_in"},
    "refusals": {"limit__gt": ""},
}


def _named(
    what: tuple[str, Text, Text], day: Day, rows: tuple[list[Row], list[Row]], before: Day, name: Callable[[Row], str]
) -> Chart:
    """With a part for each of the names that are most frequent on either day, and one for the others."""
    key, title, about = what
    now, then = rows
    counts, counts_then = days.counted(now, name), days.counted(then, name)
    first = [each for each, _ in (counts + counts_then).most_common(_PARTS)]

    def part(label: Text, names: Iterable[str]) -> Series:
        chosen = set(names)
        values = day.by_hour(row for row in now if name(row) in chosen)
        return Series(label, [*values], sum(values), sum(counts_then[each] for each in chosen))

    parts = [part(WAYS.get(each, each), [each]) for each in first]
    others = {*counts, *counts_then} - {*first}
    if others or not parts:
        parts.append(part(_("others") if parts else _("none"), others))
    return Chart(
        key, title, about, parts, days.count(now), days.count(then), [*before.by_hour(then)], number, _FILTERS[key]
    )
