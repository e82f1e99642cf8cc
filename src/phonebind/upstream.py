"""The one door to other people's servers: pooled HTTPS with a deadline, and no second try.

One pool and one TLS context serve the whole process: parsing the CA bundle costs more than everything else a sign-in
does. Nothing is retried and no redirect is followed, since a request that carried a one-time code may have used it.
"""

import functools
import http.client
import io
import logging
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, LocationValueError, SSLError

from phonebind import masking
from phonebind.conf import conf

#: No answer we wait for is near this long.
MAX_BYTES = 64 * 1024


class UpstreamError(Exception):
    """No whole answer in time."""


class NotDone(UpstreamError):
    """The server was not reached, or refused (4xx, 503): whatever was asked for has not happened."""


class Deadline:
    """The moment until which all calls made for one request must have been answered."""

    def __init__(self) -> None:
        self._end = time.monotonic() + conf.total_timeout

    def remaining(self) -> float:
        """Seconds left. Raises UpstreamError where there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise UpstreamError("deadline exceeded")
        return left


def get(url: str, query: Mapping[str, str], deadline: Deadline) -> bytes:
    """The body of the answer, whatever its status. Raises UpstreamError."""
    return _body(_send("GET", url, deadline, fields=query))


def post_json(url: str, payload: Mapping[str, str], deadline: Deadline) -> bytes:
    """The body of a 2xx answer. Raises UpstreamError, which is NotDone where that is certain."""
    response = _send("POST", url, deadline, json=payload)
    body = _body(response)
    if not 200 <= response.status < 300:
        refused = 400 <= response.status < 500 or response.status == 503
        raise (NotDone if refused else UpstreamError)(f"status {response.status}")
    return body


def _send(method: str, url: str, deadline: Deadline, **content: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
    left = deadline.remaining()
    timeout = urllib3.Timeout(connect=min(conf.connect_timeout, left), total=left)
    try:
        return _pool().request(method, url, timeout=timeout, redirect=False, preload_content=False, **content)
    except HTTPError as error:
        # Not `from error`: its text holds the URL, and the URL the client secret.
        unreached = isinstance(error, ConnectTimeoutError | LocationValueError | SSLError)
        raise (NotDone if unreached else UpstreamError)(type(error).__name__) from None


def _body(response: urllib3.BaseHTTPResponse) -> bytes:
    # Closes a connection that was not read to its end; one that was is back in the pool by then.
    with closing(response):
        try:
            body = response.read(MAX_BYTES + 1)
        except HTTPError as error:
            raise UpstreamError(type(error).__name__) from None
    if len(body) > MAX_BYTES:
        raise UpstreamError("answer too long")
    return body


class _Punctual(io.RawIOBase):
    """What a socket receives, all of it within the one timeout that the socket has at the start.

    By itself a timeout begins anew with every byte, and a server that drips its headers would hold us for hours.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._end = time.monotonic() + (sock.gettimeout() or 0)
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_Punctual(sock))


class _HTTP(HTTPConnection):
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        """urllib3 gives each address of a name the whole timeout, and a name may have a dozen that are dead."""
        name, end = self._dns_host, time.monotonic() + conf.total_timeout
        try:
            addresses = [found[-1][0] for found in socket.getaddrinfo(name, self.port, type=socket.SOCK_STREAM)]
        except (socket.gaierror, UnicodeError):
            return super()._new_conn()  # which says so in urllib3's words
        try:
            while True:
                self._dns_host = str(addresses.pop(0))
                try:
                    return super()._new_conn()
                except ConnectTimeoutError:
                    if not addresses or time.monotonic() + conf.connect_timeout > end:
                        raise
        finally:
            self._dns_host = name


class _HTTPS(_HTTP, HTTPSConnection):
    """The same over TLS; certificates are still checked against the name."""


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTP


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPS


@functools.cache
def _pool() -> urllib3.PoolManager:
    pool = urllib3.PoolManager(num_pools=8, maxsize=64, retries=False, ssl_context=ssl.create_default_context())
    pool.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    return pool


for _name in ("urllib3.connection", "urllib3.connectionpool"):
    # urllib3 logs the URLs it asks, and QQ wants the client secret in the query.
    logging.getLogger(_name).addFilter(masking.without_query)
