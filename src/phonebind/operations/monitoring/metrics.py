"""Counts events from the signals. An error here never causes an error response."""

import functools
import logging
import os
import time
from collections.abc import Callable
from typing import Any

from phonebind import alarms, calls, signals
from phonebind.conf import conf
from phonebind.operations.events import words
from phonebind.operations.monitoring import labels, series, workers
from phonebind.operations.monitoring.labels import known
from phonebind.sms.registry import OUTCOMES
from phonebind.sms_code_scripts import ENDS

logger = logging.getLogger(__name__)

_UID = "phonebind.operations.metrics"
_SMS_OUTCOMES = frozenset({"sent", *OUTCOMES.values()})

Act = Callable[..., None]


def quietly(act: Act) -> Act:
    """Log the exceptions of the function, at most once a minute. Never raise."""

    @functools.wraps(act)
    def acting(*arguments: Any, **keywords: Any) -> None:
        try:
            act(*arguments, **keywords)
        except Exception:
            if alarms.is_due("metrics"):
                logger.exception("An event was not counted in the metrics")

    return acting


@functools.cache
def _outcomes() -> frozenset[str]:
    return words.OUTCOMES | words.error_codes()


@quietly
def _on_audited(record: dict[str, Any], **kwargs: Any) -> None:
    kind, outcome = known(record["action"], words.ACTIONS), known(record["outcome"], _outcomes())
    series.events.of(kind, outcome, known(record["provider"], conf.providers)).inc()
    if record["limit"]:
        series.limit_refusals.of(known(record["limit"], labels.RULES)).inc()


@quietly
def _on_sms(gateway: str, purpose: str, outcome: str, **kwargs: Any) -> None:
    series.sms.of(known(purpose, labels.SMS_PURPOSES), gateway, known(outcome, _SMS_OUTCOMES)).inc()


@quietly
def _on_code(purpose: str, outcome: str, **kwargs: Any) -> None:
    series.sms_codes.of(known(purpose, labels.SMS_PURPOSES), known(outcome, ENDS)).inc()


@quietly
def _on_end(reason: str, count: int, **kwargs: Any) -> None:
    series.sessions_ended.of(known(reason, labels.REASONS)).inc(count)


@quietly
def _on_reuse(**kwargs: Any) -> None:
    series.refresh_reuse.inc()


@quietly
def _on_number_state(answer: str, **kwargs: Any) -> None:
    series.number_state.of(known(answer, ("same", "recycled", "unknown"))).inc()


def _on_call(provider: str, step: str) -> Callable[[str], None]:
    began = time.monotonic()

    @quietly
    def end(outcome: str) -> None:
        series.upstream_duration.of(provider, step).observe(time.monotonic() - began)

    return end


_RECEIVERS = (
    (signals.audited, _on_audited),
    (signals.sms_attempted, _on_sms),
    (signals.sms_code_checked, _on_code),
    (signals.sessions_ended, _on_end),
    (signals.refresh_token_reused, _on_reuse),
    (signals.number_state_asked, _on_number_state),
)


def install() -> None:
    """Start to count, in this process and in the processes forked from it."""
    for signal, receiver in _RECEIVERS:
        signal.connect(receiver, dispatch_uid=_UID)
    if _on_call not in calls.observers:
        calls.observers.append(_on_call)
        os.register_at_fork(after_in_child=_after_fork)


def stop() -> None:
    """Stop counting in this process."""
    for signal, _ in _RECEIVERS:
        signal.disconnect(dispatch_uid=_UID)
    calls.observers[:] = [each for each in calls.observers if each is not _on_call]


def counts() -> bool:
    """Whether this process counts."""
    return _on_call in calls.observers


def _after_fork() -> None:
    if counts() and not workers.allocate():
        stop()
