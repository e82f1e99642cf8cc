"""The data for the templates of the charts, as text: times, numbers, and changes from the day before."""

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

#: How far back the charts go. Events are pruned long before.
_OLDEST = timedelta(days=1000)
#: A change by this factor, up or down, is marked.
_MARKED = 1.5
_DAY = days.HOURS * hours.HOUR


@dataclass(frozen=True)
class Span:
    """A range of whole hours, at most one day."""

    begin: datetime
    end: datetime

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> "Span":
        """The range from ``begin`` and ``end`` in the query. The default is the last 24 hours, also for invalid
        values.
        """
        latest = hours.begin(datetime.now(UTC)) + hours.HOUR
        end = _moment(query.get("end"), latest - _OLDEST, latest) or latest
        return cls(_moment(query.get("begin"), end - _DAY, end - hours.HOUR) or end - _DAY, end)

    @property
    def query(self) -> str:
        return urlencode({"begin": f"{self.begin:%Y-%m-%dT%H:%MZ}", "end": f"{self.end:%Y-%m-%dT%H:%MZ}"})

    @property
    def earlier(self) -> str:
        """The query for the day before."""
        return Span(self.begin - _DAY, self.end - _DAY).query

    @property
    def later(self) -> str:
        """The query for the day after; "" if that day has not begun."""
        return Span(self.begin + _DAY, self.end + _DAY).query if self.begin + _DAY <= datetime.now(UTC) else ""

    @cached_property
    def told(self) -> str:
        """The range as text, in the site's time zone."""
        begin, end = (formats.date_format(hours.shown(each), "DATETIME_FORMAT") for each in (self.begin, self.end))
        return f"{begin} – {end} ({hours.shown(self.end):%Z})"


@dataclass(frozen=True)
class Change:
    """A value, and the value of the day before. ``mark`` is "▲" or "▼" for a large change, else ""."""

    label: Text
    now: str
    then: str
    times: str
    mark: str


@dataclass(frozen=True)
class Hour:
    """One row of the table. ``texts``: the values of each part, of the whole, and of the day before."""

    time: str
    url: str
    texts: list[str]


@dataclass(frozen=True)
class Shown:
    """A chart, ready for the template."""

    chart: Chart
    drawing: Drawing
    whole: Change
    parts: list[Change]
    hours: list[Hour]

    @classmethod
    def of(cls, chart: Chart, each: Sequence[datetime], urls: Sequence[str], events: Sequence[str]) -> "Shown":
        """``urls``: the link of each hour's bar. ``events``: the link of each hour's row in the table."""
        names = times(each)
        return cls(
            chart,
            drawing.draw(chart, names, urls),
            _change(chart, chart.whole),
            [_change(chart, part) for part in chart.parts],
            [Hour(names[hour], events[hour], _texts(chart, hour)) for hour in range(len(names))],
        )


def times(each: Sequence[datetime]) -> list[str]:
    """The times in the site's time zone. If a time occurs twice, both get their UTC offset."""
    local = [hours.shown(hour) for hour in each]
    counts = Counter(f"{hour:%d %H:%M}" for hour in local)
    return [f"{hour:%H:%M}" if counts[f"{hour:%d %H:%M}"] == 1 else f"{hour:%H:%M%z}" for hour in local]


def _moment(text: str | None, oldest: datetime, latest: datetime) -> datetime | None:
    """The begin of the hour that contains the moment. None if the text is invalid or outside the range."""
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
