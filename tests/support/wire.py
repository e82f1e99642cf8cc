"""Servers that misbehave: raw sockets at the other end of a real connection."""

import contextlib
import gzip
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\n"


@dataclass
class Wire:
    """One connection, as a behaviour sees it."""

    socket: socket.socket
    over: threading.Event

    def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.socket.sendall(piece)

    def drip(self, piece: bytes, pause: float) -> None:
        """Send the same piece again and again, until the client hangs up or the test is over."""
        while not self.over.wait(pause):
            self.socket.sendall(piece)

    def hang(self) -> None:
        self.over.wait(10)

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


@dataclass
class Server:
    url: str
    #: The request lines, in order.
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def serve(behaviour: Callable[[Wire], None]) -> Iterator[Server]:
    """For every connection: read the head of one request, run the behaviour, hang up."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    server = Server(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def talk(connection: socket.socket) -> None:
        # The client hangs up during the answer, as it should.
        with connection, contextlib.suppress(OSError):
            head = connection.recv(65536)
            server.requests.append(head.partition(b"\r\n")[0])
            behaviour(Wire(connection, over))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk, args=[listener.accept()[0]], daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield server
    over.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def reach(behaviour: Callable[[Wire], None], ask: Callable[[str], object]) -> Server:
    """Ask a server with this behaviour. On a busy machine the asker's deadline may end before it has sent anything:
    then nothing was asked, and it asks again.
    """
    for _ in range(5):
        with serve(behaviour) as server:
            ask(server.url)
        if server.requests:
            break
    return server


def answering(head: bytes, body: bytes = b"") -> Callable[[Wire], None]:
    return lambda wire: wire.say(OK, head, b"\r\n", body)


def dripping(start: bytes, piece: bytes, pause: float = 0.02) -> Callable[[Wire], None]:
    def behaviour(wire: Wire) -> None:
        wire.say(start)
        wire.drip(piece, pause)

    return behaviour


def stalling(start: bytes) -> Callable[[Wire], None]:
    def behaviour(wire: Wire) -> None:
        wire.say(start)
        wire.hang()

    return behaviour


_BOMB = gzip.compress(bytes(20_000_000))
_CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

#: Every way in which no usable answer arrives.
FAULTS: dict[str, Callable[[Wire], None]] = {
    "hangs before the headers": stalling(b""),
    "hangs in the headers": stalling(OK + b"Content-Ty"),
    "hangs in the body": stalling(OK + b"Content-Length: 100\r\n\r\n{"),
    "drips the status line": dripping(b"HTTP/1.1 200 O", b"K"),
    "drips a header": dripping(OK + b"X-Slow: ", b"x"),
    "drips headers": dripping(OK, b"X-Slow: x\r\n"),
    "drips 100 Continue": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "floods with 100 Continue": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, pause=0),
    "drips the body": dripping(OK + b"Content-Length: 100000\r\n\r\n", b" "),
    "drips chunks": dripping(_CHUNKED, b"1\r\n \r\n"),
    "drips the size of a chunk": dripping(_CHUNKED, b"0"),
    "drips trailers": dripping(_CHUNKED + b"0\r\n", b"X-Slow: x\r\n"),
    "drips empty gzip members": dripping(OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"")),
    "resets": lambda wire: wire.reset(),
    "hangs up": lambda wire: wire.say(),
    "hangs up in the body": answering(b"Content-Length: 100\r\n", b"{"),
    "hangs up in a chunk": lambda wire: wire.say(_CHUNKED, b"10\r\n{"),
    "is not HTTP": lambda wire: wire.say(b"\x16\x03\x01\x02\x00" * 20),
    "has two lengths": answering(b"Content-Length: 1\r\nContent-Length: 2\r\n", b"{}"),
    "has endless headers": lambda wire: wire.say(OK, b"X-A: b\r\n" * 1000),
    "has an endless header": lambda wire: wire.say(OK, b"X-A: " + b"b" * 100_000),
    "answers 10 MB": answering(b"Content-Length: 10000000\r\n", b" " * 10_000_000),
    "answers a gzip bomb": answering(b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(_BOMB), _BOMB),
    "answers broken gzip": answering(b"Content-Encoding: gzip\r\nContent-Length: 4\r\n", b"oops"),
}
