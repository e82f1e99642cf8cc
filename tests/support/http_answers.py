"""HTTP answers, correct and odd, and Python's ``http.client`` to read them beside our client."""

import io
from http.client import HTTPException, HTTPResponse

from phonebind import http1

MOST = 200
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

#: Answers that both read.
GOOD = [
    OK + b'Content-Type: application/json\r\nContent-Length: 14\r\nConnection: keep-alive\r\n\r\n{"errcode": 0}',
    OK + b"Content-Length: 2\r\nConnection: close\r\n\r\nok",
    OK + b"content-length:0\r\n\r\n",
    OK + b"Content-Encoding: identity\r\n\r\nto the end",
    CHUNKED + b'3\r\nabc\r\n00a;x="y"\r\n0123456789\r\n0\r\nX-Trailer: x\r\n\r\n',
    b"HTTP/1.0 404 Not Found\r\n\r\nno",
    b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\n1",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 503 \xe5\xbf\x99\r\nServer: t\xe9ngine\r\nContent-Length: 4\r\n\r\nbusy",
]
#: Answers that http.client reads, but other clients might not read in the same way; and answers that neither reads.
ODD = [
    b"",
    b"HTTP/1.1 200 OK\nContent-Length: 1\n\n1",
    b"HTTP/1.1  200 OK\r\nContent-Length: 1\r\n\r\n1",
    b"HTTP/1.1 2_0_0 OK\r\nContent-Length: 1\r\n\r\n1",
    b"HTTP/1.7 200 OK\r\nContent-Length: 1\r\n\r\n1",
    b"HTTP/0.9 200 OK\r\n\r\n1",
    b"HTTP/2 200\r\n\r\n1",
    b"HTTP/1.1 099 OK\r\n\r\n1",
    b"HTTP/1.1 102 Processing\r\n\r\n" + OK + b"\r\n1",
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n" + OK + b"\r\n1",
    OK,
    OK + b"Content-Length: 3",
    OK + b"Content-Length: 3\r\n\r\nab",
    OK + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    OK + b"Content-Length: 3, 3\r\n\r\nabc",
    OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n1\r\na\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked \r\n\r\n1\r\na\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: identity\r\n\r\na",
    b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    b"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    OK + b"Content-Length: +3\r\n\r\nabc",
    OK + b"Content-Length: -3\r\n\r\nabc",
    OK + b"Content-Length: 0x3\r\n\r\nabc",
    OK + b"Content-Length: 1_0\r\n\r\n0123456789",
    OK + b"Content-Length: \r\n\r\nabc",
    OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nabc",
    OK + b"Content-Length : 3\r\n\r\nabc",
    OK + b" Content-Length: 3\r\n\r\nabc",
    OK + b"X: y\r\n Content-Length: 1\r\n\r\nabc",
    OK + b"X: y\rContent-Length: 1\r\n\r\nabc",
    OK + b"X: y\nContent-Length: 1\r\n\r\nabc",
    OK + b"X: \x00\r\nContent-Length: 3\r\n\r\nabc",
    OK + b": x\r\nContent-Length: 3\r\n\r\nabc",
    OK + b"no header at all\r\nContent-Length: 1\r\n\r\nabc",
    OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    OK + b"Content-Encoding: identity\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
    OK + b"Content-Length: 201\r\n\r\n" + b"x" * 201,
    OK + b"\r\n" + b"x" * 201,
    OK + b"X: y\r\n" * 100 + b"Content-Length: 1\r\n\r\na",
    OK + b"X: " + b"y" * http1.MAX_LINE + b"\r\nContent-Length: 1\r\n\r\na",
    CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
    CHUNKED + b"-1\r\na\r\n0\r\n\r\n",
    CHUNKED + b"+1\r\na\r\n0\r\n\r\n",
    CHUNKED + b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
    CHUNKED + b" 1\r\na\r\n0\r\n\r\n",
    CHUNKED + b"1 \r\na\r\n0\r\n\r\n",
    CHUNKED + b"\r\na\r\n0\r\n\r\n",
    CHUNKED + b"1\na\r\n0\r\n\r\n",
    CHUNKED + b"1;x\nx\r\na\r\n0\r\n\r\n",
    CHUNKED + b"1\r\nabc0\r\n\r\n",
    CHUNKED + b"1\r\na\r\n0\r\n",
    CHUNKED + b"1\r\na\r\n0\r\nno trailer\r\n\r\n",
    CHUNKED + b"1\r\na\r\n0\r\n" + b"X: y\r\n" * 100 + b"\r\n",
    CHUNKED + b"c8\r\n" + b"x" * 200 + b"\r\n1\r\nx\r\n0\r\n\r\n",
    CHUNKED + b"fffffffffffffff\r\na",
]


class _Socket:
    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._answer)


def ours(answer: bytes, at_a_time: int = 1 << 20) -> http1.Response | None:
    """Our reading of the answer when it arrives in pieces of that size; None if it is unreadable."""
    coming = (answer[start : start + at_a_time] for start in range(0, len(answer), at_a_time))
    try:
        return http1.read(lambda: next(coming, b""), MOST)
    except http1.Unreadable:
        return None


def theirs(answer: bytes) -> http1.Response | None:
    """The reading of ``http.client``, which phonebind used before."""
    response = HTTPResponse(_Socket(answer))  # type: ignore[arg-type]  # makefile is the only method that it calls
    try:
        response.begin()
        body = response.read(MOST + 1)
    except (HTTPException, ValueError):
        return None
    if len(body) > MOST or response.length:
        return None
    return http1.Response(response.status, body, response.will_close)


def hold(answer: bytes) -> bool:
    """Returns whether the answer is readable. Asserts three things: if both read it, they read the same; if
    ``http.client`` refuses it, we refuse it; and the pieces in which it arrives make no difference.
    """
    found, other = ours(answer), theirs(answer)
    pieces = ours(answer, 1)
    if found is None:
        assert pieces is None
        return False
    assert other is not None
    assert pieces is not None
    assert found[:2] == pieces[:2] == other[:2]
    # Our client does not keep a connection that http.client would have closed.
    assert found.is_last >= pieces.is_last >= other.is_last
    return True
