"""Clients that begin a request, or to read an answer, and then go on slowly."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

HEAD = (
    b"POST /oauth/qq/user/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
)
#: By kind: the bytes that a client sends at once, and those that it sends from time to time.
KINDS = {
    "nothing": (b"", b""),
    "six bytes": (b"GET /a", b""),
    "a head byte by byte": (b"GET /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", b"x"),
    "half a body": (HEAD + b"x" * 500, b""),
    "a body byte by byte": (HEAD, b"x"),
    "half a chunk": (HEAD.replace(b"Content-Length: 1000", b"Transfer-Encoding: chunked") + b"64\r\nx", b""),
}


class SlowClients:
    """Connections of one kind."""

    def __init__(self, sockets: list[socket.socket], now_and_then: bytes) -> None:
        """The ``sockets`` are non-blocking."""
        self._open = sockets
        self._now_and_then = now_and_then

    def send_more(self) -> int:
        """Each client sends its next byte. Returns how many connections the server has not closed."""
        self._open = [one for one in self._open if self._is_open(one)]
        return len(self._open)

    def wait_for_the_end(self, seconds: float) -> float:
        """The seconds until the server has closed them all. The clients never stop sending."""
        began = time.monotonic()
        while self.send_more():
            assert time.monotonic() - began < seconds, f"{len(self._open)} are still open"
            time.sleep(0.1)
        return time.monotonic() - began

    def _is_open(self, one: socket.socket) -> bool:
        try:
            one.send(self._now_and_then)
            return bool(one.recv(1))
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False


@contextmanager
def slow_clients(port: int, kind: str, count: int, tls: ssl.SSLContext | None = None) -> Iterator[SlowClients]:
    """``count`` clients that are connected and have begun."""
    first, now_and_then = KINDS[kind]
    with ExitStack() as stack:
        sockets = []
        for _ in range(count):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            if tls:
                one = stack.enter_context(tls.wrap_socket(one))
            one.sendall(first)
            one.setblocking(False)
            sockets.append(one)
        yield SlowClients(sockets, now_and_then)
