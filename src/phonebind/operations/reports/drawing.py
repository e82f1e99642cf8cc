"""Where the bars and lines of a chart are, in the units of its viewBox. A template makes an SVG of it."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from phonebind.operations.reports.charts import Chart

WIDTH, HEIGHT = 480, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 4, 8, 22
#: Part of an hour's room that its bar fills.
_FILLED = 0.8
#: Every so many hours one has its time written below.
_TOLD = 4


@dataclass(frozen=True)
class Part:
    """``number``: which of the chart's parts, for its colour and its pattern."""

    number: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Bar:
    """One hour. ``title`` says its numbers, ``url`` is where one looks further, or ""; the link fills x and width."""

    x: float
    width: float
    title: str
    url: str
    parts: list[Part]


@dataclass(frozen=True)
class Drawing:
    """``before``: points of lines, the day before; ``ticks``: height and text; ``times``: x and text."""

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
        """From the top to the foot."""
        return self.foot - self.top


def draw(chart: Chart, times: Sequence[str], urls: Sequence[str]) -> Drawing:
    """``times``: what each hour is called; ``urls``: where its bar leads, or ""."""
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
    # By their texts: half of one event is none.
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
    """Without the hours that have no value: a line ends there, and another begins after it."""
    runs: list[list[tuple[int, float]]] = [[]]
    for hour, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((hour, value))
    return [run for run in runs if run]


def _round_above(value: float) -> float:
    """The next round number, whose half is as round. In percents 1 is all of it."""
    bounds = (digit * 10**power for power in itertools.count() for digit in (1, 2, 4, 6, 8))
    return next(float(bound) for bound in bounds if bound >= value)
