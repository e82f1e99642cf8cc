"""HTTP/1.1 of a client: it writes a request as bytes and reads the answer. It has no socket; a function receives bytes.

An answer is accepted only if no other reader could find another answer in the same bytes (RFC 9112, section 6.3). Two
lengths, a folded header, a bare line feed, or a chunk size with anything but hexadecimal digits make it invalid.
Python's ``http.client`` accepts all of these, and takes ten times as long. Every answer that this module accepts,
``http.client`` reads in the same way: ``tests/test_http1.py``.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

#: Bytes of one line. Lines of one answer: status, headers and trailers, including those of ``100 Continue``.
MAX_LINE = 8 * 1024
MAX_LINES = 100

_TEXT = rb"[\t -~\x80-\xff]*"
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: " + _TEXT + rb")?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):(" + _TEXT + rb")")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;" + _TEXT + rb")?")
_READ = (b"content-length", b"transfer-encoding", b"content-encoding", b"connection", b"retry-after")

_TARGET = re.compile(r"/[!-~]*")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t -~\x80-\xff]*")


#: The headers of ``_READ``, each with all its values.
_Fields: TypeAlias = dict[bytes, list[bytes]]


class Unreadable(Exception):
    """The answer is incomplete, or could be read in two ways. The message says why, and quotes none of it."""


class Response(NamedTuple):
    """``is_last``: the connection must not be used again. Another answer could not be told apart from the rest of this
    one, or the server will send none.
    """

    status: int
    body: bytes
    is_last: bool
    #: The first header of that name, unchanged; "" without one.
    retry_after: str = ""


def request(method: str, host: str, target: str, headers: Mapping[str, str], content: bytes | None) -> bytes:
    """The whole request as bytes. Raises ValueError for a line break, or a character that is not allowed there."""
    own = {"Host": host, "Accept-Encoding": "identity"}
    if content is not None or method != "GET":
        own["Content-Length"] = str(len(content or b""))
    given = {name.lower() for name in headers}
    lines = [f"{name}: {value}" for name, value in own.items() if name.lower() not in given]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if not _TARGET.fullmatch(target) or not all(map(_HEADER.fullmatch, lines)):
        raise ValueError("no request can be written of it")
    head = "\r\n".join((f"{method} {target} HTTP/1.1", *lines, "", ""))
    return head.encode("latin-1") + (content or b"")


def read(receive: Callable[[], bytes], most: int) -> Response:
    """The answer, whatever its status. ``receive`` returns the next bytes, b"" at the end. ``most``: the most bytes of
    a body. Raises Unreadable, and the errors of ``receive``.
    """
    wire = _Wire(receive)
    version, status, fields = wire.head()
    while status == 100:
        version, status, fields = wire.head()
    if status < 200 or fields[b"content-encoding"] not in ([], [b"identity"]):
        # After 102 or 103 the final answer is still to come. The next request would read it as its own answer.
        raise Unreadable("an answer that nobody asked for")
    body, is_certain = _body(wire, version, status, fields, most)
    goes_on = version == b"1" and b"close" not in b",".join(fields[b"connection"]).lower()
    retry_after = b"".join(fields[b"retry-after"][:1]).decode("latin-1")
    return Response(status, body, not (is_certain and goes_on and wire.is_empty), retry_after)


def _body(wire: "_Wire", version: bytes, status: int, fields: _Fields, most: int) -> tuple[bytes, bool]:
    """The body, and whether its end is certain."""
    lengths, codings = fields[b"content-length"], fields[b"transfer-encoding"]
    if len(lengths) + len(codings) > 1:
        raise Unreadable("more than one length")
    if codings and (codings[0].lower() != b"chunked" or version == b"0" or status in (204, 304)):
        raise Unreadable("a coding that nobody asked for")
    if lengths and not _LENGTH.fullmatch(lengths[0]):
        raise Unreadable("a length that is none")
    if status in (204, 304):
        return b"", not lengths or int(lengths[0]) == 0
    if codings:
        return wire.chunks(most), True
    if lengths:
        return wire.exactly(int(lengths[0]), most), True
    return wire.rest(most), False


class _Wire:
    """The bytes that were received and are not read yet."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._held = bytearray()
        self._lines = MAX_LINES

    @property
    def is_empty(self) -> bool:
        return not self._held

    def head(self) -> tuple[bytes, int, _Fields]:
        """The minor version, the status, and the fields."""
        found = _STATUS.fullmatch(self._line())
        if not found:
            raise Unreadable("not HTTP/1")
        return found[1], int(found[2]), self.fields()

    def fields(self) -> _Fields:
        """The headers of ``_READ``, up to the empty line."""
        fields: _Fields = {name: [] for name in _READ}
        while line := self._line():
            found = _FIELD.fullmatch(line)
            if not found:
                raise Unreadable("not a header")
            name = found[1].lower()
            if name in fields:
                fields[name].append(found[2].lstrip(b" \t"))
        return fields

    def exactly(self, size: int, most: int) -> bytes:
        if size > most:
            raise Unreadable("answer too long")
        while len(self._held) < size:
            self._more()
        return self._taken(size)

    def rest(self, most: int) -> bytes:
        while len(self._held) <= most:
            piece = self._receive()
            if not piece:
                return self._taken(len(self._held))
            self._held += piece
        raise Unreadable("answer too long")

    def chunks(self, most: int) -> bytes:
        body = bytearray()
        while size := self._chunk_size():
            body += self.exactly(size, most - len(body))
            if self.exactly(2, 2) != b"\r\n":
                raise Unreadable("a chunk that does not end")
        self.fields()  # trailers
        return bytes(body)

    def _chunk_size(self) -> int:
        found = _CHUNK.fullmatch(self._until_line_ends())
        if not found:
            raise Unreadable("not the size of a chunk")
        return int(found[1], 16)

    def _line(self) -> bytes:
        if not self._lines:
            raise Unreadable("too many lines")
        self._lines -= 1
        return self._until_line_ends()

    def _until_line_ends(self) -> bytes:
        seen = 0
        while (end := self._held.find(b"\r\n", seen)) < 0 and len(self._held) < MAX_LINE + 2:
            # The line feed may be the next byte.
            seen = max(0, len(self._held) - 1)
            self._more()
        if not 0 <= end <= MAX_LINE:
            raise Unreadable("a line too long")
        line = self._taken(end)
        del self._held[:2]
        return line

    def _more(self) -> None:
        piece = self._receive()
        if not piece:
            raise Unreadable("answer cut short")
        self._held += piece

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken
