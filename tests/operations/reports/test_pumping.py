"""SMS pumping: the operator gets an alarm for it, and for nothing else."""

import logging
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from phonebind import alarms, signals
from phonebind.operations.events import recording
from phonebind.operations.models import SecurityEvent
from phonebind.operations.reports import pumping
from tests.operations.reports.days_of import mobile, newcomer, sms
from tests.support.edge import Configure

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 8, 3, 3, tzinfo=UTC)
#: A moment in the hour that is checked.
RIPE = NOW - timedelta(minutes=20)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    """The arguments of each ``sms_pumping_suspected``."""
    told: list[dict[str, Any]] = []

    def listen(**facts: Any) -> None:
        told.append({name: facts[name] for name in ("sent", "numbers", "used", "network")})

    signals.sms_pumping_suspected.connect(listen)
    yield told
    signals.sms_pumping_suspected.disconnect(listen)


def send(total: int, used: int = 0, *, at: datetime = RIPE, address: str = "203.0.113.9") -> None:
    """Send ``total`` SMS to different numbers. ``used`` of them use the code."""
    chance = random.Random(total)
    rows: list[SecurityEvent] = []
    for number in range(total):
        who = mobile(chance)
        rows += sms(at, who, address)
        if number < used:
            rows.append(SecurityEvent(at=at, type="bind", outcome="bound", **who))
    SecurityEvent.objects.bulk_create(rows)


@pytest.mark.parametrize(
    ("sent", "used", "is_suspect"),
    [(49, 0, False), (50, 0, True), (50, 14, True), (50, 15, False), (50, 50, False), (0, 0, False), (1000, 299, True)],
)
def test_it_is_suspected_below_the_bounds_and_not_at_them(
    clock: time_machine.Traveller, sent: int, used: int, is_suspect: bool
) -> None:
    send(sent, used)
    seen = pumping.see(NOW)
    assert (seen.sent, seen.numbers, seen.used, seen.is_suspect) == (sent, sent, used, is_suspect)


def test_a_host_sets_the_bounds(phonebind: Configure, clock: time_machine.Traveller) -> None:
    send(60, 30)
    phonebind(pumping_alarm={"sent": 60, "used": 0.6})
    assert pumping.see(NOW).is_suspect
    phonebind(pumping_alarm={"sent": 61, "used": 0.6})
    assert not pumping.see(NOW).is_suspect
    phonebind(pumping_alarm={"sent": 1, "used": 0})
    assert not pumping.see(NOW).is_suspect, "turned off"


@pytest.mark.parametrize("minutes", [2, 4.9, 65.1, 600])
def test_what_may_still_be_used_is_not_held_against_it_nor_what_is_long_over(
    clock: time_machine.Traveller, minutes: float
) -> None:
    """At the beginning of a campaign most codes are not used yet, because they are still on their way."""
    send(500, at=NOW - timedelta(minutes=minutes))
    assert pumping.see(NOW).sent == 0


def test_a_campaign_with_real_people_is_no_alarm(clock: time_machine.Traveller) -> None:
    """Check every minute while the campaign grows from nothing."""
    chance = random.Random(7)
    moments = [NOW + timedelta(seconds=chance.randrange(3600)) for _ in range(600)]
    SecurityEvent.objects.bulk_create(row for at in moments for row in newcomer(at, chance, uses=0.75))
    looks = [pumping.see(NOW + timedelta(minutes=minute)) for minute in range(60)]
    assert max(seen.sent for seen in looks) > 400
    assert not [seen for seen in looks if seen.is_suspect]


def test_threat_13_one_number_of_ones_own_hides_nothing(clock: time_machine.Traveller) -> None:
    """An attacker may use one right code any number of times: it counts once. A bind without an SMS does not count as
    a used one.
    """
    send(60)
    who = mobile(random.Random(1))
    SecurityEvent.objects.bulk_create(
        [
            *sms(RIPE, who, "203.0.113.9"),
            *(SecurityEvent(at=RIPE, type="bind", outcome="signed_in", **who) for _ in range(500)),
            *(
                SecurityEvent(at=RIPE, type="bind", outcome="bound", **mobile(random.Random(number)))
                for number in range(1000, 1500)
            ),
        ]
    )
    seen = pumping.see(NOW)
    assert (seen.sent, seen.numbers, seen.used, seen.is_suspect) == (61, 61, 1, True)


def test_what_the_operator_is_told(
    clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture, heard: list[dict[str, Any]]
) -> None:
    send(60, address="203.0.113.9")
    send(20, 4, address="2001:db8:1:2::/64")
    pumping.look()
    [line] = caplog.records
    assert (line.name, line.levelno) == ("phonebind.operations.reports.pumping", logging.ERROR)
    assert line.getMessage() == (
        "SMS pumping is suspected: within an hour 80 SMS were sent to 80 numbers, and only 4 of these used the code. "
        "Most were asked for from 203.0.0.0/16 (60 SMS). Each costs money. "
        "What to do: docs/en/how-to/sms-pumping.md#the-first-ten-minutes."
    )
    assert heard == [{"sent": 80, "numbers": 80, "used": 4, "network": "203.0.0.0/16"}]


def test_it_is_said_once_an_hour_by_all_processes_together(
    clock: time_machine.Traveller, heard: list[dict[str, Any]]
) -> None:
    send(60)
    for _ in range(3):
        pumping.look()
        alarms._asked.clear()  # as in another process
    assert len(heard) == 1


# ---------------------------------------------------------------- which process checks


def attempt() -> None:
    signals.sms_attempted.send(sender=None, gateway="aliyun", purpose="bind", outcome="sent", seconds=0.1)


@pytest.mark.django_db(transaction=True)
def test_while_sms_are_sent_somebody_looks_once_a_minute(
    clock: time_machine.Traveller, heard: list[dict[str, Any]]
) -> None:
    send(60)
    attempt()
    assert len(heard) == 1
    with CaptureQueriesContext(connection) as queries:
        for _ in range(20):
            attempt()
    assert not [query for query in queries.captured_queries if query["sql"].startswith("SELECT")]


@pytest.mark.django_db(transaction=True)
def test_nobody_looks_inside_of_somebody_elses_transaction(
    clock: time_machine.Traveller, heard: list[dict[str, Any]]
) -> None:
    send(60)
    with transaction.atomic():
        attempt()
        assert not heard
    assert len(heard) == 1


@pytest.mark.django_db(transaction=True)
def test_events_that_cannot_be_read_turn_no_sms_into_an_error(
    clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(execute: Any, sql: str, *args: Any) -> Any:
        if sql.startswith("SELECT"):
            raise OperationalError("the database is away at 10.0.0.7")
        return execute(sql, *args)

    signals.sms_attempted.disconnect(dispatch_uid="phonebind.operations.sms_attempted")
    try:
        with connection.execute_wrapper(refuse):
            attempt()
    finally:
        recording.install()
    [line] = caplog.records
    assert line.levelno == logging.WARNING
    assert line.getMessage().endswith("cannot be read: OperationalError")


def test_a_monitor_asks_by_a_command(clock: time_machine.Traveller, heard: list[dict[str, Any]]) -> None:
    out = StringIO()
    call_command("phonebind_alarms", stdout=out)
    send(60, 5)
    with pytest.raises(SystemExit) as ended:
        call_command("phonebind_alarms", stdout=out)
    assert ended.value.code == 1
    assert out.getvalue().splitlines() == [
        "nothing is suspected: 0 SMS to 0 numbers in an hour, 0 used the code",
        "SMS pumping is suspected: 60 SMS to 60 numbers in an hour, 5 used the code",
    ]
    assert len(heard) == 1
