"""URLs of the sandbox when it runs alone: the same as inside a host, but from ``/`` on."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

urlpatterns = [path("", include("phonebind_sandbox.urls"))]


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Shown mostly for an unknown Host: another name of this machine, or a DNS rebinding attack."""
    text = "400: the sandbox does not answer under this host name. Start it with --name NAME for each that it has.\n"
    return HttpResponse(text, content_type="text/plain", status=400, headers={"X-Content-Type-Options": "nosniff"})
