"""OpenTelemetry spans around calls to providers and vendors, switched on by ``TRACING``.

It is not enough that the library is installed: other packages may have installed it.

A span has the provider, the step and the outcome. It contains nothing of the request, because QQ requires a secret in
the URL.
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
