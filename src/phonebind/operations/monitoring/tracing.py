"""Spans of OpenTelemetry around calls to others: ``TRACING``. Not where its library merely happens to be installed:
others bring it along.

A span has the provider, the step and the outcome, and nothing of what was sent: QQ wants a secret in the address.
"""

from collections.abc import Callable

from opentelemetry import trace

from phonebind import __version__, calls

_tracer = trace.get_tracer("phonebind", __version__)


def observe(provider: str, step: str) -> Callable[[str], None]:
    """An observer of ``phonebind.calls``."""
    attributes = {"phonebind.provider": provider, "phonebind.step": step}
    span = _tracer.start_span(f"{provider} {step}", kind=trace.SpanKind.CLIENT, attributes=attributes)

    def end(outcome: str) -> None:
        span.set_attribute("phonebind.outcome", outcome)
        if outcome != "answered":
            span.set_status(trace.StatusCode.ERROR)
        span.end()

    return end


def install() -> None:
    if observe not in calls.observers:
        calls.observers.append(observe)
