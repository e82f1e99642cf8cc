"""A client for QQ: HTTP/1.1 over persistent connections. One TLS context checks the certificates."""

import os
import select
import socket
import ssl
from urllib.parse import quote, urlencode, urlsplit

TIMEOUT = 5.0

_url = urlsplit(os.environ["QQ_URL"])
_context = ssl.create_default_context()
_fields = urlencode(
    {
        "grant_type": "authorization_code",
        "client_id": os.environ["QQ_CLIENT_ID"],
        "client_secret": os.environ["QQ_CLIENT_SECRET"],
        "redirect_uri": "https://shop.example/oauth_callback.html",
        "fmt": "json",
        "need_openid": "1",
    }
)
_HEAD = f"GET /oauth2.0/token?{_fields}&code="
_TAIL = f" HTTP/1.1\r\nHost: {_url.netloc}\r\n\r\n"


class Connection:
    """One connection, with one request at a time."""

    def __init__(self) -> None:
        plain = socket.create_connection((_url.hostname, _url.port or 443), TIMEOUT)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = _context.wrap_socket(plain, server_hostname=_url.hostname)
        self._file = self._socket.makefile("rb")
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def is_fresh(self) -> bool:
        """Whether the server has not closed the connection and has sent nothing unasked."""
        return not self._poll.poll(0)

    def ask(self, request: bytes) -> tuple[bytes, bool]:
        """The body, and whether the connection takes another request. Raises OSError."""
        self._socket.sendall(request)
        status = self._file.readline()
        headers = dict(self._headers())
        if not status.startswith(b"HTTP/1.1 200 "):
            raise OSError(status)
        if b"chunked" in headers.get(b"transfer-encoding", b""):
            body, ends = self._chunks(), True
        elif b"content-length" in headers:
            body, ends = self._exactly(int(headers[b"content-length"])), True
        else:
            body, ends = self._file.read(), False
        return body, ends and headers.get(b"connection") != b"close"

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _headers(self) -> list[tuple[bytes, bytes]]:
        headers = []
        for line in iter(self._file.readline, b"\r\n"):
            if not line:
                raise ConnectionResetError("closed within an answer")
            name, _, value = line.partition(b":")
            headers.append((name.lower(), value.strip().lower()))
        return headers

    def _chunks(self) -> bytes:
        chunks = []
        while size := int(self._file.readline().partition(b";")[0], 16):
            chunks.append(self._exactly(size))
            self._file.readline()
        self._headers()
        return b"".join(chunks)

    def _exactly(self, size: int) -> bytes:
        body = self._file.read(size)
        if len(body) < size:
            raise ConnectionResetError("closed within an answer")
        return body


#: Idle connections. A list: its append and pop are atomic, and the connection that was used last has the warmest
#: caches.
_idle: list[Connection] = []


def exchange(code: str) -> bytes:
    """QQ's answer to a code. Raises OSError."""
    connection = _take()
    try:
        body, again = connection.ask(f"{_HEAD}{quote(code, safe='')}{_TAIL}".encode())
    except BaseException:
        connection.close()
        raise
    if again:
        _idle.append(connection)
    else:
        connection.close()
    return body


def _take() -> Connection:
    while _idle:
        try:
            connection = _idle.pop()
        except IndexError:  # another thread took it first
            break
        if connection.is_fresh():
            return connection
        connection.close()
    return Connection()
