"""The provider's own sign-in in a page of ours: a QR code, for instance. Without a script a link leads to its page."""

import json
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

from phonebind.oauth import WebProvider, Widget
from phonebind.pages.answers import content_security_policy, show


def show_widget(request: HttpRequest, source: WebProvider, widget: Widget, login_url: str) -> HttpResponse:
    """``login_url`` is where the provider's whole page is. This page alone may load and frame what the widget needs."""
    options = json.dumps(dict(widget.options))
    context = {"provider": source.label, "script": widget.script, "options": options, "login_url": login_url}
    response = show(request, "widget.html", context)
    policy = content_security_policy(scripts=_origin(widget.script), frames=_origin(widget.frame))
    response.headers["Content-Security-Policy"] = policy
    return response


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
