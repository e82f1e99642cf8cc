"""Simulates network faults.

With "down", "html" and "redirect" something stands between client and server, so the request has no effect. With all
other faults, the request has its effect before the response is damaged: the code is used and the message is sent, but
the client cannot know.
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

#: The key under which our own server stores the connection.
SOCKET = "phonebind_sandbox.socket"

_CHUNK = b" " * 65_536


def pass_through(request: HttpRequest, switches: Mapping[str, Any], switch: str, answer: Answer) -> HttpResponseBase:
    """The response, after the fault in this switch was applied."""
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
    # A client must not follow: it would send its secret to an address from a response. If it follows, it gets a correct
    # response, so the test notices.
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
    # White space is valid before JSON. So a client that reads without a limit finds a correct response at the end.
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
    """Break the TCP connection. If the server gives no access to it, stop in the middle of the response."""
    connection = _connection(getattr(request, "environ", {}))
    if connection is None:
        return StreamingHttpResponse(_broken_off(), headers={"Content-Length": "1000"})
    # With a linger time of 0, closing the socket sends RST. The server still has the file descriptor and will close it.
    # So the descriptor gets a socket whose other end is closed: the server's write fails as if the client had gone.
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
    # runserver and Django's live test server: a LimitedStream over the buffered reader of the connection.
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
