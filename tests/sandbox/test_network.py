"""Faults of the network, as a client at the other end of a socket sees them."""

import http.client
import json
import socket
import time
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from phonebind_sandbox import faults, network
from tests.sandbox.client import CALLBACK, QQ

Ask = Callable[..., tuple[int, bytes]]


@pytest.fixture
def ask(served: str, qq: QQ) -> Ask:
    """Redeem a code at the sandbox. Returns HTTP status and body."""

    def ask(code: str, *, timeout: float = 10, **more: str) -> tuple[int, bytes]:
        params = {
            "grant_type": "authorization_code", "client_id": qq.client_id, "client_secret": qq.secret,
            "code": code, "redirect_uri": CALLBACK, "fmt": "json", **more,
        }  # fmt: skip
        connection = http.client.HTTPConnection(urlsplit(served).netloc, timeout=timeout)
        try:
            connection.request("GET", f"{reverse('phonebind_sandbox:qq_token')}?{urlencode(params)}")
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    return ask


def _is_good(body: bytes) -> bool:
    return "access_token" in json.loads(body)


def test_none(ask: Ask, qq: QQ) -> None:
    status, body = ask(qq.code())
    assert (status, _is_good(body)) == (200, True)


def test_slow_answers_in_the_end(ask: Ask, qq: QQ) -> None:
    qq.turn(token_network="slow", slow_seconds=0.2)
    began = time.monotonic()
    _, body = ask(qq.code())
    assert time.monotonic() - began >= 0.2
    assert _is_good(body)


def test_slow_is_too_slow_for_the_impatient(ask: Ask, qq: QQ) -> None:
    qq.turn(token_network="slow", slow_seconds=0.5)
    with pytest.raises(TimeoutError):
        ask(qq.code(), timeout=0.1)


@pytest.mark.parametrize(("fault", "status"), [("down", 503), ("html", 200)])
def test_what_stands_in_between_uses_no_code(ask: Ask, qq: QQ, fault: str, status: int) -> None:
    code = qq.code()
    qq.turn(token_network=fault)
    answered, body = ask(code)
    assert answered == status
    assert body.lstrip().startswith(b"<")
    qq.turn(token_network="none")
    assert _is_good(ask(code)[1])


@pytest.mark.parametrize(("fault", "length"), [("empty", 0), ("garbage", 256)])
def test_answers_that_say_nothing_have_used_the_code(ask: Ask, qq: QQ, fault: str, length: int) -> None:
    code = qq.code()
    qq.turn(token_network=fault)
    status, body = ask(code)
    assert (status, len(body)) == (200, length)
    qq.turn(token_network="none")
    assert json.loads(ask(code)[1])["error"] == 100020


def test_reset_really_resets_and_the_code_is_used(ask: Ask, qq: QQ) -> None:
    code = qq.code()
    qq.turn(token_network="reset")
    with pytest.raises(ConnectionResetError):
        ask(code)
    qq.turn(token_network="none")
    assert json.loads(ask(code)[1])["error"] == 100020


def test_hang_never_answers(ask: Ask, qq: QQ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "HANG_SECONDS", 0.5)
    qq.turn(token_network="hang")
    with pytest.raises(TimeoutError):
        ask(qq.code(), timeout=0.1)
    with pytest.raises(ConnectionResetError):
        ask(qq.code())


def test_drip_keeps_every_single_wait_short(ask: Ask, qq: QQ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "DRIP_SECONDS", 0.002)
    qq.turn(token_network="drip")
    began = time.monotonic()
    _, body = ask(qq.code(), timeout=0.1)
    assert time.monotonic() - began > 0.1
    assert _is_good(body)


def test_huge_is_good_for_those_who_read_it_all(ask: Ask, qq: QQ, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "HUGE_BYTES", 300_000)
    qq.turn(token_network="huge")
    _, body = ask(qq.code())
    assert len(body) > 300_000
    assert _is_good(body)


def test_redirect_finds_out_who_follows(ask: Ask, qq: QQ) -> None:
    code = qq.code()
    qq.turn(token_network="redirect")
    assert ask(code) == (302, b"")
    assert _is_good(ask(code, redirected="1")[1])


@pytest.mark.parametrize(("query", "location"), [({}, "?redirected=1"), ({"a": "1"}, "?a=1&redirected=1")])
def test_redirect_leads_to_the_same_place(client: Client, query: dict[str, str], location: str) -> None:
    faults.write({"me_network": "redirect"})
    url = reverse("phonebind_sandbox:qq_me")
    assert client.get(url, query).headers["Location"] == url + location


@pytest.mark.parametrize("endpoint", ["me", "get_user_info"])
def test_the_other_endpoints_have_their_own_switch(client: Client, endpoint: str) -> None:
    faults.write({"me_network": "down", "profile_network": "down"})
    assert client.get(reverse(f"phonebind_sandbox:qq_{endpoint}")).status_code == 503


# ---------------------------------------------------------------- how a connection is cut


def test_reset_under_gunicorn(site: str) -> None:
    with requests.Session() as session:
        assert session.post(f"{site}/sandbox/faults.json", json={"me_network": "reset"}, timeout=5).ok
        try:
            with pytest.raises(requests.ConnectionError, match="reset by peer"):
                session.get(f"{site}/sandbox/qq/oauth2.0/me", timeout=5)
        finally:
            session.delete(f"{site}/sandbox/faults.json", timeout=5)
        assert session.get(f"{site}/sandbox/qq/oauth2.0/me", timeout=5).ok


def test_gunicorn_hands_over_its_socket() -> None:
    request = RequestFactory().get("/")
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        connection, _ = listener.accept()
        with connection:
            request.environ["gunicorn.socket"] = connection
            _reset(request)
            with pytest.raises(ConnectionResetError):
                client.recv(1)
            # gunicorn gets this when it continues to write: the same as after any client that has disconnected.
            with pytest.raises(BrokenPipeError):
                connection.sendall(b"HTTP/1.1 200 OK\r\n")


def test_without_a_socket_the_answer_breaks_off() -> None:
    response = _reset(RequestFactory().get("/"))
    assert response.headers["Content-Length"] == "1000"
    with pytest.raises(ConnectionAbortedError):
        list(response)


def test_under_asgi_the_answer_breaks_off() -> None:
    assert _reset(HttpRequest()).headers["Content-Length"] == "1000"


def _reset(request: HttpRequest) -> HttpResponse:
    response = network.pass_through(request, {"token_network": "reset"}, "token_network", HttpResponse)
    assert isinstance(response, HttpResponse) or response.streaming
    return response  # type: ignore[return-value]
