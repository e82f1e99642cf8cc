"""The one door to other people's servers: pooled HTTPS with a deadline, and no second try.

Connections are kept, and one TLS context serves the whole process: parsing the CA bundle costs more than everything
else a sign-in does. Nothing is retried and no redirect is followed, since a request that carried a one-time code may
have used it. Its URL is never in an error or a log: QQ wants the client secret in the query.
"""

import atexit
import functools
import http.client
import io
import json
import os
import select
import socket
import ssl
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urlencode, urlsplit

from phonebind.conf import conf

#: No answer we wait for is near this long.
MAX_BYTES = 64 * 1024
#: Seconds that a connection is kept unused. Firewalls forget those that rest for minutes, and tell nobody.
MAX_IDLE = 60

_PORTS = {"http": 80, "https": 443}
#: What a connection raises that breaks; ValueError where the address or a header of it cannot be.
_BROKEN = (OSError, http.client.HTTPException, ValueError)
_FORM = "application/x-www-form-urlencoded"
#: Some firewalls refuse who does not say what it is.
_USER_AGENT = {"User-Agent": "phonebind"}


class UpstreamError(Exception):
    """No whole answer in time."""


class NotDone(UpstreamError):
    """The server was not reached, or refused (4xx, 503): whatever was asked for has not happened."""


class Answer(NamedTuple):
    """A whole answer, whatever its status."""

    status: int
    body: bytes
    #: The header, as it stands.
    retry_after: str = ""

    @property
    def is_refusal(self) -> bool:
        """By its status nothing was done: 4xx, 503."""
        return 400 <= self.status < 500 or self.status == 503


