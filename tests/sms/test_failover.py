"""Several gateways for one message: which one is tried next, which is not tried, and which one
rests. Over real HTTP.
"""

import base64
import logging
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from pytest_django import Settings

from phonebind import checks, signals, sms
from phonebind.exceptions import (
    SmsMisconfigured,
    SmsNotSent,
    SmsRefused,
    SmsUnconfirmed,
    SmsVendorLimit,
)
from phonebind.sms import Message, failover, registry, rests
from phonebind.sms.failover import Failover
from tests.support.edge import LATE, Configure, Outbox, Upstream
from tests.support.ports import free_port
from tests.support.stopwatch import Stopwatch
from tests.support.wire import FAULTS, serve

SECRET = f"whsec_{base64.b64encode(b'a key of twenty-four bytes').decode()}"
OUTBOX = {"gateway": "tests.support.edge.Outbox"}
TENCENT = {
    "gateway": "tencent",
    "secret_id": "AKIDexample",
    "secret_key": "tencents-secret",
    "sdk_app_id": "1400006666",
    "sign_name": "示例商城",
    "templates": "1110",
}


def message() -> Message:
    return Message(mobile="13800000001", code="012345", minutes=5, text="[店] 012345 is your code")


def http(url: str) -> dict[str, str]:
    return {"gateway": "http", "endpoint": url, "secret": SECRET}


def nobody() -> dict[str, str]:
    """A gateway with no server at its address."""
    return http(f"http://127.0.0.1:{free_port()}/")


@pytest.fixture
def two(upstream: Upstream, phonebind: Configure) -> Upstream:
    """``/first`` and ``/second`` are vendors in this order. Both work."""
    upstream.answer("/first", {"code": "ok", "message_id": "one"})
    upstream.answer("/second", {"code": "ok", "message_id": "two"})
    configure(phonebind, http(f"{upstream.url}/first"), http(f"{upstream.url}/second"))
    return upstream


def configure(phonebind: Configure, *gateways: Mapping[str, str]) -> None:
    phonebind(sms={"gateway": "failover", "gateways": list(gateways)})


@contextmanager
def counted() -> Iterator[list[tuple[str, str]]]:
    """Gateway and outcome of each attempt."""
    seen: list[tuple[str, str]] = []

    def see(gateway: str, outcome: str, **kwargs: Any) -> None:
        seen.append((gateway, outcome))

    signals.sms_attempted.connect(see)
    yield seen
    signals.sms_attempted.disconnect(see)


# ---------------------------------------------------------------- which gateways are tried


def test_the_first_sends_and_the_second_is_not_asked(two: Upstream) -> None:
    assert sms.send(message()) == "one"
    assert two.paths == ["/first"]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [("unavailable", "not_now"), ("out_of_balance", "operator"), ("authentication_failed", "operator")],
)
def test_what_was_certainly_not_sent_the_second_sends(two: Upstream, code: str, outcome: str) -> None:
    two.answer("/first", {"code": code})
    mine = message()
    with counted() as seen:
        assert sms.send(mine) == "two"
    assert seen == [("http", outcome), ("http", "sent")]
    assert [body["id"] for _, body in two.requests] == [mine.id, mine.id]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("invalid_phone_number", SmsRefused),
        ("rate_limited", SmsVendorLimit),
        ("timeout", SmsUnconfirmed),
        ("what nobody knows", SmsUnconfirmed),
    ],
)
def test_whatever_else_the_first_says_is_the_end(two: Upstream, code: str, error: type[Exception]) -> None:
    two.answer("/first", {"code": code})
    with pytest.raises(error) as told:
        sms.send(message())
    assert told.type is error
    assert two.paths == ["/first"]


@pytest.mark.parametrize("fault", FAULTS)
def test_never_two_where_the_first_may_have_sent(phonebind: Configure, upstream: Upstream, fault: str) -> None:
    upstream.answer("/second", {"code": "ok"})
    with serve(FAULTS[fault]) as first:
        configure(phonebind, http(first.url), http(f"{upstream.url}/second"))
        phonebind(total_timeout=0.2)
        with pytest.raises(SmsUnconfirmed):
            sms.send(message())
        assert len(first.requests) == 1
    assert upstream.requests == []


