"""The WSGI application: ``server.wsgi:application``. It does not load if Django's checks find an error."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.core.wsgi import get_wsgi_application

from phonebind.wsgi import Application, utf8
from server.prepare import check_in_worker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")


class Bodiless:
    """An answer without its body. Closing it closes the answer."""

    def __init__(self, answer: Iterable[bytes]) -> None:
        """``answer``: Django's response."""
        self.close: Callable[[], None] = getattr(answer, "close", lambda: None)

    def __iter__(self) -> Iterator[bytes]:
        return iter(())


def without_bodies_to_head(application: Application) -> Application:
    """Keep the headers of the answer to a HEAD request, and drop its body. Django leaves that to the server, and
    gunicorn logs a warning each time.
    """

    def handle(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = application(environ, start_response)
        return Bodiless(answer) if environ["REQUEST_METHOD"] == "HEAD" else answer

    return handle


check_in_worker()
application = without_bodies_to_head(utf8(get_wsgi_application()))
