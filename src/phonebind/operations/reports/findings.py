"""Differences from the day before, as sentences: what an operator would look for in the charts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from phonebind.operations.reports import charts, days, hours, prices
from phonebind.operations.reports.charts import number, percent, tenths
from phonebind.operations.reports.days import Day

#: Report growth from this factor, and from this absolute difference.
_GROWTH = 1.5
_LEAST = 50
#: Report a gateway from this share of failed SMS, and a price per SMS from this factor.
_FAILED = 0.1
_DEARER = 1.1
#: Report SMS per number from this factor.
_AGAIN = 1.2
#: Report codes if their used share falls below this factor of the day before, or below this absolute share.
_UNUSED = 0.8
_FEW = 0.3


@dataclass(frozen=True)
class Finding:
    """One sentence. ``chart``: the key of the chart that shows it. ``networks``: whether the page of networks may
    show who caused it.
    """

    text: str
    chart: str
    networks: bool = False


def all_of(day: Day, before: Day) -> list[Finding]:
    """The findings, the most important first. Empty if the day was like the day before."""
    return [
        *_sms(day, before),
        *_unused(day, before),
        *_failures(day, before),
        *_price(day, before),
        *_refusals(day, before),
    ]


def grew(now: float, then: float) -> bool:
    """Whether the growth is large enough to report."""
    return now - then >= _LEAST and now >= _GROWTH * then


def _sms(day: Day, before: Day) -> Iterator[Finding]:
    now, then = day.count(days.is_sent), before.count(days.is_sent)
    if not grew(now, then):
        return
    told = {"now": number(now), "then": number(then), "when": _when(day, before)}
    if then:
        told["times"] = tenths(now / then)
        text = _("%(now)s SMS, %(times)s times as many as the day before (%(then)s): mostly %(when)s.")
    else:
        text = _("%(now)s SMS, and none the day before: mostly %(when)s.")
    yield Finding(text % told, "sms", networks=True)
    again, again_then = _each(day), _each(before)
    share, share_then = day.used_share or 0, before.used_share or 0
    if again >= _AGAIN * (again_then or 1):
        told = {name: tenths(value) for name, value in (("now", again), ("then", again_then))}
        text = _(
            "A number was sent %(now)s SMS an hour (%(then)s): the same people ask again. Their SMS do not "
            "arrive, or a front end sends requests by itself."
        )
        yield Finding(text % told, "sms", networks=True)
    elif share >= _UNUSED * share_then and share >= _FEW:
        told = {"share": percent(share), "then": percent(share_then)}
        yield Finding(
            _("The codes were used: by %(share)s of the numbers (%(then)s). More people came.") % told, "used"
        )


def _each(day: Day) -> float:
    """The average of SMS per number in an hour in which the number was sent any."""
    return days.share(day.count(days.is_sent), sum(hour.asked for hour in day.each)) or 0.0


def _when(day: Day, before: Day) -> str:
    """The hours that contain most of the growth: the hour with the largest growth, and its neighbours with at least
    a quarter of that growth.
    """
    pairs = zip(day.by_hour(days.is_sent), before.by_hour(days.is_sent), strict=True)
    more = [now - then for now, then in pairs]
    first = last = more.index(max(more))
    while first and more[first - 1] > max(more) / 4:
        first -= 1
    while last + 1 < len(more) and more[last + 1] > max(more) / 4:
        last += 1
    begin, end = hours.shown(day.hours[first]), hours.shown(day.hours[last] + hours.HOUR)
    return f"{begin:%H:%M}–{end:%H:%M}"


def _unused(day: Day, before: Day) -> Iterator[Finding]:
    share, then = day.used_share, before.used_share
    if share is None or day.count(days.is_sent) < _LEAST:
        return
    if share < _FEW or (then is not None and share < _UNUSED * then):
        told = {"share": percent(share), "then": "–" if then is None else percent(then)}
        text = _(
            "Only %(share)s of the numbers used their code (%(then)s). Either SMS go to people who never asked for "
            "them (SMS pumping), or people do not get theirs."
        )
        yield Finding(text % told, "used", networks=True)


def _failures(day: Day, before: Day) -> Iterator[Finding]:
    tried, failed = (day.named(kind, days.gateway) for kind in (days.is_attempt, days.is_failed))
    for gateway, count in failed.items():
        if count >= _LEAST and count > _FAILED * tried[gateway]:
            outcomes = day.named(lambda row: days.is_failed(row) and row.gateway == gateway, days.outcome)  # noqa: B023
            worst = max(outcomes, key=outcomes.__getitem__)
            told = {"gateway": gateway, "share": percent(count / tried[gateway]), "count": number(count)}
            told["worst"] = str(charts.OUTCOMES.get(worst, worst))
            text = _("Gateway %(gateway)s failed for %(share)s of its SMS (%(count)s), mostly: %(worst)s.")
            yield Finding(text % told, "sms")


def _price(day: Day, before: Day) -> Iterator[Finding]:
    now, then = (each.named(days.is_paid, days.gateway) for each in (day, before))
    unpriced = sorted(gateway for gateway in now if prices.of(gateway) is None)
    if prices.known() and unpriced:
        text = _("Not in the cost: %(names)s, which have no price in SMS_PRICES.")
        yield Finding(text % {"names": ", ".join(unpriced)}, "cost")
    average, average_then = _average(now), _average(then)
    if not average_then or average < _DEARER * average_then:
        return
    shares, shares_then = _shares(now), _shares(then)
    gateway = max(shares, key=lambda name: shares[name] - shares_then.get(name, 0))
    told = {
        "now": prices.money(Decimal(average), 3),
        "then": prices.money(Decimal(average_then), 3),
        "gateway": gateway,
        "part": percent(shares[gateway]),
        "was": percent(shares_then.get(gateway, 0)),
    }
    text = _("One SMS cost %(now)s on average (%(then)s): %(gateway)s sent %(part)s of them (%(was)s).")
    yield Finding(text % told, "cost")


def _shares(counts: Mapping[str, float]) -> dict[str, float]:
    return {name: count / sum(counts.values()) for name, count in counts.items()}


def _average(counts: Mapping[str, float]) -> float:
    """The average cost of one SMS; 0 if none was sent."""
    cost = sum(float(prices.of(gateway) or 0) * count for gateway, count in counts.items())
    return days.share(cost, sum(counts.values())) or 0.0


def _refusals(day: Day, before: Day) -> Iterator[Finding]:
    now, then = (each.named(days.is_refusal, days.limit) for each in (day, before))
    for limit in sorted(now, key=now.__getitem__, reverse=True)[:3]:
        if grew(now[limit], then.get(limit, 0)):
            told = {"limit": limit, "now": number(now[limit]), "then": number(then.get(limit, 0))}
            yield Finding(_("The limit %(limit)s refused %(now)s requests (%(then)s).") % told, "refusals")