def test_one_that_nobody_can_reach(two: Upstream, phonebind: Configure) -> None:
    configure(phonebind, nobody(), http(f"{two.url}/second"))
    assert sms.send(message()) == "two"


@contextmanager
def deaf() -> Iterator[dict[str, str]]:
    """A gateway that accepts no connection: its queue of waiting connections is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield http(f"http://127.0.0.1:{listener.getsockname()[1]}/")


def test_one_that_takes_no_connection_leaves_the_second_its_time(two: Upstream, phonebind: Configure) -> None:
    with deaf() as first:
        configure(phonebind, first, http(f"{two.url}/second"))
        with Stopwatch() as watch:
            assert sms.send(message()) == "two"
    assert watch.wall > 0.9  # CONNECT_TIMEOUT, and no more
    assert watch.seconds < 2


def test_one_deadline_is_for_all_of_them(two: Upstream, phonebind: Configure) -> None:
    phonebind(total_timeout=1.0)
    two.answer("/first", {"code": "unavailable"}, delay=0.4)
    two.answer("/second", {"code": "ok"}, delay=LATE)
    with Stopwatch() as watch, pytest.raises(SmsUnconfirmed):
        sms.send(message())
    assert watch.seconds < 1.3


def test_none_is_asked_that_had_no_time_to_answer(two: Upstream, phonebind: Configure) -> None:
    """An attempt without time would turn a clear refusal into an unknown result."""
    phonebind(total_timeout=0.9)
    two.answer("/first", {"code": "unavailable"}, delay=0.5)
    with pytest.raises(SmsNotSent) as told:
        sms.send(message())
    assert type(told.value) is SmsNotSent
    assert two.paths == ["/first"]


def test_none_is_asked_after_the_deadline(two: Upstream, phonebind: Configure) -> None:
    phonebind(total_timeout=0.2)
    with deaf() as first:
        configure(phonebind, first, http(f"{two.url}/second"))
        with pytest.raises(SmsNotSent) as told:
            sms.send(message())
    assert type(told.value) is SmsNotSent
    assert two.paths == []


def test_what_a_gateway_of_the_hosts_raises_ends_it(two: Upstream, phonebind: Configure) -> None:
    configure(phonebind, OUTBOX, http(f"{two.url}/second"))
    Outbox.error = RuntimeError("a bug")
    with pytest.raises(RuntimeError):
        sms.send(message())
    assert two.paths == []


def test_one_that_cannot_be_made_is_the_operators_fault(
    two: Upstream, phonebind: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configure(phonebind, {"gateway": "http", "sceret": SECRET}, http(f"{two.url}/second"))
    for _ in range(2):
        assert sms.send(message()) == "two"
    [line] = caplog.records
    assert line.levelno == logging.ERROR
    assert line.getMessage() == (
        "SMS gateway http cannot be constructed from its options: run manage.py check (WrongOptions)"
    )


# ---------------------------------------------------------------- all gateways fail


def test_all_of_them_are_the_operators_fault(two: Upstream) -> None:
    two.answer("/first", {"code": "out_of_balance"})
    two.answer("/second", {"code": "authentication_failed"})
    with pytest.raises(SmsMisconfigured):
        sms.send(message())


@pytest.mark.parametrize("code", ["unavailable", "out_of_balance"])
def test_one_that_answered_is_no_outage(two: Upstream, phonebind: Configure, code: str) -> None:
    two.answer("/second", {"code": code})
    configure(phonebind, nobody(), http(f"{two.url}/second"))
    with pytest.raises(SmsNotSent) as told:
        sms.send(message())
    assert type(told.value) is SmsNotSent
    assert told.value.answered


def test_that_nobody_can_be_reached_is_an_outage(phonebind: Configure) -> None:
    configure(phonebind, nobody(), nobody())
    with pytest.raises(SmsNotSent) as told:
        sms.send(message())
    assert not told.value.answered


# ---------------------------------------------------------------- rests


def fail(times: int, error: type[Exception] = SmsNotSent) -> None:
    for _ in range(times):
        with pytest.raises(error):
            sms.send(message())


def test_after_three_failures_a_gateway_rests(two: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    two.answer("/first", {"code": "unavailable"})
    for _ in range(5):
        assert sms.send(message()) == "two"
    assert two.paths == ["/first", "/second"] * 3 + ["/second"] * 2
    rest = [line for line in caplog.records if line.name == failover.__name__]
    assert [(line.levelno, line.getMessage()) for line in rest] == [
        (logging.WARNING, "SMS gateway http (gateways[0]) has failed 3 times in a row and rests for 30 s")
    ]


def test_one_that_hangs_rests_too(two: Upstream, phonebind: Configure) -> None:
    """Each of the three attempts ends without a second SMS. The messages after them do not wait for this gateway."""
    phonebind(total_timeout=0.1)
    two.answer("/first", b"", delay=LATE)
    fail(3, SmsUnconfirmed)
    assert two.paths == ["/first"] * 3
    assert sms.send(message()) == "two"


def test_a_bug_of_the_hosts_gateway_counts_as_well(two: Upstream, phonebind: Configure) -> None:
    configure(phonebind, OUTBOX, http(f"{two.url}/second"))
    Outbox.error = RuntimeError("a bug")
    fail(3, RuntimeError)
    assert sms.send(message()) == "two"


@pytest.mark.parametrize("code", ["ok", "invalid_phone_number", "rate_limited"])
def test_one_answer_about_the_number_ends_the_count(two: Upstream, code: str) -> None:
    two.answer("/first", {"code": "unavailable"})
    sms.send(message())
    sms.send(message())
    two.answer("/first", {"code": code})
    if code == "ok":
        sms.send(message())
    else:
        fail(1, SmsRefused if code == "invalid_phone_number" else SmsVendorLimit)
    two.answer("/first", {"code": "unavailable"})
    before = len(two.paths)
    for _ in range(3):
        sms.send(message())
    assert two.paths[before:] == ["/first", "/second"] * 3


def test_where_one_rests_and_the_other_fails_nobody_is_left(two: Upstream) -> None:
    """No message tries a resting gateway. It may hang, and then the result would be unknown."""
    two.answer("/first", {"code": "unavailable"})
    for _ in range(3):
        sms.send(message())
    two.answer("/second", {"code": "unavailable"})
    before = len(two.paths)
    fail(2)
    assert two.paths[before:] == ["/second"] * 2


def test_where_all_rest_all_are_tried_the_one_that_rests_longest_first(two: Upstream) -> None:
    two.answer("/first", {"code": "unavailable"})
    for _ in range(3):
        sms.send(message())
    two.answer("/second", {"code": "unavailable"})
    fail(2)
    before = len(two.paths)
    fail(1)  # the third failure of the second gateway: it rests now, and so the first one is tried
    fail(1)
    assert two.paths[before:] == ["/second", "/first", "/second", "/first"]
    two.answer("/first", {"code": "ok", "message_id": "one"})
    assert sms.send(message()) == "one"


def test_after_its_rest_one_message_tries_it(two: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other messages skip it until that one succeeds. One more failure is enough for the next rest."""
    monkeypatch.setattr(rests, "SECONDS", 0.3)
    two.answer("/first", {"code": "unavailable"})
    for _ in range(3):
        sms.send(message())
    time.sleep(0.3)
    before = len(two.paths)
    monkeypatch.setattr(rests, "SECONDS", 30)
    two.answer("/first", {"code": "ok", "message_id": "one"}, delay=0.3)
    sent: list[str | None] = []
    probe = threading.Thread(target=lambda: sent.append(sms.send(message())))
    probe.start()
    while len(two.paths) == before:
        time.sleep(0.01)
    assert [sms.send(message()) for _ in range(3)] == ["two"] * 3
    probe.join()
    assert sent == ["one"]
    assert sms.send(message()) == "one"