class Deadline:
    """The moment until which all calls made for one request must have been answered: in ``TOTAL_TIMEOUT`` seconds, or
    in so many.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._end = min(time.monotonic() + (seconds or conf.total_timeout), _latest.get())

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Within the block no deadline is later than this one, whoever makes it."""
        token = _latest.set(self._end)
        try:
            yield
        finally:
            _latest.reset(token)

    def remaining(self) -> float:
        """Seconds left. Raises TimeoutError where there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


#: Where one deadline is shared, the monotonic time at which it ends.
_latest: ContextVar[float] = ContextVar("latest", default=float("inf"))


def get(url: str, query: Mapping[str, str], deadline: Deadline) -> bytes:
    """The body of the answer, whatever its status. Raises UpstreamError."""
    return _send("GET", f"{url}?{urlencode(query)}", deadline).body


def post_form(url: str, form: Mapping[str, str], deadline: Deadline, headers: Mapping[str, str] = _USER_AGENT) -> bytes:
    """As :func:`get`, with the fields in the body of a POST."""
    headers = {"Content-Type": _FORM, "Accept": "application/json", **headers}
    return exchange(url, urlencode(form).encode(), headers, deadline).body


def post_json(url: str, payload: Mapping[str, str], deadline: Deadline) -> bytes:
    """The body of a 2xx answer. Raises UpstreamError, which is NotDone where that is certain."""
    content = json.dumps(payload, ensure_ascii=False).encode()
    return post(url, content, {"Content-Type": "application/json"}, deadline)


def post(url: str, content: bytes, headers: Mapping[str, str], deadline: Deadline) -> bytes:
    """The same for what was composed, and perhaps signed, elsewhere: not a byte of it is changed."""
    answer = exchange(url, content, headers, deadline)
    if not 200 <= answer.status < 300:
        raise (NotDone if answer.is_refusal else UpstreamError)(f"status {answer.status}")
    return answer.body


def exchange(
    url: str,
    content: bytes,
    headers: Mapping[str, str],
    deadline: Deadline,
    *,
    method: str = "POST",
    max_idle: float = MAX_IDLE,
) -> Answer:
    """The whole answer whatever its status, for servers that say in a 4xx why they refuse. Not a byte of what is sent
    is changed. Raises NotDone where the server was not reached, and UpstreamError where it gave no whole answer.

    ``max_idle``: the connection rested no longer. One that the server closes just as we write leaves it open whether
    it acted.
    """
    return _send(method, url, deadline, content or None, {**_USER_AGENT, **headers}, max_idle)


def _send(
    method: str,
    url: str,
    deadline: Deadline,
    content: bytes | None = None,
    headers: Mapping[str, str] = _USER_AGENT,
    max_idle: float = MAX_IDLE,
) -> Answer:
    try:
        parts = urlsplit(url)
        origin = (parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])
    except (ValueError, KeyError):
        raise NotDone("not an address") from None
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        with _connection(origin, deadline, max_idle) as connection:
            connection.sock.settimeout(deadline.remaining())
            connection.response_class = functools.partial(_Response, deadline)  # type: ignore[assignment]
            _write(connection, method, target, content, headers)
            return _read(connection.getresponse())
    except _BROKEN as error:
        # Not `from error`, whose text may hold the URL.
        raise UpstreamError(type(error).__name__) from None


def _write(connection: http.client.HTTPConnection, *request: Any) -> None:
    try:
        connection.request(*request)
    except (ValueError, http.client.InvalidURL):
        # A line break, or a letter that no header has. It is found before anything is sent.
        raise NotDone("no request can be written of it") from None


def _read(response: http.client.HTTPResponse) -> Answer:
    with closing(response):
        if response.status < 200 or not _is_plain(response.headers):
            # After 102 or 103 the answer is still to come, and would be the next person's.
            raise UpstreamError("an answer that nobody asked for")
        body = response.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise UpstreamError("answer too long")
        if response.length:
            raise UpstreamError("answer cut short")
        return Answer(response.status, body, response.headers.get("Retry-After", ""))


def _is_plain(headers: http.client.HTTPMessage) -> bool:
    """Whether nobody could read another body in it than we do."""
    lengths = headers.get_all("Content-Length", []) + headers.get_all("Transfer-Encoding", [])
    return len(lengths) < 2 and headers.get("Content-Encoding", "identity") == "identity"


# ---------------------------------------------------------------- connections

_Origin: TypeAlias = tuple[str, str, int]

#: Those at rest, by origin. The last one used is the first to be used again, so that the surplus of a burst grows old.
_idle: dict[_Origin, deque[tuple[float, http.client.HTTPConnection]]] = defaultdict(deque)


@contextmanager
def _connection(origin: _Origin, deadline: Deadline, max_idle: float) -> Iterator[http.client.HTTPConnection]:
    """One of our own for the block. Whatever goes wrong in it, the connection is not used again."""
    connection = _take(origin, max_idle) or _open(origin, deadline)
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    _keep(origin, connection)


def _take(origin: _Origin, max_idle: float) -> http.client.HTTPConnection | None:
    while True:
        try:
            since, connection = _idle[origin].pop()
        except IndexError:  # not asked for before: another thread may be faster
            return None
        if time.monotonic() - since < max_idle and _is_silent(connection.sock):
            return connection
        connection.close()


def _keep(origin: _Origin, connection: http.client.HTTPConnection) -> None:
    if connection.sock and len(_idle[origin]) < conf.provider_slots + conf.sms_slots:
        _idle[origin].append((time.monotonic(), connection))
    else:
        connection.close()


@atexit.register
def _close_idle() -> None:
    for idle in _idle.values():
        while idle:
            idle.pop()[1].close()


# Two processes that write to one connection would read each other's answers.
os.register_at_fork(after_in_child=_idle.clear)


def _is_silent(sock: socket.socket) -> bool:
    """What is heard at rest is the end, or something that would be taken for the next answer."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    # TLS may have heard more than was read of it.
    return not poll.poll(0) and not (isinstance(sock, ssl.SSLSocket) and sock.pending())


def _open(origin: _Origin, deadline: Deadline) -> http.client.HTTPConnection:
    scheme, host, port = origin
    connection = http.client.HTTPConnection(host, port)
    connection.default_port = _PORTS[scheme]
    connection.auto_open = 0
    try:
        connection.sock = _dial(host, port, deadline)
        if scheme == "https":
            connection.sock.settimeout(_patience(deadline))
            connection.sock = _context().wrap_socket(connection.sock, server_hostname=host)
    except _BROKEN as error:
        connection.close()
        raise NotDone(type(error).__name__) from None
    return connection


def _dial(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A name may have a dozen addresses that are dead: each is given its time, and all of them the deadline's."""
    failure = OSError()
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        patience = _patience(deadline)
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # a kernel without IPv6
            failure = error
            continue
        try:
            sock.settimeout(patience)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def _patience(deadline: Deadline) -> float:
    return min(conf.connect_timeout, deadline.remaining())


@functools.cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


# ---------------------------------------------------------------- deadlines


class _Response(http.client.HTTPResponse):
    def __init__(self, deadline: Deadline, sock: socket.socket, *args: Any, **how: Any) -> None:
        super().__init__(_Punctual(sock, deadline), *args, **how)  # type: ignore[arg-type]  # makefile is all it asks for


class _Punctual(io.RawIOBase):
    """What a socket receives until the deadline.

    A socket's own timeout begins anew with every byte, and a server that drips its headers would hold us for hours.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self._file = sock.makefile("rb", buffering=0)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.remaining())
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()
