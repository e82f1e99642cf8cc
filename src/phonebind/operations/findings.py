"""What is not as it was the day before, in words: what an operator would look for in the charts."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from phonebind.operations import charts, days, hours, prices
from phonebind.operations.charts import number, percent
from phonebind.operations.days import Day

#: How many times as much is worth a word, and how many at the least.
_GROWTH = 1.5
_LEAST = 50
#: Which part of a gateway's SMS fails, or how much dearer one SMS is, that is worth a word.
_FAILED = 0.1
_DEARER = 1.2
#: How much less of the codes are used than before, or how few of them at all, that is worth a word.
_UNUSED = 0.7
_FEW = 0.3


@dataclass(frozen=True)
class Finding:
    """``chart``: where it is seen, by its key. ``networks``: who it was may be seen by networks."""

    text: str
    chart: str
    networks: bool = False


def all_of(day: Day, before: Day) -> list[Finding]:
    """The most telling first; none where the day was like the one before."""
    return [
        *_sms(day, before),
        *_unused(day, before),
        *_failures(day, before),
        *_price(day, before),
        *_refusals(day, before),
    ]


def grew(now: float, then: float) -> bool:
    """Whether it is more by so much that it is worth a word."""
    return now - then >= _LEAST and now >= _GROWTH * then


def _times(now: float, then: float) -> str:
    return f"{now / then:.1f}" if then else "–"


def _sms(day: Day, before: Day) -> Iterator[Finding]:
    now, then = days.count(day.sent), days.count(before.sent)
    if not grew(now, then):
        return
    told = {"now": number(now), "then": number(then), "times": _times(now, then), "when": _when(day, before)}
    yield Finding(
        _("%(now)s SMS, %(times)s times the day before (%(then)s): mostly %(when)s.") % told, "sms", networks=True
    )
    share, share_then = day.used_share or 0.0, before.used_share or 0.0
    told = {"share": percent(share), "then": percent(share_then)}
    if share >= _UNUSED * share_then and share_then:
        yield Finding(_("As many of the codes were used as before: %(share)s (%(then)s). More people.") % told, "used")


def _when(day: Day, before: Day) -> str:
    """The hours that have most of what is more: the run around the greatest."""
    more = [now - then for now, then in zip(day.by_hour(day.sent), before.by_hour(before.sent), strict=True)]
    first = last = more.index(max(more))
    while first and more[first - 1] > more[last] / 4:
        first -= 1
    top = max(more)
    while last + 1 < len(more) and more[last + 1] > top / 4:
        last += 1
    begin, end = hours.shown(day.hours[first]), hours.shown(day.hours[last] + hours.HOUR)
    return f"{begin:%H:%M}–{end:%H:%M}"


def _unused(day: Day, before: Day) -> Iterator[Finding]:
    share, then = day.used_share, before.used_share
    if share is None or days.count(day.sent) < _LEAST:
        return
    if share < _FEW or (then is not None and share < _UNUSED * then):
        told = {"share": percent(share), "then": "–" if then is None else percent(then)}
        text = _(
            "Only %(share)s of the codes were used (%(then)s). Either SMS go to people who never asked for them (SMS "
            "pumping), or people do not get theirs and ask again."
        )
        yield Finding(text % told, "used", networks=True)


def _failures(day: Day, before: Day) -> Iterator[Finding]:
    tried = days.counted(day.attempts, lambda row: row.gateway)
    failed = days.counted((row for row in day.attempts if row.outcome != "sent"), lambda row: row.gateway)
    for gateway, count in failed.most_common():
        if count >= _LEAST and count > _FAILED * tried[gateway]:
            outcomes = days.counted((row for row in day.attempts if row.gateway == gateway), lambda row: row.outcome)
            del outcomes["sent"]
            told = {"gateway": gateway, "share": percent(count / tried[gateway]), "count": number(count)}
            worst = charts.OUTCOMES.get(outcomes.most_common(1)[0][0], "")
            text = _("Gateway %(gateway)s failed for %(share)s of its SMS (%(count)s), mostly: %(worst)s.")
            yield Finding(text % (told | {"worst": worst}), "sms")


def _price(day: Day, before: Day) -> Iterator[Finding]:
    unpriced = {row.gateway for row in day.paid if prices.of(row.gateway) is None}
    if prices.known() and unpriced:
        text = _("Not in the cost: %(names)s, which have no price in SMS_PRICES.")
        yield Finding(text % {"names": ", ".join(sorted(unpriced))}, "cost")
    now, then = (each.cost / (days.count(each.paid) or 1) for each in (day, before))
    if not then or now < Decimal(_DEARER) * then:
        return
    shares = [days.counted(each.paid, lambda row: row.gateway) for each in (day, before)]
    gateway = max(shares[0], key=lambda name: (prices.of(name) or 0) * shares[0][name])
    told = {"now": prices.money(now, 3), "then": prices.money(then, 3), "gateway": gateway}
    told |= {name: percent(each[gateway] / each.total()) for name, each in zip(("part", "was"), shares, strict=True)}
    text = _("One SMS cost %(now)s on average (%(then)s): %(gateway)s sent %(part)s of them (%(was)s).")
    yield Finding(text % told, "cost")


def _refusals(day: Day, before: Day) -> Iterator[Finding]:
    now, then = (days.counted(each.refusals, lambda row: row.limit) for each in (day, before))
    for limit, count in now.most_common(3):
        if grew(count, then[limit]):
            told = {"limit": limit, "now": number(count), "then": number(then[limit])}
            yield Finding(_("The limit %(limit)s refused %(now)s requests (%(then)s).") % told, "refusals")
