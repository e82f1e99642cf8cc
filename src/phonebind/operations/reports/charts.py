"""The data of the charts: one bar for each hour of a day, and the day before as a line."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils import formats
from django.utils.translation import gettext_lazy as _

from phonebind.exceptions import Text
from phonebind.operations.events import words
from phonebind.operations.reports import codes, days, prices
from phonebind.operations.reports.days import Day, Kind
from phonebind.operations.reports.sums import Row

Values = list[float | None]

#: The outcomes of an SMS, in the order of the parts of a bar from the bottom.
OUTCOMES: dict[str, Text] = {
    "sent": _("sent"),
    "unknown": _("unknown whether sent"),
    "not_now": _("not sent: vendor away or busy"),
    "operator": _("not sent: you must fix it"),
    "number": _("not sent: number refused"),
    "limit": _("not sent: vendor's limit"),
}
#: How many parts of a bar have a name. The rest is one part.
_PARTS = 5


@dataclass(frozen=True)
class Series:
    """One part of each bar. ``total`` is of the day, and ``before`` is of the day before."""

    label: Text
    values: Values
    total: float | None
    before: float | None


@dataclass(frozen=True)
class Chart:
    """One chart. ``whole``: all parts together. ``before``: the values of the day before by hour; None for an hour
    without a value. ``filters``: the filters that show the same events in the list. ``show``: formats a value as text.
    """

    key: str
    title: Text
    about: Text
    parts: list[Series]
    whole: Series
    before: Values
    show: Callable[[float], str]
    filters: dict[str, str] = field(default_factory=dict)
    #: Whether a bar links to the networks of its hour.
    networks: bool = False


def number(value: float) -> str:
    return formats.number_format(round(value), 0, force_grouping=True)


def percent(value: float) -> str:
    return f"{formats.number_format(round(100 * value), 0)} %"


def tenths(value: float) -> str:
    # Django truncates further digits and does not round.
    return formats.number_format(round(value, 1), 1)


def money(value: float) -> str:
    return prices.money(Decimal(value))


def all_of(day: Day, before: Day) -> list[Chart]:
    """All charts, in the order of the page."""
    sms, cost, *others = (_stacked(plan, day, before) for plan in _PLANS)
    return [sms, *([cost] if prices.known() else []), _used(day, before), *others]


@dataclass(frozen=True)
class _Plan:
    """A chart of rows: which rows count, the name of a row's part, and the weight of a row."""

    key: str
    title: Text
    about: Text
    is_meant: Kind
    name: Callable[[Row], str]
    filters: dict[str, str]
    labels: Mapping[str, Text] = field(default_factory=dict)
    #: Whether the parts have the order of the labels. Otherwise the largest part is first.
    ordered: bool = False
    weigh: Callable[[Row], float] = days.one
    show: Callable[[float], str] = number


_PLANS = (
    _Plan(
        "sms",
        _("SMS by outcome"),
        _("Each attempt at a gateway."),
        days.is_attempt,
        days.outcome,
        {"type": words.SMS_ATTEMPT},
        OUTCOMES,
        ordered=True,
    ),
    _Plan(
        "cost",
        _("Cost of SMS by gateway"),
        _("SMS that were sent, or may have been, times their price in SMS_PRICES."),
        days.is_paid,
        days.gateway,
        {"type": words.SMS_ATTEMPT, "outcome__in": ",".join(codes.PAID)},
        weigh=lambda row: float(prices.of(row.gateway) or 0) * row.total,
        show=money,
    ),
    _Plan(
        "binds",
        _("New binds by provider"),
        _("Identities that belong to an account from now on."),
        days.is_bind,
        days.way,
        {"outcome": "bound"},
    ),
    _Plan(
        "sign-ins",
        _("Sign-ins"),
        _("By provider, by password and by SMS; new binds are among them."),
        days.is_sign_in,
        days.way,
        {"outcome__in": "bound,signed_in"},
        {"password": _("password"), "sms": _("SMS")},
    ),
    _Plan(
        "refusals",
        _("Refusals by limit"),
        _("Requests that a limit refused."),
        days.is_refusal,
        days.limit,
        {"limit__gt": ""},
    ),
)


def _stacked(plan: _Plan, day: Day, before: Day) -> Chart:
    counts, then = (each.named(plan.is_meant, plan.name, plan.weigh) for each in (day, before))
    both = Counter(counts) + Counter(then)
    names = [name for name, _ in both.most_common(_PARTS)]
    if plan.ordered:
        names = [name for name in plan.labels if both[name]]

    def series(label: Text, is_meant: Kind) -> Series:
        values: Values = [*day.by_hour(is_meant, plan.weigh)]
        return Series(label, values, day.total(is_meant, plan.weigh), before.total(is_meant, plan.weigh))

    def named(*chosen: str) -> Kind:
        return lambda row: plan.is_meant(row) and plan.name(row) in chosen

    parts = [series(plan.labels.get(name, name), named(name)) for name in names]
    if rest := sorted(set(both) - set(names)):
        parts.append(series(_("others"), named(*rest)))
    return Chart(
        plan.key,
        plan.title,
        plan.about,
        parts,
        series(plan.title, plan.is_meant),
        [*before.by_hour(plan.is_meant, plan.weigh)],
        plan.show,
        plan.filters,
        networks=plan.key == "sms",
    )


def _used(day: Day, before: Day) -> Chart:
    whole = Series(_("Codes that were used"), day.used_shares, day.used_share, before.used_share)
    return Chart(
        "used",
        whole.label,
        _("Of the numbers that were sent an SMS, those that used the code."),
        [whole],
        whole,
        before.used_shares,
        percent,
        {"type__in": ",".join(codes.USES)},
    )
