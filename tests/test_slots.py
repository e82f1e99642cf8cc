"""How many may wait at once."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from phonebind import oauth, slots, sms_codes, store
from phonebind.binding import identify
from phonebind.exceptions import CodeInvalid, ProviderUnavailable, SmsNotSent
from phonebind.slots import Slots
from tests.support.edge import Configure, Outbox

pytestmark = pytest.mark.django_db

MOST = 2


@pytest.fixture
def places() -> Slots:
    return Slots(ProviderUnavailable)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def occupy(places: Slots, release: threading.Event, error: Exception | None = None, most: int = MOST) -> None:
    """Hold a place until ``release``, then end with an answer or with ``error``."""
    with places.take(most):
        release.wait(5)
        if error:
            raise error


def fill(
    places: Slots, threads: ThreadPoolExecutor, release: threading.Event, error: Exception | None = None
) -> list[Future[None]]:
    held = [threads.submit(occupy, places, release, error) for _ in range(MOST)]
    while places._taken < MOST:
        time.sleep(0.001)
    return held


def test_a_place_is_free_again(places: Slots) -> None:
    for _ in range(2 * MOST):
        with places.take(MOST):
            pass


def test_a_place_is_free_again_after_an_error(places: Slots) -> None:
    for _ in range(2 * MOST):
        with pytest.raises(CodeInvalid), places.take(MOST):
            raise CodeInvalid


def test_threat_19_who_finds_no_place_is_told_so(places: Slots, threads: ThreadPoolExecutor) -> None:
    release = threading.Event()
    fill(places, threads, release)
    with pytest.raises(ProviderUnavailable), places.take(MOST):
        pytest.fail("a third place")
    release.set()


def test_in_a_burst_a_place_is_waited_for(
    places: Slots, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "PATIENCE", 5)
    monkeypatch.setattr(slots, "LONGEST", 5)
    release = threading.Event()
    fill(places, threads, release)
    waiting = threads.submit(occupy, places, release)
    time.sleep(0.02)
    assert not waiting.done()
    release.set()
    waiting.result(5)


@pytest.mark.parametrize("error", [None, CodeInvalid()])
def test_an_answer_of_any_kind_gives_patience(
    places: Slots, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    monkeypatch.setattr(slots, "PATIENCE", 5)
    monkeypatch.setattr(slots, "LONGEST", 5)
    first, second = threading.Event(), threading.Event()
    held = fill(places, threads, first, error)
    first.set()
    assert [one.exception(5) for one in held] == [error] * MOST
    fill(places, threads, second)
    waiting = threads.submit(occupy, places, second)
    time.sleep(0.02)
    assert not waiting.done()
    second.set()
    waiting.result(5)


def test_threat_19_nobody_waits_behind_those_who_were_not_answered(
    places: Slots, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "PATIENCE", 60)
    monkeypatch.setattr(slots, "LONGEST", 60)
    first, second = threading.Event(), threading.Event()
    held = fill(places, threads, first, ProviderUnavailable())
    first.set()
    assert all(isinstance(one.exception(5), ProviderUnavailable) for one in held)
    fill(places, threads, second)
    with pytest.raises(ProviderUnavailable), places.take(MOST):
        pytest.fail("a third place")
    second.set()


def test_nobody_waits_for_ever_though_others_are_answered(
    places: Slots, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "PATIENCE", 60)
    monkeypatch.setattr(slots, "LONGEST", 0.01)
    release = threading.Event()
    fill(places, threads, release)
    with pytest.raises(ProviderUnavailable), places.take(MOST):
        pytest.fail("a third place")
    release.set()


def test_the_operator_hears_of_it_once_a_minute(
    places: Slots, threads: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()
    fill(places, threads, release)
    for _ in range(3):
        with pytest.raises(ProviderUnavailable), places.take(MOST):
            pytest.fail("a third place")
    release.set()
    [record] = caplog.records
    assert "All 2 places" in record.getMessage()


def test_threat_19_sign_ins_have_so_many_places(phonebind: Configure, threads: ThreadPoolExecutor) -> None:
    phonebind(provider_slots=1)
    release = threading.Event()
    threads.submit(occupy, slots.PROVIDER, release, None, 1)
    while not slots.PROVIDER._taken:
        time.sleep(0.001)
    with pytest.raises(ProviderUnavailable):
        identify(oauth.get("qq"), "CODE")
    release.set()


def test_threat_14_an_sms_that_found_no_place_was_not_sent_and_costs_nothing(
    phonebind: Configure, threads: ThreadPoolExecutor
) -> None:
    phonebind(sms_slots=1)
    release = threading.Event()
    held = threads.submit(occupy, slots.SMS, release, None, 1)
    while not slots.SMS._taken:
        time.sleep(0.001)
    with store.connection() as client:
        before = set(client.keys())
        with pytest.raises(SmsNotSent):
            sms_codes.issue("13900000001", "192.0.2.1")
        assert set(client.keys()) == before
    assert not Outbox.sent
    release.set()
    held.result(5)
    sms_codes.issue("13900000001", "192.0.2.1")
    assert len(Outbox.sent) == 1
