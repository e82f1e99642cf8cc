"""Which events are counted together, how exactly, and in how much memory."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from phonebind.operations.events.tally import OF_ALL, OF_AN_ADDRESS, SECONDS, WAITING, Row, Tally

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
REFUSED = Row(at=AT, type="sms_code", outcome="sms_quota", limit="sms_mobile_day", address="192.0.2.1")


def alone(tally: Tally, row: Row, now: float = 0) -> list[Row]:
    return tally.add(row, now, alone=True)


def alike(tally: Tally, row: Row, now: float = 0) -> list[Row]:
    return tally.add(row, now, alone=False)


def test_the_first_is_a_row_at_once_and_the_others_are_one_when_the_time_is_over() -> None:
    tally = Tally()
    assert alike(tally, REFUSED) == [REFUSED]
    for second in range(1, 8):
        later = replace(REFUSED, at=AT + timedelta(seconds=second), request_id=str(second))
        assert alike(tally, later, second) == []
    assert tally.over(SECONDS - 0.1) == []
    [rest] = tally.over(SECONDS)
    assert rest == replace(REFUSED, at=AT + timedelta(seconds=1), count=7, request_id="1")
    assert tally.over(2 * SECONDS) == []
    assert alike(tally, REFUSED, 2 * SECONDS + 1) == [REFUSED]


def test_any_event_writes_what_was_counted() -> None:
    tally = Tally()
    alike(tally, REFUSED)
    alike(tally, REFUSED)
    bound = replace(REFUSED, outcome="bound", limit="")
    assert alone(tally, bound, SECONDS) == [REFUSED, bound]


def test_what_is_held_is_written_with_what_comes_next() -> None:
    tally = Tally()
    sent = replace(REFUSED, type="sms_attempt", outcome="sent", limit="")
    other = replace(sent, purpose="reset_password")
    assert tally.add(sent, 0, alone=False, held=True) == []
    assert tally.add(sent, 1, alone=False, held=True) == [sent]
    assert tally.add(other, 1, alone=False, held=True) == []
    assert alike(tally, REFUSED, 2) == [other, REFUSED]
    assert tally.add(other, SECONDS, alone=False, held=True) == [sent]
    assert tally.rest() == [other]


def test_what_is_alone_is_never_counted_together() -> None:
    tally = Tally()
    assert [alone(tally, REFUSED) for _ in range(50)] == [[REFUSED]] * 50


@pytest.mark.parametrize("field", ["type", "outcome", "limit", "address", "mobile_hmac", "user_id", "provider"])
def test_other_people_limits_and_outcomes_are_other_rows(field: str) -> None:
    tally = Tally()
    change: dict[str, Any] = {field: "other"}
    other = replace(REFUSED, **change)
    assert alike(tally, REFUSED) == [REFUSED]
    assert alike(tally, other) == [other]


def test_threat_62_one_address_in_ever_new_ways() -> None:
    """A client that tries many numbers gets a bounded number of rows, and each request is counted."""
    tally = Tally()
    rows: list[Row] = []
    for number in range(1_000):
        rows += alike(tally, replace(REFUSED, mobile=f"139****{number:04}", mobile_hmac=str(number)))
    assert len(rows) == OF_AN_ADDRESS + 1
    assert [row.mobile for row in rows].count("") == 1
    rows += tally.over(SECONDS)
    assert sum(row.count for row in rows) == 1_000
    assert len(rows) == OF_AN_ADDRESS + 2
    assert {row.address for row in rows} == {"192.0.2.1"}


def test_threat_62_ever_new_addresses() -> None:
    """An IPv6 provider assigns thousands of /64 networks to one customer."""
    tally = Tally()
    rows: list[Row] = []
    for number in range(5_000):
        rows += alike(tally, replace(REFUSED, address=f"2001:db8:{number:x}::/64", mobile_hmac=str(number)))
    assert len(rows) == OF_ALL + 1
    assert len(tally._counted) == OF_ALL + 1
    assert sum(row.count for row in rows + tally.over(SECONDS)) == 5_000


def test_a_database_that_is_away() -> None:
    """The tally makes no attempt for a while. Then it writes everything that it has counted."""
    tally = Tally()
    assert tally.failed(alike(tally, REFUSED), 0) == 0
    bound = replace(REFUSED, outcome="bound", limit="")
    assert alone(tally, bound, 1) == []
    assert alike(tally, REFUSED, 1) == []
    assert alike(tally, REFUSED, 2) == []
    assert tally.over(SECONDS - 1) == []
    rows = tally.over(SECONDS)
    assert sorted((row.outcome, row.count) for row in rows) == [("bound", 1), ("sms_quota", 1), ("sms_quota", 2)]
    assert tally.over(2 * SECONDS) == []


def test_what_waits_is_bounded_and_what_is_lost_is_counted() -> None:
    tally = Tally()
    tally.failed([], 0)
    for _ in range(WAITING + 7):
        alone(tally, replace(REFUSED, outcome="bound"), 1)
    assert tally.failed([replace(REFUSED, count=5)], 1) == 12
    assert tally.failed([], 1) == 0
    assert len(tally.rest()) == WAITING
    assert tally.rest() == []
