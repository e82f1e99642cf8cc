"""The data of the charts: hours by the site's clock, each summed once."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from phonebind.operations.models import SecurityEvent
from phonebind.operations.reports import hours, sums
from phonebind.operations.reports.sums import Row
from tests.operations.reports.days_of import event

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
NOON = datetime(2026, 8, 3, 12, tzinfo=UTC)


def write(at: datetime, **facts: Any) -> None:
    given = {"type": "sms_attempt", "outcome": "sent"} | facts
    event(hours.stored(at), given.pop("type"), given.pop("outcome"), **given).save()


def totals(begin: datetime, end: datetime) -> list[int]:
    return [sum(row.total for row in hour.rows) for hour in sums.between(begin, end)]


def test_an_hour_holds_what_happened_from_its_first_moment_to_before_the_next() -> None:
    moment = timedelta(microseconds=1)
    for at in (NOON - moment, NOON, NOON + HOUR - moment, NOON + HOUR):
        write(at)
    assert totals(NOON - HOUR, NOON + 2 * HOUR) == [1, 2, 1]


def test_rows_stand_for_as_many_as_they_count() -> None:
    write(NOON, count=7, gateway="aliyun", purpose="bind")
    write(NOON, count=5, gateway="aliyun", purpose="bind")
    write(NOON, count=2, gateway="tencent", purpose="bind")
    [hour] = sums.between(NOON, NOON + HOUR)
    assert sorted(hour.rows) == [
        Row("sms_attempt", "sent", "", "bind", "aliyun", "", 12),
        Row("sms_attempt", "sent", "", "bind", "tencent", "", 2),
    ]


def test_of_what_has_no_chart_nothing_is_read() -> None:
    write(NOON, type="image_code", outcome="drawn", count=9)
    write(NOON, type="password", outcome="password_wrong", count=9)
    assert totals(NOON, NOON + HOUR) == [0]


def test_numbers_are_counted_once_in_an_hour_and_used_where_they_were_asked_for() -> None:
    """Threat 13: an attacker who sends one right code again and again hides nothing, and a proof without an SMS hides
    nothing.
    """
    for number in "aab":
        write(NOON, type="sms_code", mobile_hmac=number)
    for number in "aaac":
        write(NOON, type="bind", outcome="bound", mobile_hmac=number)
    write(NOON, type="bind", outcome="password_wrong", mobile_hmac="b")
    [hour] = sums.between(NOON, NOON + HOUR)
    assert (hour.asked, hour.used) == (2, 1)


def test_a_code_is_used_in_the_hour_after_it_was_sent() -> None:
    write(NOON - timedelta(seconds=1), type="sms_code", mobile_hmac="a")
    write(NOON + timedelta(seconds=1), type="bind", outcome="bound", mobile_hmac="a")
    before, after = sums.between(NOON - HOUR, NOON + HOUR)
    assert (before.asked, before.used, after.asked, after.used) == (1, 0, 0, 1)
    sums.forget()
    [after] = sums.between(NOON, NOON + HOUR)
    assert after.used == 1


# ---------------------------------------------------------------- clocks


@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize(
    ("zone", "minute"),
    [("Asia/Shanghai", 0), ("Asia/Kolkata", 30), ("Asia/Kathmandu", 15), ("Australia/Lord_Howe", 30), ("UTC", 0)],
)
def test_hours_begin_as_the_sites_clocks_show_them(settings: Settings, zone: str, minute: int, use_tz: bool) -> None:
    """In UTC, some of these hours begin at half past or at a quarter past."""
    settings.TIME_ZONE, settings.USE_TZ = zone, use_tz
    begin = hours.begin(NOON + timedelta(minutes=40, seconds=3, microseconds=9))
    assert (begin.minute, begin.second, begin.microsecond) == (minute, 0, 0)
    assert hours.shown(begin).minute == 0
    write(begin)
    write(begin + HOUR - timedelta(seconds=1))
    write(begin + HOUR)
    assert totals(begin - HOUR, begin + 2 * HOUR) == [0, 2, 1]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("summer", [True, False])
def test_a_day_on_which_clocks_are_put_forward_or_back_has_24_hours_here(
    settings: Settings, zone: str, summer: bool
) -> None:
    settings.TIME_ZONE = zone
    change = _change(ZoneInfo(zone), to_summer=summer)
    end = hours.begin(change + timedelta(hours=9)) + HOUR
    begin = end - 24 * HOUR
    for minutes in range(0, 24 * 60, 20):
        write(begin + timedelta(minutes=minutes))
    assert totals(begin, end) == [3] * 24


def _change(zone: ZoneInfo, *, to_summer: bool) -> datetime:
    """When the clocks of 2026 are put forward or back."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    while True:
        before, after = (moment.astimezone(zone).utcoffset() for moment in (at, at + HOUR))
        assert before is not None
        assert after is not None
        if (after > before) if to_summer else (after < before):
            return at
        at += HOUR


# ---------------------------------------------------------------- what it costs


def test_hours_that_are_over_are_read_once() -> None:
    with time_machine.travel(NOON + 9 * HOUR, tick=False):
        sums.between(NOON, NOON + 4 * HOUR)
        write(NOON)
        assert totals(NOON, NOON + 4 * HOUR) == [0, 0, 0, 0]
        with CaptureQueriesContext(connection) as queries:
            sums.between(NOON, NOON + 4 * HOUR)
    assert not queries.captured_queries


def test_the_last_hours_are_read_again_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: passed[0])
    with time_machine.travel(NOON + 2 * HOUR, tick=False):
        assert totals(NOON - 3 * HOUR, NOON + 3 * HOUR) == [0] * 6
        for hour in range(-3, 3):
            write(NOON + hour * HOUR)
        passed[0] += sums.FRESH - 1
        assert totals(NOON - 3 * HOUR, NOON + 3 * HOUR) == [0] * 6
        passed[0] += 1
        with CaptureQueriesContext(connection) as queries:
            assert totals(NOON - 3 * HOUR, NOON + 3 * HOUR) == [0, 0, 0, 1, 1, 1]
    assert len(queries.captured_queries) == 3


def test_what_is_kept_is_bounded() -> None:
    with time_machine.travel(NOON, tick=False):
        for day in range(40):
            sums.between(NOON - (day + 2) * 24 * HOUR, NOON - day * 24 * HOUR)
            assert len(sums._hours) <= sums._KEPT + 48


@pytest.mark.django_db(transaction=True)
def test_who_loads_the_page_again_and_again_asks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read, asked = sums._read, []
    everybody = threading.Barrier(8)

    def counted(begin: datetime, end: datetime) -> Any:
        asked.append(begin)
        return read(begin, end)

    def load() -> None:
        everybody.wait()
        sums.between(NOON, NOON + HOUR)
        connection.close()

    monkeypatch.setattr(sums, "_read", counted)
    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == [NOON]


def test_no_row_is_missing_or_doubled_where_the_model_has_no_events() -> None:
    assert not SecurityEvent.objects.exists()
    assert totals(NOON, NOON + 3 * HOUR) == [0, 0, 0]
