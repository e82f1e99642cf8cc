"""The example of a bridge, run without changes, between our HTTP gateway and a vendor without a gateway class here."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import time_machine

from phonebind.exceptions import SmsMisconfigured, SmsRefused, SmsUnconfirmed, SmsVendorLimit
from phonebind.sms import Message
from phonebind.sms.http import Http
from tests.support.edge import Upstream
from tests.support.ports import free_port

BRIDGE = Path(__file__).parents[2] / "examples/sms_bridge.py"
SECRET = "whsec_cGhvbmViaW5kLXNlY3JldC0wMTIzNDU2Nzg5"
VENDOR = "/v2/sms/single_send.json"

pytestmark = pytest.mark.usefixtures("phonebind")


def message() -> Message:
    return Message(mobile="13800138000", code="012345", minutes=5, text="【示例商城】012345")


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))


@pytest.fixture
def gateway(upstream: Upstream) -> Iterator[Http]:
    port = free_port()
    environ = {"SMS_SECRET": SECRET, "YUNPIAN_KEY": "yunpian", "YUNPIAN_URL": upstream.url + VENDOR, "PORT": str(port)}
    with subprocess.Popen([sys.executable, str(BRIDGE)], env=os.environ | environ, stderr=subprocess.DEVNULL) as bridge:
        try:
            deadline = time.monotonic() + 30
            while not answers(port) and time.monotonic() < deadline:
                time.sleep(0.05)
            yield Http(endpoint=f"http://127.0.0.1:{port}/", secret=SECRET)
        finally:
            bridge.kill()


def test_an_sms_goes_through_it_once_for_each_id(gateway: Http, upstream: Upstream) -> None:
    upstream.answer(VENDOR, {"code": 0, "sid": 7}, delay=0.2)
    first, second = message(), message()
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(gateway.send, [first, first, second, first])) == ["7"] * 4
    asked = [form for _, form in upstream.requests]
    assert sorted(form["uid"] for form in asked) == sorted([first.id, second.id])
    assert {(form["mobile"], form["text"], form["apikey"]) for form in asked} == {
        ("+8613800138000", "【示例商城】012345", "yunpian")
    }


@pytest.mark.parametrize(
    ("code", "error"),
    [(10, SmsRefused), (22, SmsVendorLimit), (3, SmsMisconfigured), (-50, SmsUnconfirmed), ("x", SmsUnconfirmed)],
)
def test_what_the_vendor_says_arrives(gateway: Http, upstream: Upstream, code: object, error: type[Exception]) -> None:
    upstream.answer(VENDOR, {"code": code, "msg": "…"}, status=400)
    with pytest.raises(error) as refused:
        gateway.send(message())
    assert getattr(refused.value, "retry_after", None) in (None, 3600)


def test_what_is_not_signed_sends_nothing(gateway: Http, upstream: Upstream) -> None:
    other = Http(endpoint=gateway.endpoint, secret="whsec_b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldC1vdGhlcg==")
    with pytest.raises(SmsMisconfigured):
        other.send(message())
    with time_machine.travel(time.time() - 400), pytest.raises(SmsMisconfigured):
        gateway.send(message())
    with urlopen(Request(gateway.endpoint, b'{"id": "1"}'), timeout=10) as answer:
        assert answer.read() == b'{"code": "authentication_failed"}'
    assert not upstream.requests


def test_a_vendor_that_answers_with_garbage_leaves_an_answer(
    gateway: Http, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """The second request for the same id gets the same answer at once, and does not wait."""
    upstream.answer(VENDOR, b"<html>", status=502)
    told = message()
    for _ in range(2):
        with pytest.raises(SmsUnconfirmed):
            gateway.send(told)
    assert "(unknown_error)" in caplog.text
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("length", ["-1", "1000000000", "\u0663", ""])
def test_a_body_without_bounds_is_not_read(gateway: Http, length: str) -> None:
    port = int(gateway.endpoint.rstrip("/").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
        caller.sendall(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode())
        assert b" 413 " in caller.recv(100)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ="])
def test_it_does_not_start_with_a_secret_that_anybody_has(secret: str) -> None:
    environ = os.environ | {"SMS_SECRET": secret, "YUNPIAN_KEY": "yunpian", "PORT": "0"}
    done = subprocess.run(
        [sys.executable, str(BRIDGE)], env=environ, capture_output=True, text=True, check=False, timeout=20
    )
    assert done.returncode == 1
    assert "SMS_SECRET must be" in done.stderr
