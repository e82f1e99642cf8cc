"""A client's connection to ``server.worker``: collects a whole request, and keeps the answer of a slow reader.

Nothing here waits. What a request is, gunicorn's own parser decides; it reads from memory, so it cannot wait either.
"""

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from typing import Any

from gunicorn.http.body import Body, LengthReader
from gunicorn.http.errors import InvalidChunkSize, LimitRequestHeaders
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

#: Bytes of a request line and its headers.
MOST_HEAD = 16 * 1024
#: Bytes read at once. Not less than a TLS record, or the rest of one would wait where the poller does not see it.
_RECORD = 16 * 1024
#: Bytes of an answer that are kept for a slow reader. The largest file here is a third of it.
_MOST_KEPT = 1024 * 1024
#: Bytes after the last chunk. They are looked through again with each packet.
_MOST_TRAILERS = 1024
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
#: How a socket that does not block says "not now".
_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class BodyTooLarge(Exception):
    """The body is longer than we read."""


class Outgoing:
    """Stands in for the socket in a thread. What the client does not take at once is kept for the poller to send."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        """``sock`` does not block; ``deadline`` is seconds."""
        self.raw = sock
        self.kept = bytearray()
        self._deadline = deadline
        self._begun = False

    def sendall(self, data: bytes) -> None:
        """Send what the client takes now. The head waits for what follows it: one packet, and not two."""
        self.kept += data
        if self._begun:
            self._send()
        self._begun = True
        if len(self.kept) > _MOST_KEPT:
            self._insist()

    def flush(self) -> None:
        """The answer is complete. Raises OSError where the client has hung up."""
        self._begun = False
        self._send()

    def _send(self) -> None:
        try:
            while self.kept:
                del self.kept[: self.raw.send(self.kept)]
        except _LATER:
            pass

    def _insist(self) -> None:
        """More than we keep, so here a thread does wait; nothing that the reference server answers is that long."""
        self.raw.settimeout(self._deadline)  # for all that is kept, and not for each packet
        try:
            self.raw.sendall(self.kept)
        except TimeoutError:
            raise BrokenPipeError(errno.EPIPE, "took too long to read the answer") from None
        finally:
            self.raw.settimeout(0)
            self.kept.clear()

    # The rest of what gunicorn asks of a socket, which is the poller's to do.

    def gettimeout(self) -> float:
        """It never blocks."""
        return 0.0

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""

    def shutdown(self, how: int) -> None:
        """Not now: something may be kept."""
        raise OSError

    def close(self) -> None:
        """Not now: something may be kept."""


class Connection:
    """The bytes that have arrived, and what gunicorn's ``ThreadWorker.handle`` asks of a connection."""

    initialized = data_ready = True
    is_http2 = False

    def __init__(
        self, cfg: Any, sock: socket.socket, client: Any, server: Any, *, most_body: int, deadline: float
    ) -> None:
        """``client`` and ``server`` are addresses, ``most_body`` bytes, ``deadline`` seconds for an answer."""
        self.cfg, self.client, self.server = cfg, client, server
        self.raw = sock
        self.sock = Outgoing(sock, deadline)
        self.timeout = 0.0  # when the worker's patience ends
        self.rests = False  # between two requests
        self.parser: Iterator[Request] = iter(())
        self._most_body = most_body
        self._arrived = bytearray()
        self._requests = 0
        self._request: Any = None  # its head has arrived, its body not yet
        self._chunk = 0  # where the next chunk begins

    def init(self) -> None:
        """What a thread would do first."""

    def receive(self) -> bool:
        """Take what is there. False where nothing more will come. Raises OSError where the client is gone."""
        try:
            data = self.raw.recv(_RECORD)
        except _LATER:
            return True
        self._arrived += data
        return bool(data)

    def begun(self) -> bool:
        """Whether a part of a request is there."""
        return bool(self._arrived) or self._request is not None

    def forget(self) -> None:
        """Drop what has arrived."""
        self._arrived.clear()

    def next_request(self) -> bool:
        """Whether a whole request is there; ``parser`` yields it then. Raises BodyTooLarge and gunicorn's errors."""
        if self._request is None and not self._read_head():
            return False
        reader = self._request.body.reader
        end = reader.length if isinstance(reader, LengthReader) else self._end_of_chunks()
        if end > self._most_body:
            raise BodyTooLarge
        if not 0 <= end <= len(self._arrived):
            self._invite_body()
            return False
        self._take_body(end)
        self.parser, self._request, self._chunk = iter((self._request,)), None, 0
        return True

    def _read_head(self) -> bool:
        end = self._arrived.find(b"\r\n\r\n")
        if max(end, len(self._arrived) if end < 0 else 0) > MOST_HEAD:
            raise LimitRequestHeaders(f"more than {MOST_HEAD} bytes")
        if end < 0:
            return False
        self._requests += 1
        head = bytes(self._arrived[: end + 4])
        self._request = Request(self.cfg, IterUnreader([head]), self.client, self._requests)
        del self._arrived[: end + 4]
        return True

    def _end_of_chunks(self) -> int:
        """-1 while it is not known, and past the bound as soon as the body is too large."""
        while self._chunk <= self._most_body and (line := _CHUNK.match(self._arrived, self._chunk)):
            size = int(line[1], 16)
            if not size:
                # Trailers, as a rule none, and an empty line.
                end = self._arrived.find(b"\r\n\r\n", line.end() - 2)
                if end < 0 and len(self._arrived) - line.end() > _MOST_TRAILERS:
                    raise BodyTooLarge
                return end + 4 if end >= 0 else -1
            self._chunk = line.end() + size + 2
        so_far = max(self._chunk, len(self._arrived))
        if so_far <= self._most_body and self._arrived.find(b"\r\n", self._chunk) >= 0:
            raise InvalidChunkSize(b"(not shown)")  # it would be logged, and may be a password
        return so_far if so_far > self._most_body else -1

    def _invite_body(self) -> None:
        if self._request._expected_100_continue:
            self._request._expected_100_continue = False
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.sock.flush()

    def _take_body(self, end: int) -> None:
        request = self._request
        request._expected_100_continue = False  # or gunicorn says it again
        request.unreader.unread(bytes(self._arrived[:end]))
        del self._arrived[:end]
        if not isinstance(request.body.reader, LengthReader):
            # Now, and not in a view: malformed chunks are answered with 400.
            body = request.body.read()
            request.body = Body(LengthReader(IterUnreader([body]), len(body)))
            # The application reads nothing that has no length.
            others = [(name, value) for name, value in request.headers if name != "TRANSFER-ENCODING"]
            request.headers = [*others, ("CONTENT-LENGTH", str(len(body)))]
