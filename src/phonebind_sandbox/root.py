"""The addresses of the sandbox alone: those that it has where a host mounts it, from ``/`` on."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

urlpatterns = [path("", include("phonebind_sandbox.urls"))]


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Mostly a Host that is not ours: another machine's name for this one, or a page that tries to get in by DNS."""
    text = "400: the sandbox does not answer under this host name. Start it with --name NAME for each that it has.\n"
    return HttpResponse(text, content_type="text/plain", status=400, headers={"X-Content-Type-Options": "nosniff"})
