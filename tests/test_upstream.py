"""Other companies' servers: connections are pooled, calls end in time, each request is sent once, no secret is
logged.
"""

import datetime as dt
import io
import ipaddress
import logging
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from phonebind.upstream import (
    MAX_BYTES,
    Deadline,
    NotDone,
    UpstreamError,
    _close_idle,
    _context,
    exchange,
    get,
    post,
    post_json,
)
from tests.support.edge import Configure, Upstream
from tests.support.ports import free_port
from tests.support.stopwatch import Stopwatch, seconds
from tests.support.wire import FAULTS, Wire, answering, serve

#: Short times, so that the tests are short. The tests check that the times are kept.
CONNECT, TOTAL = 0.1, 0.2
#: The seconds until a thread runs on a busy machine. A machine that stands still for longer is not measured.
TOLERANCE = 0.4
#: This file does not contain the secret in one piece, because tracebacks quote the file.
SECRET = "secret" * 2


@pytest.fixture(autouse=True)
def _impatient(phonebind: Configure) -> None:
    phonebind(connect_timeout=CONNECT, total_timeout=TOTAL)


def patient() -> Deadline:
    """Where an answer comes, it may come late: this machine may stand still for a while."""
    return Deadline(30)


def ask(url: str, deadline: Deadline | None = None) -> bytes:
    return get(url, {"client_secret": SECRET}, deadline or patient())


def fails(url: str) -> Callable[[], None]:
    def act() -> None:
        with pytest.raises(UpstreamError):
            ask(url, Deadline())

    return act


# ---------------------------------------------------------------- answers


def test_any_status_has_a_body_to_read(upstream: Upstream) -> None:
    upstream.answer("/me", b"no", status=500)
    assert ask(f"{upstream.url}/me") == b"no"
    assert upstream.requests == [("/me", {"client_secret": SECRET})]


@pytest.mark.parametrize("status", [200, 201, 299])
def test_a_message_is_taken_with_2xx(upstream: Upstream, status: int) -> None:
    upstream.answer("/sms", b"yes", status=status)
    assert post_json(f"{upstream.url}/sms", {"text": "短信"}, patient()) == b"yes"
    assert upstream.requests == [("/sms", {"text": "短信"})]


def test_what_is_signed_elsewhere_is_sent_as_it_is(upstream: Upstream) -> None:
    upstream.answer("/", b"yes")
    content, signed = b'{"a":   1}', {"Host": "captcha.example", "Authorization": "signed"}
    assert post(f"{upstream.url}/", content, signed, patient()) == b"yes"
    [(headers, body)] = upstream.raw
    assert body == content
    assert {name: headers[name] for name in signed} == signed
    assert headers["User-Agent"] == "phonebind"


@pytest.mark.parametrize(
    ("status", "certain"),
    [(300, False), (307, False), (400, True), (404, True), (499, True), (500, False), (503, True), (504, False)],
)
def test_a_message_is_not_taken_with_anything_else(upstream: Upstream, status: int, certain: bool) -> None:
    upstream.answer("/sms", b"yes", status=status)
    with pytest.raises(UpstreamError, match=str(status)) as refused:
        post_json(f"{upstream.url}/sms", {}, patient())
    assert isinstance(refused.value, NotDone) == certain


def not_done(url: str) -> bool:
    """Whether it is certain that a message was not sent."""
    with pytest.raises(UpstreamError) as refused:
        post_json(url, {}, Deadline())
    return isinstance(refused.value, NotDone)


@pytest.mark.parametrize("fault", FAULTS)
def test_once_a_server_is_reached_nothing_is_certain(fault: str) -> None:
    with serve(FAULTS[fault]) as server:
        assert not not_done(server.url)
    assert len(server.requests) == 1


def test_a_server_that_is_not_reached_has_done_nothing(deaf: int) -> None:
    assert not_done(f"http://127.0.0.1:{deaf}/")
    assert not_done(f"http://127.0.0.1:{free_port()}/")


def test_an_answer_may_be_as_long_as_the_limit_and_no_longer(upstream: Upstream) -> None:
    upstream.answer("/", b"x" * MAX_BYTES)
    assert len(ask(f"{upstream.url}/")) == MAX_BYTES
    upstream.answer("/", b"x" * (MAX_BYTES + 1))
    with pytest.raises(UpstreamError, match="too long"):
        ask(f"{upstream.url}/")


