"""Receipts in the store: the SMS that they belong to, what is counted, and that they have no other effect."""

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from phonebind import alarms, limits, signals, sms_codes, sms_receipts, store
from phonebind.exceptions import ReceiptUnknown, SmsTooFrequent
from phonebind.sms import Message, receipts, registry
from phonebind.sms.receipts import KEPT, Outcome, Receipt
from server.processes import Valkey
from tests.support.edge import Configure, Outbox, Upstream
from tests.support.receipts import MOBILE, SECRET, VENDOR_ID, VENDORS

MESSAGE = Message(mobile=MOBILE, code="012345", minutes=5, text="[店] 012345 is your code")
ADDRESS = "192.0.2.1"
OFF = Receipt(VENDOR_ID, MOBILE, "failed", "off")


def keys() -> set[str]:
    with store.connection() as client:
        return {name.decode() for name in client.scan_iter() if b"receipt" in name}


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    """The data that the signal was sent with."""
    found: list[dict[str, Any]] = []

    def hear(signal: object, sender: object, **told: Any) -> None:
        found.append(told)

    signals.sms_receipt_received.connect(hear)
    yield found
    signals.sms_receipt_received.disconnect(hear)


@pytest.fixture
def sent_sms(phonebind: Configure) -> None:
    phonebind(sms_receipts=SECRET)
    receipts.expect("aliyun", MESSAGE, VENDOR_ID)


# ---------------------------------------------------------------- which SMS waits for a receipt


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("setting", ["", "pull", SECRET], ids=["off", "pull", "secret"])
def test_a_receipt_is_expected_where_it_can_come(
    phonebind: Configure, upstream: Upstream, name: str, setting: str
) -> None:
    phonebind(sms=VENDORS[name].at(upstream.url), sms_receipts=setting)
    upstream.answer("/", VENDORS[name].sent)
    can_come = setting == SECRET or (setting == "pull" and name != "http")
    sent = sms_codes.issue(MOBILE, ADDRESS)
    assert bool(sent.receipt) == can_come
    if can_come:
        assert len(keys()) == 2
        expected, outcome = receipts.known(sent.receipt)
        assert (expected.gateway, expected.vendor_id, expected.mobile) == (name, VENDOR_ID, MOBILE)
        assert outcome is None
    else:
        assert keys() == set()


@pytest.mark.parametrize("options", [{"gateway": "tests.support.edge.Outbox"}, {"gateway": "console"}], ids=str)
def test_none_is_expected_of_gateways_that_bring_none(phonebind: Configure, options: dict[str, str]) -> None:
    phonebind(sms=options, sms_receipts=SECRET)
    assert sms_codes.issue(MOBILE, ADDRESS).receipt == ""
    assert keys() == set()


class Relay:
    """A gateway that has other gateways. The second one sends."""

    composite = True

    def __init__(self, gateways: list[dict[str, Any]]) -> None:
        self.inner = gateways

    def check(self) -> list[str]:
        return []

    def send(self, message: Message) -> str | None:
        return registry.attempt(registry.make(self.inner[1]), message)


class Opaque:
    """A gateway that does not say which gateway has sent."""

    composite = True

    def check(self) -> list[str]:
        return []

    def send(self, message: Message) -> None:
        Outbox.sent.append(message)


@pytest.mark.parametrize("setting", ["pull", SECRET])
def test_one_is_expected_of_the_gateway_that_sent(phonebind: Configure, upstream: Upstream, setting: str) -> None:
    members = [{"gateway": "tests.support.edge.Outbox"}, VENDORS["tencent"].at(upstream.url)]
    phonebind(sms={"gateway": f"{__name__}.Relay", "gateways": members}, sms_receipts=setting)
    upstream.answer("/", VENDORS["tencent"].sent)
    expected, _ = receipts.known(sms_codes.issue(MOBILE, ADDRESS).receipt)
    assert expected.gateway == "tencent"
    assert [registry.name_of(gateway) for gateway in registry.senders()] == ["Outbox", "tencent"]


class Later(Relay):
    """A queue: the vendor's id of the SMS is not known yet."""

    def send(self, message: Message) -> None:
        Outbox.sent.append(message)


def test_a_message_that_waits_for_a_worker_has_no_news_yet(phonebind: Configure, upstream: Upstream) -> None:
    options = VENDORS["aliyun"].at(upstream.url)
    phonebind(sms={"gateway": f"{__name__}.Later", "gateways": [options]}, sms_receipts="pull")
    upstream.answer("/", VENDORS["aliyun"].sent)
    receipt = sms_codes.issue(MOBILE, ADDRESS).receipt
    with time_machine.travel(time.time() + 60):
        assert sms_receipts.news(receipt, ADDRESS).state == "waiting"
    assert upstream.requests == [], "there is nothing to ask the vendor by"
    registry.attempt(registry.make(options), Outbox.sent[0])
    receipts.record("aliyun", [OFF])
    assert sms_receipts.news(receipt, ADDRESS).reason == "off"


def test_a_worker_that_was_faster_is_not_forgotten(phonebind: Configure) -> None:
    phonebind(sms_receipts="pull")
    receipts.expect("aliyun", MESSAGE, VENDOR_ID)
    receipts.expect("", MESSAGE)
    assert receipts.known(MESSAGE.id)[0].vendor_id == VENDOR_ID


def test_none_is_expected_where_nobody_says_who_sends(phonebind: Configure) -> None:
    phonebind(sms={"gateway": f"{__name__}.Opaque"}, sms_receipts="pull")
    assert sms_codes.issue(MOBILE, ADDRESS).receipt == ""


