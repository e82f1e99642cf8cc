"""Bodies without a length. Spring's and .NET's clients send JSON so, and runserver's own server reads none of it.

RFC 9112, section 7.1.
"""

import re
from typing import BinaryIO

#: Bytes. Django takes less than that of a body anyway.
MOST = 4 * 1024 * 1024

_LONGEST_LINE = 1024


class Unreadable(Exception):
    """It is not chunked as the header says, or it is endless."""


def read(stream: BinaryIO) -> bytes:
    """The whole body; the stream is at the next request then."""
    body = bytearray()
    while size := _size(_line(stream)):
        if len(body) + size > MOST:
            raise Unreadable
        chunk = stream.read(size)
        if len(chunk) < size or _line(stream):
            raise Unreadable
        body += chunk
    while _line(stream):
        pass  # trailers, which nobody here asked for
    return bytes(body)


def _size(line: bytes) -> int:
    # What follows a semicolon are extensions, to be ignored.
    found = re.fullmatch(rb"([0-9a-fA-F]{1,8})[ \t]*(;.*)?", line)
    if not found:
        raise Unreadable
    return int(found[1], 16)


def _line(stream: BinaryIO) -> bytes:
    line = stream.readline(_LONGEST_LINE)
    if not line.endswith(b"\r\n"):
        raise Unreadable
    return line[:-2]
