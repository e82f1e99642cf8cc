"""A page with the provider's own sign-in, such as a QR code. Without JavaScript, a link leads to the provider."""

import json
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

from phonebind.oauth import WebProvider, Widget
from phonebind.pages.answers import content_security_policy, show


def show_widget(request: HttpRequest, source: WebProvider, widget: Widget, login_url: str) -> HttpResponse:
    """``login_url`` is the provider's full page. Only this page may load and frame the sources of the widget."""
    options = json.dumps(dict(widget.options))
    context = {"provider": source.label, "script": widget.script, "options": options, "login_url": login_url}
    response = show(request, "widget.html", context)
    policy = content_security_policy(scripts=_origin(widget.script), frames=_origin(widget.frame))
    response.headers["Content-Security-Policy"] = policy
    return response


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
