"""Bodies without a length, as Spring and .NET send them, to the sandbox alone."""

import http.client
import json
import socket
from collections.abc import Iterator
from io import BytesIO
from urllib.parse import urlsplit

import pytest

from phonebind_sandbox import chunks

SMS = json.dumps({"mobile": "13800000001", "text": "482913"}).encode()


#: A mounted sandbox runs in the project's server, which we cannot fix.
alone = pytest.mark.parametrize("form", ["alone"], indirect=True)


@pytest.fixture
def connection(served: str) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(served).netloc, timeout=5)
    yield connection
    connection.close()


def post(connection: http.client.HTTPConnection, *parts: bytes) -> tuple[int, object]:
    connection.request("POST", "/sms/", iter(parts), {"Content-Type": "application/json"}, encode_chunked=True)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@alone
def test_they_are_read_and_the_next_request_too(connection: http.client.HTTPConnection) -> None:
    for _ in range(2):  # on one connection: no byte of the first body may be read as a request
        assert post(connection, SMS[:7], SMS[7:]) == (200, {"status": "ok"})
        connection.request("GET", "/inbox.json")
        assert json.loads(connection.getresponse().read())[0]["code"] == "482913"


@alone
def test_an_empty_one_is_no_message(connection: http.client.HTTPConnection) -> None:
    assert post(connection)[0] == 400


@alone
def test_a_reset_is_one_after_chunks_too(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/faults.json", json.dumps({"sms_network": "reset"}))
    connection.getresponse().read()
    with pytest.raises(ConnectionResetError):
        post(connection, SMS)


@alone
@pytest.mark.parametrize("begun", [b"", b"nonsense ", b"nonsense as well\r\n"])
def test_bad_ones_are_refused_and_the_connection_ends(connection: http.client.HTTPConnection, begun: bytes) -> None:
    connection.connect()
    plain = connection.sock
    assert isinstance(plain, socket.socket)
    plain.sendall(
        begun + b"POST /sms/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"nonsense\r\n\r\nGET /inbox.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    answer = b"".join(iter(lambda: plain.recv(65_536), b""))
    assert b"400" in answer
    assert b"application/json" not in answer  # the bytes after it were not read as a request


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (b"0\r\n\r\n", b""),
        (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"3\r\na\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", b"a\r\n0123456789"),
        (b'3;name="x"\r\nabc\r\n000 \r\nTrailer: 1\r\n\r\n', b"abc"),
    ],
)
def test_what_they_say(sent: bytes, body: bytes) -> None:
    stream = BytesIO(sent + b"GET /")
    assert chunks.read(stream) == body
    assert stream.read() == b"GET /"


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\r\n",
        b"3\r\nab",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"3\nabc\n0\n\n",
        b"-1\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"123456789\r\n",
        b"0\r\nTrailer: 1",
        b"1;" + b"x" * 2000 + b"\r\na\r\n0\r\n\r\n",
        b"%x\r\n" % (chunks.MOST + 1),
        (b"%x\r\n" % chunks.MOST) + b"a" * chunks.MOST + b"\r\n1\r\na\r\n0\r\n\r\n",
    ],
    ids=range(12),
)
def test_what_is_none(sent: bytes) -> None:
    with pytest.raises(chunks.Unreadable):
        chunks.read(BytesIO(sent))
