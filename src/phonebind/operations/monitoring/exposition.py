"""The metrics page for Prometheus: the counts of all processes of this machine."""

import math
import os
import time
from collections.abc import Callable

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from phonebind import databases, limits
from phonebind.operations.models import OutboxMessage
from phonebind.operations.monitoring import labels, metrics, series, workers


def text() -> bytes:
    """The metrics in Prometheus' text format.

    A value from the store or the database is NaN if they do not answer. The value is unknown then, and no alert rule
    matches NaN.
    """
    if metrics.counts():
        for window, rule in labels.WINDOWS.items():
            series.sms_budget.of(window).set(_known(lambda rule=rule: _used(rule)))  # type: ignore[misc]
        series.outbox_waiting.set(_known(_waiting))
    return generate_latest(_registry())


def _registry() -> CollectorRegistry:
    if workers.VARIABLE not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _known(ask: Callable[[], float]) -> float:
    try:
        return ask()
    except Exception:  # noqa: BLE001 - whatever it is, the other numbers are told; /readyz and the log say what it is
        return math.nan


def _used(rule: str) -> float:
    limit = limits.rule(rule).limit
    total, _ = limits.spent(rule, limits.SITE)
    return total / limit if limit else 1.0


def _waiting() -> float:
    """Seconds since the oldest message became due. Reads one row through an index."""
    rows = OutboxMessage.objects.using(databases.primary(OutboxMessage)).filter(due_at__isnull=False)
    first = rows.order_by("due_at").values_list("due_at", flat=True).first()
    return max(0.0, time.time() - first.timestamp()) if first else 0.0
