"""Every rate limit, quota and lockout."""

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import RequestFactory
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from phonebind import limits, signals, sms_codes, store
from phonebind.exceptions import (
    Limited,
    ServerBusy,
    SmsNotSent,
    SmsQuota,
    SmsRefused,
    SmsTooFrequent,
    SmsVendorLimit,
    TooManyAttempts,
    TooManyRequests,
)
from tests.support.edge import Configure, Outbox

WHO = "13900000001"
HOUR, DAY = 60 * 60, 24 * 60 * 60
#: A moment at which a counter of an hour and one of a day both begin.
NOON = 1_800_000_000

PROMISED = {
    "image_address_hour": (300, HOUR, TooManyRequests),
    "human_address_hour": (300, HOUR, TooManyRequests),
    "human_answer_address_hour": (100, HOUR, TooManyRequests),
    "receipt_address_hour": (300, 3_600, TooManyRequests),
    "operator_search_hour": (100, 3_600, TooManyRequests),
    "native_address_minute": (60, 60, TooManyRequests),
    "native_wrong_address_hour": (100, HOUR, TooManyAttempts),
    "no_image_address_hour": (5, HOUR, SmsQuota),
    "no_image_site_hour": (200, HOUR, SmsQuota),
    "no_image_site_day": (500, DAY, SmsQuota),
    "sms_mobile_gap": (1, 60, SmsTooFrequent),
    "sms_mobile_hour": (5, HOUR, SmsQuota),
    "sms_mobile_day": (10, DAY, SmsQuota),
    "sms_mobile_open_hour": (3, HOUR, SmsQuota),
    "sms_mobile_open_day": (6, DAY, SmsQuota),
    "sms_identity_hour": (1, HOUR, SmsQuota),
    "sms_identity_day": (2, DAY, SmsQuota),
    "sms_identity_month": (3, 30 * DAY, SmsQuota),
    "sms_address_hour": (20, HOUR, SmsQuota),
    "sms_site_hour": (1000, HOUR, SmsQuota),
    "sms_site_day": (5000, DAY, SmsQuota),
    "proof_identity_hour": (5, HOUR, TooManyRequests),
    "proof_address_hour": (300, HOUR, TooManyRequests),
    "proof_site_day": (5000, DAY, TooManyRequests),
    "account_count_address_hour": (20, HOUR, TooManyRequests),
    "reset_account_address_hour": (20, HOUR, TooManyRequests),
    "sms_code_identity_hour": (10, HOUR, TooManyAttempts),
    "sms_code_address_hour": (100, HOUR, TooManyAttempts),
    "password_name": (5, 15 * 60, TooManyAttempts),
    "password_account": (20, 15 * 60, TooManyAttempts),
    "password_address": (50, 15 * 60, TooManyAttempts),
    "password_bind": (5, 15 * 60, TooManyAttempts),
    "verify_user_hour": (10, HOUR, SmsQuota),
    "password_verify": (5, 15 * 60, TooManyAttempts),
    "reset_mobile_day": (5, 86_400, SmsQuota),
    "notice_mobile_day": (3, 86_400, SmsQuota),
    "sign_up_mobile_hour": (20, 3_600, TooManyAttempts),
    "owner_choice_address_hour": (100, 3_600, TooManyRequests),
    "number_state_site_day": (1_000, 86_400, TooManyRequests),
}
#: What costs money: an SMS, or a question to a vendor.
MONEY = {
    "human_answer_address_hour",
    "verify_user_hour",
    "reset_mobile_day",
    "notice_mobile_day",
    "sign_up_mobile_hour",
    "number_state_site_day",
    "owner_choice_address_hour",
} | {
    name
    for name in PROMISED
    if name.startswith(("sms_", "no_image_", "proof_")) and "code" not in name and "gap" not in name
}


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Python's clock stands still until a test moves it. The limits tell the store what time it is."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def may_take(*claims: limits.Claim) -> bool:
    try:
        limits.take(*claims)
    except Limited:
        return False
    return True


