"""SMS gateways: the choice by setting, and every way in which a message is refused."""

from collections.abc import Callable

import pytest
from django.utils.module_loading import import_string

from phonebind import sms
from phonebind.exceptions import SmsNotSent, SmsUnconfirmed
from phonebind.sms import GATEWAYS, Gateway, Message
from phonebind.sms.console import Console
from phonebind.sms.sandbox import Sandbox
from tests.support.edge import Configure, Outbox, Upstream
from tests.support.ports import free_port
from tests.support.wire import FAULTS, reach

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
        ({"gateway": "phonebind.sms.sandbox.Sandbox", "link": ""}, TypeError),
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
def test_threat_22_neither_is_for_production(gateway: Gateway, start_with_debug: Callable[[bool], None]) -> None:
    start_with_debug(False)
    assert len(gateway.check()) == 1
    start_with_debug(True)
    assert gateway.check() == []


# ---------------------------------------------------------------- sandbox


def test_the_sandbox_gets_mobile_and_text(upstream: Upstream) -> None:
    upstream.answer("/sms/", {"status": "ok"})
    Sandbox(f"{upstream.url}/sms/").send(MESSAGE)
    assert upstream.requests == [("/sms/", {"mobile": MESSAGE.mobile, "text": MESSAGE.text})]


def outcome(upstream: Upstream, body: bytes, status: int = 200) -> type[Exception]:
    """The result of sending a message that gets this answer."""
    upstream.answer("/sms/", body, status=status)
    with pytest.raises(SmsNotSent) as refused:
        Sandbox(f"{upstream.url}/sms/").send(MESSAGE)
    assert len(upstream.requests) == 1
    return refused.type


@pytest.mark.parametrize(("body", "status"), [(b'{"status": "refused"}', 200), (b"{}", 400), (b"", 404), (b"", 503)])
def test_what_the_sandbox_refuses_is_not_sent(upstream: Upstream, body: bytes, status: int) -> None:
    assert outcome(upstream, body, status=status) is SmsNotSent


def test_a_sandbox_that_nobody_runs_has_not_sent() -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    with pytest.raises(SmsNotSent) as refused:
        Sandbox(url).send(MESSAGE)
    assert type(refused.value) is SmsNotSent


@pytest.mark.parametrize(
    "body",
    [b'{"status": "sent"}', b'{"status": "ok", "n": 1}', b"{}", b"[]", b'"ok"', b"", b"ok", b"\xff", b"[" * 60_000],
    ids=lambda body: repr(body[:20]),
)
def test_whatever_else_it_says_it_may_have_sent(upstream: Upstream, body: bytes) -> None:
    assert outcome(upstream, body) is SmsUnconfirmed


@pytest.mark.parametrize("status", [302, 500, 502, 504])
def test_ok_under_an_error_status_may_have_been_sent(upstream: Upstream, status: int) -> None:
    assert outcome(upstream, b'{"status": "ok"}', status=status) is SmsUnconfirmed


@pytest.mark.parametrize("fault", FAULTS)
def test_a_gateway_that_was_reached_and_does_not_answer_may_have_sent(phonebind: Configure, fault: str) -> None:
    phonebind(total_timeout=0.2)
    ends: list[type[Exception]] = []

    def ask(url: str) -> None:
        with pytest.raises(SmsNotSent) as end:
            Sandbox(url).send(MESSAGE)
        ends.append(end.type)

    assert len(reach(FAULTS[fault], ask).requests) == 1
    assert ends[-1] is SmsUnconfirmed


@pytest.mark.parametrize(("name", "path"), GATEWAYS.items())
def test_a_gateway_calls_itself_as_the_settings_do(name: str, path: str) -> None:
    """SMS_PRICES, metrics and events use that name."""
    assert import_string(path).name == name
