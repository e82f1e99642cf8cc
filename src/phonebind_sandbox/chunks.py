"""Reads chunked request bodies. The clients of Spring and .NET send JSON in this way, and runserver's server does not
read such a body.

RFC 9112, section 7.1.
"""

import re
from typing import BinaryIO

#: Bytes. Django accepts less than that anyway.
MOST = 4 * 1024 * 1024

_LONGEST_LINE = 1024


class Unreadable(Exception):
    """The body is not valid chunked encoding, or it is too long."""


def read(stream: BinaryIO) -> bytes:
    """Read the whole body. After that, the stream is at the next request."""
    body = bytearray()
    while size := _size(_line(stream)):
        if len(body) + size > MOST:
            raise Unreadable
        chunk = stream.read(size)
        if len(chunk) < size or _line(stream):
            raise Unreadable
        body += chunk
    while _line(stream):
        pass  # skip the trailers
    return bytes(body)


def _size(line: bytes) -> int:
    # Extensions follow a semicolon. They are ignored.
    found = re.fullmatch(rb"([0-9a-fA-F]{1,8})[ \t]*(;.*)?", line)
    if not found:
        raise Unreadable
    return int(found[1], 16)


def _line(stream: BinaryIO) -> bytes:
    line = stream.readline(_LONGEST_LINE)
    if not line.endswith(b"\r\n"):
        raise Unreadable
    return line[:-2]