def wait_for(*claims: limits.Claim) -> int:
    """The seconds that the answer to a refused request says to wait."""
    with pytest.raises(Limited) as refused:
        limits.take(*claims)
    assert refused.value.retry_after
    return refused.value.retry_after


def fail(*claims: limits.Claim) -> None:
    """One wrong attempt, which counts."""
    assert not limits.attempt(lambda: False, *claims)


def test_the_table_is_the_promised_one() -> None:
    """Threats 10, 12, 13, 43 and 49."""
    found = {name: (rule.limit, rule.seconds, rule.error) for name, rule in limits.RULES.items()}
    assert found == PROMISED


def test_threat_13_what_costs_money_is_counted_in_sliding_windows() -> None:
    assert {name for name, rule in limits.RULES.items() if rule.sliding} == MONEY


def test_only_the_budgets_of_the_whole_site_alarm() -> None:
    alarming = {name for name, rule in limits.RULES.items() if rule.alarms}
    assert alarming == {"sms_site_hour", "sms_site_day", "proof_site_day", "number_state_site_day"}


@pytest.mark.parametrize("name", limits.RULES)
def test_a_limit_is_reached_and_says_for_how_long(
    phonebind: Configure, clock: time_machine.Traveller, name: str
) -> None:
    rule = limits.rule(name)
    rule = replace(rule, limit=min(rule.limit, 50))  # 5,000 attempts would take too long
    phonebind(limits={name: (rule.limit, rule.seconds)})
    for _ in range(rule.limit):
        limits.take((name, WHO))
    with pytest.raises(rule.error):
        limits.take((name, WHO))
    # A place in a sliding window becomes free when the window after the end of its counter is over.
    now, width = NOON, rule.width / 1000
    late = width - now % width if rule.sliding else 0
    assert 0 <= rule.seconds + late - wait_for((name, WHO)) < 5


def test_nobody_pays_for_another() -> None:
    limits.take(("sms_mobile_gap", WHO))
    limits.take(("sms_mobile_gap", "13900000002"))


def test_a_host_sets_its_own(phonebind: Configure) -> None:
    phonebind(limits={"sms_mobile_gap": (2, 30)})
    limits.take(("sms_mobile_gap", WHO))
    limits.take(("sms_mobile_gap", WHO))
    with pytest.raises(SmsTooFrequent) as refused:
        limits.take(("sms_mobile_gap", WHO))
    assert refused.value.retry_after in (29, 30)


def test_at_most_zero_times_is_never(phonebind: Configure) -> None:
    phonebind(limits={"sms_mobile_gap": (0, 60)})
    with pytest.raises(SmsTooFrequent):
        limits.take(("sms_mobile_gap", WHO))


def test_never_has_no_window_to_wait_for(phonebind: Configure) -> None:
    phonebind(limits={"sms_site_day": (0, 86400)})
    with pytest.raises(SmsQuota) as refused:
        limits.take(("sms_site_day", limits.SITE))
    assert refused.value.retry_after == 86400


def test_a_refusal_neither_counts_nor_prolongs() -> None:
    limits.take(("sms_mobile_gap", WHO))
    with store.connection() as client:
        client.pexpire(limits.key("sms_mobile_gap", WHO), 50)
    with pytest.raises(SmsTooFrequent) as refused:
        limits.take(("sms_mobile_gap", WHO))
    assert refused.value.retry_after == 1
    time.sleep(0.06)
    limits.take(("sms_mobile_gap", WHO))


@pytest.mark.parametrize("name", ["password_account", "sms_code_address_hour"])
def test_a_window_that_runs_is_neither_prolonged_nor_cut_short(name: str) -> None:
    claim = (name, WHO)
    limits.take(claim)
    with store.connection() as client:
        client.expire(limits.key(*claim), 100)
        limits.take(claim)
        assert client.ttl(limits.key(*claim)) in range(90, 101)
        fail(claim)
        assert client.ttl(limits.key(*claim)) in range(90, 101)
        limits.attempt(lambda: True, claim)
        assert client.ttl(limits.key(*claim)) in range(90, 101)


