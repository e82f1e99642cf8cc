"""The delivery of a message: one try at a time, against real servers."""

import json
import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from phonebind.operations.models import OutboxMessage, WebhookEndpoint
from phonebind.operations.webhooks import delivery, outbox
from phonebind.operations.webhooks.clock import UtcNow
from tests.operations.webhooks.endpoints import OTHER_SECRET, SECRET, Reply, Service, make_due, now, put, serve

pytestmark = pytest.mark.django_db(transaction=True)


def tell(settings: Settings, **services: Service | dict[str, Any]) -> None:
    entries = {name: each if isinstance(each, dict) else each.entry() for name, each in services.items()}
    settings.PHONEBIND = settings.PHONEBIND | {"WEBHOOKS": entries}


def wait(message: OutboxMessage) -> float:
    """Seconds until the next try, by the clock of this machine. The database has the same clock."""
    due_at = now(message).due_at
    assert due_at is not None
    return (due_at - timezone.now()).total_seconds()


def test_a_message_is_delivered_once_signed_and_whole(settings: Settings) -> None:
    with serve() as shop:
        tell(settings, shop=shop)
        [message] = put(user_id=42)
        assert delivery.deliver("shop")
        assert not delivery.deliver("shop")
    assert shop.ids == [str(message.pk)]
    stamp = shop.messages[0].pop("timestamp")
    assert shop.messages == [{"type": "account-enabled", "data": {"user_id": "42"}}]
    assert datetime.fromisoformat(stamp) == now(message).created_at
    assert stamp.endswith("Z")
    assert shop.headers[0]["content-type"] == "application/json"
    row = now(message)
    assert (row.due_at, row.attempts, row.last_error) == (None, 1, "")
    assert row.delivered_at is not None


def test_while_a_secret_is_changed_both_verify(settings: Settings) -> None:
    with serve() as shop:
        tell(settings, shop=shop.entry(secret=OTHER_SECRET, fallback_secrets=[SECRET]))
        put()
        assert delivery.deliver("shop")  # and the service has the old one
    [body], [headers] = shop.bodies, shop.headers
    Webhook(OTHER_SECRET).verify(body, headers)
    assert len(headers["webhook-signature"].split(" ")) == 2
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAxMjM0NQ==").verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)


def test_the_stamp_is_of_the_try_and_not_of_the_act(settings: Settings) -> None:
    """A receiver refuses a stamp older than five minutes. A message that has waited for a day would be refused."""
    with serve() as shop:
        tell(settings, shop=shop)
        [message] = put()
        outbox.messages().update(created_at=message.created_at - timedelta(days=1))
        assert delivery.deliver("shop")
    assert abs(int(shop.headers[0]["webhook-timestamp"]) - time.time()) < 60


def test_a_clock_of_ours_that_is_wrong_is_seen_by_the_receiver(settings: Settings) -> None:
    with serve() as shop:
        tell(settings, shop=shop)
        put()
        with time_machine.travel(timezone.now() + timedelta(minutes=10)):
            assert delivery.deliver("shop")  # its clock is wrong in the same way
    with pytest.raises(WebhookVerificationError, match="too new"):
        Webhook(SECRET).verify(shop.bodies[0], shop.headers[0])


@pytest.mark.parametrize("hours", [-3, 3])
def test_leases_are_by_the_databases_clock(settings: Settings, hours: int) -> None:
    """A sender with a wrong clock does not delay a new message, and does not take over a message that another sender
    has.
    """
    with serve() as shop:
        tell(settings, shop=shop)
        with time_machine.travel(timezone.now() + timedelta(hours=hours)):
            [message] = put()
            assert outbox.claim("shop") is not None
            assert outbox.claim("shop") is None
    assert 0 < wait(message) <= outbox.LEASE


def test_the_databases_clock_is_in_utc_everywhere(settings: Settings) -> None:
    """A MariaDB server has its own time zone, and Django asks the server for it."""
    compiler = outbox.messages().query.get_compiler(outbox.messages().db)
    sql, _ = UtcNow().as_mysql(compiler, connection)
    assert sql == "UTC_TIMESTAMP(6)"
    tell(settings, shop={"url": "https://shop.example/", "secret": SECRET})
    put()
    seen = OutboxMessage.objects.annotate(clock=UtcNow()).values_list("clock", flat=True).first()
    assert seen is not None
    assert abs((seen - timezone.now()).total_seconds()) < 60