def test_a_body_in_chunks_is_one_body() -> None:
    with serve(answering(b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")) as server:
        assert ask(server.url) == b"abcde"


def test_a_body_without_length_ends_with_the_connection() -> None:
    with serve(answering(b"", b"abcde")) as server:
        assert ask(server.url) == b"abcde"


def test_no_redirect_is_followed() -> None:
    """A redirect would carry the code to another site."""
    with serve(answering(b"")) as elsewhere:
        moved = b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 5\r\n\r\nmoved" % elsewhere.url.encode()
        with serve(lambda wire: wire.say(moved)) as server:
            assert ask(server.url) == b"moved"
    assert elsewhere.requests == []


# ---------------------------------------------------------------- no answer


@pytest.mark.parametrize("fault", FAULTS)
def test_threat_19_whatever_goes_wrong_is_over_in_time_and_is_not_retried(fault: str) -> None:
    with serve(FAULTS[fault]) as server:
        assert seconds(fails(server.url)) < TOTAL + TOLERANCE
    assert len(server.requests) == 1


def test_a_server_that_nobody_runs() -> None:
    assert seconds(fails(f"http://127.0.0.1:{free_port()}/")) < TOLERANCE


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a server that neither accepts nor refuses a connection."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as listener,
        socket.socket() as first,
        socket.socket() as second,
    ):
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_a_server_that_does_not_accept_costs_the_connect_timeout_alone(deaf: int, phonebind: Configure) -> None:
    phonebind(total_timeout=5)
    with Stopwatch() as watch:
        fails(f"http://127.0.0.1:{deaf}/")()
    assert watch.wall >= CONNECT
    assert watch.seconds < CONNECT + TOLERANCE


@pytest.fixture
def name(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``name("127.0.0.2", "127.0.0.1")``: each host name that is looked up has these addresses, in this order."""

    def has(*addresses: str) -> None:
        def look_up(host: str, port: int, *args: object, **kwargs: object) -> list[object]:
            found = [host] if host[0].isdigit() else addresses
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return has


def test_threat_19_a_name_with_many_dead_addresses_is_given_up_in_time(name: Callable[..., None], deaf: int) -> None:
    name(*["127.0.0.1"] * 12)
    assert seconds(fails(f"http://qq.test:{deaf}/")) < TOTAL + TOLERANCE


def test_a_name_with_one_good_address_is_reached(name: Callable[..., None], upstream: Upstream) -> None:
    name("127.0.0.2", "127.0.0.3", "127.0.0.1")
    upstream.answer("/me", b"yes")
    assert ask(f"{upstream.url.replace('127.0.0.1', 'qq.test')}/me") == b"yes"


def test_an_address_that_this_machine_cannot_speak_to_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, upstream: Upstream
) -> None:
    """For example, IPv6 on a kernel without it."""
    port = int(upstream.url.rpartition(":")[2])
    found = [(family, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for family in (255, socket.AF_INET)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    upstream.answer("/me", b"yes")
    assert ask(f"{upstream.url}/me") == b"yes"


@pytest.mark.parametrize("url", ["http://", "ftp://127.0.0.1/", "http://[::1", "http://a..b/"])
def test_an_address_that_is_none(url: str) -> None:
    fails(url)()


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/a b", {}), ("/\u7801", {}), ("/", {"X": "\u7801"}), ("/", {"X": "a\nb"})],
    ids=ascii,
)
def test_what_no_request_can_be_written_of_is_not_sent(upstream: Upstream, path: str, headers: dict[str, str]) -> None:
    with pytest.raises(NotDone):
        post(f"{upstream.url}{path}", b"{}", headers, Deadline())
    assert upstream.requests == []


def test_one_deadline_for_all_calls_of_a_request(phonebind: Configure) -> None:
    phonebind(connect_timeout=2, total_timeout=2)
    behaviours = iter([answering(b"Content-Length: 2\r\n", b"ok"), FAULTS["hangs before the headers"]])

    def in_turn(wire: Wire) -> None:
        next(behaviours)(wire)

    with serve(in_turn) as server, Stopwatch() as watch:
        deadline = Deadline()
        assert get(server.url, {}, deadline) == b"ok"
        time.sleep(0.6)
        with pytest.raises(UpstreamError):
            get(server.url, {}, deadline)
        with pytest.raises(UpstreamError, match="Timeout"):
            get(server.url, {}, deadline)
    assert watch.seconds < 2 + TOLERANCE
    assert len(server.requests) == 2


def test_threat_19_a_server_that_hangs_harms_no_other(upstream: Upstream) -> None:
    """There are more calls than connections in the pool. The extra calls do not wait for the others."""
    upstream.answer("/", b"fine")
    with serve(FAULTS["hangs before the headers"]) as server, ThreadPoolExecutor(70) as threads:
        stuck = [threads.submit(fails(server.url)) for _ in range(70)]
        assert seconds(lambda: ask(f"{upstream.url}/")) < TOTAL + TOLERANCE
        assert seconds(lambda: [call.result() for call in stuck]) < TOTAL + 1


# ---------------------------------------------------------------- connections


def test_a_connection_serves_many_calls(upstream: Upstream) -> None:
    upstream.answer("/", b"x" * 3000)
    for _ in range(5):
        ask(f"{upstream.url}/")
    assert upstream.connections == 1


def test_a_connection_that_was_closed_meanwhile_is_replaced(upstream: Upstream) -> None:
    upstream.answer("/", b"", raw=(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",))
    for _ in range(2):
        assert ask(f"{upstream.url}/") == b"ok"
        time.sleep(0.05)
    assert upstream.connections == 2


@pytest.mark.parametrize(("max_idle", "connections"), [(60, 1), (0.05, 2)])
def test_a_connection_that_rested_for_long_is_replaced(upstream: Upstream, max_idle: float, connections: int) -> None:
    """Firewalls drop it without a message. If the server closes it while we write, it is unknown whether the request
    arrived.
    """
    upstream.answer("/", {})
    for _ in range(2):
        exchange(f"{upstream.url}/", b"{}", {}, patient(), max_idle=max_idle)
        time.sleep(0.1)
    assert upstream.connections == connections


@pytest.mark.parametrize("status", [200, 302, 400, 404, 500, 503])
def test_an_exchange_gives_status_and_body_of_every_whole_answer(upstream: Upstream, status: int) -> None:
    upstream.answer("/", b'{"Code": "isv.AMOUNT_NOT_ENOUGH"}', status=status)
    answer = exchange(f"{upstream.url}/", b'{"n": "012345"}', {"X-Signed": "yes"}, patient())
    assert (answer.status, answer.body) == (status, b'{"Code": "isv.AMOUNT_NOT_ENOUGH"}')
    assert answer.is_refusal == (status in (400, 404, 503))
    [(headers, body)] = upstream.raw
    assert (headers["X-Signed"], body) == ("yes", b'{"n": "012345"}')


def test_a_deadline_that_is_shared_bounds_every_one_that_is_made_in_it(phonebind: Configure) -> None:
    first = Deadline()
    phonebind(total_timeout=60)
    with first.shared():
        assert Deadline().remaining() <= TOTAL
    assert Deadline().remaining() > 50


def test_a_shared_deadline_does_not_lengthen_a_shorter_one(phonebind: Configure) -> None:
    phonebind(total_timeout=60)
    long = Deadline()
    phonebind(total_timeout=1)
    with long.shared():
        assert Deadline().remaining() <= 1


def test_connections_at_rest_are_closed_at_the_end(upstream: Upstream) -> None:
    upstream.answer("/", b"fine")
    for _ in range(2):
        ask(f"{upstream.url}/")
        _close_idle()
    assert upstream.connections == 2


def test_no_more_connections_are_kept_than_can_be_used(upstream: Upstream, phonebind: Configure) -> None:
    phonebind(connect_timeout=1, total_timeout=3, provider_slots=2, sms_slots=1)
    upstream.answer("/", b"fine", delay=0.2)
    for expected in (6, 9):
        with ThreadPoolExecutor(6) as threads:
            list(threads.map(lambda _: ask(f"{upstream.url}/"), range(6)))
        assert upstream.connections == expected


@pytest.mark.parametrize("length", [b"Content-Length: 5\r\nContent-Length: 5\r\n", b"Content-Encoding: br\r\n"])
def test_what_might_be_read_in_two_ways_is_not_read(length: bytes) -> None:
    with serve(answering(length, b"abcde")) as server:
        fails(server.url)()


@pytest.mark.parametrize("status", [b"102 Processing", b"103 Early Hints"])
def test_an_answer_that_is_still_to_come_is_nobody_elses(status: bytes) -> None:
    """Otherwise the next person would be signed in as this one."""

    def late(wire: Wire) -> None:
        wire.say(b"HTTP/1.1 " + status + b"\r\n\r\n")
        time.sleep(0.1)
        wire.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nalice")
        wire.hang()

    with serve(late) as server:
        for _ in range(2):
            fails(server.url)()
    assert len(server.requests) == 2


def test_a_connection_is_not_reused_after_half_an_answer(upstream: Upstream) -> None:
    """Otherwise the rest of one person's answer would be the beginning of the next person's."""
    upstream.answer("/", b"x" * (MAX_BYTES * 4))
    fails(f"{upstream.url}/")()
    upstream.answer("/", b"fine")
    assert ask(f"{upstream.url}/") == b"fine"
    assert upstream.connections == 2


# ---------------------------------------------------------------- TLS


class _Hello(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        answer = self.server.answer  # type: ignore[attr-defined]
        whole = len(answer.partition(b"HTTP/")[0])
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (whole, answer))

    def log_message(self, *args: object) -> None:
        """Do not log to the terminal."""


class _TLSServer(ThreadingHTTPServer):
    daemon_threads = True
    connections = 0
    answer = b"hello"

    def finish_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        self.connections += 1
        super().finish_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """The client did not accept the certificate."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = tmp_path_factory.mktemp("tls") / "cert.pem"
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(pem) + secret)
    return path


@pytest.fixture
def tls(certificate: Path) -> Iterator[_TLSServer]:
    server = _TLSServer(("127.0.0.1", 0), _Hello)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def _trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch, phonebind: Configure) -> Iterator[None]:
    phonebind(connect_timeout=30)  # the handshake needs the server's thread
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    _context.cache_clear()
    yield
    _context.cache_clear()


