"""The service that knows which numbers have a new owner is slow, broken or down. The gate then asks the person. No
person waits long, is locked out, or gets a server error.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from phonebind import limits
from phonebind.lifecycle import proofs
from phonebind.lifecycle.models import MobileProof
from phonebind.lifecycle.number_state.base import State
from tests.lifecycle import acts
from tests.lifecycle.conftest import MOBILE
from tests.lifecycle.test_number_state import KEYS
from tests.support.edge import Configure, Upstream
from tests.support.racers import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

#: Seconds. No test waits so long for an answer.
NEVER = 300
SAME = {"Code": "OK", "Data": {"VerifyResult": 2}}


class Broken:
    """A host's gateway."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def check(self) -> list[str]:
        return []

    def since(self, mobile: str, moment: Any) -> State:
        if isinstance(self._answer, Exception):
            raise self._answer
        found: State = self._answer
        return found


@pytest.fixture
def aliyun(qq: Upstream, phonebind: Configure) -> Upstream:
    ask(phonebind, {"gateway": "aliyun", **KEYS, "endpoint": f"{qq.url}/dytns"})
    return qq


def ask(phonebind: Configure, number_state: dict[str, Any], **more: Any) -> None:
    wide: dict[str, Any] = {name.lower(): value for name, value in acts.SETTINGS.items()}
    phonebind(number_state=number_state, **wide, total_timeout=0.5, connect_timeout=0.5, **more)


@pytest.fixture
def long_ago(person: Any) -> Any:
    """An account whose number was proved 100 days ago."""
    proofs.record(person, MOBILE, "sms")
    MobileProof.objects.update(last_proved_at=timezone.now() - timedelta(days=100))
    return person


def enter() -> str:
    return acts.outcome(acts.enter(MOBILE))


@contextmanager
def foreseen(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_one_that_answers_lets_them_in(long_ago: Any, aliyun: Upstream) -> None:
    aliyun.answer("/dytns", SAME)
    assert enter() == "200"


def test_one_that_hangs(long_ago: Any, aliyun: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    aliyun.answer("/dytns", SAME, delay=NEVER)
    with foreseen(caplog):
        assert enter() == "owner_unclear"
    assert aliyun.paths == ["/dytns"]


def test_one_that_hangs_holds_few_threads_and_keeps_nobody_out(
    long_ago: Any, qq: Upstream, phonebind: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    ask(phonebind, {"gateway": "aliyun", **KEYS, "endpoint": f"{qq.url}/dytns"}, sms_slots=4)
    qq.answer("/dytns", SAME, delay=NEVER)
    with foreseen(caplog):
        assert set(together(enter, [()] * 12)) == {"owner_unclear"}
    assert 1 <= len(qq.paths) <= 4, "two at once, and nobody waits behind who was served nothing"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"<html>502 Bad Gateway</html>",
        b"\xff\xfe\x00",
        b"[" * 60_000,
        b'{"Code": "OK", "Data": []}',
        b'{"Code": "OK", "Data": {"VerifyResult": {}}}',
        b'{"Code": ["OK"], "Data": {"VerifyResult": 1e999}}',
        b'{"Code": "OK", "Data": {"VerifyResult": ' + b"9" * 5_000 + b"}}",
        b"x" * 200_000,
    ],
    ids=["empty", "null", "HTML", "no UTF-8", "deep", "a list", "an object", "infinite", "long", "too much"],
)
@pytest.mark.parametrize("status", [200, 500])
def test_garbage(long_ago: Any, aliyun: Upstream, body: bytes, status: int, caplog: pytest.LogCaptureFixture) -> None:
    aliyun.answer("/dytns", body, status=status)
    with foreseen(caplog):
        assert enter() == "owner_unclear"


@pytest.mark.parametrize(
    "raw",
    [
        (b"",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",),
        (b"HTTP/9.9 wrong\r\n\r\n",),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nX: ", *(b"x",) * 40),
    ],
    ids=["hangs up", "half of it", "not HTTP", "elsewhere", "byte by byte"],
)
def test_a_broken_connection(
    long_ago: Any, aliyun: Upstream, raw: tuple[bytes, ...], caplog: pytest.LogCaptureFixture
) -> None:
    aliyun.answer("/dytns", b"", raw=raw, pause=0.05)
    with foreseen(caplog):
        assert enter() == "owner_unclear"


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9/", "http://nowhere.invalid/"])
def test_the_network_is_gone(
    long_ago: Any, phonebind: Configure, endpoint: str, caplog: pytest.LogCaptureFixture
) -> None:
    ask(phonebind, {"gateway": "aliyun", **KEYS, "endpoint": endpoint})
    with foreseen(caplog):
        assert enter() == "owner_unclear"


def test_the_budget_is_used_up(long_ago: Any, qq: Upstream, phonebind: Configure) -> None:
    budget = {"number_state_site_day": (1, 86_400)}
    ask(phonebind, {"gateway": "aliyun", **KEYS, "endpoint": f"{qq.url}/dytns"}, limits=budget)
    qq.answer("/dytns", {"Code": "OK", "Data": {"VerifyResult": 1}})
    assert [enter() for _ in range(3)] == ["owner_unclear"] * 3
    assert qq.paths == ["/dytns"]
    assert limits.spent("number_state_site_day", limits.SITE)[0] == 1


@pytest.mark.parametrize("answer", [KeyError("x"), TimeoutError(), "perhaps", None])
def test_one_of_the_hosts_that_is_wrong(long_ago: Any, phonebind: Configure, answer: Any) -> None:
    ask(phonebind, {"gateway": f"{__name__}.Broken", "answer": answer})
    assert enter() == "owner_unclear"


def test_one_that_cannot_be_made(long_ago: Any, phonebind: Configure) -> None:
    ask(phonebind, {"gateway": "nobody"})
    assert enter() == "owner_unclear"


def test_an_act_that_begins_anew_asks_once(long_ago: Any, aliyun: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request waits for the service, and each call is billed."""
    aliyun.answer("/dytns", SAME)
    real, failures = proofs.record, [IntegrityError(), IntegrityError()]

    def lose(*args: Any, **kwargs: Any) -> None:
        if failures:
            raise failures.pop()
        real(*args, **kwargs)

    monkeypatch.setattr(proofs, "record", lose)
    assert enter() == "200"
    assert (aliyun.paths, failures) == (["/dytns"], [])
