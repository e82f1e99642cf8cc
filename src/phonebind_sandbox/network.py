"""What the network does to an answer.

Where something stands in between (down, html, redirect) the request never arrives. Everywhere else it has been acted
upon before the answer is spoilt: the code is used, the message is sent, and only the client cannot know.
"""

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

Answer = Callable[[], HttpResponse]

HANG_SECONDS = 30.0
DRIP_SECONDS = 0.5
HUGE_BYTES = 64 * 1024 * 1024

#: Where a server of ours puts the connection.
SOCKET = "phonebind_sandbox.socket"

_CHUNK = b" " * 65_536


def pass_through(request: HttpRequest, switches: Mapping[str, Any], switch: str, answer: Answer) -> HttpResponseBase:
    """The answer, as far as the fault lets it through at which ``switch`` stands."""
    fault = switches[switch]
    if fault == "slow":
        time.sleep(switches["slow_seconds"])
    return _FAULTS.get(fault, _untouched)(request, answer)


def _untouched(request: HttpRequest, answer: Answer) -> HttpResponseBase:
    return answer()


def _down(request: HttpRequest, answer: Answer) -> HttpResponseBase:
    return HttpResponse("<html><h1>503 Service Temporarily Unavailable</h1></html>", status=503)


def _html(request: HttpRequest, answer: Answer) -> HttpResponseBase:
    return HttpResponse("<!doctype html><title>系统繁忙</title><p>系统繁忙，请稍后再试。</p>")


def _redirect(request: HttpRequest, answer: Answer) -> HttpResponseBase:
    # Whoever follows (and hands the secret to an address out of a response) gets a good answer there, and is found out.
    if "redirected" in request.GET:
        return answer()
    url = request.get_full_path()
    return HttpResponse(status=302, headers={"Location": f"{url}{'&' if '?' in url else '?'}redirected=1"})


def _empty(request: HttpRequest, answer: Answer) -> HttpResponseBase:
    answer()
    return HttpResponse()


def _garbage(request: HttpRequest, answer: Answer) -> HttpResponseBase:
    answer()
    return HttpResponse(bytes(range(255, -1, -1)))


def _drip(request: HttpRequest, answer: Answer) -> HttpResponseBase:
    whole = answer()
    headers = {**whole.headers, "Content-Length": str(len(whole.content))}
    return StreamingHttpResponse(_drops(whole.content), status=whole.status_code, headers=headers)


def _drops(content: bytes) -> Iterator[bytes]:
    for byte in content:
        time.sleep(DRIP_SECONDS)
        yield bytes([byte])


def _huge(request: HttpRequest, answer: Answer) -> HttpResponseBase:
    whole = answer()
    return StreamingHttpResponse(_padded(whole.content), status=whole.status_code, headers=whole.headers)


def _padded(content: bytes) -> Iterator[bytes]:
    # White space may stand before JSON, so a client that reads without end finds a good answer at last.
    for _ in range(0, HUGE_BYTES, len(_CHUNK)):
        yield _CHUNK
    yield content


def _hang(request: HttpRequest, answer: Answer) -> HttpResponseBase:
    answer()
    time.sleep(HANG_SECONDS)
    return _cut(request)


def _reset(request: HttpRequest, answer: Answer) -> HttpResponseBase:
    answer()
    return _cut(request)


def _cut(request: HttpRequest) -> HttpResponseBase:
    """Break the TCP connection; where the server does not let us reach it, break off in the middle of the answer."""
    connection = _connection(getattr(request, "environ", {}))
    if connection is None:
        return StreamingHttpResponse(_broken_off(), headers={"Content-Length": "1000"})
    # Without lingering, closing sends RST. The server still holds the descriptor and will close it: it gets a pipe
    # to nobody in its place, so its write fails as after any client that went away.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ours, theirs = socket.socketpair()
    theirs.close()
    os.dup2(ours.fileno(), connection.fileno())
    ours.close()
    return HttpResponse()


def _broken_off() -> Iterator[bytes]:
    yield b'{"access_'
    raise ConnectionAbortedError("the sandbox breaks off here")


def _connection(environ: Mapping[str, object]) -> socket.socket | None:
    for name in (SOCKET, "gunicorn.socket"):
        if isinstance(given := environ.get(name), socket.socket):
            return given
    # runserver (and Django's live test server): a LimitedStream over the buffered reader of the connection.
    read = getattr(environ.get("wsgi.input"), "_read", None)
    found = getattr(getattr(getattr(read, "__self__", None), "raw", None), "_sock", None)
    return found if isinstance(found, socket.socket) else None


_FAULTS: Mapping[str, Callable[[HttpRequest, Answer], HttpResponseBase]] = {
    "down": _down,
    "html": _html,
    "redirect": _redirect,
    "empty": _empty,
    "garbage": _garbage,
    "drip": _drip,
    "huge": _huge,
    "hang": _hang,
    "reset": _reset,
}
