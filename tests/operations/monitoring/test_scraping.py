"""The address that Prometheus scrapes: open to a client with the token, by any name or address of the node."""

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import set_script_prefix
from django.utils import timezone
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from phonebind import limits
from phonebind.operations.middleware import MetricsMiddleware
from phonebind.operations.models import OutboxMessage
from phonebind.operations.monitoring import views
from tests.support.edge import Configure

pytestmark = pytest.mark.django_db

TOKEN = "what-prometheus-shows-1"
#: The URLs of a host without ours.
urlpatterns: list[Any] = []
AUTHORIZATION = f"Bearer {TOKEN}"


@pytest.fixture(autouse=True)
def _token(phonebind: Configure) -> None:
    phonebind(metrics_token=TOKEN)


def scrape(authorization: str = AUTHORIZATION, method: str = "get", **more: Any) -> Any:
    headers = {"Authorization": authorization} if authorization else {}
    return getattr(Client(), method)("/metrics/", headers=headers, **more)


def value(answer: Any, name: str, **of: str) -> float:
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }
    return samples[name, *sorted(of.items())]


def test_who_has_the_token_reads_prometheus_text() -> None:
    answer = scrape()
    assert (answer.status_code, answer["Content-Type"]) == (200, CONTENT_TYPE_PLAIN_0_0_4)
    assert answer["Cache-Control"] == "no-store"
    assert value(answer, "phonebind_refresh_reuse_total") >= 0
    assert not answer.cookies


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}1", "Bearer 数", "\xff"],
)
def test_threat_64_without_the_token_nobody_reads_them(authorization: str) -> None:
    """How many people sign in, by which provider, and how much of the SMS budget is left: only operators may know
    this.
    """
    answer = scrape(authorization)
    assert (answer.status_code, answer["WWW-Authenticate"], answer.content) == (401, "Bearer", b"")


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer", AUTHORIZATION])
def test_threat_64_where_no_token_is_set_there_is_nothing(phonebind: Configure, authorization: str) -> None:
    phonebind(metrics_token="")
    assert scrape(authorization).status_code == 404


@pytest.mark.parametrize("is_included", [True, False])
def test_threat_48_no_address_of_metrics_is_an_error(
    settings: Settings, phonebind: Configure, is_included: bool
) -> None:
    """No error is logged without a token: the host's own page for 404 then passes all of its middleware. No error is
    logged if the host has forgotten to include our addresses.
    """
    if is_included:
        phonebind(metrics_token="")
    else:
        settings.ROOT_URLCONF = "tests.operations.monitoring.test_scraping"
    for path in ("/metrics/", "/x/metrics/"):
        asked: list[HttpRequest] = []

        def inner(request: HttpRequest, asked: list[HttpRequest] = asked) -> HttpResponse:
            asked.append(request)
            return HttpResponse(status=404)

        request = RequestFactory().get(path, headers={"Authorization": AUTHORIZATION})
        assert MetricsMiddleware(inner)(request).status_code == 404
        assert asked == [request]


def test_where_nothing_is_counted_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "_exposition", [])
    assert scrape().status_code == 404


def test_it_is_only_read() -> None:
    assert scrape(method="post").status_code == 405
    head = scrape(method="head")
    assert (head.status_code, head.content) == (200, b"")


def test_by_ip_and_over_plain_http_it_answers_and_the_rest_of_the_site_does_not(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["shop.example"]
    settings.SECURE_SSL_REDIRECT = True
    by_ip = {"HTTP_HOST": "10.0.0.5:8000"}
    assert scrape(**by_ip).status_code == 200
    assert scrape("", **by_ip).status_code == 401
    assert Client().get("/login/", **by_ip).status_code in (301, 400)  # type: ignore[arg-type]
    assert Client().get("/other/metrics/", **by_ip).status_code in (301, 400)  # type: ignore[arg-type]


def test_below_a_path_of_the_host(settings: Settings) -> None:
    request = RequestFactory().get("/metrics/", headers={"Authorization": AUTHORIZATION})
    request.path = "/shop/metrics/"
    set_script_prefix("/shop/")
    try:
        assert MetricsMiddleware(_elsewhere)(request).status_code == 200
    finally:
        set_script_prefix("/")


def _elsewhere(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=418)


def test_under_asgi(monkeypatch: pytest.MonkeyPatch) -> None:
    # The real view has a thread, which would keep a database connection that no test closes.
    monkeypatch.setattr(views, "_exposition", [lambda: b"phonebind 1\n"])

    async def elsewhere(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=418)

    async def ask(path: str) -> int:
        request = RequestFactory().get(path, headers={"Authorization": AUTHORIZATION})
        return int((await MetricsMiddleware(elsewhere)(request)).status_code)

    assert asyncio.run(ask("/login/")) == 418
    assert asyncio.run(ask("/metrics/")) == 200


def test_the_sms_budget_is_as_full_as_the_store_says(phonebind: Configure) -> None:
    phonebind(metrics_token=TOKEN, limits={"sms_site_hour": (4, 3600), "sms_site_day": (0, 86400)})
    limits.take(("sms_site_hour", limits.SITE))
    answer = scrape()
    assert value(answer, "phonebind_sms_budget_used_ratio", window="hour") == 0.25
    assert value(answer, "phonebind_sms_budget_used_ratio", window="day") == 1


@contextmanager
def nothing_there(settings: Settings) -> Iterator[None]:
    caches = settings.CACHES
    settings.CACHES = {"default": {**caches["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    try:
        yield
    finally:
        settings.CACHES = caches


def test_where_the_store_is_away_the_rest_is_told(settings: Settings) -> None:
    with nothing_there(settings):
        answer = scrape()
    assert answer.status_code == 200
    assert math.isnan(value(answer, "phonebind_sms_budget_used_ratio", window="hour"))
    assert value(answer, "phonebind_outbox_waiting_seconds") == 0


def test_how_long_the_first_webhook_that_is_due_has_waited(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    now = timezone.now()
    for seconds, due in ((400, None), (-300, now + timedelta(300)), (90, now - timedelta(seconds=90))):
        OutboxMessage.objects.create(
            endpoint="erp", type="account-bound", payload={}, due_at=due, created_at=now - timedelta(seconds=seconds)
        )
    with django_assert_num_queries(1):
        answer = scrape()
    assert 90 <= value(answer, "phonebind_outbox_waiting_seconds") < 120
    OutboxMessage.objects.filter(due_at__lt=now).delete()
    assert value(scrape(), "phonebind_outbox_waiting_seconds") == 0


def test_a_process_that_does_not_count_asks_nobody(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr("phonebind.operations.monitoring.metrics.counts", lambda: False)
    with django_assert_num_queries(0):
        assert scrape().status_code == 200
