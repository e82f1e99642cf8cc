"""OpenTelemetry spans around calls to other servers, if the host asks for them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from phonebind import calls
from phonebind.exceptions import SmsNotSent
from phonebind.operations.monitoring import tracing
from phonebind.sms import Message
from phonebind.sms.registry import attempt
from tests.support.edge import OPENID, Configure, Outbox, Person, Upstream

pytestmark = pytest.mark.once

MOBILE = "13900000001"


@pytest.fixture(scope="session")
def exporter() -> InMemorySpanExporter:
    """A process has one tracer provider."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Iterator[InMemorySpanExporter]:
    exporter.clear()
    tracing.install()
    tracing.install()  # a second call changes nothing
    yield exporter
    calls.observers.remove(tracing.observe)


@pytest.mark.django_db
def test_each_call_to_a_provider_is_a_span(qq: Upstream, spans: InMemorySpanExporter) -> None:
    assert Person().callback(code="SECRET-CODE").status_code == 200
    made = spans.get_finished_spans()
    assert [span.name for span in made] == ["qq /oauth2.0/token", "qq /user/get_user_info"]
    for span, step in zip(made, ("/oauth2.0/token", "/user/get_user_info"), strict=True):
        told = {"phonebind.provider": "qq", "phonebind.step": step, "phonebind.outcome": "answered"}
        assert (span.kind, dict(span.attributes or {}), span.status.status_code) == (
            SpanKind.CLIENT,
            told,
            StatusCode.UNSET,
        )
        assert span.end_time
        assert span.start_time
        assert span.end_time > span.start_time


@pytest.mark.django_db
def test_threat_64_a_span_holds_no_secret_and_no_address(
    qq: Upstream, spans: InMemorySpanExporter, phonebind: Configure
) -> None:
    Person().callback(code="SECRET-CODE")
    qq.answer("/oauth2.0/token", b"", raw=(b"not HTTP\r\n\r\n",))
    assert Person().callback(code="SECRET-CODE").status_code == 503
    message = Message(mobile=MOBILE, code="864209", minutes=5, text="864209")
    attempt(Outbox(), message)
    told = "".join(span.to_json() for span in spans.get_finished_spans())
    for secret in ("SECRET-CODE", "sandbox-secret", OPENID, MOBILE, "864209", qq.url, "http", "access_token"):
        assert secret not in told


@pytest.mark.django_db
def test_a_call_that_fails_is_an_error_without_its_text(qq: Upstream, spans: InMemorySpanExporter) -> None:
    qq.answer("/oauth2.0/token", b"", raw=(b"not HTTP\r\n\r\n",))
    Person().callback()
    [span] = spans.get_finished_spans()
    assert (dict(span.attributes or {})["phonebind.outcome"], span.status.status_code) == ("failed", StatusCode.ERROR)
    assert (span.status.description, list(span.events)) == (None, [])


def test_an_sms_is_a_span_with_its_outcome(spans: InMemorySpanExporter, phonebind: Configure) -> None:
    message = Message(mobile=MOBILE, code="864209", minutes=5, text="864209")
    attempt(Outbox(), message)
    Outbox.refuse = True
    with pytest.raises(SmsNotSent):
        attempt(Outbox(), message)
    outcomes = [dict(span.attributes or {})["phonebind.outcome"] for span in spans.get_finished_spans()]
    assert outcomes == ["answered", "not_now"]


OBSERVERS = """
import django
django.setup()
from phonebind import calls
print([each.__module__ for each in calls.observers])
"""


@pytest.mark.once
@pytest.mark.parametrize("tracing", ["0", "1"])
def test_its_library_is_no_wish_for_it(tracing: str) -> None:
    """redis-py installs the library, and other packages do too."""
    assert find_spec("opentelemetry.trace")
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "server.settings", "TRACING": tracing, "OPERATIONS": "1"}
    done = subprocess.run([sys.executable, "-c", OBSERVERS], env=environ, capture_output=True, text=True, check=True)
    assert ("phonebind.operations.monitoring.tracing" in done.stdout) == (tracing == "1")
