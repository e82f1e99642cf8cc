"""The charts in the admin: who may see them, what they show, and where they lead."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from phonebind.operations.models import Charts, SecurityEvent
from phonebind.operations.reports import charts, days, findings, hours
from server.users.models import User
from tests.operations.reports.days_of import CASES, event, fill
from tests.support.edge import Configure

#: test_sums reads the sums behind the charts on every database.
pytestmark = [pytest.mark.django_db, pytest.mark.once]

#: In Shanghai it is nine in the morning. In the scenario, last night's SMS cost twice as much as usual.
MORNING = datetime(2026, 8, 3, 1, tzinfo=UTC)
PAGE, NETWORKS = "/admin/phonebind_operations/charts/", "/admin/phonebind_operations/charts/networks/"


@pytest.fixture(autouse=True)
def _in_the_morning(phonebind: Configure) -> Any:
    phonebind(sms_prices={"aliyun": "0.045", "tencent": "0.06"})
    with time_machine.travel(MORNING - timedelta(minutes=1), tick=False):
        yield


@pytest.fixture
def see() -> Callable[..., Client]:
    """A client that is signed in with these permissions."""

    def make(*permissions: str, is_staff: bool = True) -> Client:
        user = User.objects.create_user("operator", mobile="13900000007", is_staff=is_staff)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client(headers={"Accept-Language": "en"})
        client.force_login(user)
        return client

    return make


# ---------------------------------------------------------------- permissions


@pytest.mark.parametrize("page", [PAGE, NETWORKS])
def test_they_are_for_who_may_look_at_events(see: Callable[..., Client], page: str) -> None:
    client = see("view_securityevent")
    assert client.get(page).status_code == 200
    User.objects.get().user_permissions.clear()
    assert client.get(page).status_code == 403
    User.objects.update(is_staff=False)
    assert client.get(page).status_code == 302
    assert Client().get(page).status_code == 302


@pytest.mark.parametrize("page", [PAGE, NETWORKS])
def test_who_may_not_makes_no_query_of_events(see: Callable[..., Client], page: str) -> None:
    client = see("view_session")
    with CaptureQueriesContext(connection) as queries:
        assert client.get(page).status_code == 403
    assert "phonebind_operations_securityevent" not in str(queries.captured_queries)


def test_the_index_leads_there_and_to_nothing_else(see: Callable[..., Client]) -> None:
    client = see("view_securityevent")
    index = client.get("/admin/").content.decode()
    assert f'href="{PAGE}"' in index
    assert reverse("admin:phonebind_operations_charts") == PAGE
    for act in ("add/", "1/change/", "1/delete/", "1/history/"):
        assert client.get(f"{PAGE}{act}").status_code == 404
    ours = site._registry[Charts]
    request: Any = type("Request", (), {"user": User.objects.get()})
    assert not ours.has_add_permission(request)
    assert not ours.has_change_permission(request)
    assert not ours.has_delete_permission(request)


def test_there_are_no_permissions_of_its_own() -> None:
    assert not Permission.objects.filter(content_type__model="charts").exists()


# ---------------------------------------------------------------- what they show


def page(admin_client: Client, query: str = "", language: str = "en") -> str:
    answer = admin_client.get(f"{PAGE}{query}", headers={"Accept-Language": language})
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_table_has_charts_too(admin_client: Client) -> None:
    shown = page(admin_client)
    assert "Nothing that stands out." in shown
    assert shown.count('class="chart"') == 6
    assert shown.count('<svg viewBox="0 0 480 180"') == 6
    binds = shown[shown.index('id="binds"') : shown.index('id="sign-ins"')]
    assert re.findall(r"<text[^>]*>(\d+)</text>", binds) == ["0", "1"], "and no 0 in the middle"


def test_each_chart_has_its_numbers_in_a_table_of_24_hours(admin_client: Client) -> None:
    fill("ordinary", MORNING)
    shown = page(admin_client)
    for table in re.findall(r'<table class="hours">.*?</table>', shown, re.DOTALL):
        times = re.findall(r'<th scope="row">(?:<a [^>]*>)?(\d\d:\d\d)', table)
        assert times == [f"{hour % 24:02}:00" for hour in range(9, 33)]
    day, _ = days.read(MORNING)
    sms = shown[shown.index('id="sms"') :]
    cells = re.findall(r"<td>([\d,]+)</td><td>[\d,]+</td></tr>", sms[: sms.index("</details>")])
    assert [int(cell.replace(",", "")) for cell in cells] == day.by_hour(days.is_attempt)


def test_numbers_are_rounded_and_not_cut_off() -> None:
    assert [charts.tenths(value) for value in (0.97, 0.94, 1.96, 2.25, 51.04)] == ["1.0", "0.9", "2.0", "2.2", "51.0"]


def test_codes_that_are_used_in_the_next_hour_make_no_more_than_all_of_them(admin_client: Client) -> None:
    last = MORNING - hours.HOUR
    rows = [event(last - timedelta(minutes=1), "sms_code", "sent", mobile_hmac=str(number)) for number in range(3)]
    rows += [event(last, "bind", "bound", provider="qq", mobile_hmac=str(number)) for number in range(3)]
    rows.append(event(last, "sms_code", "sent", mobile_hmac="0"))
    SecurityEvent.objects.bulk_create(rows)
    day, _ = days.read(MORNING)
    assert (day.each[-1].used, day.each[-1].asked) == (3, 1)
    assert day.used_shares[-2:] == [0, 1]
    shown = page(admin_client)
    used = shown[shown.index('id="used"') : shown.index('id="binds"')]
    assert set(re.findall(r"(\d+) %", used)) == {"0", "50", "75", "100"}


def test_the_charts_are_accessible_and_need_no_script_and_no_style_of_their_own(admin_client: Client) -> None:
    """A host's Content-Security-Policy may forbid inline scripts and styles."""
    fill("vendor_times_out", MORNING)
    shown = page(admin_client)
    ours = shown[shown.index('id="content-main"') : shown.index('id="footer"')]
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", ours)
    for chart in re.findall(r'<section class="chart".*?</section>', ours, re.DOTALL):
        assert re.search(r'<svg [^>]*aria-labelledby="([\w-]+)-title \1-desc"', chart)
        assert re.search(r"<title id=[^>]*>[^<]+</title>\s*<desc id=[^>]*>[^<]+</desc>", chart)
        # The parts also differ by patterns, not by colour alone.
        assert len(re.findall(r"<pattern ", chart)) == 5
    assert len(set(re.findall(r' id="([^"]+)"', shown))) == len(re.findall(r' id="([^"]+)"', shown))


