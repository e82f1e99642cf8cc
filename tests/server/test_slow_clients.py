"""Threat 44: a slow client holds a connection for a while, and never a thread.

The servers here have two threads. One has very long deadlines, so that no deadline helps it. The other has a short
deadline.
"""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from server.processes import spawn, stop
from tests.support import certificate
from tests.support.services import valkey_server
from tests.support.site import ROOT, Site, serving
from tests.support.slow import HEAD, KINDS, slow_clients
from tests.support.stopwatch import Stopwatch

#: More than the number of threads, and less than the limit of connections.
MANY = 200
CONNECTIONS = 300
SMALL = {"WORKERS": "1", "THREADS": "2", "CONNECTIONS": str(CONNECTIONS)}


def site(directory: Path, deadline: int, **environ: str) -> Iterator[Site]:
    redis_url = valkey_server().url.replace("db=0", "db=3")
    environ = {"REDIS_URL": redis_url, "REQUEST_DEADLINE": str(deadline), **SMALL, **environ}
    with serving(directory / "data", **environ) as site:
        yield site


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    for one in site(tmp_path_factory.mktemp("patient"), 600):
        yield urlsplit(one.url).port or 0


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    for one in site(tmp_path_factory.mktemp("hasty"), 1):
        yield urlsplit(one.url).port or 0


def seconds_to_answer(port: int) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with Stopwatch() as watch, contextlib.closing(connection):
        connection.request("GET", "/login/")
        assert connection.getresponse().status == 200
    return watch.seconds


def connect(port: int, said: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.sendall(said)
    return client


def answers(client: socket.socket) -> list[bytes]:
    """The status lines of all answers until the server ends the connection."""
    said = b""
    while more := client.recv(65536):
        said += more
    return re.findall(rb"HTTP/1\.1 [^\r]*", said)


def request(path: str = "/oauth/qq/authorization/", *headers: str, method: str = "GET", close: bool = False) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, *(["Connection: close"] if close else [])]
    return "\r\n".join([*lines, "", ""]).encode()


LAST = request(close=True)


# ---------------------------------------------------------------- slow clients


@pytest.mark.parametrize("kind", KINDS)
def test_threat_44_slow_clients_do_not_slow_others(patient: int, kind: str) -> None:
    with slow_clients(patient, kind, MANY) as clients:
        for _ in range(10):
            assert seconds_to_answer(patient) < 2
            assert clients.send_more() == MANY, "no deadline has helped"


@pytest.mark.parametrize("kind", KINDS)
def test_threat_44_slow_clients_are_ended_at_the_deadline(hasty: int, kind: str) -> None:
    with slow_clients(hasty, kind, MANY) as clients:
        time.sleep(0.5)
        assert clients.send_more() == MANY
        clients.wait_for_the_end(3)


@pytest.fixture
def unread(patient: int) -> Iterator[None]:
    """More answers than the kernel can hold for clients that do not read them."""
    clients = []
    for _ in range(4):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", patient))
        client.settimeout(0.5)
        clients.append(client)
    for client in clients:
        try:
            while True:
                client.sendall(request("/static/admin/js/vendor/jquery/jquery.js"))
        except TimeoutError:
            pass  # the server reads no more: it has an answer that the client does not read
    yield
    for client in clients:
        client.close()


def test_threat_44_who_does_not_read_the_answer_holds_no_thread(patient: int, unread: None) -> None:
    for _ in range(5):
        assert seconds_to_answer(patient) < 2


def test_threat_44_who_does_not_read_the_answer_is_ended(hasty: int) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", hasty))
        client.settimeout(5)
        with pytest.raises(ConnectionError):  # noqa: PT012 - until the server has closed the connection
            while True:
                client.sendall(request("/static/admin/js/vendor/jquery/jquery.js"))


