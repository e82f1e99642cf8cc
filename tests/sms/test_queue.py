"""SMS through Celery: a real broker, real workers, and what happens to a message when one of them is down."""

import base64
import importlib
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
import redis
from celery.app.task import Context
from django.core.management import call_command
from pytest_django import Settings

from phonebind import checks, sms, sms_codes, sms_tasks, store, tasks
from phonebind.exceptions import (
    SmsCodeInvalid,
    SmsMisconfigured,
    SmsNotSent,
    SmsRefused,
    SmsUnconfirmed,
    SmsVendorLimit,
)
from phonebind.sms import Message, delivery, parcels, queue, registry
from phonebind.sms.parcels import Parcel
from server.processes import Valkey, spawn, stop
from tests.support import celery_app
from tests.support.edge import Configure, Outbox, Upstream
from tests.support.services import valkey_server
from tests.support.stopwatch import Stopwatch
from tests.support.wire import serve

ROOT = Path(__file__).parents[2]
SECRET = f"whsec_{base64.b64encode(b'a key of twenty-four bytes').decode()}"
MOBILE = "13800000001"
APP = "tests.support.celery_app.app"
OUTBOX = {"gateway": "tests.support.edge.Outbox"}
TENCENT = {
    "gateway": "tencent",
    "secret_id": "AKIDexample",
    "secret_key": "tencents-secret",
    "sdk_app_id": "1400006666",
    "sign_name": "示例商城",
    "templates": "1110",
}
#: The list with this name is Celery's own queue.
QUEUE = "celery"


def message(code: str = "012345") -> Message:
    return Message(mobile=MOBILE, code=code, minutes=5, text=f"[店] {code} is your code")


def http(url: str) -> dict[str, str]:
    return {"gateway": "http", "endpoint": url, "secret": SECRET}


def through(via: Any, **more: Any) -> dict[str, Any]:
    return {"gateway": "celery", "app": APP, "via": via, **more}


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator["redis.Redis"]:
    """The tests' Valkey, in a database that no other test uses."""
    path = valkey_server().url.removeprefix("unix://").partition("?")[0]
    monkeypatch.setenv("CELERY_BROKER_URL", f"redis+socket://{path}?virtual_host=2")
    with redis.Redis(unix_socket_path=path, db=2) as client:
        yield client


@pytest.fixture
def vendor(upstream: Upstream) -> Upstream:
    upstream.answer("/sms", {"code": "ok", "message_id": "m-1"})
    return upstream


