"""``manage.py phonebind_sms_report``: the cost of a month's SMS."""

import csv
import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import CommandError, call_command
from pytest_django import Settings

from phonebind.operations.reports import hours
from tests.operations.reports.days_of import event
from tests.support.edge import Configure

pytestmark = pytest.mark.django_db

SHANGHAI = ZoneInfo("Asia/Shanghai")
AUGUST = datetime(2026, 8, 14, 12, tzinfo=SHANGHAI)


def report(*options: str) -> str:
    out = StringIO()
    call_command("phonebind_sms_report", *options, stdout=out)
    return out.getvalue()


def attempts(at: datetime, outcome: str = "sent", count: int = 1, *, gateway: str = "aliyun", **facts: Any) -> None:
    event(
        hours.stored(at), "sms_attempt", outcome, gateway=gateway, count=count, **({"purpose": "bind"} | facts)
    ).save()


@pytest.fixture
def august(phonebind: Configure) -> None:
    """Calculated by hand: 1,010 SMS at 0.045 and 20 at 0.06 make 46.65."""
    phonebind(sms_prices={"aliyun": "0.045", "tencent": "0.06"})
    attempts(AUGUST, count=1000)
    attempts(AUGUST, "unknown", 10)
    attempts(AUGUST, "not_now", 30)
    attempts(AUGUST, count=20, gateway="tencent", purpose="sign_in")
    for number in "abcd":
        event(AUGUST, "sms_code", "sent", mobile_hmac=number, address="203.0.113.9").save()
    event(AUGUST, "bind", "bound", mobile_hmac="a", provider="qq", count=1).save()
    event(AUGUST, "callback", "signed_in", provider="qq", count=8).save()
    event(AUGUST, "identities", "bound", provider="wechat").save()


def test_the_table(august: None) -> None:
    assert report("--month", "2026-08") == (
        "SMS of 2026-08\n"
        "\n"
        "purpose  gateway  outcome  count  price  cost\n"
        "bind     aliyun   not_now  30     0.045  0.000\n"
        "bind     aliyun   sent     1000   0.045  45.000\n"
        "bind     aliyun   unknown  10     0.045  0.450\n"
        "sign_in  tencent  sent     20     0.06   1.20\n"
        "\n"
        "SMS that were sent, or may have been: 1030, which cost ¥46.65\n"
        "New binds: 2, ¥23.325 each\n"
        "Sign-ins, new binds among them: 9, ¥5.183 each\n"
        "Numbers that were sent an SMS: 4; that used the code: 1 (25 %)\n"
        "Most SMS were asked for from:\n"
        "  203.0.0.0/16: 4 SMS to 4 numbers, 1 used the code (25 %)\n"
    )


def test_json_and_csv_say_the_same(august: None) -> None:
    told = json.loads(report("--month", "2026-08", "--format", "json"))
    rows = list(csv.DictReader(StringIO(report("--month", "2026-08", "--format", "csv"))))
    assert [{name: str(value) for name, value in line.items()} for line in told["lines"]] == [
        {name: value for name, value in row.items() if name != "month"} for row in rows
    ]
    assert {row["month"] for row in rows} == {"2026-08"}
    assert (told["paid"], told["cost"], told["cost_of_a_bound_account"]) == (1030, "46.650", "23.325")
    assert (told["bound"], told["signed_in"], told["numbers"], told["numbers_that_used_a_code"]) == (2, 9, 4, 1)
    assert told["networks"] == [{"network": "203.0.0.0/16", "sms": 4, "numbers": 4, "used": 1}]


def test_without_prices_there_are_counts_and_it_says_so(august: None, phonebind: Configure) -> None:
    phonebind(sms_prices={})
    told = report("--month", "2026-08")
    assert "SMS that were sent, or may have been: 1030\n" in told
    assert "New binds: 2\n" in told
    assert "These are only counts: SMS_PRICES in the settings is not set, so the cost is unknown." in told
    assert "¥" not in told
    data = json.loads(report("--month", "2026-08", "--format", "json"))
    assert (data["cost"], data["lines"][0]["price"], data["cost_of_a_sign_in"]) == (None, None, None)


def test_a_gateway_without_a_price_is_named(august: None, phonebind: Configure) -> None:
    phonebind(sms_prices={"aliyun": 1}, sms_currency="CNY ")
    told = report("--month", "2026-08")
    assert "1030, which cost CNY 1,010.00" in told
    assert "Not in the cost, because SMS_PRICES has no price for them: tencent\n" in told


def test_a_month_without_events(phonebind: Configure) -> None:
    phonebind(sms_prices={"aliyun": "0.045"})
    told = report("--month", "2025-02")
    assert "No SMS was given to a gateway." in told
    assert "which cost ¥0.00" in told
    assert "each" not in told
    assert "that used the code: 0 (none)" in told
    assert report("--month", "2025-02", "--format", "csv") == "month,purpose,gateway,outcome,count,price,cost\n"
    assert json.loads(report("--month", "2025-02", "--format", "json"))["lines"] == []


@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Asia/Kathmandu"])
@pytest.mark.parametrize("month", [(2026, 8), (2026, 12), (2026, 11), (2026, 3)])
def test_a_month_begins_and_ends_at_midnight_of_the_site(
    settings: Settings, zone: str, month: tuple[int, int], use_tz: bool
) -> None:
    settings.TIME_ZONE, settings.USE_TZ = zone, use_tz
    year, number = month
    begin = datetime(year, number, 1, tzinfo=ZoneInfo(zone))
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=ZoneInfo(zone))
    moment = timedelta(seconds=1)
    for at, count in ((begin - moment, 100), (begin, 1), (end - moment, 10), (end, 1000)):
        attempts(at.astimezone(UTC), count=count)
    assert json.loads(report("--month", f"{year}-{number:02}", "--format", "json"))["paid"] == 11


def test_the_month_is_this_one_of_the_sites_calendar(settings: Settings) -> None:
    with time_machine.travel(datetime(2026, 8, 31, 17, tzinfo=UTC), tick=False):
        assert report().startswith("SMS of 2026-09\n")  # in Shanghai it is the first of September
        settings.TIME_ZONE = "UTC"
        assert report().startswith("SMS of 2026-08\n")


@pytest.mark.parametrize(
    "month", ["2026-13", "2026-00", "2026-8", "august", "0000-01", "", "2026-08-01", "２０２６-08"]
)
def test_what_is_no_month_is_told(month: str) -> None:
    with pytest.raises(CommandError, match="not a month such as 2026-08"):
        report("--month", month)