def test_one_failure_after_a_rest_begins_the_next(two: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rests, "SECONDS", 0.3)
    two.answer("/first", {"code": "unavailable"})
    for _ in range(3):
        sms.send(message())
    time.sleep(0.3)
    before = len(two.paths)
    for _ in range(2):
        sms.send(message())
    assert two.paths[before:] == ["/first", "/second", "/second"]


def test_many_threads_meet_one_that_hangs_a_few_times(two: Upstream, phonebind: Configure) -> None:
    phonebind(total_timeout=1)
    two.answer("/first", b"", delay=2)
    outcomes: list[str] = []

    def ask() -> None:
        for _ in range(5):
            try:
                sms.send(message())
                outcomes.append("sent")
            except SmsUnconfirmed:
                outcomes.append("unknown")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The 8 messages that were under way at the third failure, 2 earlier ones that came again, and no later ones.
    assert 8 <= two.paths.count("/first") <= 10
    assert outcomes.count("unknown") == two.paths.count("/first")
    assert outcomes.count("sent") == 40 - outcomes.count("unknown")


def test_other_settings_are_other_gateways(two: Upstream, phonebind: Configure, settings: Settings) -> None:
    two.answer("/first", {"code": "unavailable"})
    for _ in range(3):
        sms.send(message())
    before = len(two.paths)
    settings.APPEND_SLASH = False
    sms.send(message())
    phonebind(site_name="店")
    sms.send(message())
    assert two.paths[before:] == ["/second", "/first", "/second"]