@contextmanager
def worker(directory: Path, via: Any, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A worker that is ready. It logs as much as it can to ``directory / "log"``."""
    own = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environ = {
        **own,
        "DJANGO_SETTINGS_MODULE": "server.settings",
        "DEBUG": "1",
        "SANDBOX": "0",
        "DATA_DIR": str(directory / "data"),
        "QQ_CLIENT_ID": "101999999",
        "QQ_CLIENT_SECRET": "x" * 32,
        "QQ_REDIRECT_URI": "https://shop.example/",
        "REDIS_URL": valkey_server().url,
        "SMS_GATEWAY": "celery",
        "SMS_OPTIONS": json.dumps({"app": APP, "via": via, **options}),
    }
    command = [sys.executable, "-m", "celery", "-A", "tests.support.celery_app", "worker", "--concurrency", "1"]
    command += ["--loglevel", "DEBUG", "-E", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    with (directory / "log").open("a") as log:
        begins = log.tell()
        process = spawn(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
        try:
            wait_for(lambda: " ready." in said(directory)[begins:])
            yield process
        finally:
            stop(process)


def said(directory: Path) -> str:
    return (directory / "log").read_text()


def wait_for(happened: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def shows(log: str, code: str) -> bool:
    """Whether the text contains it. A match inside an id or a longer number does not count: those are random too."""
    return re.search(rf"(?<![0-9a-z.-]){code}(?![0-9a-z-])", log) is not None


def kill(process: subprocess.Popen[str]) -> None:
    """Kill the process and its children, as if the machine had lost its power."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def ask() -> str:
    """Request a code. Returns the code that the worker must send."""
    made: list[str] = []
    seen = queue.Queue.send

    def look(self: queue.Queue, handed: Message) -> None:
        made.append(handed.code)
        seen(self, handed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue.Queue, "send", look)
        sms_codes.issue(MOBILE, "192.0.2.1")
    return made[0]


def opens(code: str) -> bool:
    try:
        sms_codes.check(MOBILE, code, claimant="qq:somebody", address="192.0.2.1")
    except SmsCodeInvalid:
        return False
    return True


# ---------------------------------------------------------------- with a worker


def test_a_worker_sends_it(phonebind: Configure, broker: "redis.Redis", vendor: Upstream, tmp_path: Path) -> None:
    via = http(f"{vendor.url}/sms")
    phonebind(sms=through(via))
    code = ask()
    [raw] = broker.lrange(QUEUE, 0, -1)
    with worker(tmp_path, via):
        wait_for(lambda: vendor.requests)
        wait_for(lambda: "succeeded in" in said(tmp_path))
        # The broker delivers a message again: the same bytes, and a new task.
        broker.lpush(QUEUE, raw)
        wait_for(lambda: said(tmp_path).count("succeeded in") == 2)
    [(_, sent)] = vendor.requests
    assert (sent["code"], sent["to"]) == (code, f"+86{MOBILE}")
    assert opens(code)
    # Neither the broker's data nor the worker's log has them, at the level DEBUG.
    told = json.loads(raw)
    everything = f"{raw!r}{base64.b64decode(told['body'])!r}{said(tmp_path)}"
    assert told["headers"]["argsrepr"] == told["headers"]["kwargsrepr"] == queue.SHOWN
    assert sent["id"] in everything
    assert not shows(everything, code)
    assert MOBILE not in everything


def test_a_worker_that_is_killed_while_it_sends(
    phonebind: Configure, broker: "redis.Redis", vendor: Upstream, tmp_path: Path
) -> None:
    """The result of that SMS is unknown, so it is not sent again. The code is valid, in case the SMS arrives."""
    vendor.answer("/sms", {"code": "ok"}, delay=2)
    via = http(f"{vendor.url}/sms")
    phonebind(sms=through(via))
    code = ask()
    [raw] = broker.lrange(QUEUE, 0, -1)
    with worker(tmp_path, via) as process:
        wait_for(lambda: vendor.requests)
        kill(process)
    # A broker delivers again a message that was not acknowledged.
    broker.lpush(QUEUE, raw)
    with worker(tmp_path, via):
        wait_for(lambda: "succeeded in" in said(tmp_path))
        time.sleep(1)
    assert len(vendor.requests) == 1
    assert opens(code)


def test_a_worker_that_comes_too_late(
    phonebind: Configure, broker: "redis.Redis", vendor: Upstream, tmp_path: Path
) -> None:
    via = http(f"{vendor.url}/sms")
    phonebind(sms=through(via, expires=0.5))
    code = ask()
    assert opens(code)
    time.sleep(0.6)
    with worker(tmp_path, via):
        wait_for(lambda: "Discarding revoked task" in said(tmp_path))
        wait_for(lambda: not opens(code), 5)
    assert vendor.requests == []
    assert "SMS queue: messages expire before a worker takes them" in said(tmp_path)


def test_a_vendor_that_is_busy_is_asked_again(
    phonebind: Configure, broker: "redis.Redis", vendor: Upstream, tmp_path: Path
) -> None:
    vendor.answer("/sms", {"code": "unavailable"})
    via = http(f"{vendor.url}/sms")
    phonebind(sms=through(via))
    code = ask()
    with worker(tmp_path, via):
        wait_for(lambda: vendor.requests)
        vendor.answer("/sms", {"code": "ok"})
        wait_for(lambda: len(vendor.requests) == 2)
        wait_for(lambda: said(tmp_path).count("succeeded in") == 2)
    first, second = (body for _, body in vendor.requests)
    assert first == second
    assert opens(code)
    assert not shows(said(tmp_path), code)
    assert MOBILE not in said(tmp_path)


# ---------------------------------------------------------------- in the worker, step by step


def handed(phonebind: Configure, left: float = 45) -> Message:
    """A message in the queue with a valid code. The worker's gateway is the outbox."""
    phonebind(sms=through(OUTBOX))
    handed = message(sms_codes._new_code(MOBILE, "", "bind"))
    parcels.put(Parcel(handed, time.time() + left))
    return handed


def test_it_is_sent_once(phonebind: Configure, broker: "redis.Redis") -> None:
    mine = handed(phonebind)
    for _ in range(3):
        sms_tasks.send_sms(mine.id, 0)
        parcels.put(Parcel(mine, time.time() + 45))  # the message is put into the queue twice
    assert Outbox.sent == [mine]
    assert opens(mine.code)


def test_a_worker_with_another_store_says_so(
    phonebind: Configure, broker: "redis.Redis", settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    mine = handed(phonebind)
    caches = settings.CACHES
    settings.CACHES = {"default": {**caches["default"], "KEY_PREFIX": "another"}}
    sms_tasks.send_sms(mine.id, 0)
    [record] = caplog.records
    assert record.getMessage().startswith("SMS queue: a message is not in this worker's store")
    settings.CACHES = caches
    for _ in range(2):
        sms_tasks.send_sms(mine.id, 0)
    assert Outbox.sent == [mine]
    assert caplog.records == [record]


def test_many_workers_get_it_at_once(phonebind: Configure, broker: "redis.Redis") -> None:
    mine = handed(phonebind)
    threads = [threading.Thread(target=delivery.deliver, args=(mine.id, 0)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Outbox.sent == [mine]


@pytest.mark.parametrize("error", [SmsMisconfigured(), SmsRefused(), SmsVendorLimit(60)], ids=repr)
def test_what_no_further_try_would_change_takes_the_code_away(
    phonebind: Configure, broker: "redis.Redis", error: Exception
) -> None:
    mine = handed(phonebind)
    Outbox.error = error
    sms_tasks.send_sms(mine.id, 0)
    assert not opens(mine.code)
    assert broker.llen(QUEUE) == 0


@pytest.mark.parametrize("error", [SmsUnconfirmed(), RuntimeError(f"{MOBILE} 012345")], ids=repr)
def test_where_nobody_knows_the_code_stays_good(
    phonebind: Configure, broker: "redis.Redis", caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    mine = handed(phonebind)
    Outbox.error = error
    sms_tasks.send_sms(mine.id, 0)
    assert opens(mine.code)
    assert broker.llen(QUEUE) == 0
    assert MOBILE not in caplog.text
    assert ("the gateway raised RuntimeError" in caplog.text) is isinstance(error, RuntimeError)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("ok", "is sent"),
        ("delivery_rejected", "is not sent (it says delivery_rejected)"),
        ("rate_limited", "is not sent (it says rate_limited)"),
        ("unavailable", "is tried again (the vendor takes no SMS now (unavailable))"),
        ("timeout", "may have been sent (the vendor does not say whether it sent (timeout))"),
    ],
)
def test_the_log_tells_how_each_message_ended(
    phonebind: Configure,
    broker: "redis.Redis",
    vendor: Upstream,
    caplog: pytest.LogCaptureFixture,
    answer: str,
    told: str,
) -> None:
    vendor.answer("/sms", {"code": answer})
    phonebind(sms=through(http(f"{vendor.url}/sms")))
    sent = message()
    parcels.put(Parcel(sent, time.time() + 45))
    with caplog.at_level(logging.INFO, "phonebind"):
        sms_tasks.send_sms(sent.id, 0)
    assert f"SMS queue: message {sent.id} {told}" in [line.getMessage() for line in caplog.records]
    assert sent.code not in caplog.text.replace(sent.id, "")
    assert MOBILE not in caplog.text


def test_one_that_is_not_tried_again_either(
    phonebind: Configure, broker: "redis.Redis", caplog: pytest.LogCaptureFixture
) -> None:
    Outbox.refuse = True
    phonebind(sms=through(OUTBOX))
    sent = message()
    parcels.put(Parcel(sent, time.time() + 45, len(delivery.DELAYS)))
    with caplog.at_level(logging.INFO, "phonebind"):
        sms_tasks.send_sms(sent.id, len(delivery.DELAYS))
    assert f"SMS queue: message {sent.id} is not sent (SmsNotSent)" in [line.getMessage() for line in caplog.records]


def test_a_gateway_that_cannot_now_is_asked_again_a_few_times(phonebind: Configure, broker: "redis.Redis") -> None:
    mine = handed(phonebind)
    Outbox.refuse = True
    for number in range(len(delivery.DELAYS)):
        sms_tasks.send_sms(mine.id, number)
        assert opens(mine.code)
        assert broker.llen(QUEUE) == number + 1
    sms_tasks.send_sms(mine.id, len(delivery.DELAYS))
    assert broker.llen(QUEUE) == len(delivery.DELAYS)
    assert not opens(mine.code)


def test_a_further_try_would_come_too_late(phonebind: Configure, broker: "redis.Redis") -> None:
    mine = handed(phonebind, left=4)
    Outbox.refuse = True
    sms_tasks.send_sms(mine.id, 0)
    assert broker.llen(QUEUE) == 0
    assert not opens(mine.code)


@pytest.mark.parametrize("is_away", [True, False])
def test_a_broker_that_is_away_or_mute_as_the_worker_hands_it_back(
    phonebind: Configure, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_away: bool
) -> None:
    mine = handed(phonebind)
    Outbox.refuse = True
    with mute() as url:
        monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0" if is_away else url)
        sms_tasks.send_sms(mine.id, 0)
    assert opens(mine.code) is not is_away
    assert ("the broker cannot be reached" in caplog.text) is is_away


def test_a_message_that_has_expired_is_not_sent(
    phonebind: Configure, broker: "redis.Redis", caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        mine = handed(phonebind, left=-0.01)
        sms_tasks.send_sms(mine.id, 0)
        assert not opens(mine.code)
    assert Outbox.sent == []
    assert caplog.text.count("SMS queue: messages expire before a worker takes them") == 1


def test_what_celery_throws_away(phonebind: Configure) -> None:
    mine = handed(phonebind)
    ours = Context(task=queue.TASK, args=[mine.id, 0])
    sms_tasks.throw_away(request=ours, expired=False)
    sms_tasks.throw_away(request=Context(task="shop.pack", args=[mine.id, 0]), expired=True)
    assert opens(mine.code)
    sms_tasks.throw_away(request=ours, expired=True)
    assert not opens(mine.code)
    sms_tasks.throw_away(request=ours, expired=True)


def test_a_store_that_is_away(phonebind: Configure, valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    """In this case it is unknown whether another worker has sent the SMS."""
    mine = handed(phonebind)
    valkey.stop()
    sms_tasks.send_sms(mine.id, 0)
    assert Outbox.sent == []
    assert "SMS queue: a message is not sent, since the store is unavailable" in caplog.text


def test_threat_9_what_waits_tells_nobody_the_code(phonebind: Configure, broker: "redis.Redis") -> None:
    mine = handed(phonebind)
    with store.connection() as client:
        kept = b"".join(client.get(name) or b"" for name in client.scan_iter("*sms_parcel*"))
    assert kept
    readable = kept + base64.urlsafe_b64decode(kept)
    assert not any(secret.encode() in readable for secret in (mine.code, mine.mobile, mine.text))


def test_a_message_survives_a_new_key_and_is_closed_to_others(
    phonebind: Configure, broker: "redis.Redis", settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    mine = handed(phonebind)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a-new-key-of-the-web-servers" * 2
    sms_tasks.send_sms(mine.id, 0)
    assert Outbox.sent == [mine]
    other = handed(phonebind)
    settings.SECRET_KEY = "the-key-of-another-project" * 2
    settings.SECRET_KEY_FALLBACKS = []
    sms_tasks.send_sms(other.id, 0)
    assert Outbox.sent == [mine]
    assert "the workers need the SECRET_KEY and the release of the web servers" in caplog.text


@pytest.mark.parametrize("fields", [{"until": 9e9, "channel": "voice"}, {"mobile": MOBILE}], ids=str)
def test_a_message_of_another_release(
    phonebind: Configure, broker: "redis.Redis", caplog: pytest.LogCaptureFixture, fields: dict[str, Any]
) -> None:
    mine = handed(phonebind)
    with store.connection() as client:
        client.set(parcels._keys(mine.id, 0)[0], parcels._seal().encrypt(json.dumps(fields).encode()))
    sms_tasks.send_sms(mine.id, 0)
    assert Outbox.sent == []
    assert "the workers need the SECRET_KEY and the release of the web servers" in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [OUTBOX, through({"gateway": "tencnet"}), {"gateway": "celery", "ap": APP}, through("http")],
    ids=str,
)
def test_a_worker_whose_settings_cannot_send(
    phonebind: Configure, broker: "redis.Redis", caplog: pytest.LogCaptureFixture, wrong: Any
) -> None:
    mine = handed(phonebind)
    phonebind(sms=wrong)
    sms_tasks.send_sms(mine.id, 0)
    assert not opens(mine.code)
    assert "SMS queue: the worker's settings cannot send" in caplog.text


def test_receipts_come_from_the_gateway_behind_it(phonebind: Configure, broker: "redis.Redis") -> None:
    phonebind(sms=through(OUTBOX), sms_receipts="pull")
    assert not registry.brings_receipts()
    phonebind(sms=through(TENCENT))
    assert registry.brings_receipts()


# ---------------------------------------------------------------- handing over


def test_what_is_handed_over(phonebind: Configure, broker: "redis.Redis") -> None:
    phonebind(sms=through(OUTBOX))
    mine = message()
    begun = time.time()
    sms.send(mine)
    found = parcels.take(mine.id, 0)
    assert found
    assert found.message == mine
    assert begun + 45 <= found.until <= time.time() + 45
    [raw] = broker.lrange(QUEUE, 0, -1)
    headers = json.loads(raw)["headers"]
    assert (headers["task"], headers["ignore_result"], headers["retries"]) == (queue.TASK, True, 0)
    assert base64.b64decode(json.loads(raw)["body"]).startswith(f'[["{mine.id}", 0], {{}}'.encode())


def test_from_a_thread_that_celery_knows_nothing_of(phonebind: Configure, broker: "redis.Redis") -> None:
    """In such a thread Celery has another current app, as in the threads of a web server."""
    phonebind(sms=through(OUTBOX))
    thread = threading.Thread(target=sms.send, args=(message(),))
    thread.start()
    thread.join()
    assert broker.llen(QUEUE) == 1


#: All the commands that a client sends before its first own command.
GREETINGS = {
    b"PING": b"+PONG\r\n",
    b"SELECT": b"+OK\r\n",
    b"CLIENT": b"+OK\r\n",
    b"HELLO": b"%1\r\n$5\r\nproto\r\n:3\r\n",
}


class Mute(BaseRequestHandler):
    """A broker that answers a greeting, and nothing else."""

    def handle(self) -> None:
        while heard := self.request.recv(65536):
            for word in heard.split(b"\r\n"):
                self.request.sendall(GREETINGS.get(word.upper(), b""))


@contextmanager
def mute() -> Iterator[str]:
    with ThreadingTCPServer(("127.0.0.1", 0), Mute) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0"
        server.shutdown()
        thread.join()


@contextmanager
def deaf() -> Iterator[int]:
    """A port that accepts no connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for each in waiting:
            each.close()


@contextmanager
def hanging() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with serve(lambda wire: wire.hang()) as server:
        yield int(server.url.rpartition(":")[2])


@contextmanager
def closed() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:{}//", "amqp://127.0.0.1:{}//", "sentinel://127.0.0.1:{0};sentinel://127.0.0.1:{0}"]
)
@pytest.mark.parametrize("port", [closed, deaf, hanging])
def test_a_broker_that_is_away(
    phonebind: Configure, monkeypatch: pytest.MonkeyPatch, url: str, port: Callable[[], Any]
) -> None:
    """The person may request another code at once, and learns it within the deadline."""
    phonebind(sms=through(OUTBOX))
    monkeypatch.setitem(celery_app.app.conf, "broker_transport_options", {"master_name": "shop"})
    with port() as number:
        monkeypatch.setenv("CELERY_BROKER_URL", url.format(number))
        for _ in range(2):
            with Stopwatch() as watch, pytest.raises(SmsNotSent) as told:
                ask()
            assert watch.seconds < 3
            assert type(told.value) is SmsNotSent
            assert told.value.detail.startswith("the broker cannot be reached (")


def test_a_broker_that_does_not_say_that_it_took_it(phonebind: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    phonebind(sms=through(OUTBOX))
    with Stopwatch() as watch, mute() as url:
        monkeypatch.setenv("CELERY_BROKER_URL", url)
        with pytest.raises(SmsUnconfirmed):
            sms.send(message())
    assert watch.seconds < 3


# ---------------------------------------------------------------- check


def problems(phonebind: Configure, **options: Any) -> list[str]:
    phonebind(sms=through(OUTBOX) | options)
    return [str(error.msg).removeprefix("PHONEBIND['SMS']: ") for error in checks.check_gateway()]


def test_what_is_right(phonebind: Configure, broker: "redis.Redis") -> None:
    assert problems(phonebind) == []
    assert problems(phonebind, expires=57) == []
    assert problems(phonebind, via={"gateway": "failover", "gateways": [OUTBOX, OUTBOX]}) == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"expires": 57.1}, "expires must be a number of seconds, and together with TOTAL_TIMEOUT 60 at most"),
        ({"expires": 0}, "expires must be a number of seconds, and together with TOTAL_TIMEOUT 60 at most"),
        ({"expires": "45"}, "expires must be a number of seconds, and together with TOTAL_TIMEOUT 60 at most"),
        ({"expires": True}, "expires must be a number of seconds, and together with TOTAL_TIMEOUT 60 at most"),
        ({"via": None}, "via: must be a dict that names a gateway, with its options"),
        ({"via": {"gateway": "tencnet"}}, "via tencnet: there is no gateway 'tencnet'"),
        ({"via": through(OUTBOX)}, "via: celery cannot send by celery"),
        ({"via": {**through(OUTBOX), "gateway": "phonebind.sms.queue.Queue"}}, "via: celery cannot send by celery"),
        ({"app": "shop.celery.app"}, "app: ModuleNotFoundError: "),
        ({"app": "tests.support.celery_app.Celery"}, "app must be the dotted path of your Celery app"),
        ({"app": 7}, "app: AttributeError: "),
    ],
    ids=str,
)
def test_what_is_wrong(phonebind: Configure, broker: "redis.Redis", options: Any, problem: str) -> None:
    [told] = problems(phonebind, **options)
    assert told.startswith(problem)


@pytest.mark.parametrize(
    "url", ["carrier-pigeon://", "redis://:very/secret@127.0.0.1:6379/0", "redis://:very#secret@h"]
)
def test_a_broker_that_nobody_can_speak_to(phonebind: Configure, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", url)
    [told] = problems(phonebind)
    assert told.startswith("app: its broker_url cannot be used (")
    assert "very" not in told


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("task_always_eager", True, "app: task_always_eager has no effect on SMS"),
        ("accept_content", ["pickle"], "app: accept_content must have 'json'"),
        ("accept_content", ["application/json"], ""),
    ],
)
def test_what_celerys_own_settings_keep_from_being_sent(
    phonebind: Configure, broker: "redis.Redis", monkeypatch: pytest.MonkeyPatch, name: str, value: Any, problem: str
) -> None:
    monkeypatch.setitem(celery_app.app.conf, name, value)
    told = problems(phonebind)
    assert [line.partition(":")[0] for line in told] == (["app"] if problem else [])
    assert all(line.startswith(problem) for line in told)


def test_the_command_shows_who_sends(phonebind: Configure, broker: "redis.Redis", vendor: Upstream) -> None:
    phonebind(sms=through(http(f"{vendor.url}/sms")), site_name="店")
    out = StringIO()
    call_command("phonebind_sms", "check", stdout=out)
    call_command("phonebind_sms", "send", MOBILE, "--yes", stdout=out)
    assert "http: bind in zh-hans, en: our own text\n" in out.getvalue()
    assert "by http (our own text)." in out.getvalue()
    assert "Handed over to Celery; the log of its worker tells how it ended. Our id: " in out.getvalue()
    assert broker.llen(QUEUE) == 1
    assert vendor.requests == []


# ---------------------------------------------------------------- without Celery

MISSING = "Celery is not installed: pip install 'phonebind[celery]'"


@pytest.mark.parametrize("module", ["phonebind.sms_tasks", "phonebind.sms.queue"])
def test_without_celery_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setitem(sys.modules, "celery", None)
    monkeypatch.delitem(sys.modules, module)
    with pytest.raises(ImportError, match=re.escape(MISSING)):
        importlib.import_module(module)


def test_without_cryptography_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    monkeypatch.delitem(sys.modules, "phonebind.sms.parcels")
    with pytest.raises(ImportError, match=re.escape("cryptography is not installed: pip install 'phonebind[celery]'")):
        importlib.import_module("phonebind.sms.parcels")


#: What a host's worker does when it starts, for the host's own tasks.
WORKER = """
import sys
sys.modules["cryptography"] = sys.modules["cryptography.fernet"] = None
import django
django.setup()
from celery import Celery
app = Celery("shop")
app.autodiscover_tasks(["phonebind"])
app.loader.import_default_modules()
print([name for name in app.tasks if name.startswith("phonebind")])
"""


def test_the_worker_of_a_host_that_sends_no_sms_by_it_starts() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    found = subprocess.check_output([sys.executable, "-c", WORKER], cwd=ROOT, env=environment, text=True, timeout=60)
    assert found == "[]\n"


def test_where_celery_looks(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert importlib.reload(tasks).sms_tasks is sms_tasks
    assert caplog.text == ""
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    for module in ("sms_tasks", "sms.delivery", "sms.queue", "sms.parcels"):
        monkeypatch.delitem(sys.modules, f"phonebind.{module}")
        monkeypatch.delattr(f"phonebind.{module}")
    importlib.reload(tasks)
    assert "Celery sends no SMS here: cryptography is not installed" in caplog.text


def test_without_celery_a_check_tells(phonebind: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "celery", None)
    monkeypatch.delitem(sys.modules, "phonebind.sms.queue")
    assert problems(phonebind) == [f"ImportError: {MISSING}"]