def test_numbers_in_the_drawing_are_written_with_points(admin_client: Client, settings: Settings) -> None:
    settings.LANGUAGES = [("de", "Deutsch")]
    settings.USE_THOUSAND_SEPARATOR = True
    fill("campaign", MORNING)
    shown = page(admin_client, language="de")
    numbers = re.findall(
        r' (?:x|y|x1|x2|y1|y2|width|height)="([^"]*)"', shown[shown.index("<svg viewBox") : shown.index('id="footer"')]
    )
    assert len(numbers) > 500
    assert not [number for number in numbers if not re.fullmatch(r"\d+(\.\d+)?", number)]


def test_bars_end_at_the_top_of_the_chart_and_the_day_before_is_a_line(admin_client: Client) -> None:
    fill("one_network", MORNING)
    shown = page(admin_client)
    heights = [
        float(height)
        for height in re.findall(r'class="part-0" x="[\d.]+" y="[\d.]+" width="[\d.]+" height="([\d.]+)"', shown)
    ]
    assert 0 < max(heights) <= 150
    assert shown.count('<polyline class="before"') >= 6


def test_a_day_with_a_hole_breaks_the_line(admin_client: Client) -> None:
    """If no SMS was sent, there is no share of used ones."""
    for hour in (3, 4, 9):
        at = MORNING - timedelta(hours=24 + hour)
        event(at, "sms_code", "sent", mobile_hmac="a", mobile="138****0001").save()
    used = page(admin_client).split('id="used"')[1].split("</svg>")[0]
    assert used.count('<polyline class="before"') == 2


def test_without_prices_there_is_no_cost(admin_client: Client, phonebind: Configure) -> None:
    phonebind(sms_prices={})
    fill("one_network", MORNING)
    shown = page(admin_client)
    assert 'id="cost"' not in shown
    assert "¥" not in shown


