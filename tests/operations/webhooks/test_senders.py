"""Senders as they run in production: several processes at once, killed in the middle, told to end,
without a database.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import override_settings

from phonebind.operations.models import OutboxMessage
from server.processes import spawn, stop
from tests.operations.webhooks.endpoints import Reply, Service, now, put, serve
from tests.support.services import database_server
from tests.support.site import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

#: Joins the test database, as tests.support.racers does, and sends.
SENDER = """
import os, sys, json
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.PHONEBIND = settings.PHONEBIND | {"WEBHOOKS": json.loads(sys.argv[2])}
import django
django.setup()
from django.core.management import call_command
from phonebind.operations.webhooks import delivery, outbox
delivery.POLL, delivery.PAUSE, outbox.LEASE = 0.05, 0.2, int(sys.argv[3])
print("ready", flush=True)
call_command("phonebind_webhooks", threads=int(sys.argv[4]))
"""


@contextmanager
def told(**services: Service) -> Iterator[dict[str, Any]]:
    entries = {name: service.entry() for name, service in services.items()}
    with override_settings(PHONEBIND=django_settings.PHONEBIND | {"WEBHOOKS": entries}):
        yield entries


@contextmanager
def sending(entries: dict[str, Any], *, lease: int = 60, threads: int = 1) -> Iterator[subprocess.Popen[str]]:
    name = str(connection.settings_dict["NAME"])
    command = [sys.executable, "-c", SENDER, name, json.dumps(entries), str(lease), str(threads)]
    process = spawn(command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        stop(process)
        assert process.stdout is not None
        process.stdout.close()


def until(holds: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def is_all_delivered() -> bool:
    return not OutboxMessage.objects.filter(delivered_at=None).exists()


def test_two_senders_never_send_one_message_at_once_and_each_once() -> None:
    with serve(Reply(hang=0.01)) as shop, told(shop=shop) as entries:
        put(count=100)
        with sending(entries, threads=2) as one, sending(entries, threads=2) as two:
            until(is_all_delivered)
            assert (one.poll(), two.poll()) == (None, None)
        assert shop.doubled == []
        assert len(shop.ids) == len(set(shop.ids)) == 100


def test_a_sender_that_is_killed_while_it_sends_loses_nothing() -> None:
    with serve(Reply(hang=1.5), Reply()) as shop, told(shop=shop) as entries:
        [message] = put()
        with sending(entries, lease=3) as sender:
            until(lambda: shop.ids)
            sender.kill()
            sender.wait()
        assert now(message).delivered_at is None
        with sending(entries, lease=3):
            until(is_all_delivered)
        assert shop.ids == [str(message.pk)] * 2, "at least once"
        assert shop.doubled == [], "not before the first one was over"
        assert now(message).attempts == 2


def test_senders_are_killed_again_and_again() -> None:
    with serve(Reply(hang=0.02)) as shop, told(shop=shop) as entries:
        messages = put(count=60)
        for _ in range(5):
            enough = len(shop.ids) + 3
            with sending(entries, lease=1) as sender:
                until(partial(shop.has_got, enough))
                sender.kill()
                sender.wait()
        with sending(entries, lease=1):
            until(is_all_delivered)
        assert set(shop.ids) == {str(message.pk) for message in messages}
        assert len(shop.ids) <= 60 + 5, "each death sends one message twice at most"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_sender_ends_when_it_is_told_and_finishes_what_it_has_begun(how: signal.Signals) -> None:
    with serve(Reply(hang=1), Reply()) as shop, told(shop=shop) as entries:
        put(count=3)
        with sending(entries) as sender:
            until(lambda: shop.ids)
            began = time.monotonic()
            sender.send_signal(how)
            assert sender.wait(20) == 0
            assert time.monotonic() - began < 10
        assert len(shop.ids) == 1
        assert OutboxMessage.objects.get(pk=shop.ids[0]).delivered_at
        assert OutboxMessage.objects.filter(delivered_at=None, attempts=0).count() == 2


def test_a_sender_that_waits_ends_at_once() -> None:
    with serve() as shop, told(shop=shop) as entries, sending(entries) as sender:
        put()
        until(is_all_delivered)
        began = time.monotonic()
        sender.terminate()
        assert sender.wait(20) == 0
        assert time.monotonic() - began < 3


def test_a_sender_outlives_the_database() -> None:
    database = database_server()
    if database is None:
        pytest.skip("SQLite is no server")
    with serve() as shop, told(shop=shop) as entries, sending(entries, lease=2) as sender:
        put()
        until(is_all_delivered)
        database.kill()
        connection.close()
        time.sleep(1)
        assert sender.poll() is None
        database.start()
        put()
        until(is_all_delivered)
        assert len(shop.ids) == 2
