"""A wrapper of a WSGI application: ``application = utf8(get_wsgi_application())``."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from phonebind.content_types import as_utf8

Application: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def utf8(application: Application) -> Application:
    """Remove the charset of each request before the application: some charsets cause an error 500 on every URL."""

    def handle(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "CONTENT_TYPE" in environ:
            environ["CONTENT_TYPE"] = as_utf8(environ["CONTENT_TYPE"])
        return application(environ, start_response)

    return handle
