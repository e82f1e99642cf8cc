"""The WSGI application: ``server.wsgi:application``. It does not load if Django's checks find an error."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from phonebind.wsgi import Application, utf8
from server.prepare import check_in_worker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")


def without_bodies_to_head(application: Application) -> Application:
    """Keep the headers of the answer to a HEAD request, and drop its body. Django leaves that to the server, and
    gunicorn logs a warning each time.
    """

    def handle(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = application(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return answer
        getattr(answer, "close", lambda: None)()  # as the server would after the body
        return ()

    return handle


check_in_worker()
application = without_bodies_to_head(utf8(get_wsgi_application()))