@pytest.mark.usefixtures("_trusted")
def test_https_connections_are_kept_too(tls: _TLSServer) -> None:
    for _ in range(3):
        assert ask(f"https://127.0.0.1:{tls.server_port}/") == b"hello"
    assert tls.connections == 1


@pytest.mark.usefixtures("_trusted")
def test_what_tls_has_decrypted_unasked_is_no_answer(tls: _TLSServer) -> None:
    """One TLS record may contain an answer and the beginning of another one. The socket does not show that it
    is there.
    """
    head = len(b"HTTP/1.1 200 OK\r\nContent-Length: 8000\r\n\r\n")
    tls.answer = b"hello".ljust(io.DEFAULT_BUFFER_SIZE - head) + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    for _ in range(2):
        assert ask(f"https://127.0.0.1:{tls.server_port}/").startswith(b"hello")
    assert tls.connections == 2


@pytest.mark.usefixtures("_trusted")
def test_a_certificate_of_somebody_else_is_refused(tls: _TLSServer) -> None:
    fails(f"https://localhost:{tls.server_port}/")()


def test_a_certificate_that_nobody_vouches_for_is_refused(tls: _TLSServer) -> None:
    fails(f"https://127.0.0.1:{tls.server_port}/")()


@pytest.mark.parametrize("fault", ["hangs before the headers", "is not HTTP", "hangs up", "resets"])
def test_threat_19_a_handshake_that_comes_to_nothing(fault: str) -> None:
    with serve(FAULTS[fault]) as server:
        assert seconds(fails(server.url.replace("http:", "https:"))) < TOTAL + TOLERANCE


def test_plain_http_at_a_tls_server(tls: _TLSServer) -> None:
    fails(f"http://127.0.0.1:{tls.server_port}/")()


# ---------------------------------------------------------------- logs


def _odd_header(wire: Wire) -> None:
    """HTTP clients that warn about such a header log the URL."""
    wire.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno header at all\r\nX: y\r\n\r\nok")


LOGGED = {
    "answers": answering(b"Content-Length: 2\r\n", b"ok"),
    "answers an odd header": _odd_header,
    **{name: FAULTS[name] for name in ("hangs before the headers", "has two lengths", "hangs up", "is not HTTP")},
}


@pytest.mark.parametrize("behaviour", LOGGED)
def test_threat_9_what_is_asked_is_in_no_log_and_no_error(behaviour: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown = ""
    with serve(LOGGED[behaviour]) as server:
        try:
            ask(server.url, Deadline())
        except UpstreamError as error:
            shown = "".join(traceback.format_exception(error))
    assert not caplog.records
    assert SECRET not in shown
