"""The one door to other people's servers: pooled HTTPS with a deadline, and no second try.

One pool and one TLS context serve the whole process: parsing the CA bundle costs more than everything else a sign-in
does. Nothing is retried and no redirect is followed, since a request that carried a one-time code may have used it.
"""

import functools
import logging
import ssl
import time
from collections.abc import Mapping
from contextlib import closing

import urllib3
from urllib3.exceptions import HTTPError

from phonebind.conf import conf

#: No answer we wait for is near this long.
MAX_BYTES = 64 * 1024


class UpstreamError(Exception):
    """No whole answer in time."""


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


@functools.cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(num_pools=8, maxsize=64, retries=False, ssl_context=ssl.create_default_context())


def get(url: str, query: Mapping[str, str], deadline: Deadline) -> bytes:
    """The body of the answer, whatever its status. Raises UpstreamError."""
    return _body(_send("GET", url, deadline, fields=query), deadline)


def post_json(url: str, payload: Mapping[str, str], deadline: Deadline) -> bytes:
    """The body of a 2xx answer. Raises UpstreamError."""
    response = _send("POST", url, deadline, json=payload)
    body = _body(response, deadline)
    if not 200 <= response.status < 300:
        raise UpstreamError(f"status {response.status}")
    return body


def _send(method: str, url: str, deadline: Deadline, **content: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
    left = deadline.remaining()
    timeout = urllib3.Timeout(connect=min(conf.connect_timeout, left), total=left)
    try:
        return _pool().request(method, url, timeout=timeout, redirect=False, preload_content=False, **content)
    except HTTPError as error:
        # Not `from error`: its text holds the URL, and the URL the client secret.
        raise UpstreamError(type(error).__name__) from None


def _body(response: urllib3.BaseHTTPResponse, deadline: Deadline) -> bytes:
    """Read in pieces, since a socket's timeout starts anew with every byte of a server that drips."""
    body = b""
    # Closes a connection that was not read to its end; one that was is back in the pool by then.
    with closing(response):
        try:
            while chunk := response.read1(MAX_BYTES):
                deadline.remaining()
                body += chunk
                if len(body) > MAX_BYTES:
                    raise UpstreamError("answer too long")
        except HTTPError as error:
            raise UpstreamError(type(error).__name__) from None
    return body


class _WithoutQuery(logging.Filter):
    """urllib3 logs each request line at DEBUG, and QQ wants the client secret in the query."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(arg.split("?")[0] if isinstance(arg, str) else arg for arg in record.args)
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_WithoutQuery())