def test_an_sms_and_its_receipt_are_known_for_ten_minutes(sent_sms: None) -> None:
    receipts.record("aliyun", [OFF])
    with store.connection() as client:
        assert len(keys()) == 3
        assert all(KEPT - 5_000 < client.pttl(name) <= KEPT for name in keys())


@pytest.mark.parametrize("id_", ["", "a" * 15, "b" * 20, "a" * 33, "A" * 20, "{" * 20, "../../aaaaaaaaaaaa", "١" * 20])
def test_what_was_never_sent_is_unknown(sent_sms: None, id_: str) -> None:
    with pytest.raises(ReceiptUnknown):
        receipts.known(id_)


def test_an_sms_is_no_failure_because_its_receipt_will_be_unknown(
    phonebind: Configure, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    phonebind(sms_receipts=SECRET)
    valkey.stop()
    receipts.expect("aliyun", MESSAGE, VENDOR_ID)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


# ---------------------------------------------------------------- receipts that arrive


def test_a_receipt_is_counted_once_and_the_first_one_is_the_last(sent_sms: None, heard: list[dict[str, Any]]) -> None:
    delivered = Receipt(VENDOR_ID, MOBILE, "delivered")
    with time_machine.travel(receipts.known(MESSAGE.id)[0].sent_at + 7, tick=False):
        for receipt in (OFF, OFF, delivered):
            receipts.record("aliyun", [receipt])
    assert receipts.known(MESSAGE.id)[1] == Outcome("failed", "off")
    [told] = heard
    assert (told["gateway"], told["state"], told["reason"], round(told["seconds"])) == ("aliyun", "failed", "off", 7)


def test_a_delivered_one_has_no_reason(sent_sms: None, heard: list[dict[str, Any]]) -> None:
    receipts.record("aliyun", [Receipt(VENDOR_ID, MOBILE, "delivered")])
    assert receipts.known(MESSAGE.id)[1] == Outcome("delivered", "")
    assert [told["reason"] for told in heard] == [""]


@pytest.mark.parametrize(
    ("gateway", "receipt"),
    [
        ("aliyun", Receipt(VENDOR_ID, "13900000002", "failed", "off")),
        ("aliyun", Receipt("another", MOBILE, "failed", "off")),
        ("tencent", OFF),
    ],
    ids=["another number", "another id", "another gateway"],
)
def test_threat_48_a_receipt_that_matches_no_sms_is_dropped_without_a_word(
    sent_sms: None, heard: list[dict[str, Any]], caplog: pytest.LogCaptureFixture, gateway: str, receipt: Receipt
) -> None:
    forged = Receipt(receipt.vendor_id, receipt.mobile, "failed", "carrier", "all is lost")
    before = keys()
    receipts.record(gateway, [receipt, forged])
    assert receipts.known(MESSAGE.id)[1] is None
    assert (keys(), heard, caplog.records) == (before, [], [])


def test_what_the_operator_must_repair_is_an_error_once_a_minute(
    phonebind: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    phonebind(sms_receipts=SECRET)
    for number in range(5):
        mobile = f"1390000000{number}"
        receipts.expect("aliyun", Message(mobile=mobile, code="0", minutes=5, text=""), VENDOR_ID)
        receipts.record("aliyun", [Receipt(VENDOR_ID, mobile, "failed", "carrier", "sign_name is not filed")])
    [line] = caplog.records
    assert line.levelno == logging.ERROR
    assert line.getMessage() == "SMS gateway aliyun: carriers do not deliver what it sends: sign_name is not filed"
    alarms._asked.clear()


@pytest.mark.parametrize("reason", [reason for reason in receipts.REASONS if reason != "carrier"])
def test_what_concerns_one_phone_is_no_alarm(sent_sms: None, caplog: pytest.LogCaptureFixture, reason: str) -> None:
    receipts.record("aliyun", [Receipt(VENDOR_ID, MOBILE, "failed", reason)])
    assert caplog.records == []


# ---------------------------------------------------------------- effects that receipts never have


@pytest.mark.parametrize("receipt", [OFF, Receipt(VENDOR_ID, MOBILE, "delivered")], ids=["failed", "delivered"])
def test_threat_13_a_receipt_changes_no_limit_and_no_code(
    phonebind: Configure, upstream: Upstream, receipt: Receipt
) -> None:
    phonebind(sms=VENDORS["aliyun"].at(upstream.url), sms_receipts=SECRET)
    upstream.answer("/", VENDORS["aliyun"].sent)
    with store.connection() as client:
        sent = sms_codes.issue(MOBILE, ADDRESS)
        before = {name: client.dump(name) for name in client.scan_iter() if b"receipt" not in name}
        receipts.record("aliyun", [receipt])
        assert {name: client.dump(name) for name in client.scan_iter() if b"receipt" not in name} == before
    assert receipts.known(sent.receipt)[1] is not None
    with pytest.raises(SmsTooFrequent):
        limits.check(("sms_mobile_gap", MOBILE))
    [(_, form)] = upstream.requests
    code = form["TemplateParam"].partition('"code":"')[2][:6]
    assert sms_codes.check(MOBILE, code, claimant="qq:1", address=ADDRESS).number == MOBILE


def test_where_receipts_are_off_the_answer_to_an_sms_is_what_it_was(phonebind: Configure) -> None:
    sent = sms_codes.issue(MOBILE, ADDRESS)
    assert sent.body == {"message": "OK", "resend_after": 60, "expires_in": 300}
    assert len(Outbox.sent) == 1