# ---------------------------------------------------------------- receipts


@pytest.mark.parametrize(("second", "brings"), [(TENCENT, True), (OUTBOX, False), ({"gateway": "tencnet"}, False)])
def test_receipts_come_from_whichever_of_them_brings_any(
    phonebind: Configure, second: dict[str, str], brings: bool
) -> None:
    configure(phonebind, OUTBOX, second)
    assert not registry.brings_receipts()
    phonebind(sms_receipts="pull")
    assert registry.brings_receipts() is brings


# ---------------------------------------------------------------- check


def problems(phonebind: Configure, gateways: Any) -> list[str]:
    phonebind(sms={"gateway": "failover", "gateways": gateways})
    return [str(error.msg).removeprefix("PHONEBIND['SMS']: ") for error in checks.check_gateway()]


def test_what_is_right(phonebind: Configure) -> None:
    assert problems(phonebind, [http("https://sms.example/"), OUTBOX]) == []
    assert problems(phonebind, (http("https://sms.example/"), OUTBOX, OUTBOX)) == []


FEW = "gateways must be a list of two or more; put a single gateway into SMS itself"


@pytest.mark.parametrize("gateways", [[], [OUTBOX], OUTBOX, "http", None, {"a": OUTBOX, "b": OUTBOX}])
def test_one_is_no_choice(phonebind: Configure, gateways: Any) -> None:
    assert problems(phonebind, gateways) == [FEW]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("http", "gateways[1]: must be a dict that names a gateway, with its options"),
        (None, "gateways[1]: must be a dict that names a gateway, with its options"),
        ({"url": "https://sms.example/"}, "gateways[1]: gateway must be a str that names one"),
        ({"gateway": "phonebind.sms.none.None"}, "gateways[1] phonebind.sms.none.None: ModuleNotFoundError: "),
        ({"gateway": "tencnet"}, "gateways[1] tencnet: there is no gateway 'tencnet'; known are "),
        (
            {"gateway": "http", "sceret": SECRET},
            "gateways[1] http: missing: endpoint, secret; unknown: 'sceret'; the options are endpoint, secret",
        ),
        ({"gateway": "http", "endpoint": "https://sms.example/", "secret": "x"}, "gateways[1] http: secret must be "),
        ({"gateway": "tests.sms.test_failover.Half"}, "gateways[1] tests.sms.test_failover.Half: AttributeError: "),
        (
            {"gateway": "tests.sms.test_failover.Wrong"},
            "gateways[1] tests.sms.test_failover.Wrong: send is not a method",
        ),
        (
            {"gateway": "failover", "gateways": [OUTBOX, OUTBOX]},
            "gateways[1] failover: passes its messages to other gateways; name gateways that send",
        ),
    ],
    ids=str,
)
def test_what_is_wrong_with_one_of_them(phonebind: Configure, options: Any, problem: str) -> None:
    [told] = problems(phonebind, [OUTBOX, options])
    assert told.startswith(problem)


class Half:
    """A gateway without send()."""

    def check(self) -> list[str]:
        return []


class Wrong(Half):
    send = "sms"


def test_its_names() -> None:
    assert (Failover.name, Failover.composite) == ("failover", True)
