"""The URL that Prometheus scrapes."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from phonebind.conf import conf

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_exposition: list[Callable[[], bytes]] = []


def tell(text: Callable[[], bytes]) -> None:
    """Set the function that returns the metrics. The app calls this in ``ready`` if it counts."""
    _exposition[:] = [text]


def is_on() -> bool:
    """Whether METRICS_TOKEN is set and the app counts."""
    return bool(conf.metrics_token and _exposition)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The metrics, for a client with METRICS_TOKEN. 404 if the site has no METRICS_TOKEN."""
    if not is_on():
        raise Http404
    if not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {conf.metrics_token}"):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"})
    return HttpResponse(_exposition[0](), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})
