"""Scrapes by IP: Prometheus asks each node by its address, over plain HTTP inside a network of ours."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from phonebind.operations.monitoring import views


class MetricsMiddleware:
    """Answers at the address of the metrics whatever the Host says, and does not redirect to https.

    Put it before ``SecurityMiddleware`` and ``CommonMiddleware``. Whoever has no token learns nothing there either.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        # The look at the end of it costs less than the name of the view, and is enough for all but scrapes.
        if not request.path.endswith("/metrics/") or not _is_scraped(request.path):
            return self._get_response(request)
        return sync_to_async(views.metrics)(request) if self._is_async else views.metrics(request)


def _is_scraped(path: str) -> bool:
    """Where nothing is told the host says 404 as it always does: its page for that may need all of its middleware."""
    try:
        return views.is_on() and path == reverse("phonebind_operations:metrics")
    except NoReverseMatch:  # the host has not included our addresses
        return False
