"""A client's connection to ``server.worker``: collects a whole request, and keeps the rest of an answer for the poller.

No code here waits. gunicorn's own parser reads the requests. It reads from memory, so it does not wait either.
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

#: Bytes of a request line with its headers.
MOST_HEAD = 16 * 1024
#: Bytes of one read. Not less than a TLS record: otherwise the poller would not see the rest of a record.
_RECORD = 16 * 1024
#: Bytes of an answer that are kept for a slow reader. The largest file of this server has a third of it.
_MOST_KEPT = 1024 * 1024
#: Bytes after the last chunk. Each new packet causes a search through all of them.
_MOST_TRAILERS = 1024
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
#: The exceptions by which a non-blocking socket says "not now".
_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class BodyTooLarge(Exception):
    """The body is longer than the limit."""


class Outgoing:
    """Replaces the socket in a thread. It keeps what the client does not take at once, and the poller sends that."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        """``sock``: non-blocking. ``deadline``: seconds."""
        self.raw = sock
        self.kept = bytearray()
        self._deadline = deadline
        self._begun = False

    def sendall(self, data: bytes) -> None:
        """Send as much as the client takes now. The head waits for the data after it, so that both are one packet."""
        self.kept += data
        if self._begun:
            self._send()
        self._begun = True
        if len(self.kept) > _MOST_KEPT:
            self._insist()

    def flush(self) -> None:
        """The answer is complete. Raises OSError if the client has closed the connection."""
        self._begun = False
        self._send()

    def _send(self) -> None:
        try:
            while self.kept:
                del self.kept[: self.raw.send(self.kept)]
        except _LATER:
            pass

    def _insist(self) -> None:
        """More than we keep: here a thread does wait. No answer of the reference server is that long."""
        self.raw.settimeout(self._deadline)  # the time for all kept data, not for each packet
        try:
            self.raw.sendall(self.kept)
        except TimeoutError:
            raise BrokenPipeError(errno.EPIPE, "took too long to read the answer") from None
        finally:
            self.raw.settimeout(0)
            self.kept.clear()

    # The other methods that gunicorn calls on a socket. The poller does their work.

    def gettimeout(self) -> float:
        """It never blocks."""
        return 0.0

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""

    def shutdown(self, how: int) -> None:
        """Refuse for now: some data may not be sent yet."""
        raise OSError

    def close(self) -> None:
        """Do nothing for now: some data may not be sent yet."""


class Connection:
    """The received bytes, and the attributes of a connection that gunicorn's ``ThreadWorker.handle`` uses."""

    initialized = data_ready = True
    is_http2 = False

    def __init__(
        self, cfg: Any, sock: socket.socket, client: Any, server: Any, *, most_body: int, deadline: float
    ) -> None:
        """``client``, ``server``: addresses. ``most_body``: bytes. ``deadline``: seconds for an answer."""
        self.cfg, self.client, self.server = cfg, client, server
        self.raw = sock
        self.sock = Outgoing(sock, deadline)
        self.timeout = 0.0  # when the worker closes it
        self.rests = False  # idle between two requests
        self.parser: Iterator[Request] = iter(())
        self._most_body = most_body
        self._arrived = bytearray()
        self._requests = 0
        self._request: Any = None  # its head is here, its body is not complete
        self._chunk = 0  # where the next chunk begins

    def init(self) -> None:
        """gunicorn calls this first in a thread. There is nothing to do."""

    def receive(self) -> bool:
        """Read what has arrived. False if the client will send no more. Raises OSError if the connection is broken."""
        try:
            data = self.raw.recv(_RECORD)
        except _LATER:
            return True
        self._arrived += data
        return bool(data)

    def begun(self) -> bool:
        """Whether a part of a request has arrived."""
        return bool(self._arrived) or self._request is not None

    def forget(self) -> None:
        """Drop the received bytes."""
        self._arrived.clear()

    def next_request(self) -> bool:
        """Whether a whole request is here; then ``parser`` yields it. Raises BodyTooLarge and gunicorn's errors."""
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
        """The end of the body. -1 if it is not known yet; above the limit as soon as the body is too large."""
        while self._chunk <= self._most_body and (line := _CHUNK.match(self._arrived, self._chunk)):
            size = int(line[1], 16)
            if not size:
                # Trailers (usually none) and an empty line.
                end = self._arrived.find(b"\r\n\r\n", line.end() - 2)
                if end < 0 and len(self._arrived) - line.end() > _MOST_TRAILERS:
                    raise BodyTooLarge
                return end + 4 if end >= 0 else -1
            self._chunk = line.end() + size + 2
        so_far = max(self._chunk, len(self._arrived))
        if so_far <= self._most_body and self._arrived.find(b"\r\n", self._chunk) >= 0:
            raise InvalidChunkSize(b"(not shown)")  # the content is not logged: it may be a password
        return so_far if so_far > self._most_body else -1

    def _invite_body(self) -> None:
        if self._request._expected_100_continue:
            self._request._expected_100_continue = False
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.sock.flush()

    def _take_body(self, end: int) -> None:
        request = self._request
        request._expected_100_continue = False  # otherwise gunicorn sends it again
        request.unreader.unread(bytes(self._arrived[:end]))
        del self._arrived[:end]
        if not isinstance(request.body.reader, LengthReader):
            # Here, not in a view, so that malformed chunks are answered with 400.
            body = request.body.read()
            request.body = Body(LengthReader(IterUnreader([body]), len(body)))
            # The application does not read a body without a length.
            others = [(name, value) for name, value in request.headers if name != "TRANSFER-ENCODING"]
            request.headers = [*others, ("CONTENT-LENGTH", str(len(body)))]