def test_more_names_than_a_bar_has_parts_are_one_part_together(admin_client: Client) -> None:
    for number in range(9):
        event(MORNING - timedelta(hours=1), "sms_code", "sms_quota", limit=f"limit_{number}", count=10 - number).save()
    chart = charts.all_of(*days.read(MORNING))[-1]
    assert [(str(part.label), part.total) for part in chart.parts] == [
        *((f"limit_{number}", 10 - number) for number in range(5)),
        ("其它", 5 + 4 + 3 + 2) if str(chart.parts[-1].label) == "其它" else (str(chart.parts[-1].label), 14),
    ]
    assert "limit_8" not in page(admin_client)


@pytest.mark.parametrize(
    "query",
    [
        *("?end=nonsense", "?end=", "?begin=1&end=2", "?end=9999-12-31T00:00Z", "?end=0001-01-01T00:00Z", "?x=1"),
        *("?end=2026-08-01", "?end=2026-08-02T00:00:00%2B99:00", "?end=2026-08-03T01:00", "?end=%00"),
        *("?begin=2026-08-03T00:30Z", "?begin=2026-08-03T01:00Z", "?begin=2026-07-03T01:00Z"),
    ],
)
@pytest.mark.parametrize("address", [PAGE, NETWORKS])
def test_threat_18_what_is_no_moment_is_the_last_day(admin_client: Client, address: str, query: str) -> None:
    answer = admin_client.get(f"{address}{query}")
    assert answer.status_code == 200
    span = answer.context["span"]
    assert span.end == MORNING
    assert span.begin in {MORNING - timedelta(days=1), MORNING - timedelta(hours=1)}


def test_a_day_earlier_and_back(admin_client: Client) -> None:
    fill("one_network", MORNING)
    first = admin_client.get(PAGE)
    assert not first.context["span"].later
    earlier = admin_client.get(f"{PAGE}?{first.context['span'].earlier}")
    assert earlier.context["span"].end == MORNING - timedelta(days=1)
    again = admin_client.get(f"{PAGE}?{earlier.context['span'].later}")
    assert again.context["span"] == first.context["span"]


def test_an_hour_that_clocks_show_twice_is_told_apart(admin_client: Client, settings: Settings) -> None:
    settings.TIME_ZONE = "America/New_York"
    with time_machine.travel(datetime(2026, 11, 1, 15, 30, tzinfo=UTC), tick=False):
        admin_client.force_login(User.objects.get())
        shown = page(admin_client)
    assert shown.count(">01:00-0400<") == shown.count(">01:00-0500<") >= 6
    assert ">01:00<" not in shown


def test_the_page_asks_three_questions_of_events_and_no_more_within_a_minute(admin_client: Client) -> None:
    fill("campaign", MORNING)
    for expected in (3, 0):
        with CaptureQueriesContext(connection) as queries:
            page(admin_client)
        ours = [query for query in queries.captured_queries if "securityevent" in query["sql"]]
        assert len(ours) == expected


def test_the_networks_take_five_questions(admin_client: Client) -> None:
    fill("campaign", MORNING)
    with CaptureQueriesContext(connection) as queries:
        admin_client.get(NETWORKS)
    assert len([query for query in queries.captured_queries if "securityevent" in query["sql"]]) == 5


def test_hostile_words_are_text(admin_client: Client) -> None:
    """A gateway's name and a limit's name come from the settings. Any content is shown as text."""
    hostile = "<script>alert(1)</script>"
    event(MORNING - timedelta(hours=1), "sms_attempt", "sent", gateway=hostile, count=99).save()
    event(MORNING - timedelta(hours=1), "x", "x", limit=hostile, count=99).save()
    event(
        MORNING - timedelta(hours=1), "sms_code", "sent", address=hostile, mobile=hostile[:16], mobile_hmac="a"
    ).save()
    assert "<script>alert" not in page(admin_client)
    assert b"<script>alert" not in admin_client.get(NETWORKS).content


# ---------------------------------------------------------------- where they lead


def links(shown: str, chart: str) -> list[str]:
    part = shown.split(f'id="{chart}"')[1].split("</section>", maxsplit=1)[0]
    return [link.replace("&amp;", "&") for link in re.findall(r'href="(/admin/[^"]+)"', part)]


def test_each_hour_of_sms_leads_to_its_networks(admin_client: Client) -> None:
    fill("one_network", MORNING)
    bars = [link for link in links(page(admin_client), "sms") if "networks" in link]
    assert len(bars) == 24
    # Two o'clock in the morning in Shanghai.
    answer = admin_client.get(bars[17])
    assert answer.context["span"].begin == datetime(2026, 8, 2, 18, tzinfo=UTC)
    [first, *_] = answer.context["networks"]
    assert first[0].sent > 400
    assert first[0].used == 0
    assert first[1] == 0


