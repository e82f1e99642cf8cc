"""How many threads may at once do work that takes long."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from phonebind import oauth, slots, sms_codes, store
from phonebind.binding import identify
from phonebind.exceptions import (
    CodeInvalid,
    PhonebindError,
    ProviderUnavailable,
    SmsMisconfigured,
    SmsNotSent,
    SmsRefused,
    SmsUnconfirmed,
    SmsVendorLimit,
)
from phonebind.slots import QUEUE, Slots
from tests.support.edge import Configure, Outbox

pytestmark = pytest.mark.django_db

MOST = 2
#: Seconds. A test does not wait longer than this for anything.
NEVER = 10


class Guest:
    """A thread that takes a place, and keeps it until it is told to leave."""

    def __init__(self, threads: ThreadPoolExecutor, places: Slots, most: int) -> None:
        self.served = threading.Event()
        self._leave = threading.Event()
        self._error: Exception | None = None
        self._visit = threads.submit(self._stay, places, most)

    def _stay(self, places: Slots, most: int) -> None:
        with places.take(most):
            self.served.set()
            self._leave.wait(NEVER)
            if self._error:
                raise self._error

    def leave(self, error: Exception | None = None) -> None:
        """Leave with a result or with ``error``. Returns when the place is free."""
        self._error = error
        self._leave.set()
        assert self._visit.exception(NEVER) is error

    def is_here(self) -> bool:
        """Whether it has a place or waits for one."""
        return not self._visit.done()

    def refused(self) -> bool:
        """Whether it was refused because there was no place."""
        return isinstance(self._visit.exception(NEVER), PhonebindError) and not self.served.is_set()

    def hurry(self) -> None:
        self._leave.set()


class Guests:
    """All guests of one test."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads
        self._all: list[Guest] = []

    def come(self, places: Slots, number: int = 1, most: int = MOST) -> list[Guest]:
        """The guests come one after the other: the next one comes when this one has a place, waits in the queue or was
        refused.
        """
        return [self._come(places, most) for _ in range(number)]

    def _come(self, places: Slots, most: int) -> Guest:
        queue = len(places._queue)
        guest = Guest(self._threads, places, most)
        self._all.append(guest)
        until(lambda: guest.served.is_set() or len(places._queue) > queue or not guest.is_here())
        return guest

    def go(self) -> None:
        for guest in self._all:
            guest.hurry()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + NEVER
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture
def guests() -> Iterator[Guests]:
    with ThreadPoolExecutor(32) as threads:
        all_guests = Guests(threads)
        yield all_guests
        all_guests.go()