@pytest.mark.parametrize("name", ["sms_mobile_gap", "sms_mobile_hour"])
def test_what_is_given_back_did_not_count(name: str) -> None:
    for _ in range(30):
        at = limits.take((name, WHO))
        limits.give_back((name, WHO), at=at)


def test_what_is_given_back_has_started_no_window() -> None:
    """Otherwise a person who was refused at first would get the next two SMS within one minute."""
    at = limits.take(("sms_mobile_gap", WHO))
    with store.connection() as client:
        client.expire(limits.key("sms_mobile_gap", WHO), 20)
    limits.give_back(("sms_mobile_gap", WHO), at=at)
    limits.take(("sms_mobile_gap", WHO))
    assert wait_for(("sms_mobile_gap", WHO)) in range(50, 61)


def test_who_only_looks_takes_nothing_and_is_told_the_same(clock: time_machine.Traveller) -> None:
    claims = ("sms_mobile_gap", WHO), ("sms_address_hour", "192.0.2.1")
    for _ in range(3):
        limits.check(*claims)
    assert limits.spent(*claims[1]) == (0, 0)
    limits.take(*claims)
    with pytest.raises(SmsTooFrequent) as refused:
        limits.check(*reversed(claims))
    assert refused.value.limit == "sms_mobile_gap"
    assert refused.value.retry_after in range(50, 61)
    assert limits.spent(*claims[1]) == (1, 1)


def test_nothing_is_given_back_that_was_not_taken(clock: time_machine.Traveller) -> None:
    """Nor is it given back in a counter other than that of the moment."""
    now = int(time.time() * 1000)
    limits.give_back(("sms_mobile_gap", WHO), ("sms_mobile_gap", WHO), ("sms_mobile_hour", WHO), at=now)
    limits.take(("sms_mobile_gap", WHO), ("sms_mobile_hour", WHO))
    with pytest.raises(SmsTooFrequent):
        limits.take(("sms_mobile_gap", WHO))
    limits.give_back(("sms_mobile_hour", WHO), at=now - HOUR * 1000)
    assert limits.spent("sms_mobile_hour", WHO) == (1, 1)


def test_where_one_of_several_is_used_up_none_is_counted() -> None:
    limits.take(("sms_mobile_gap", WHO))
    with pytest.raises(SmsTooFrequent):
        limits.take(("sms_address_hour", "192.0.2.1"), ("sms_mobile_day", WHO), ("sms_mobile_gap", WHO))
    with store.connection() as client:
        assert not client.exists(limits.key("sms_address_hour", "192.0.2.1"), limits.key("sms_mobile_day", WHO))


