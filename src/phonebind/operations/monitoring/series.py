"""The metrics by name.

This module loads prometheus-client. Load it only after it is decided where the counts are stored.
"""

from typing import Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

from phonebind.operations.monitoring.labels import OTHER, REASONS, RULES, WINDOWS
from phonebind.sms import PURPOSES
from phonebind.sms_code_scripts import ENDS

Metric = TypeVar("Metric", Counter, Gauge, Histogram)


class Family(Generic[Metric]):
    """A metric with labels. The files of ``workers`` have room for ``most`` series of it; further label values are
    counted as OTHER.

    The series in ``known`` exist from the start with the value 0. Prometheus sees no increase in a series that begins
    with 1.
    """

    def __init__(self, metric: Metric, most: int, known: list[tuple[str, ...]] | None = None) -> None:
        self._metric: Metric = metric
        self._most = most
        self._series: dict[tuple[str, ...], Metric] = {}
        for values in known or []:
            self.of(*values)

    def of(self, *values: str) -> Metric:
        """The series with these label values, in the order of the metric's labels."""
        found = self._series.get(values)
        if found is None:
            if len(self._series) >= self._most:
                values = (OTHER,) * len(values)
            found = self._series[values] = self._metric.labels(*values)
        return found


#: Seconds. All provider calls of one request may take three seconds together, unless the host sets another
#: TOTAL_TIMEOUT.
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5)

events = Family(
    Counter("phonebind_events", "Outcomes of the audit trail", ["type", "outcome", "provider"]),
    most=1_500,
)
sms = Family(
    Counter("phonebind_sms", "SMS given to a gateway", ["purpose", "gateway", "outcome"]),
    most=400,
)
sms_codes = Family(
    Counter("phonebind_sms_codes", "SMS codes that were entered", ["purpose", "outcome"]),
    most=100,
    known=[(purpose, end) for purpose in PURPOSES for end in ENDS],
)
limit_refusals = Family(
    Counter("phonebind_limit_refusals", "Requests that a limit refused", ["rule"]),
    most=200,
    known=[(rule,) for rule in sorted(RULES)],
)
sessions_ended = Family(
    Counter("phonebind_sessions_ended", "Sessions that ended before their time", ["reason"]),
    most=20,
    known=[(reason,) for reason in sorted(REASONS)],
)
number_state = Family(
    Counter("phonebind_number_state", "Answers on whether a number has a new owner", ["answer"]),
    most=20,
    known=[(answer,) for answer in ("same", "recycled", "unknown")],
)
upstream_duration = Family(
    Histogram("phonebind_upstream_duration_seconds", "Calls to others", ["provider", "step"], buckets=BUCKETS),
    most=200,
)
refresh_reuse = Counter("phonebind_refresh_reuse", "Refresh tokens that two clients used")
#: Both values are read during a scrape, so the most recent value is right.
sms_budget = Family(
    Gauge(
        "phonebind_sms_budget_used_ratio",
        "How much of the site's SMS budget is used up, 0 to 1",
        ["window"],
        multiprocess_mode="mostrecent",
    ),
    most=len(WINDOWS),
)
outbox_waiting = Gauge(
    "phonebind_outbox_waiting_seconds",
    "Seconds since the oldest waiting webhook became due",
    multiprocess_mode="mostrecent",
)


def threads_in_use() -> Gauge:
    """A gauge for a server that counts its busy threads. Its workers create it: without such a server the number is
    unknown, and 0 would be wrong.
    """
    return Gauge("phonebind_threads_in_use", "Threads that answer a request", multiprocess_mode="livesum")