BROKEN = [
    (Reply(500), "500"),
    (Reply(400), "400"),
    (Reply(302, {"Location": "/elsewhere"}), "302"),
    (Reply(200, body=b"x" * 70_000), "answer too long"),
    (Reply(200, {"Content-Length": "9"}, b"short"), "TimeoutError"),
    (Reply(hang=3), "TimeoutError"),
    (Reply(200, body=b"slow" * 10, drip=0.2), "TimeoutError"),
]


@pytest.mark.parametrize(("reply", "error"), BROKEN, ids=[error for _, error in BROKEN[:4]] + ["cut", "hang", "drip"])
def test_what_is_not_taken_is_tried_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, reply: Reply, error: str
) -> None:
    monkeypatch.setattr(delivery, "TIMEOUT", 1.5)
    with serve(reply, Reply()) as shop:
        tell(settings, shop=shop)
        [message] = put()
        assert delivery.deliver("shop")
        assert not delivery.deliver("shop"), "not at once"
        assert (now(message).last_error, now(message).attempts) == (error, 1)
        assert 0 < wait(message) <= outbox.BACKOFF[0]
        make_due(message)
        assert delivery.deliver("shop")
        assert now(message).delivered_at
    assert shop.ids == [str(message.pk)] * 2
    assert shop.bodies[0] == shop.bodies[1]
    assert not WebhookEndpoint.objects.exists(), "it works again"


def test_nobody_there(settings: Settings) -> None:
    with serve() as shop:
        tell(settings, shop=shop)
    [message] = put()
    assert delivery.deliver("shop")
    assert now(message).last_error == "ConnectionRefusedError"


