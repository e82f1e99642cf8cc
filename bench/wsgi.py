"""Send requests straight to a WSGI application, without a web server."""

import io
import sys
from collections.abc import Callable
from typing import Any

from bench.contenders import Request


def environ_of(request: Request, number: int) -> dict[str, Any]:
    """The environ that a WSGI server makes."""
    path, _, query = request.path.partition("?")
    headers = {"X-Forwarded-For": f"10.9.{number >> 8 & 255}.{number & 255}", **request.headers}
    fields = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **fields,
    }


def answer(application: Callable[..., Any], request: Request, number: int) -> None:
    """Answer one request. Raises RuntimeError unless the status is 200."""
    told: list[str] = []
    body = application(environ_of(request, number), lambda status, headers: told.append(status))
    sent = b"".join(body)
    body.close()
    if not told[0].startswith("200"):
        raise RuntimeError(f"{told[0]} {sent[:300]!r}")
