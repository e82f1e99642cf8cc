"""Every rate, quota and lockout."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import RequestFactory

from phonebind import limits, signals, sms_codes, store
from phonebind.exceptions import SmsNotSent, SmsQuota, SmsTooFrequent, TooManyAttempts, TooManyRequests
from tests.support.edge import Configure, Outbox

WHO = "13900000001"


def test_the_table_is_the_promised_one() -> None:
    """Threats 12 and 13."""
    promised = {
        "image_address_hour": (300, 60 * 60, TooManyRequests),
        "human_address_hour": (300, 60 * 60, TooManyRequests),
        "human_answer_address_hour": (100, 60 * 60, TooManyRequests),
        "no_image_address_hour": (5, 60 * 60, SmsQuota),
        "no_image_site_hour": (200, 60 * 60, SmsQuota),
        "no_image_site_day": (500, 24 * 60 * 60, SmsQuota),
        "sms_mobile_gap": (1, 60, SmsTooFrequent),
        "sms_mobile_day": (10, 24 * 60 * 60, SmsQuota),
        "sms_address_hour": (20, 60 * 60, SmsQuota),
        "sms_site_hour": (1000, 60 * 60, SmsQuota),
        "sms_site_day": (5000, 24 * 60 * 60, SmsQuota),
        "password_account": (5, 15 * 60, TooManyAttempts),
        "password_address": (50, 15 * 60, TooManyAttempts),
    }
    found = {name: (rule.limit, rule.seconds, rule.error) for name, rule in limits.RULES.items()}
    assert found == promised


@pytest.mark.parametrize("name", limits.RULES)
def test_a_limit_is_reached_and_says_for_how_long(phonebind: Configure, name: str) -> None:
    rule = limits.rule(name)
    rule = replace(rule, limit=min(rule.limit, 50))  # 5,000 take their time
    phonebind(limits={name: (rule.limit, rule.seconds)})
    for _ in range(rule.limit):
        limits.take((name, WHO))
    with pytest.raises(rule.error) as refused:
        limits.take((name, WHO))
    assert refused.value.retry_after
    assert rule.seconds - 5 < refused.value.retry_after <= rule.seconds


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


@pytest.mark.parametrize("again", [limits.take, limits.try_out])
def test_a_window_that_runs_is_neither_prolonged_nor_cut_short(again: Callable[[limits.Claim], None]) -> None:
    claim = ("password_account", WHO)
    limits.take(claim)
    with store.connection() as client:
        client.expire(limits.key(*claim), 100)
        again(claim)
        assert client.ttl(limits.key(*claim)) in range(90, 101)


def test_what_is_given_back_did_not_count() -> None:
    for _ in range(30):
        limits.take(("sms_mobile_gap", WHO))
        limits.give_back(("sms_mobile_gap", WHO))


def test_what_is_given_back_has_started_no_window() -> None:
    """Or who was refused at first would have the next two SMS within one minute."""
    limits.take(("sms_mobile_gap", WHO))
    with store.connection() as client:
        client.expire(limits.key("sms_mobile_gap", WHO), 20)
    limits.give_back(("sms_mobile_gap", WHO))
    limits.take(("sms_mobile_gap", WHO))
    with pytest.raises(SmsTooFrequent) as refused:
        limits.take(("sms_mobile_gap", WHO))
    assert refused.value.retry_after in range(50, 61)


def test_who_only_looks_takes_nothing_and_is_told_the_same() -> None:
    claims = ("sms_mobile_gap", WHO), ("sms_address_hour", "192.0.2.1")
    for _ in range(3):
        limits.check(*claims)
    assert limits.spent(*claims[0]) == (0, 0)
    limits.take(*claims)
    with pytest.raises(SmsTooFrequent) as refused:
        limits.check(*reversed(claims))
    assert refused.value.limit == "sms_mobile_gap"
    assert refused.value.retry_after in range(50, 61)
    assert limits.spent(*claims[1])[0] == 1


def test_how_much_of_a_window_is_over() -> None:
    claim = ("sms_site_hour", limits.SITE)
    assert limits.spent(*claim) == (0, 0.0)
    for _ in range(3):
        limits.take(claim)
    with store.connection() as client:
        client.pexpire(limits.key(*claim), 900_000)
    number, over = limits.spent(*claim)
    assert number == 3
    assert over == pytest.approx(0.75, abs=0.01)


def test_nothing_is_given_back_that_was_not_taken() -> None:
    limits.give_back(("sms_mobile_gap", WHO), ("sms_mobile_gap", WHO))
    limits.take(("sms_mobile_gap", WHO))
    with pytest.raises(SmsTooFrequent):
        limits.take(("sms_mobile_gap", WHO))


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
    assert all(seconds in range(3590, 3601) for seconds in outcomes)
    assert heard == [{"rule": "sms_site_hour", "limit": 3, "seconds": 3600, "retry_after": outcomes[0]}], (
        "once a minute"
    )
    [line] = [record for record in caplog.records if record.name == "phonebind.limits"]
    assert line.levelno == logging.ERROR
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


def test_an_ordinary_limit_alarms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    limits.take(("sms_mobile_gap", WHO))
    with pytest.raises(SmsTooFrequent):
        limits.take(("sms_mobile_gap", WHO))
    assert not caplog.records


def test_what_is_on_trial_counts_meanwhile_and_for_seconds_only() -> None:
    claim = ("password_account", WHO)
    limits.try_out(*[claim] * 5)
    with pytest.raises(TooManyAttempts) as refused:
        limits.try_out(claim)
    assert refused.value.retry_after in range(1, limits.TRIAL + 1)
    limits.give_back(*[claim] * 5)
    limits.try_out(claim)


def test_what_counts_starts_the_window_once() -> None:
    claim = ("password_account", WHO)
    for _ in range(5):
        limits.try_out(claim)
        limits.count(claim)
    with pytest.raises(TooManyAttempts) as refused:
        limits.try_out(claim)
    assert refused.value.retry_after in range(800, 901)
    with store.connection() as client:
        client.expire(limits.key(*claim), 100)
    limits.count(claim)
    with pytest.raises(TooManyAttempts) as refused:
        limits.try_out(claim)
    assert refused.value.retry_after in range(90, 101)


def test_what_counts_after_its_trial_has_ended_counts_all_the_same() -> None:
    claim = ("password_account", WHO)
    limits.try_out(claim)
    with store.connection() as client:
        client.delete(limits.key(*claim))
    limits.count(claim)
    limits.try_out(*[claim] * 4)
    with pytest.raises(TooManyAttempts):
        limits.try_out(claim)


def test_every_counter_ends_by_itself() -> None:
    claims = [(name, WHO) for name in limits.RULES]
    limits.take(*claims)
    limits.give_back(*claims)
    limits.give_back(("sms_mobile_gap", "never taken"))
    limits.take(*claims)
    with store.connection() as client:
        lives = [client.pttl(key) for key in client.scan_iter()]
    assert len(lives) == len(claims)
    assert min(lives) > 0


# ---------------------------------------------------------------- whom to count


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "counted"),
    [
        # nobody is trusted: the header is the client's own invention
        (0, "198.51.100.7", None, "198.51.100.7"),
        (0, "198.51.100.7", "203.0.113.1", "198.51.100.7"),
        # one proxy: the last entry is what it saw
        (1, "10.0.0.1", "198.51.100.7", "198.51.100.7"),
        (1, "10.0.0.1", "203.0.113.1, 198.51.100.7", "198.51.100.7"),
        (1, "10.0.0.1", "127.0.0.1,203.0.113.1 , 198.51.100.7 ", "198.51.100.7"),
        # two
        (2, "10.0.0.1", "203.0.113.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        # fewer entries than proxies: nobody vouches for any of them
        (2, "10.0.0.1", "203.0.113.1", "10.0.0.1"),
        (1, "10.0.0.1", None, "10.0.0.1"),
        # some proxies write the port too, which is not whom to count
        (1, "10.0.0.1", "203.0.113.1, 198.51.100.7:50000", "198.51.100.7"),
        (1, "::1", "[2001:db8:1:2::9]:50000", "2001:db8:1:2::/64"),
        (1, "::1", "[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        (1, "::1", "[::ffff:198.51.100.7]:50000", "198.51.100.7"),
        (0, "198.51.100.7:50000", None, "198.51.100.7"),
        # and nothing else is cut off
        (1, "10.0.0.1", "198.51.100.7:", "unknown"),
        (1, "10.0.0.1", "198.51.100.7:50000:1", "unknown"),
        (1, "10.0.0.1", "198.51.100.7:http", "unknown"),
        (1, "10.0.0.1", "198.51.100:50000.7", "unknown"),
        (1, "10.0.0.1", "[2001:db8:1:2::9]:", "unknown"),
        (1, "10.0.0.1", "[2001:db8:1:2::9", "unknown"),
        (1, "10.0.0.1", "[2001:db8:1:2::9]x", "unknown"),
        (1, "10.0.0.1", "[]:50000", "unknown"),
        # all that is no address is one client, not as many as can be spelt
        (1, "10.0.0.1", "203.0.113.1, gibberish", "unknown"),
        (1, "10.0.0.1", "198.51.100.007", "unknown"),
        (0, "", None, "unknown"),
        # IPv6 by /64, IPv4 inside IPv6 as what it is
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
