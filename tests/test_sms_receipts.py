"""What a person is told about an SMS, and when its vendor is asked."""

import logging
import threading
import time
from collections.abc import Callable

import pytest
import time_machine
from django.utils import translation

from phonebind import limits, slots, sms_codes, sms_receipts, store
from phonebind.conf import conf
from phonebind.exceptions import ReceiptUnknown, TooManyRequests
from phonebind.sms import receipts
from phonebind.sms.receipts import REASONS, Receipt
from phonebind.sms_receipts import MESSAGES, News
from server.processes import Valkey
from tests.support.edge import Configure, Upstream
from tests.support.receipts import MOBILE, SECRET, VENDOR_ID, VENDORS, told
from tests.support.stopwatch import Stopwatch
from tests.support.wire import FAULTS, serve

ADDRESS = "192.0.2.1"
WAITING, OFF = News("waiting", ""), News("failed", "off")
CODES = {"aliyun": "MOBILE_NOT_ON_SERVICE", "aliyun-pnvs": "MOBILE_NOT_ON_SERVICE", "tencent": "关机"}

#: ``send("aliyun")`` sends an SMS through this gateway, and returns the id with which its receipt is asked for.
Send = Callable[[str], str]


@pytest.fixture
def send(phonebind: Configure, upstream: Upstream) -> Send:
    def by(name: str) -> str:
        phonebind(sms=VENDORS[name].at(upstream.url), sms_receipts="pull" if name != "http" else SECRET)
        upstream.answer("/", VENDORS[name].sent)
        receipt = sms_codes.issue(MOBILE, ADDRESS).receipt
        upstream.requests.clear()
        return receipt

    return by


def answer(upstream: Upstream, name: str, receipt: str, *how: str) -> None:
    upstream.answer("/", told(name, receipts.known(receipt)[0], *how))


def ask(receipt: str, address: str = ADDRESS) -> News:
    return sms_receipts.news(receipt, address)


@pytest.mark.parametrize("name", CODES)
def test_before_twenty_seconds_nobody_is_asked(send: Send, upstream: Upstream, name: str) -> None:
    receipt = send(name)
    assert ask(receipt) == WAITING
    with time_machine.travel(time.time() + 18):
        assert ask(receipt) == WAITING
    assert upstream.requests == []


@pytest.mark.parametrize("name", CODES)
def test_after_twenty_seconds_the_vendor_is_asked(send: Send, upstream: Upstream, name: str) -> None:
    receipt = send(name)
    answer(upstream, name, receipt, "failed", CODES[name])
    with time_machine.travel(time.time() + 20):
        assert ask(receipt) == OFF
        assert ask(receipt) == OFF
    assert len(upstream.requests) == 1, "what is known is not asked for again"


def test_a_vendor_that_knows_nothing_yet_is_asked_once_in_twenty_seconds(send: Send, upstream: Upstream) -> None:
    receipt = send("aliyun")
    answer(upstream, "aliyun", receipt, "waiting")
    with time_machine.travel(time.time() + 20):
        assert [ask(receipt) for _ in range(3)] == [WAITING] * 3
        assert len(upstream.requests) == 1
        with store.connection() as client:
            assert 18 < client.ttl(store.key("sms_receipt_asked", receipt)) <= 20
            client.delete(store.key("sms_receipt_asked", receipt))
        answer(upstream, "aliyun", receipt, "delivered")
        assert ask(receipt) == News("delivered", "")


def test_what_was_pushed_needs_no_question(send: Send, upstream: Upstream) -> None:
    receipt = send("aliyun")
    receipts.record("aliyun", [Receipt(VENDOR_ID, MOBILE, "failed", "off")])
    with time_machine.travel(time.time() + 60):
        assert ask(receipt) == OFF
    assert upstream.requests == []


def test_a_vendor_without_such_a_call_is_not_asked(send: Send, upstream: Upstream) -> None:
    receipt = send("http")
    with time_machine.travel(time.time() + 60):
        assert ask(receipt) == WAITING
    assert upstream.requests == []


def test_nor_is_a_gateway_that_the_settings_no_longer_have(
    send: Send, upstream: Upstream, phonebind: Configure
) -> None:
    receipt = send("aliyun")
    phonebind(sms=VENDORS["tencent"].at(upstream.url))
    with time_machine.travel(time.time() + 60):
        assert ask(receipt) == WAITING
    assert upstream.requests == []


# ---------------------------------------------------------------- vendors that fail


@pytest.mark.parametrize("fault", FAULTS)
def test_a_vendor_that_does_not_answer_has_no_news(send: Send, phonebind: Configure, fault: str) -> None:
    receipt = send("aliyun")
    with serve(FAULTS[fault]) as server:
        phonebind(sms=VENDORS["aliyun"].at(server.url), total_timeout=0.2)
        with Stopwatch() as watch, time_machine.travel(time.time() + 60):
            assert ask(receipt) == WAITING
        assert watch.seconds < 2
        assert len(server.requests) == 1


def test_a_vendor_that_refuses_the_question_has_no_news(
    send: Send, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    receipt = send("aliyun")
    upstream.answer("/", {"Code": "isp.RAM_PERMISSION_DENY"})
    with time_machine.travel(time.time() + 60):
        assert ask(receipt) == WAITING
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_questions_take_no_more_places_than_sending_does(send: Send, upstream: Upstream, phonebind: Configure) -> None:
    receipt = send("aliyun")
    answer(upstream, "aliyun", receipt, "delivered")
    phonebind(sms_slots=1)
    taken, done = threading.Event(), threading.Event()

    def send_slowly() -> None:
        with slots.SMS.take(conf.sms_slots):
            taken.set()
            done.wait(10)

    thread = threading.Thread(target=send_slowly)
    thread.start()
    taken.wait(10)
    try:
        with time_machine.travel(time.time() + 60):
            assert ask(receipt) == WAITING
        assert upstream.requests == []
    finally:
        done.set()
        thread.join()


# ---------------------------------------------------------------- who may ask, and for what


def test_an_address_may_ask_so_often(send: Send) -> None:
    receipt = send("aliyun")
    for _ in range(limits.rule("receipt_address_hour").limit):
        ask(receipt)
    with pytest.raises(TooManyRequests):
        ask(receipt)
    assert ask(receipt, "192.0.2.2") == WAITING


def test_guesses_are_counted_too(send: Send, phonebind: Configure) -> None:
    send("aliyun")
    phonebind(limits={"receipt_address_hour": (2, 60)})
    for _ in range(2):
        with pytest.raises(ReceiptUnknown):
            ask("b" * 20)
    with pytest.raises(TooManyRequests):
        ask("b" * 20)


def test_where_receipts_are_off_nothing_is_looked_up(send: Send, phonebind: Configure, valkey: Valkey) -> None:
    receipt = send("aliyun")
    phonebind(sms_receipts="")
    valkey.stop()
    with pytest.raises(ReceiptUnknown):
        ask(receipt)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_state_and_reason_has_words_of_its_own(language: str) -> None:
    with translation.override(language):
        told = [str(News("failed", reason).message) for reason in REASONS]
        told += [str(News(state, "").message) for state in ("waiting", "delivered")]
    assert len(set(told)) == len(MESSAGES) == len(REASONS) + 2
    assert all(message.isascii() == (language == "en") for message in told)