def test_threat_44_a_rest_between_requests_does_not_renew_the_deadline(hasty: int) -> None:
    with connect(hasty, request()) as client:
        time.sleep(1.5)
        client.sendall(request())
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        client.settimeout(0.2)
        began = time.monotonic()
        client.sendall(b"GET /login/ HTTP/1.1\r\nX: ")
        with pytest.raises(OSError):  # noqa: PT011, PT012 - one byte each time, until it is closed
            while time.monotonic() - began < 5:
                time.sleep(0.1)
                client.sendall(b"x")
        assert 0.8 < time.monotonic() - began < 3


def test_threat_44_there_is_room_for_one_more(patient: int) -> None:
    """The connection that has waited longest is closed. A client that has sent a whole request is answered."""
    with slow_clients(patient, "nothing", CONNECTIONS + 50) as clients:
        assert seconds_to_answer(patient) < 2
        assert CONNECTIONS - 20 < clients.send_more() < CONNECTIONS


# ---------------------------------------------------------------- large requests


def test_threat_44_a_large_body_is_refused_before_it_is_sent(patient: int) -> None:
    with connect(patient, request("/login/", "Content-Length: 200000000", method="POST")) as client:
        assert answers(client) == [b"HTTP/1.1 413 Content Too Large"]


def test_threat_44_chunks_are_refused_at_the_bound(patient: int) -> None:
    head = request("/login/", "Transfer-Encoding: chunked", method="POST")
    with connect(patient, head + b"FFFFFFF\r\n") as client:
        assert answers(client) == [b"HTTP/1.1 413 Content Too Large"]
    with connect(patient, head + b"1\r\nx\r\n" * 11_000) as client:
        assert answers(client) == [b"HTTP/1.1 413 Content Too Large"]


def test_threat_44_a_large_head_is_refused(patient: int) -> None:
    with connect(patient, request("/login/", f"X: {'x' * 6000}")[:-4] + b"x" * 11_000) as client:
        assert answers(client) == [b"HTTP/1.1 431 Request Header Fields Too Large"]


def test_threat_44_who_goes_on_sending_after_a_refusal_reads_it(patient: int) -> None:
    with connect(patient, request("/login/", "Content-Length: 1000000", method="POST")) as client:
        client.sendall(b"x" * 1_000_000)
        assert answers(client) == [b"HTTP/1.1 413 Content Too Large"]


# ---------------------------------------------------------------- all that HTTP/1.1 allows


def test_connections_are_kept(patient: int) -> None:
    with connect(patient) as client:
        for _ in range(3):
            client.sendall(request())
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_requests_may_come_in_one_packet_and_in_many(patient: int) -> None:
    with connect(patient, request() * 3 + LAST) as client:
        assert len(answers(client)) == 4
    with connect(patient) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request() + LAST:
            client.sendall(bytes([byte]))
        assert answers(client) == [b"HTTP/1.1 200 OK"] * 2


BODY = b'{"mobile": "13800000001", "sms_code": "123456", "password": "correct-horse-8", "access_token": "x"}'
JSON = "Content-Type: application/json"


def chunked(body: bytes, size: int) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x;name=value\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\nX-Trailer: x\r\n\r\n"


def test_a_chunked_body_is_read(patient: int) -> None:
    """The bytes after the body are the next request."""
    post = request("/oauth/qq/user/", JSON, "Transfer-Encoding: chunked", method="POST")
    plain = request("/oauth/qq/user/", JSON, f"Content-Length: {len(BODY)}", method="POST")
    with connect(patient, plain + BODY + LAST) as client:
        expected = answers(client)
    assert expected[0] == b"HTTP/1.1 400 Bad Request"  # the ticket is invalid
    with connect(patient, post + chunked(BODY, 7) + LAST) as client:
        assert answers(client) == expected
    with connect(patient, post) as client:
        for byte in chunked(BODY, 50) + LAST:
            client.sendall(bytes([byte]))
        assert answers(client) == expected


