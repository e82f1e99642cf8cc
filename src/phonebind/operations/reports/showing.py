"""What the templates of the charts need, as text: times, numbers, and how they differ from the day before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.utils import formats
from django.utils.functional import cached_property

from phonebind.exceptions import Text
from phonebind.operations.reports import charts, days, drawing, hours
from phonebind.operations.reports.charts import Chart, Series
from phonebind.operations.reports.drawing import Drawing

#: How far back one may look. Events are pruned long before.
_OLDEST = timedelta(days=1000)
#: What is more, or less, by so much is marked.
_MARKED = 1.5
_DAY = days.HOURS * hours.HOUR


@dataclass(frozen=True)
class Span:
    """Whole hours, a day at most."""

    begin: datetime
    end: datetime

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> "Span":
        """What the query has as ``begin`` and ``end``; where it has none, or none that is one, the last 24 hours."""
        latest = hours.begin(datetime.now(UTC)) + hours.HOUR
        end = _moment(query.get("end"), latest - _OLDEST, latest) or latest
        return cls(_moment(query.get("begin"), end - _DAY, end - hours.HOUR) or end - _DAY, end)

    @property
    def query(self) -> str:
        return urlencode({"begin": f"{self.begin:%Y-%m-%dT%H:%MZ}", "end": f"{self.end:%Y-%m-%dT%H:%MZ}"})

    @property
    def earlier(self) -> str:
        """The query of the day before."""
        return Span(self.begin - _DAY, self.end - _DAY).query

    @property
    def later(self) -> str:
        """The query of the day after; "" where it has not begun."""
        return Span(self.begin + _DAY, self.end + _DAY).query if self.begin + _DAY <= datetime.now(UTC) else ""

    @cached_property
    def told(self) -> str:
        """As the site's clocks have it."""
        begin, end = (formats.date_format(hours.shown(each), "DATETIME_FORMAT") for each in (self.begin, self.end))
        return f"{begin} – {end} ({hours.shown(self.end):%Z})"


@dataclass(frozen=True)
class Change:
    """A number and that of the day before. ``mark``: "▲" or "▼" where they differ by a lot."""

    label: Text
    now: str
    then: str
    times: str
    mark: str


@dataclass(frozen=True)
class Hour:
    """One line of the table: ``texts`` are those of each part, of the whole, and of the day before."""

    time: str
    url: str
    texts: list[str]


@dataclass(frozen=True)
class Shown:
    """A chart as it is shown."""

    chart: Chart
    drawing: Drawing
    whole: Change
    parts: list[Change]
    hours: list[Hour]

    @classmethod
    def of(cls, chart: Chart, each: Sequence[datetime], urls: Sequence[str], events: Sequence[str]) -> "Shown":
        """``urls``: where the bar of each hour leads; ``events``: where its line in the table does."""
        names = times(each)
        return cls(
            chart,
            drawing.draw(chart, names, urls),
            _change(chart, chart.whole),
            [_change(chart, part) for part in chart.parts],
            [Hour(names[hour], events[hour], _texts(chart, hour)) for hour in range(len(names))],
        )


def times(each: Sequence[datetime]) -> list[str]:
    """What the site's clocks show at these moments; with their distance from UTC where they show one twice."""
    local = [hours.shown(hour) for hour in each]
    counts = Counter(f"{hour:%d %H:%M}" for hour in local)
    return [f"{hour:%H:%M}" if counts[f"{hour:%d %H:%M}"] == 1 else f"{hour:%H:%M%z}" for hour in local]


def _moment(text: str | None, oldest: datetime, latest: datetime) -> datetime | None:
    """The hour that holds it; None where it is not within these."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return hours.begin(found) if found.tzinfo and oldest < found <= latest else None


def _change(chart: Chart, series: Series) -> Change:
    label, now, then = series.label, series.total, series.before
    texts = _text(chart, now), _text(chart, then)
    if not now or not then:
        return Change(label, *texts, times="", mark="")
    times = now / then
    mark = "▲" if times >= _MARKED else "▼" if times <= 1 / _MARKED else ""
    return Change(label, *texts, times=f"× {charts.tenths(times)}", mark=mark)


def _texts(chart: Chart, hour: int) -> list[str]:
    values = [chart.whole.values[hour], chart.before[hour]]
    if len(chart.parts) > 1:
        values = [*(part.values[hour] for part in chart.parts), *values]
    return [_text(chart, value) for value in values]


def _text(chart: Chart, value: float | None) -> str:
    return "–" if value is None else chart.show(value)
