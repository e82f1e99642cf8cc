"""All calls to other companies' servers: pooled HTTPS with a deadline, and without retries.

Connections are reused, and one TLS context serves the whole process: parsing the CA bundle costs more than all the rest
of a sign-in. Nothing is retried and no redirect is followed, since a request that carried a one-time code may have used
it. Errors and logs never contain the URL: QQ wants the client secret in the query.
"""

import atexit
import functools
import json
import os
import select
import socket
import ssl
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, TypeAlias
from urllib.parse import urlencode, urlsplit

from phonebind import http1
from phonebind.conf import conf

#: No valid answer is nearly this long.
MAX_BYTES = 64 * 1024
#: Seconds that an unused connection is kept. Firewalls silently drop connections that are idle for minutes.
MAX_IDLE = 60

_PORTS = {"http": 80, "https": 443}
#: What a broken connection raises; ValueError for an impossible address.
_BROKEN = (OSError, ValueError)
#: Bytes received at a time: the size of a TLS record.
_PIECE = 16 * 1024
_FORM = "application/x-www-form-urlencoded"
#: Some firewalls refuse clients without a User-Agent.
_USER_AGENT = {"User-Agent": "phonebind"}


class UpstreamError(Exception):
    """No whole answer arrived in time."""


class NotDone(UpstreamError):
    """The server was not reached, or refused (4xx, 503): the requested act has not happened."""


class Answer(NamedTuple):
    """A whole answer, whatever its status."""

    status: int
    body: bytes
    #: The header, unchanged.
    retry_after: str = ""

    @property
    def is_refusal(self) -> bool:
        """Whether the status says that nothing was done: 4xx, 503."""
        return 400 <= self.status < 500 or self.status == 503


class Deadline:
    """The time by which all calls for one request must be answered: in ``TOTAL_TIMEOUT`` seconds, or in ``seconds``."""

    def __init__(self, seconds: float | None = None) -> None:
        self._end = min(time.monotonic() + (seconds or conf.total_timeout), _latest.get())

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Within the block no new deadline is later than this one."""
        token = _latest.set(self._end)
        try:
            yield
        finally:
            _latest.reset(token)

    def remaining(self) -> float:
        """Seconds left. Raises TimeoutError if none are left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


#: The monotonic time at which a shared deadline ends.
_latest: ContextVar[float] = ContextVar("latest", default=float("inf"))


def get(url: str, query: Mapping[str, str], deadline: Deadline) -> bytes:
    """The body of the answer, whatever its status. Raises UpstreamError."""
    return _send("GET", f"{url}?{urlencode(query)}", deadline).body


def post_form(url: str, form: Mapping[str, str], deadline: Deadline, headers: Mapping[str, str] = _USER_AGENT) -> bytes:
    """Like :func:`get`, with the fields in the body of a POST."""
    headers = {"Content-Type": _FORM, "Accept": "application/json", **headers}
    return exchange(url, urlencode(form).encode(), headers, deadline).body


def post_json(url: str, payload: Mapping[str, str], deadline: Deadline) -> bytes:
    """The body of a 2xx answer. Raises UpstreamError, or NotDone if it is certain that nothing was done."""
    content = json.dumps(payload, ensure_ascii=False).encode()
    return post(url, content, {"Content-Type": "application/json"}, deadline)


def post(url: str, content: bytes, headers: Mapping[str, str], deadline: Deadline) -> bytes:
    """Like :func:`post_json`, for content that was composed, and perhaps signed, elsewhere. It is sent unchanged."""
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
    """The whole answer whatever its status, for servers that explain a refusal in a 4xx. The content is sent unchanged.
    Raises NotDone if the server was not reached, and UpstreamError if it gave no whole answer.

    ``max_idle``: the most seconds that a reused connection may have been idle. If the server closes it just as we
    write, we cannot know whether the server acted.
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
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        request = http1.request(method, _host(*origin), target, headers, content)
    except (ValueError, KeyError):
        raise NotDone("no request can be written of it") from None
    sock, is_kept = _take(origin, max_idle) or _open(origin, deadline), False
    try:
        response = _ask(sock, request, deadline)
        is_kept = not response.is_last and _keep(origin, sock)
    finally:
        # After any error, the connection is not used again.
        if not is_kept:
            sock.close()
    return Answer(response.status, response.body, response.retry_after)


def _ask(sock: socket.socket, request: bytes, deadline: Deadline) -> http1.Response:
    def receive() -> bytes:
        # A socket's own timeout starts again with every byte: a server that sends its headers slowly, byte by byte,
        # would block us for hours.
        sock.settimeout(deadline.remaining())
        return sock.recv(_PIECE)

    try:
        sock.settimeout(deadline.remaining())
        sock.sendall(request)
        return http1.read(receive, MAX_BYTES)
    except http1.Unreadable as error:
        raise UpstreamError(str(error)) from None
    except _BROKEN as error:
        # Not `from error`: its message may contain the URL.
        raise UpstreamError(type(error).__name__) from None


def _host(scheme: str, host: str, port: int) -> str:
    """The Host header. Raises ValueError, KeyError."""
    name = f"[{host}]" if ":" in host else host if host.isascii() else host.encode("idna").decode()
    return name if port == _PORTS[scheme] else f"{name}:{port}"


# ---------------------------------------------------------------- connections

_Origin: TypeAlias = tuple[str, str, int]

#: Idle connections, by origin. The last one used is used again first, so that the surplus of a burst grows old.
_idle: dict[_Origin, deque[tuple[float, socket.socket]]] = defaultdict(deque)


def _take(origin: _Origin, max_idle: float) -> socket.socket | None:
    while True:
        try:
            since, sock = _idle[origin].pop()
        except IndexError:  # no check before: another thread may be faster
            return None
        if time.monotonic() - since < max_idle and _is_silent(sock):
            return sock
        sock.close()


def _keep(origin: _Origin, sock: socket.socket) -> bool:
    """False if there are enough idle connections."""
    if len(_idle[origin]) >= conf.provider_slots + conf.sms_slots:
        return False
    _idle[origin].append((time.monotonic(), sock))
    return True


@atexit.register
def _close_idle() -> None:
    for idle in _idle.values():
        while idle:
            idle.pop()[1].close()


# Two processes that use one connection would read each other's answers.
os.register_at_fork(after_in_child=_idle.clear)


def _is_silent(sock: socket.socket) -> bool:
    """Whether nothing arrived on an idle connection: its end, or bytes that would be read as the next answer."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    # TLS may have received bytes that are not read yet.
    return not poll.poll(0) and not (isinstance(sock, ssl.SSLSocket) and sock.pending())


def _open(origin: _Origin, deadline: Deadline) -> socket.socket:
    """Raises NotDone."""
    scheme, host, port = origin
    try:
        sock = _dial(host, port, deadline)
        return _secure(sock, host, deadline) if scheme == "https" else sock
    except _BROKEN as error:
        raise NotDone(type(error).__name__) from None


def _secure(sock: socket.socket, host: str, deadline: Deadline) -> socket.socket:
    try:
        sock.settimeout(_patience(deadline))
        return _context().wrap_socket(sock, server_hostname=host)
    except BaseException:
        sock.close()
        raise


def _dial(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Connect. A name may have a dozen dead addresses: each gets its own time, and all together the deadline's."""
    failure = OSError()
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        patience = _patience(deadline)
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # for example a kernel without IPv6
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
