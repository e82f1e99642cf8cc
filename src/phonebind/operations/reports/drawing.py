"""Computes the positions of the bars and lines of a chart, in units of its viewBox. A template renders the SVG."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from phonebind.operations.reports.charts import Chart

WIDTH, HEIGHT = 480, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 4, 8, 22
#: The part of an hour's width that its bar fills.
_FILLED = 0.8
#: An axis label every 4 hours.
_TOLD = 4


@dataclass(frozen=True)
class Part:
    """One part of a bar. ``number`` selects its colour and pattern."""

    number: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Bar:
    """One hour. ``title`` contains the values as text. ``url`` is the page with details, or "". The link covers
    ``x`` and ``width``.
    """

    x: float
    width: float
    title: str
    url: str
    parts: list[Part]


@dataclass(frozen=True)
class Drawing:
    """``before``: the points of the lines for the day before. ``ticks``: y position and text. ``times``: x position
    and text.
    """

    bars: list[Bar]
    before: list[str]
    ticks: list[tuple[float, str]]
    times: list[tuple[float, str]]
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    foot: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def tall(self) -> int:
        """The height of the plot area."""
        return self.foot - self.top


def draw(chart: Chart, times: Sequence[str], urls: Sequence[str]) -> Drawing:
    """``times``: the label of each hour. ``urls``: the link of each hour's bar, or ""."""
    step = (WIDTH - _LEFT - _RIGHT) / len(times)
    most = _round_above(max(value or 0 for value in [*chart.whole.values, *chart.before]))
    scale = (HEIGHT - _TOP - _BOTTOM) / most

    def bar(hour: int) -> Bar:
        x, width = _LEFT + hour * step, step * _FILLED
        parts, foot = [], float(HEIGHT - _BOTTOM)
        for number, series in enumerate(chart.parts):
            height = (series.values[hour] or 0) * scale
            foot -= height
            if height:
                parts.append(Part(number, round(x + (step - width) / 2, 1), *_rounded(foot, width, height)))
        return Bar(round(x, 1), round(step, 1), _title(chart, times[hour], hour), urls[hour], parts)

    lines = [
        " ".join(
            f"{_LEFT + hour * step:.1f},{y:.1f} {_LEFT + (hour + 1) * step:.1f},{y:.1f}"
            for hour, value in run
            for y in [HEIGHT - _BOTTOM - value * scale]
        )
        for run in _runs(chart.before)
    ]
    # The keys are the texts, because two ticks may have the same text: half of 1 event is shown as 0.
    heights = {chart.show(part * most): round(HEIGHT - _BOTTOM - part * most * scale, 1) for part in (0.5, 0, 1)}
    ticks = [(height, text) for text, height in heights.items()]
    told = [(round(_LEFT + hour * step, 1), times[hour]) for hour in range(0, len(times), _TOLD)]
    return Drawing([bar(hour) for hour in range(len(times))], lines, ticks, told)


def _rounded(*numbers: float) -> tuple[float, ...]:
    return tuple(round(number, 1) for number in numbers)


def _title(chart: Chart, time: str, hour: int) -> str:
    def show(value: float | None) -> str:
        return "–" if value is None else chart.show(value)

    told = _("%(time)s: %(now)s, the day before %(before)s") % {
        "time": time,
        "now": show(chart.whole.values[hour]),
        "before": show(chart.before[hour]),
    }
    parts = [f"{part.label} {show(part.values[hour])}" for part in chart.parts if part.values[hour]]
    return f"{told} ({', '.join(parts)})" if len(chart.parts) > 1 and parts else told


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Split at the hours without a value: the line ends there, and a new one begins after it."""
    runs: list[list[tuple[int, float]]] = [[]]
    for hour, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((hour, value))
    return [run for run in runs if run]


def _round_above(value: float) -> float:
    """The next round number above ``value``, whose half is also round. For shares, 1 is 100 %."""
    bounds = (digit * 10**power for power in itertools.count() for digit in (1, 2, 4, 6, 8))
    return next(float(bound) for bound in bounds if bound >= value)