def test_each_hour_leads_to_its_events(admin_client: Client) -> None:
    if not site.is_registered(SecurityEvent):
        pytest.skip("events are not in the admin")
    fill("vendor_times_out", MORNING)
    shown = page(admin_client)
    for chart in ("sms", "cost", "used", "binds", "sign-ins", "refusals"):
        lists = [link for link in links(shown, chart) if "securityevent" in link]
        assert len(set(lists)) == 24, chart
        answer = admin_client.get(lists[12])
        assert answer.status_code == 200
        times = answer.context["cl"].queryset.values_list("at", flat=True)
        query = parse_qs(urlsplit(lists[12]).query)
        begin, end = (datetime.fromisoformat(query[name][0]) for name in ("at__gte", "at__lt"))
        assert {begin <= at < end for at in times} == {True}, chart


def test_a_host_that_takes_events_out_of_the_admin_has_charts_without_those_links(admin_client: Client) -> None:
    taken_out = site._registry.pop(SecurityEvent, None)
    try:
        fill("one_network", MORNING)
        shown = page(admin_client)
        assert "securityevent" not in shown
        assert admin_client.get(NETWORKS).status_code == 200
    finally:
        if taken_out:
            site._registry[SecurityEvent] = taken_out


# ---------------------------------------------------------------- the text version

SAID: dict[str, list[str]] = {
    "ordinary": [],
    "one_network": ["SMS, 2", "Only"],
    "many_networks": ["SMS, 2", "Only"],
    "vendor_fails": ["SMS, 2", "the same people ask again", "Only"],
    "vendor_times_out": ["Gateway aliyun failed", "Gateway tencent failed", "tencent sent 41 % of them (0 %)"],
    "campaign": ["SMS, 2", "The codes were used"],
    "loop": ["SMS, 2", "the same people ask again", "The limit sms_mobile_open_hour refused"],
}


@pytest.mark.parametrize("case", CASES)
def test_an_operator_reads_what_happened(admin_client: Client, case: str) -> None:
    fill(case, MORNING)
    answer = admin_client.get(PAGE, headers={"Accept-Language": "en"})
    found = [finding.text for finding in answer.context["findings"]]
    assert len(found) >= len(SAID[case]), found
    assert "The codes were used" not in str(found) or case in {"campaign", "vendor_times_out"}
    for words in SAID[case]:
        assert [text for text in found if words in text], (words, found)
    if not SAID[case]:
        assert not found
    for finding in answer.context["findings"]:
        assert f'id="{finding.chart}"' in answer.content.decode()


def test_where_there_was_nothing_before_nothing_is_compared(admin_client: Client) -> None:
    for number in range(60):
        at = MORNING - timedelta(hours=1)
        event(at, "sms_attempt", "sent", gateway="sent-by-nobody", purpose="bind").save()
        event(at, "sms_code", "sent", mobile_hmac=str(number), mobile="138****0001").save()
    found = [finding.text for finding in findings.all_of(*days.read(MORNING))]
    assert len(found) == 3
    shown = page(admin_client)
    assert "60 SMS, and none the day before: mostly 08:00–09:00." in shown
    assert "Only 0 % of the numbers used their code (–)." in shown
    assert "Not in the cost: sent-by-nobody, which have no price in SMS_PRICES." in shown


def test_times_are_the_sites() -> None:
    assert f"{hours.shown(MORNING):%H:%M}" == "09:00"


@pytest.mark.parametrize(("failed", "is_told"), [(49, False), (50, True), (90, True)])
@pytest.mark.parametrize(("sent", "may_be"), [(0, True), (440, True), (900, False)])
def test_some_failures_of_a_gateway_are_not_worth_a_word(failed: int, is_told: bool, sent: int, may_be: bool) -> None:
    at = MORNING - timedelta(hours=1)
    event(at, "sms_attempt", "not_now", gateway="aliyun", count=failed).save()
    if sent:
        event(at, "sms_attempt", "sent", gateway="aliyun", count=sent).save()
    found = [finding.text for finding in findings.all_of(*days.read(MORNING)) if "aliyun" in finding.text]
    assert bool(found) is (is_told and may_be)