def test_threat_13_when_the_sites_budget_is_used_up_nobody_is_sent_anything_and_the_operator_hears_of_it(
    phonebind: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    phonebind(limits={"sms_site_hour": (3, 3600)})
    heard: list[dict[str, Any]] = []

    def listen(**facts: Any) -> None:
        heard.append({name: facts[name] for name in ("rule", "limit", "seconds", "retry_after")})

    signals.sms_budget_exhausted.connect(listen)
    try:
        outcomes = []
        for number in range(9):
            try:
                sms_codes.issue(f"1390000000{number}", f"192.0.2.{number}")
            except SmsQuota as error:
                outcomes.append(error.retry_after)
    finally:
        signals.sms_budget_exhausted.disconnect(listen)
    assert len(Outbox.sent) == 3
    assert len(outcomes) == 6
    assert all(seconds in range(3600, 3601 + 300) for seconds in outcomes)
    assert heard == [{"rule": "sms_site_hour", "limit": 3, "seconds": 3600, "retry_after": outcomes[0]}], (
        "once a minute"
    )
    low, line = [record for record in caplog.records if record.name == "phonebind.limits"]
    assert line.levelno == low.levelno == logging.ERROR
    assert "sms_site_hour is used up (3 in 3600 s)" in line.getMessage()
    with store.connection() as client:
        assert 0 < client.ttl(store.key("alarm", "sms_site_hour")) <= 60


def test_threat_13_the_budget_is_not_spent_by_who_is_refused_or_not_served(phonebind: Configure) -> None:
    phonebind(limits={"sms_site_hour": (2, 3600)})
    sms_codes.issue(WHO, "192.0.2.1")
    for _ in range(5):
        with pytest.raises(SmsTooFrequent):
            sms_codes.issue(WHO, "192.0.2.1")
    Outbox.refuse = True
    for _ in range(5):
        with pytest.raises(SmsNotSent):
            sms_codes.issue("13900000002", "192.0.2.1")
    Outbox.refuse = False
    sms_codes.issue("13900000002", "192.0.2.1")
    with pytest.raises(SmsQuota):
        sms_codes.issue("13900000003", "192.0.2.1")


@pytest.mark.parametrize("refusal", [SmsRefused(), SmsVendorLimit(1800)], ids=lambda refusal: type(refusal).__name__)
def test_threat_14_what_the_vendor_refuses_for_the_numbers_sake_costs_the_person_and_not_the_site(
    phonebind: Configure, refusal: Exception
) -> None:
    """A blocked number does not make calls to the vendor free, and does not use up the SMS of all other people."""
    phonebind(limits={"sms_site_hour": (2, 3600), "sms_address_hour": (3, 3600), "sms_mobile_gap": (9, 60)})
    Outbox.error = refusal
    for number in range(3):
        with pytest.raises(type(refusal)):
            sms_codes.issue(f"1390000000{number}", "192.0.2.1")
    with pytest.raises(SmsQuota) as used_up:
        sms_codes.issue("13900000009", "192.0.2.1")
    assert used_up.value.limit == "sms_address_hour"
    with pytest.raises(type(refusal)):
        sms_codes.issue("13900000000", "192.0.2.2")
    Outbox.error = None
    for number in range(2):
        sms_codes.issue(f"1390000001{number}", f"192.0.2.{number + 3}")
    with pytest.raises(SmsQuota):
        sms_codes.issue("13900000009", "192.0.2.9")


def test_an_ordinary_limit_alarms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    limits.take(("sms_mobile_gap", WHO))
    with pytest.raises(SmsTooFrequent):
        limits.take(("sms_mobile_gap", WHO))
    assert not caplog.records


def test_every_counter_ends_by_itself() -> None:
    tagged: dict[str, list[limits.Claim]] = {}
    for name, rule in limits.RULES.items():
        tagged.setdefault(rule.tag or name, []).append((name, WHO))
    for claims in tagged.values():
        at = limits.take(*claims)
        limits.give_back(*claims, at=at)
        limits.give_back(*((name, "never taken") for name, _ in claims), at=at)
        limits.take(*claims)
    with store.connection() as client:
        lives = [client.pttl(key) for key in client.scan_iter()]
    assert len(lives) == len(limits.RULES)
    assert min(lives) > 0


# ---------------------------------------------------------------- attempts


def test_what_is_on_trial_counts_meanwhile_and_for_seconds_only() -> None:
    claim = ("password_name", WHO)

    def five_at_once(others: int = 4) -> bool:
        if others:
            return limits.attempt(lambda: five_at_once(others - 1), claim)
        with pytest.raises(TooManyAttempts) as refused:
            limits.attempt(lambda: True, claim)
        assert refused.value.retry_after in range(1, limits.TRIAL + 1)
        return True

    assert limits.attempt(five_at_once, claim)
    assert limits.attempt(lambda: True, claim)
    with store.connection() as client:
        assert not client.keys()


def test_what_counts_starts_the_window_once() -> None:
    claim = ("password_name", WHO)
    for _ in range(5):
        fail(claim)
    with pytest.raises(TooManyAttempts) as refused:
        limits.attempt(lambda: True, claim)
    assert refused.value.retry_after in range(800, 901)


def test_what_counts_after_its_trial_has_ended_counts_all_the_same() -> None:
    claim = ("password_name", WHO)

    def slow() -> bool:
        with store.connection() as client:
            client.delete(limits.key(*claim))
        return False

    limits.attempt(slow, claim)
    for _ in range(4):
        fail(claim)
    assert not may_take(claim)


def test_what_ends_with_an_error_of_ours_does_not_count() -> None:
    def busy() -> bool:
        raise ServerBusy

    for _ in range(20):
        with pytest.raises(ServerBusy):
            limits.attempt(busy, ("password_name", WHO), ("password_address", WHO))
    with store.connection() as client:
        assert not client.keys()


def test_an_attempt_that_is_refused_is_not_made() -> None:
    for _ in range(5):
        fail(("password_name", WHO))
    made: list[bool] = []

    def act() -> bool:
        made.append(True)
        return False

    with pytest.raises(TooManyAttempts):
        limits.attempt(act, ("password_address", WHO), ("password_name", WHO))
    assert not made
    for _ in range(49):
        fail(("password_address", WHO))  # the refused attempt took none of them
    fail(("password_address", WHO))


def test_threat_12_a_right_attempt_forgives_no_wrong_one() -> None:
    for _ in range(5):
        assert limits.attempt(lambda: True, ("password_name", WHO))
        fail(("password_name", WHO))
    assert not may_take(("password_name", WHO))


# ---------------------------------------------------------------- sliding windows


def width_of(seconds: int) -> int:
    """The width of one of the twelve counters, in milliseconds, rounded up."""
    return -(-seconds * 1000 // 12)


#: Limit and seconds. Some cannot be divided by twelve.
BOUNDS = st.tuples(st.integers(1, 5), st.sampled_from([7, 60, 61, 599, HOUR, DAY]))
#: In units of 1/240 of a window: many at once, within one counter, over several, over the whole window and more.
STEPS = st.lists(st.sampled_from([0, 0, 0, 1, 3, 19, 20, 21, 100, 199, 220, 239, 240, 241, 259, 260]), max_size=60)


@given(bounds=BOUNDS, start=st.integers(NOON * 1000, (NOON + DAY) * 1000), steps=STEPS)
@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_threat_13_no_window_ever_holds_more_than_the_limit(
    phonebind: Configure, bounds: tuple[int, int], start: int, steps: list[int]
) -> None:
    """And a place is free again when the window has passed, or up to a twelfth of it later."""
    limit, seconds = bounds
    window, width = seconds * 1000, width_of(seconds)
    phonebind(limits={"sms_mobile_hour": bounds})
    claim = ("sms_mobile_hour", str(uuid4()))
    taken: list[int] = []
    with time_machine.travel(start / 1000, tick=False) as clock:
        for step in steps:
            now = int(time.time() * 1000)
            if may_take(claim):
                taken.append(now)
            else:
                late = [at for at in taken if now - at < window + width]
                assert len(late) >= limit, "refused, and the window has long passed"
            within = [at for at in taken if now - at < window]
            assert len(within) <= limit
            clock.shift(step * window / 240_000)


@given(bounds=BOUNDS, start=st.integers(NOON * 1000, (NOON + DAY) * 1000), steps=STEPS)
@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_threat_13_who_waits_as_long_as_told_has_a_place_and_no_earlier(
    phonebind: Configure, bounds: tuple[int, int], start: int, steps: list[int]
) -> None:
    phonebind(limits={"sms_mobile_hour": bounds})
    claim = ("sms_mobile_hour", str(uuid4()))
    with time_machine.travel(start / 1000, tick=False) as clock:
        for step in steps:
            if not may_take(claim):
                seconds = wait_for(claim)
                assert seconds * 1000 < bounds[1] * 1000 + width_of(bounds[1]) + 1000
                clock.shift(seconds - 1.001)  # one millisecond, because floats are not exact
                assert not may_take(claim)
                clock.shift(1.002)
                limits.take(claim)
            clock.shift(step * bounds[1] / 240)


def test_threat_13_no_hour_has_twice_its_budget(clock: time_machine.Traveller) -> None:
    """An earlier version allowed this: 1,000 at the end of one hour and 1,000 at the beginning of the next."""
    claim = ("sms_site_hour", limits.SITE)
    limits.take(claim)
    clock.shift(HOUR - 10)
    sent = 1 + sum(may_take(claim) for _ in range(1000))
    assert sent == 1000
    clock.shift(20)
    assert not any(may_take(claim) for _ in range(1000))
    # The first one is older than an hour. Its counter ends at most five minutes later.
    clock.shift(300)
    assert [may_take(claim) for _ in range(3)] == [True, False, False]


def test_a_place_is_free_again_where_the_counter_ends(clock: time_machine.Traveller, phonebind: Configure) -> None:
    phonebind(limits={"sms_mobile_hour": (2, HOUR)})
    claim = ("sms_mobile_hour", WHO)
    clock.shift(299.5)
    limits.take(claim)
    clock.shift(1)
    limits.take(claim)
    assert wait_for(claim) == HOUR  # 3,599.5 s, rounded up
    clock.shift(HOUR - 1)
    assert wait_for(claim) == 1
    clock.shift(0.5)
    assert [may_take(claim), may_take(claim)] == [True, False]
    assert wait_for(claim) == 300


def test_what_is_given_back_later_is_given_back_where_it_was_taken(clock: time_machine.Traveller) -> None:
    """A gateway may be slow, and a counter may end meanwhile."""
    claim = ("sms_mobile_hour", WHO)
    clock.shift(299)
    at = limits.take(claim)
    limits.take(claim)
    clock.shift(2)
    limits.take(claim)
    limits.give_back(claim, at=at)
    assert limits.spent(*claim) == (2, 1)
    clock.shift(HOUR - 1)
    assert limits.spent(*claim) == (1, 0)


def test_threat_13_what_is_given_back_makes_no_room_in_a_later_window(clock: time_machine.Traveller) -> None:
    claim = ("sms_mobile_hour", WHO)
    ats = [limits.take(claim) for _ in range(5)]
    clock.shift(HOUR + 300)
    for _ in range(5):
        limits.take(claim)
    for at in ats:
        limits.give_back(claim, at=at)
    assert not may_take(claim)


def test_how_much_was_spent_in_all_and_within_minutes(clock: time_machine.Traveller) -> None:
    claim = ("sms_site_hour", limits.SITE)
    assert limits.spent(*claim) == (0, 0)
    for _ in range(3):
        limits.take(claim)
    assert limits.spent(*claim) == (3, 3)
    clock.shift(299.999)
    limits.take(claim)
    assert limits.spent(*claim) == (4, 4)
    clock.shift(0.001)
    assert limits.spent(*claim) == (4, 0)
    limits.take(claim)
    assert limits.spent(*claim) == (5, 1)
    clock.shift(HOUR - 0.001)
    assert limits.spent(*claim) == (5, 0)
    clock.shift(0.001)
    assert limits.spent(*claim) == (1, 0)
    clock.shift(300)
    assert limits.spent(*claim) == (0, 0)


def test_a_sliding_window_takes_no_more_room_than_its_counters(clock: time_machine.Traveller) -> None:
    claim = ("sms_site_hour", limits.SITE)
    for _ in range(60):
        limits.take(claim)
        clock.shift(100)
    with store.connection() as client:
        assert client.hlen(limits.key(*claim)) <= 13
        assert HOUR < client.ttl(limits.key(*claim)) <= HOUR + 300


# ---------------------------------------------------------------- which client is counted


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "counted"),
    [
        # no proxy is trusted: the client can write any value into the header
        (0, "198.51.100.7", None, "198.51.100.7"),
        (0, "198.51.100.7", "203.0.113.1", "198.51.100.7"),
        # one proxy: the last entry is the address that it saw
        (1, "10.0.0.1", "198.51.100.7", "198.51.100.7"),
        (1, "10.0.0.1", "203.0.113.1, 198.51.100.7", "198.51.100.7"),
        (1, "10.0.0.1", "127.0.0.1,203.0.113.1 , 198.51.100.7 ", "198.51.100.7"),
        # two proxies
        (2, "10.0.0.1", "203.0.113.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        # fewer entries than proxies: none of them comes from a trusted proxy
        (2, "10.0.0.1", "203.0.113.1", "10.0.0.1"),
        (1, "10.0.0.1", None, "10.0.0.1"),
        # some proxies write the port too, which is not part of the client's address
        (1, "10.0.0.1", "203.0.113.1, 198.51.100.7:50000", "198.51.100.7"),
        (1, "::1", "[2001:db8:1:2::9]:50000", "2001:db8:1:2::/64"),
        (1, "::1", "[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        (1, "::1", "[::ffff:198.51.100.7]:50000", "198.51.100.7"),
        (0, "198.51.100.7:50000", None, "198.51.100.7"),
        # nothing else is removed
        (1, "10.0.0.1", "198.51.100.7:", "unknown"),
        (1, "10.0.0.1", "198.51.100.7:50000:1", "unknown"),
        (1, "10.0.0.1", "198.51.100.7:http", "unknown"),
        (1, "10.0.0.1", "198.51.100:50000.7", "unknown"),
        (1, "10.0.0.1", "[2001:db8:1:2::9]:", "unknown"),
        (1, "10.0.0.1", "[2001:db8:1:2::9", "unknown"),
        (1, "10.0.0.1", "[2001:db8:1:2::9]x", "unknown"),
        (1, "10.0.0.1", "[]:50000", "unknown"),
        # all values that are not addresses count as one client, so that a client cannot invent many
        (1, "10.0.0.1", "203.0.113.1, gibberish", "unknown"),
        (1, "10.0.0.1", "198.51.100.007", "unknown"),
        (0, "", None, "unknown"),
        # IPv6 by /64; an IPv4 address inside IPv6 counts as IPv4
        (0, "2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        (0, "2001:db8:1:2:ffff::1", None, "2001:db8:1:2::/64"),
        (0, "2001:db8:1:3::1", None, "2001:db8:1:3::/64"),
        (0, "fe80::1%eth0", None, "fe80::/64"),
        (0, "::ffff:198.51.100.7", None, "198.51.100.7"),
        (1, "::1", "2001:DB8:0001:2::9", "2001:db8:1:2::/64"),
    ],
)
def test_threat_17_the_address_is_what_the_trusted_proxies_saw(
    phonebind: Configure, proxies: int, peer: str, forwarded: str | None, counted: str
) -> None:
    phonebind(trusted_proxies=proxies)
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers)
    assert limits.client_address(request) == counted


def test_a_server_that_tells_no_address_has_one_client() -> None:
    request = RequestFactory().get("/")
    del request.META["REMOTE_ADDR"]
    assert limits.client_address(request) == "unknown"


# ---------------------------------------------------------------- the name of a window


def test_a_window_of_another_length_is_another_window(phonebind: Configure) -> None:
    """The counters have another length. The numbers of one window would be dates in the far future to the other."""
    claim = ("sms_site_hour", limits.SITE)
    phonebind(limits={"sms_site_hour": (3, 3_600)})
    for _ in range(3):
        limits.take(claim)
    phonebind(limits={"sms_site_hour": (3, 7_200)})
    for _ in range(3):
        limits.take(claim)
    with pytest.raises(SmsQuota) as refused:
        limits.take(claim)
    assert refused.value.retry_after
    assert refused.value.retry_after <= 7_200 * 13 / 12


def test_what_an_earlier_version_left_in_the_store_stops_nothing(clock: time_machine.Traveller) -> None:
    """It stored a fixed window under the name alone."""
    with store.connection() as client:
        client.hset(f"{store.key('sms_site_day', 'limits')}:all", mapping={"taken": 4_999, "counted": 1})
    limits.take(("sms_site_day", limits.SITE))
    assert limits.spent("sms_site_day", limits.SITE) == (1, 1)
