"""SMS gateways: chosen by setting, and every way in which a message is not taken."""

import pytest

from phonebind import sms
from phonebind.exceptions import SmsNotSent
from phonebind.sms import Gateway, Message
from phonebind.sms.console import Console
from phonebind.sms.sandbox import Sandbox
from tests.support.edge import Configure, Outbox, Upstream
from tests.support.wire import FAULTS, serve

MESSAGE = Message(mobile="13800000001", code="012345", minutes=5, text="[店] 012345 is your code")


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"gateway": "phonebind.sms.console.Console"}, Console),
        ({"gateway": "phonebind.sms.sandbox.Sandbox", "url": "http://127.0.0.1/"}, Sandbox),
        ({"gateway": "tests.support.edge.Outbox"}, Outbox),
    ],
)
def test_the_setting_names_the_gateway_and_its_options(
    phonebind: Configure, options: dict[str, str], kind: type[Gateway]
) -> None:
    phonebind(sms=options)
    assert isinstance(sms.get(), kind)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"gateway": "phonebind.sms.none.None"}, ImportError),
        ({"gateway": "phonebind.sms.console.Console", "url": ""}, TypeError),
        ({"gateway": "phonebind.sms.sandbox.Sandbox"}, TypeError),
    ],
)
def test_a_gateway_that_cannot_be_made(phonebind: Configure, options: dict[str, str], error: type[Exception]) -> None:
    phonebind(sms=options)
    with pytest.raises(error):
        sms.get()


def test_threat_9_a_message_shows_no_code() -> None:
    assert "012345" not in repr(MESSAGE)
    assert "0001" not in repr(MESSAGE)


# ---------------------------------------------------------------- console


def test_the_console_prints_it_and_logs_nothing(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    Console().send(MESSAGE)
    assert capsys.readouterr().out == "SMS to 13800000001: [店] 012345 is your code\n"
    assert not caplog.records


@pytest.mark.parametrize("gateway", [Console(), Sandbox("http://127.0.0.1/")])
def test_threat_22_neither_is_for_production(gateway: Gateway, phonebind: Configure) -> None:
    phonebind.settings.DEBUG = False
    assert len(gateway.check()) == 1
    phonebind.settings.DEBUG = True
    assert gateway.check() == []


# ---------------------------------------------------------------- sandbox


def test_the_sandbox_gets_mobile_and_text(upstream: Upstream) -> None:
    upstream.answer("/sms/", {"status": "ok"})
    Sandbox(f"{upstream.url}/sms/").send(MESSAGE)
    assert upstream.requests == [("/sms/", {"mobile": MESSAGE.mobile, "text": MESSAGE.text})]


@pytest.mark.parametrize(
    "body",
    [b'{"status": "refused"}', b"{}", b"[]", b'"ok"', b"", b"ok", b"\xff", b"[" * 60_000],
    ids=lambda body: repr(body[:20]),
)
def test_anything_but_ok_is_not_sent(upstream: Upstream, body: bytes) -> None:
    upstream.answer("/sms/", body)
    with pytest.raises(SmsNotSent):
        Sandbox(f"{upstream.url}/sms/").send(MESSAGE)


def test_ok_under_an_error_status_is_not_sent(upstream: Upstream) -> None:
    upstream.answer("/sms/", {"status": "ok"}, status=500)
    with pytest.raises(SmsNotSent):
        Sandbox(f"{upstream.url}/sms/").send(MESSAGE)


@pytest.mark.parametrize("fault", ["hangs before the headers", "resets", "drips headers", "is not HTTP"])
def test_a_gateway_that_does_not_answer_has_not_sent(phonebind: Configure, fault: str) -> None:
    phonebind(total_timeout=0.2)
    with serve(FAULTS[fault]) as server:
        with pytest.raises(SmsNotSent):
            Sandbox(server.url).send(MESSAGE)
        assert len(server.requests) == 1