def test_it_is_given_up_after_some_days_and_somebody_is_told(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(Reply(400)) as shop:
        tell(settings, shop=shop)
        [message] = put()
        waits = []
        for _ in outbox.BACKOFF:
            assert delivery.deliver("shop")
            waits.append(wait(message))
            make_due(message)
        assert caplog.messages == []
        assert delivery.deliver("shop")
        assert not delivery.deliver("shop")
    assert all(planned - 5 < waited <= planned for waited, planned in zip(waits, outbox.BACKOFF, strict=True))
    row = now(message)
    assert (row.due_at, row.delivered_at, row.last_error) == (None, None, "400")
    assert caplog.messages == ["A webhook to shop was given up after 10 tries: 400"]
    assert shop.url not in caplog.text


def test_an_endpoint_that_is_gone_is_off_until_somebody_turns_it_on(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(Reply(410), Reply()) as shop:
        tell(settings, shop=shop)
        messages = put(count=2)
        assert delivery.deliver("shop")
        assert not delivery.deliver("shop")
        assert len(shop.ids) == 1
        assert "is off" in caplog.text
        assert [(now(each).attempts, now(each).delivered_at) for each in messages] == [(0, None)] * 2
        WebhookEndpoint.objects.get().delete()
        assert delivery.deliver("shop")
        assert delivery.deliver("shop")
    assert all(now(each).delivered_at for each in messages)


def test_an_endpoint_that_fails_rests_and_keeps_the_tries_of_its_messages(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(Reply(500)) as shop, serve() as other:
        tell(settings, shop=shop, other=other)
        put(count=20)
        for _ in range(20):
            delivery.deliver("shop")
        assert len(shop.ids) == delivery.MOST
        assert sum(1 for _ in range(20) if delivery.deliver("other")) == 20, "the other one is told all the same"
        seen = []
        for _ in range(9):
            WebhookEndpoint.objects.update(rests_until=timezone.now() - timedelta(seconds=1))
            assert delivery.deliver("shop")
            assert not delivery.deliver("shop"), "one try, and it rests again"
            row = WebhookEndpoint.objects.get()
            assert row.rests_until is not None
            seen.append(round((row.rests_until - timezone.now()).total_seconds(), -1))
    assert len(shop.ids) == delivery.MOST + 9
    assert seen == sorted(seen)
    assert seen[-1] == delivery.LONGEST_REST
    assert max(OutboxMessage.objects.filter(endpoint="shop").values_list("attempts", flat=True)) <= 2
    assert caplog.messages == ["The webhook endpoint shop has failed 3 times in a row: 500"]


def test_an_endpoint_that_refuses_one_message_takes_the_next(settings: Settings) -> None:
    """One message that always fails must not delay the others."""
    with serve(*[Reply(400)] * 5, Reply()) as shop:
        tell(settings, shop=shop)
        messages = put(count=8)
        for _ in messages:
            assert delivery.deliver("shop")
    assert sorted(bool(now(each).delivered_at) for each in messages) == [False] * 5 + [True] * 3


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("999999999999", delivery.LONGEST_WAIT),
        ("-5", 0),
        ("soon", 0),
        ("", 0),
        ("٣", 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Mon, 99999999999999999999 Jan 2020 00:00:00 GMT", 0),
        ("Mon, 1 Jan 2020 00:00:00 +99999999999999999999", 0),
        ("9" * 5_000, delivery.LONGEST_WAIT),
        ("Fri, 31 Dec 9999 23:59:59 GMT", delivery.LONGEST_WAIT),
        ("Fri, 31 Dec 9999 23:59:59 -0000", delivery.LONGEST_WAIT),
    ],
)
def test_retry_after_within_bounds(value: str, seconds: int) -> None:
    assert delivery._seconds(value) == seconds


def test_threat_61_no_answer_keeps_a_message_from_being_given_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that we cannot read is no error of ours. The try has failed, and the number of tries is limited."""
    monkeypatch.setattr(delivery, "LONGEST_WAIT", 0)
    with serve(Reply(503, {"Retry-After": "Mon, 99999999999999999999 Jan 2020 00:00:00 GMT"})) as shop:
        tell(settings, shop=shop)
        [message] = put()
        assert delivery._turn("shop") == 0
    assert now(message).last_error == "503"


def test_retry_after_may_be_a_date() -> None:
    until = datetime.now(UTC) + timedelta(seconds=90)
    assert 85 <= delivery._seconds(format_datetime(until, usegmt=True)) <= 90


@pytest.mark.parametrize("status", [429, 503])
def test_an_endpoint_is_left_alone_for_as_long_as_it_asks(settings: Settings, status: int) -> None:
    with serve(Reply(status, {"Retry-After": "600"}), Reply()) as shop:
        tell(settings, shop=shop)
        first, second = put(count=2)
        assert delivery.deliver("shop")
        assert not delivery.deliver("shop")
        tried = first if now(first).last_error else second
        assert 590 < wait(tried) <= 600
        WebhookEndpoint.objects.all().delete()
        assert delivery.deliver("shop")
    assert len(shop.ids) == 2


def test_retry_after_of_other_answers_is_nothing_to_us(settings: Settings) -> None:
    with serve(Reply(400, {"Retry-After": "600"}), Reply()) as shop:
        tell(settings, shop=shop)
        [message] = put()
        assert delivery.deliver("shop")
    assert wait(message) <= outbox.BACKOFF[0]


def test_an_endpoint_that_hangs_delays_no_other(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "TIMEOUT", 2)
    with serve(Reply(hang=3)) as dead, serve() as shop:
        tell(settings, dead=dead, shop=shop)
        put(count=10)
        stop = threading.Event()
        sender = threading.Thread(target=delivery.run, args=(["dead", "shop"], stop))
        began = time.monotonic()
        sender.start()
        while len(shop.ids) < 10 and time.monotonic() < began + 30:
            time.sleep(0.02)
        seen = len(dead.ids)
        stop.set()
        sender.join()
    assert len(shop.ids) == 10
    assert seen <= delivery.MOST


def test_several_threads_send_each_message_once(settings: Settings) -> None:
    with serve(Reply(hang=0.01)) as shop:
        tell(settings, shop=shop)
        messages = put(count=40)
        delivery.run(["shop"], threading.Event(), threads=4, once=True)
    left = [message for message in messages if not now(message).delivered_at]
    assert shop.doubled == []
    assert len(shop.ids) == len(set(shop.ids))
    assert len(left) + len(shop.ids) == 40


def test_what_another_sender_has_taken_over_is_not_touched(settings: Settings) -> None:
    with serve() as shop:
        tell(settings, shop=shop)
    [message] = put()
    mine = outbox.claim("shop")
    assert mine is not None
    make_due(message)
    theirs = outbox.claim("shop")
    assert theirs is not None
    before = now(message).due_at
    assert outbox.failed(mine, "500")
    assert (now(message).due_at, now(message).last_error) == (before, "")
    outbox.taken(mine)
    assert outbox.failed(theirs, "500")
    assert (now(message).due_at, now(message).last_error) == (None, ""), "it was delivered"


def test_a_database_that_is_away_ends_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """test_senders has the test with a real outage."""
    failures = [OperationalError("away")] * 2
    real = outbox.rests

    def rests(name: str) -> bool:
        if failures:
            raise failures.pop()
        return real(name)

    monkeypatch.setattr(outbox, "rests", rests)
    monkeypatch.setattr(delivery, "PAUSE", 0.01)
    with serve() as shop:
        tell(settings, shop=shop)
        put()
        stop = threading.Event()
        sender = threading.Thread(target=delivery.run, args=(["shop"], stop))
        sender.start()
        deadline = time.monotonic() + 20
        while not shop.ids and time.monotonic() < deadline:
            time.sleep(0.02)
        stop.set()
        sender.join()
    assert len(shop.ids) == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"], "once a minute"


def test_the_age_of_what_is_still_to_be_told(settings: Settings) -> None:
    assert outbox.oldest() == 0
    with serve() as shop:
        tell(settings, shop=shop)
        old, new = put(count=2)
        outbox.messages().filter(pk=old.pk).update(created_at=timezone.now() - timedelta(minutes=7))
        assert 420 <= outbox.oldest() < 440
        outbox.taken(old)
        assert outbox.oldest() < 60
        outbox.messages().filter(pk=new.pk).update(due_at=None)
        assert outbox.oldest() == 0, "given up"
        outbox.messages().filter(pk=new.pk).update(due_at=timezone.now())
    tell(settings)
    assert outbox.oldest() == 0, "of an endpoint that nobody names"


def test_old_messages_are_deleted(settings: Settings) -> None:
    entry = {"url": "https://shop.example/", "secret": SECRET}
    tell(settings, gone=entry)
    put()
    tell(settings, shop=entry)
    delivered, given_up, waiting = put(count=3)
    outbox.taken(delivered)
    outbox.messages().filter(pk=given_up.pk).update(due_at=None)
    assert outbox.prune(days=1, batch=2) == 0, "none is old"
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        call_command("phonebind_prune_outbox", batch=1)
        assert set(outbox.messages().values_list("pk", flat=True)) == {given_up.pk, waiting.pk}
        call_command("phonebind_prune_outbox", given_up=True)
    assert set(outbox.messages().values_list("pk", flat=True)) == {waiting.pk}
    for wrong in ({"days": 0}, {"batch": 0}, {"days": 10**11}, {"batch": 10**11}):
        with pytest.raises(CommandError):
            call_command("phonebind_prune_outbox", **wrong)


def test_the_command_refuses_what_it_cannot_do(settings: Settings) -> None:
    with pytest.raises(CommandError, match="WEBHOOKS has no endpoint"):
        call_command("phonebind_webhooks", once=True)
    with serve() as shop:
        tell(settings, shop=shop)
        with pytest.raises(CommandError, match="has no other"):
            call_command("phonebind_webhooks", "other", once=True)
        with pytest.raises(CommandError, match="threads"):
            call_command("phonebind_webhooks", once=True, threads=0)
        put()
        out = StringIO()
        call_command("phonebind_webhooks", once=True, stdout=out)
        shop.replies = [Reply(500)]
        put()
        call_command("phonebind_webhooks", once=True, stdout=out)
    assert out.getvalue() == "0 messages wait.\n1 messages wait.\n"
    assert len(shop.ids) == 2


def end_once_it_sends(shop: Service) -> None:
    """At that moment the command handles the signal. Before, the signal would end the tests."""
    deadline = time.monotonic() + 30
    while not shop.has_got(0) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)


def test_the_command_runs_until_it_is_told_to_end(settings: Settings) -> None:
    former = signal.getsignal(signal.SIGTERM)
    with serve() as shop:
        tell(settings, shop=shop)
        put()
        out = StringIO()
        ender = threading.Thread(target=end_once_it_sends, args=[shop])
        ender.start()
        call_command("phonebind_webhooks", stdout=out)
        ender.join()
    assert (len(shop.ids), out.getvalue()) == (1, "")
    assert signal.getsignal(signal.SIGTERM) is former


def test_a_body_is_the_same_at_each_try(settings: Settings) -> None:
    with serve() as shop:
        tell(settings, shop=shop)
    [message] = put(user_id=3)
    assert delivery.content(now(message)) == delivery.content(now(message))
    assert json.loads(delivery.content(now(message)))["data"] == {"user_id": "3"}