def test_a_chunked_body_is_worth_as_much_as_another(patient: int) -> None:
    """Its length is known after it is read. Django reads no body without a length."""
    body = b'{"username": "13800000001", "password": "correct-horse-8"}'
    post = request("/authorizations/", JSON, "Transfer-Encoding: chunked", method="POST")
    with connect(patient, post + chunked(body, 7) + LAST) as client:
        assert answers(client)[0] == b"HTTP/1.1 200 OK"


def test_threat_44_trailers_without_an_end_are_refused(patient: int) -> None:
    """The server searches all trailers again with each packet."""
    post = request("/login/", "Transfer-Encoding: chunked", method="POST")
    with connect(patient, post + b"0\r\n" + b"X-Trailer: x\r\n" * 200) as client:
        assert answers(client)[0].startswith(b"HTTP/1.1 413 ")


def test_threat_18_no_header_says_where_the_application_is_mounted(patient: int) -> None:
    with connect(patient, request("/login/", "SCRIPT_NAME: /zz", "Script-Name: /zz", close=True)) as client:
        assert not answers(client)[0].startswith(b"HTTP/1.1 5")


@pytest.mark.parametrize("body", [b"zz\r\n", b"5\r\nabcdefg\r\n0\r\n\r\n", b"-1\r\n", b"0\r\nbad trailer\r\n\r\n"])
def test_malformed_chunks_are_a_bad_request(patient: int, body: bytes) -> None:
    with connect(patient, request("/login/", "Transfer-Encoding: chunked", method="POST") + body) as client:
        assert answers(client) == [b"HTTP/1.1 400 Bad Request"]


def test_a_malformed_head_is_a_bad_request(patient: int) -> None:
    with connect(patient, b"GET /login/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n") as client:
        assert answers(client) == [b"HTTP/1.1 400 Bad Request"]


def switch(faults: http.client.HTTPConnection, **switches: object) -> None:
    faults.request("POST", "/sandbox/faults.json", json.dumps(switches), {"Content-Type": "application/json"})
    assert faults.getresponse().read()


@contextlib.contextmanager
def fault(port: int, name: str) -> Iterator[socket.socket]:
    """A client that has sent a request to the sandbox, and a fault of the network that breaks the answer."""
    faults = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    switch(faults, me_network=name)
    try:
        with connect(port, request("/sandbox/qq/oauth2.0/me", close=True)) as client:
            yield client
    finally:
        faults.request("DELETE", "/sandbox/faults.json")
        faults.getresponse()
        faults.close()


def test_an_answer_that_comes_in_parts_is_sent_in_parts(patient: int) -> None:
    with fault(patient, "drip") as client:
        client.settimeout(2)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")
        assert len(client.recv(65536)) == 1


def test_a_large_answer_arrives(patient: int) -> None:
    with fault(patient, "huge") as client:
        received = 0
        while part := client.recv(1 << 20):
            received += len(part)
        assert received > 64 * 1024 * 1024


def test_threat_44_who_does_not_read_a_large_answer_is_ended(hasty: int) -> None:
    with fault(hasty, "huge") as client:
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
        time.sleep(2)
        received = 0
        with contextlib.suppress(ConnectionResetError):
            while part := client.recv(1 << 20):
                received += len(part)
        assert received < 32 * 1024 * 1024


def test_a_broken_connection_is_reset(patient: int) -> None:
    with fault(patient, "reset") as client, pytest.raises(ConnectionResetError):
        client.recv(1)


def test_a_body_is_asked_for_where_the_client_waits_for_that(patient: int) -> None:
    expecting = ("/oauth/qq/user/", JSON, "Expect: 100-continue")
    with connect(patient, request(*expecting, f"Content-Length: {len(BODY)}", method="POST", close=True)) as client:
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(BODY)
        assert answers(client) == [b"HTTP/1.1 400 Bad Request"]
    with connect(patient, request(*expecting, "Content-Length: 100000000", method="POST")) as client:
        assert answers(client) == [b"HTTP/1.1 413 Content Too Large"]


