"""The operator is told that a budget of the whole site runs low, while there is time to act."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine

from phonebind import alarms, limits, signals, store
from phonebind.exceptions import SmsQuota, StorageUnavailable
from server.processes import Valkey
from tests.support.edge import Configure

pytestmark = pytest.mark.once

SITE = ("sms_site_hour", limits.SITE)
#: A moment at which a counter of an hour and one of a day both begin.
NOON = 1_800_000_000

ROOT = Path(__file__).parents[1]
#: Takes places of the budget in another process, and prints how often that process was told.
OTHER_PROCESS = """
import django, logging, sys
django.setup()
from django.conf import settings
from phonebind import limits, signals
settings.PHONEBIND = {**settings.PHONEBIND, "LIMITS": {"sms_site_hour": (50, 3600)}}
from phonebind import conf
conf._reload(setting="PHONEBIND")
logging.disable()
heard = []
def listen(**facts):
    heard.append(facts["used"])
signals.budget_low.connect(listen)
for _ in range(10):
    limits.take(("sms_site_hour", limits.SITE))
print(len(heard))
"""


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    """The arguments that ``budget_low`` was sent with."""
    told: list[dict[str, Any]] = []

    def listen(**facts: Any) -> None:
        told.append({name: facts[name] for name in ("rule", "limit", "seconds", "used")})

    signals.budget_low.connect(listen)
    yield told
    signals.budget_low.disconnect(listen)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def spend(times: int, *claims: limits.Claim) -> None:
    for _ in range(times):
        limits.take(*claims or (SITE,))


def pass_by(clock: time_machine.Traveller, seconds: int) -> None:
    """The store's own clock runs by itself. So the test deletes the keys that would have expired."""
    clock.shift(seconds)
    alarms._asked.clear()
    with store.connection() as client:
        for name in client.scan_iter("*alarm*"):
            if client.ttl(name) <= seconds:
                client.delete(name)


@pytest.mark.parametrize(("limit", "low"), [(1, 1), (3, 3), (4, 4), (5, 4), (10, 8), (11, 9), (1000, 800)])
def test_threat_13_the_operator_hears_of_it_at_four_fifths_and_not_before(
    phonebind: Configure, heard: list[dict[str, Any]], limit: int, low: int
) -> None:
    phonebind(limits={"sms_site_hour": (limit, 3600)})
    spend(low - 1)
    assert not heard
    spend(1)
    assert heard == [{"rule": "sms_site_hour", "limit": limit, "seconds": 3600, "used": low}]


def test_it_is_said_once_in_a_window(
    phonebind: Configure, heard: list[dict[str, Any]], clock: time_machine.Traveller
) -> None:
    phonebind(limits={"sms_site_hour": (10, 3600)})
    spend(8)
    at = limits.take(SITE)
    limits.give_back(SITE, at=at)
    pass_by(clock, 61)
    spend(2)
    with pytest.raises(SmsQuota):
        limits.take(SITE)
    assert len(heard) == 1


def test_the_next_window_that_runs_low_is_said_too(
    phonebind: Configure, heard: list[dict[str, Any]], clock: time_machine.Traveller
) -> None:
    """The window slides: what was used more than an hour and a twelfth of an hour ago does not count any more."""
    phonebind(limits={"sms_site_hour": (10, 3600)})
    spend(8)
    pass_by(clock, 3600 + 300)
    spend(7)
    assert len(heard) == 1
    spend(1)
    assert [told["used"] for told in heard] == [8, 8]


def test_each_budget_for_itself(phonebind: Configure, heard: list[dict[str, Any]]) -> None:
    phonebind(limits={"sms_site_hour": (5, 3600), "sms_site_day": (10, 86_400)})
    spend(4, SITE, ("sms_site_day", limits.SITE))
    spend(5, ("sms_site_day", limits.SITE))
    assert [told["rule"] for told in heard] == ["sms_site_hour", "sms_site_day"]
    assert [told["used"] for told in heard] == [4, 8]


def test_no_one_person_can_make_it_be_said(phonebind: Configure, heard: list[dict[str, Any]]) -> None:
    """Threat 48: the limits of single people do not send the signal. Neither do refusals, nor a check for free room."""
    phonebind(limits={"sms_mobile_gap": (1, 60), "sms_site_hour": (5, 3600)})
    limits.take(("sms_mobile_gap", "13900000001"))
    spend(3)
    for _ in range(9):
        limits.check(SITE)
    assert not heard


def test_all_processes_together_say_it_once(phonebind: Configure, heard: list[dict[str, Any]]) -> None:
    phonebind(limits={"sms_site_hour": (50, 3600)})
    spend(35)
    command = [sys.executable, "-c", OTHER_PROCESS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.split() == ["1"], done.stderr
    spend(5)
    assert not heard


def test_what_the_line_says(phonebind: Configure, caplog: pytest.LogCaptureFixture) -> None:
    phonebind(limits={"sms_site_hour": (10, 3600)})
    spend(8)
    [line] = caplog.records
    assert (line.name, line.levelno) == ("phonebind.limits", logging.ERROR)
    assert line.getMessage() == (
        "sms_site_hour is nearly used up: 8 of 10 in 3600 s. When it is, no SMS is sent. If this is a good day, raise "
        "it in LIMITS now. If it may be an attack, see docs/en/how-to/sms-pumping.md."
    )


def test_a_receiver_that_fails_keeps_nobody_from_an_sms(phonebind: Configure) -> None:
    def fail(**facts: Any) -> None:
        raise RuntimeError

    phonebind(limits={"sms_site_hour": (5, 3600)})
    signals.budget_low.connect(fail)
    try:
        spend(5)
    finally:
        signals.budget_low.disconnect(fail)


def test_a_store_that_is_away(phonebind: Configure, heard: list[dict[str, Any]], valkey: Valkey) -> None:
    phonebind(limits={"sms_site_hour": (5, 3600)})
    spend(3)
    valkey.stop()
    with pytest.raises(StorageUnavailable):
        limits.take(SITE)
    assert not heard


def test_a_budget_that_runs_low_costs_no_round_trip_more(phonebind: Configure, heard: list[dict[str, Any]]) -> None:
    """Only one question once a minute: whether another process has sent the signal already."""
    phonebind(limits={"sms_site_hour": (100, 3600)})
    spend(80)
    assert heard
    with store.connection() as client:
        client.config_resetstat()
        spend(5)
        seen = client.info("commandstats")
    assert seen["cmdstat_evalsha"]["calls"] == 5
    assert "cmdstat_set" not in seen
