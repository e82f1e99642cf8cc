"""Allows scrapes by IP address: Prometheus calls each node by its address, over plain HTTP in an internal network."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from phonebind.operations.monitoring import views


class MetricsMiddleware:
    """Answers requests for the metrics with any Host header, and without a redirect to https.

    Put it before ``SecurityMiddleware`` and ``CommonMiddleware``. A client without the token gets no metrics here
    either.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        # The check of the path's end is cheaper than ``reverse``. It is enough for all requests except scrapes.
        if not request.path.endswith("/metrics/") or not _is_scraped(request.path):
            return self._get_response(request)
        return sync_to_async(views.metrics)(request) if self._is_async else views.metrics(request)


def _is_scraped(path: str) -> bool:
    """Whether this path shows metrics. If metrics are off, the host answers 404 in the usual way: its 404 page may
    need all of its middleware.
    """
    try:
        return views.is_on() and path == reverse("phonebind_operations:metrics")
    except NoReverseMatch:  # the host has not included our URLs
        return False