@pytest.fixture
def unhurried() -> Iterator[None]:
    """No other thread runs before the current one has to wait."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(NEVER)
    yield
    sys.setswitchinterval(usual)


@pytest.fixture
def places() -> Slots:
    """Slots in which no guest waits too long and is refused for that."""
    # The times are longer than any wait of a test. So a guest that comes in was really served: its time was not over.
    return Slots(ProviderUnavailable, patience=6 * NEVER, longest=6 * NEVER)


def refuses(places: Slots, most: int = MOST) -> bool:
    """Whether a guest that comes now is refused."""
    try:
        with places.take(most):
            return False
    except ProviderUnavailable:
        return True


# ---------------------------------------------------------------- places


@pytest.mark.parametrize("error", [None, CodeInvalid(), ProviderUnavailable()])
def test_a_place_is_free_again(places: Slots, guests: Guests, error: Exception | None) -> None:
    for _ in range(2 * MOST):
        [guest] = guests.come(places)
        assert guest.served.is_set()
        guest.leave(error)


@pytest.mark.parametrize(("patience", "longest"), [(NEVER, 0.01), (0.01, NEVER)])
def test_threat_19_who_finds_no_place_is_told_so(guests: Guests, patience: float, longest: float) -> None:
    places = Slots(ProviderUnavailable, patience=patience, longest=longest)
    guests.come(places, MOST)
    assert refuses(places)


# ---------------------------------------------------------------- the queue


def test_in_a_burst_a_place_is_waited_for(places: Slots, guests: Guests) -> None:
    first, _ = guests.come(places, MOST)
    [waiting] = guests.come(places)
    assert not waiting.served.is_set()
    first.leave()
    assert waiting.served.wait(NEVER)


@pytest.mark.parametrize("error", [None, CodeInvalid()])
def test_an_answer_of_any_kind_gives_patience(places: Slots, guests: Guests, error: Exception | None) -> None:
    for guest in guests.come(places, MOST):
        guest.leave(error)
    first, _ = guests.come(places, MOST)
    [waiting] = guests.come(places)
    first.leave()
    assert waiting.served.wait(NEVER)


def test_threat_19_nobody_waits_behind_those_who_were_not_answered(places: Slots, guests: Guests) -> None:
    for guest in guests.come(places, MOST):
        guest.leave(ProviderUnavailable())
    guests.come(places, MOST)
    assert refuses(places)


def test_who_waits_is_served_in_order(places: Slots, guests: Guests) -> None:
    [now] = guests.come(places, 1, most=1)
    queue = guests.come(places, 4, most=1)
    while queue:
        assert not any(guest.served.is_set() for guest in queue)
        now.leave()
        now = queue.pop(0)
        assert now.served.wait(NEVER)


@pytest.mark.usefixtures("unhurried")
def test_who_comes_now_does_not_overtake_who_waits(places: Slots, guests: Guests) -> None:
    with places.take(1):
        [waiting] = guests.come(places, most=1)
        waiting.hurry()
    with places.take(1):
        assert waiting.served.is_set()


@pytest.mark.usefixtures("unhurried")
def test_two_places_that_become_free_at_once_serve_two(places: Slots, guests: Guests) -> None:
    with places.take(MOST), places.take(MOST):
        waiting = guests.come(places, MOST)
    assert all(guest.served.wait(NEVER) for guest in waiting)


@pytest.mark.parametrize(("most", "room"), [(1, QUEUE), (QUEUE + 3, QUEUE + 3)])
def test_as_many_wait_as_have_places_or_a_few_more(places: Slots, guests: Guests, most: int, room: int) -> None:
    first, *_ = guests.come(places, most, most)
    waiting = guests.come(places, room, most)
    assert all(guest.is_here() for guest in waiting)
    assert refuses(places, most)
    first.leave()
    assert waiting[0].served.wait(NEVER)
    assert not guests.come(places, 1, most)[0].served.is_set()
    assert refuses(places, most)


def test_who_gives_up_holds_nobody_else_up(guests: Guests) -> None:
    places = Slots(ProviderUnavailable, patience=NEVER, longest=0.05)
    [first] = guests.come(places, most=1)
    assert all(guest.refused() for guest in guests.come(places, QUEUE, most=1))
    first.leave()
    [next_one] = guests.come(places, most=1)
    assert next_one.served.is_set()


def test_the_operator_hears_of_it_once_a_minute(guests: Guests, caplog: pytest.LogCaptureFixture) -> None:
    places = Slots(ProviderUnavailable, patience=0, longest=0)
    guests.come(places, MOST)
    assert all(refuses(places) for _ in range(3))
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == "All 2 places of this process are taken: further requests get provider_unavailable"


# ---------------------------------------------------------------- what the slots are for


def test_threat_19_sign_ins_have_so_many_places(phonebind: Configure) -> None:
    phonebind(provider_slots=1)
    with slots.PROVIDER.take(1), pytest.raises(ProviderUnavailable):
        identify(oauth.get("qq"), lambda: oauth.Grant("O"))


def test_threat_14_an_sms_that_found_no_place_was_not_sent_and_costs_nothing(phonebind: Configure) -> None:
    phonebind(sms_slots=1)
    with store.connection() as client, slots.SMS.take(1):
        before = set(client.keys())
        with pytest.raises(SmsNotSent):
            sms_codes.issue("13900000001", "192.0.2.1")
        assert set(client.keys()) == before
    assert not Outbox.sent
    sms_codes.issue("13900000001", "192.0.2.1")
    assert len(Outbox.sent) == 1


#: Each error of an SMS gateway, and whether the gateway counts as down. If it is down, the queue is refused at once.
ENDS = [
    (SmsNotSent(), True),
    (SmsUnconfirmed(), True),
    (SmsNotSent(answered=True), False),
    (SmsUnconfirmed(answered=True), False),
    (SmsMisconfigured(), False),
    (SmsRefused(), False),
    (SmsVendorLimit(60), False),
]


@pytest.mark.parametrize(("error", "is_down"), ENDS, ids=[f"{type(e).__name__}-{e.answered}" for e, _ in ENDS])
def test_a_refusal_is_no_outage(guests: Guests, error: PhonebindError, is_down: bool) -> None:
    places = Slots(SmsNotSent, patience=NEVER, longest=NEVER)
    first, _, last = guests.come(places, 3, most=1)
    first.leave(error)
    if is_down:
        assert last.refused()
    else:
        assert last.is_here()
