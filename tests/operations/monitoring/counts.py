"""The names of the metrics, and their values."""

from collections.abc import Callable

from prometheus_client import REGISTRY

#: Operators build on these: a changed name or label breaks their alarms.
NAMES = {
    "phonebind_events_total": ("type", "outcome", "provider"),
    "phonebind_sms_total": ("purpose", "gateway", "outcome"),
    "phonebind_sms_codes_total": ("purpose", "outcome"),
    "phonebind_limit_refusals_total": ("rule",),
    "phonebind_upstream_duration_seconds": ("provider", "step"),
    "phonebind_sessions_ended_total": ("reason",),
    "phonebind_refresh_reuse_total": (),
    "phonebind_number_state_total": ("answer",),
    "phonebind_sms_budget_used_ratio": ("window",),
    "phonebind_outbox_waiting_seconds": (),
}

Counted = Callable[..., float]


def count(name: str, **of: str) -> float:
    return REGISTRY.get_sample_value(name, of) or 0.0


def series_of(name: str) -> set[tuple[tuple[str, str], ...]]:
    """All existing label sets."""
    found = (sample for metric in REGISTRY.collect() for sample in metric.samples if sample.name == name)
    return {tuple(sorted(sample.labels.items())) for sample in found}