def test_who_hangs_up_in_the_middle_leaves_nothing_behind(patient: int) -> None:
    for said in (b"", b"GET", HEAD, HEAD + b"x", LAST, b"\r\n\r\n", b"\r\n\r\n" + LAST):
        for _ in range(20):
            connect(patient, said).close()
    with connect(patient, request()) as client:
        client.shutdown(socket.SHUT_WR)
        assert answers(client) == [b"HTTP/1.1 200 OK"], "half closed, and still served"
    assert seconds_to_answer(patient) < 2


def test_who_was_asked_for_the_rest_is_served_while_the_server_ends(tmp_path: Path) -> None:
    # Longer than server.run waits for gunicorn, which is ten seconds: then server.run has waited for these clients.
    for one in site(tmp_path, 60, GUNICORN_CMD_ARGS="--graceful-timeout 60 --keep-alive 60"):
        port = urlsplit(one.url).port or 0
        with connect(port, HEAD[:-20]) as busy, connect(port, request()) as resting, connect(port):
            assert resting.recv(65536).startswith(b"HTTP/1.1 200 ")
            began = time.monotonic()
            one.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            busy.sendall(HEAD[-20:] + b"x" * 1000)
            assert answers(busy) == [b"HTTP/1.1 400 Bad Request"]
            busy.close()  # otherwise the server waits two seconds for the client to read the reason
            assert one.process.wait(90) == 0
            assert time.monotonic() - began < 9.5, "nobody waited for the two that rest"


def test_who_is_answered_while_the_server_ends_is_not_waited_for(tmp_path: Path) -> None:
    """The answer was begun before, and says that the connection stays open."""
    for one in site(tmp_path, 60, GUNICORN_CMD_ARGS="--graceful-timeout 60 --keep-alive 60"):
        port = urlsplit(one.url).port or 0
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as faults:
            switch(faults, me_network="slow", slow_seconds=2)
        with connect(port, request("/sandbox/qq/oauth2.0/me")) as client:
            time.sleep(1)  # until a thread has the request
            one.process.send_signal(signal.SIGTERM)
            assert b"Connection: keep-alive" in client.recv(65536)
            with Stopwatch() as watch:
                assert one.process.wait(90) == 0
            assert watch.seconds < 5.5, "two seconds for the next request, and no more"


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    directory = tmp_path_factory.mktemp("site")
    pem = str(certificate.write(directory / "both.pem"))
    own = {"DEBUG": "1", "DATA_DIR": str(directory), "REDIS_URL": valkey_server().url, "REQUEST_DEADLINE": "1"}
    with socket.create_server(("127.0.0.1", 0)) as listener, (directory / "log").open("w") as log:
        command = [sys.executable, "-m", "gunicorn", "-c", "python:server.gunicorn_conf"]
        command += [
            "--bind",
            f"fd://{listener.fileno()}",
            "--certfile",
            pem,
            "--keyfile",
            pem,
        ]
        descriptors = [listener.fileno()]
        process = spawn(command, cwd=ROOT, env=os.environ | SMALL | own, stdout=log, stderr=log, pass_fds=descriptors)
        with process:
            try:
                yield listener.getsockname()[1]
            finally:
                stop(process)
    assert "Traceback" not in (directory / "log").read_text()


def secure(port: int) -> ssl.SSLSocket:
    return certificate.trusting().wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=30))


def test_tls_is_served_and_its_handshake_has_the_same_deadline(tls: int) -> None:
    with secure(tls) as client:
        client.sendall(request("/login/", "Content-Length: 50000", method="POST") + b"x" * 50_000 + LAST)
        assert len(answers(client)) == 2
    with slow_clients(tls, "nothing", 20) as silent, slow_clients(tls, "six bytes", 20) as plain:
        with secure(tls) as client:
            client.sendall(LAST)
            assert answers(client) == [b"HTTP/1.1 200 OK"]
            assert silent.send_more() == 20
        plain.wait_for_the_end(3)
        silent.wait_for_the_end(3)
