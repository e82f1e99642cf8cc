"""The list of events in the admin: what it finds, what it costs, and that nothing in it can be changed."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from phonebind import databases, exceptions, limits, masking
from phonebind.operations.events import filters, listing, mobile_hashes, words
from phonebind.operations.models import SecurityEvent
from server.users.models import User

pytestmark = pytest.mark.django_db

LIST = "/admin/phonebind_operations/securityevent/"
MOBILE = "13900000001"


def event(**facts: Any) -> SecurityEvent:
    return SecurityEvent.objects.create(**{"type": "bind", "outcome": "bound", **facts})


def found(client: Client, **query: Any) -> set[int]:
    answer = client.get(LIST, query)
    assert answer.status_code == 200
    return {row.pk for row in answer.context["cl"].result_list}


def pks(*events: SecurityEvent) -> set[int]:
    return {each.pk for each in events}


@pytest.fixture
def person() -> User:
    return User.objects.create_user("ming", mobile=MOBILE)


@pytest.fixture
def events(person: User) -> dict[str, SecurityEvent]:
    year = timezone.now() - timedelta(days=365)
    return {
        "mobile": event(at=year, mobile="139****0001", mobile_hmac=mobile_hashes.current(MOBILE)),
        "user": event(user_id=str(person.pk)),
        "operator": event(type="operator", outcome="limit_lifted", actor_id="77", data={"reason": "<b>asked</b>"}),
        "address": event(address="192.0.2.7", type="password", outcome="too_many_attempts", limit="password_address"),
        "network": event(address="2001:db8::/64"),
        "request": event(request_id="0f" * 16),
    }


@pytest.mark.parametrize(
    ("term", "names"),
    [
        (MOBILE, {"mobile", "user"}),
        ("+86 139-0000-0001", {"mobile", "user"}),
        ("ming", {"user"}),
        (" 77 ", {"operator"}),
        ("192.0.2.7", {"address"}),
        ("2001:db8::5", {"network"}),
        ("2001:db8::/64", {"network"}),
        ("0f" * 16, {"request"}),
        ("1390000000", set()),
        ("139****0001", set()),
        ("min", set()),
        ("192.0.2", set()),
        ("小明🦊", set()),
    ],
)
def test_what_is_searched_for_whole_is_found_and_parts_are_not(
    admin_client: Client, events: dict[str, SecurityEvent], term: str, names: Iterable[str]
) -> None:
    assert found(admin_client, q=term) == pks(*(events[name] for name in names))


@pytest.mark.parametrize(
    "query",
    [
        {"mobile_hmac__regex": "^(a+)+$"},
        {"mobile_hmac__startswith": "a"},
        {"mobile__contains": "0001"},
        {"cause__icontains": "x"},
        {"data__reason__icontains": "x"},
        {"user_id": "1"},
    ],
)
def test_threat_63_no_address_has_the_whole_table_read(admin_client: Client, query: dict[str, str]) -> None:
    """An address cannot be used to guess a hidden hash letter by letter, either."""
    assert admin_client.get(LIST, query).status_code == 400


def test_a_word_that_is_none_finds_nothing(admin_client: Client, events: dict[str, SecurityEvent]) -> None:
    for name in ("type", "outcome", "limit"):
        assert found(admin_client, **{name: "a\0b"}) == set()


def test_a_user_is_found_by_their_key(admin_client: Client, person: User, events: dict[str, SecurityEvent]) -> None:
    assert found(admin_client, q=person.pk) >= pks(events["user"])


def test_a_number_is_found_under_a_former_key(admin_client: Client, settings: Settings) -> None:
    before = event(mobile_hmac=mobile_hashes.current(MOBILE))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "SECRET_KEY", "another" * 10)
        assert mobile_hashes.current(MOBILE) != before.mobile_hmac
        assert listing.search(MOBILE) == listing.search(f" {MOBILE}"[1:])
        assert SecurityEvent.objects.filter(listing.search(MOBILE)).get() == before


def test_a_week_is_shown_unless_one_asks_for_more(admin_client: Client) -> None:
    now = timezone.now()
    hour, day, week, year = (event(at=now - timedelta(hours=hours)) for hours in (0.5, 20, 100, 9_000))
    assert found(admin_client) == pks(hour, day, week)
    assert found(admin_client, period="hour") == pks(hour)
    assert found(admin_client, period="day") == pks(hour, day)
    assert found(admin_client, period="month") == pks(hour, day, week)
    assert found(admin_client, period="all") == pks(hour, day, week, year)
    assert found(admin_client, period="nonsense") == pks(hour, day, week)
    # The charts link to an hour in this way.
    bounds = {"at__gte": year.at.isoformat(), "at__lt": (year.at + timedelta(hours=1)).isoformat()}
    assert found(admin_client, **bounds) == pks(year)


def test_filters(admin_client: Client, events: dict[str, SecurityEvent]) -> None:
    assert found(admin_client, type="operator") == pks(events["operator"])
    assert found(admin_client, outcome="too_many_attempts") == pks(events["address"])
    assert found(admin_client, limit="password_address") == pks(events["address"])
    assert found(admin_client, limit="sms_site_day") == set()


def test_the_filters_know_all_types_outcomes_and_limits() -> None:
    assert {"sms_code", "sms_attempt", "operator"} <= set(filters.Type.known)
    assert {"sms_quota", "last_way_in", "identity_unbound", "bound", "not_now"} <= set(filters.outcomes())
    assert not words.NOT & set(filters.outcomes())
    assert exceptions.StorageUnavailable.code in filters.outcomes()
    assert set(limits.RULES) <= set(filters.Limit.known)


def test_the_list_asks_nothing_of_the_whole_table(admin_client: Client, events: dict[str, SecurityEvent]) -> None:
    """The list counts no more rows than a person can turn pages, and does not query the values of its filters."""
    with CaptureQueriesContext(
        connection,
    ) as asked:
        found(admin_client)
        found(admin_client, q=MOBILE)
        found(admin_client, outcome="bound")
    of_events = [each["sql"] for each in asked if "phonebind_operations_securityevent" in each["sql"]]
    assert len(of_events) == 6
    for sql in of_events:
        assert "COUNT" not in sql or "LIMIT" in sql
        assert "DISTINCT" not in sql
        assert "LIKE" not in sql


def test_pages_end_somewhere(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST", 60)
    SecurityEvent.objects.bulk_create([SecurityEvent(type="bind", outcome="bound") for _ in range(80)])
    assert admin_client.get(LIST).context["cl"].result_count == 60
    assert len(found(admin_client, p=2)) == 10


def test_all_are_offered_only_to_who_has_searched(admin_client: Client) -> None:
    """Otherwise the link leads to the page that it is on."""
    SecurityEvent.objects.create(type="bind", outcome="bound", user_id="7")
    assert "Show all" not in admin_client.get(LIST, {"outcome": "bound"}, headers={"Accept-Language": "en"}).text
    assert "Show all" in admin_client.get(LIST, {"q": "7"}, headers={"Accept-Language": "en"}).text


def test_threat_63_nobody_adds_changes_or_deletes_an_event(
    admin_client: Client, events: dict[str, SecurityEvent]
) -> None:
    """Not even a superuser can, and there are no such permissions to grant."""
    row = events["operator"]
    for path in (f"{LIST}add/", f"{LIST}{row.pk}/delete/"):
        assert admin_client.get(path).status_code == 403
        assert admin_client.post(path, {"post": "yes"}).status_code == 403
    assert admin_client.post(f"{LIST}{row.pk}/change/", {"outcome": "x"}).status_code == 403
    admin_client.post(LIST, {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
    row.refresh_from_db()
    assert row.outcome == "limit_lifted"
    names = set(Permission.objects.filter(content_type__model="securityevent").values_list("codename", flat=True))
    assert names == {
        *("view_securityevent", "see_mobile", "end_sessions", "unbind_identity", "unbind_last_identity"),
        *("lift_limit", "release_number"),
    }


def test_one_event_is_shown_with_all_that_it_says(admin_client: Client, events: dict[str, SecurityEvent]) -> None:
    page = admin_client.get(f"{LIST}{events['operator'].pk}/change/").content.decode()
    assert "limit_lifted" in page
    assert "reason: &lt;b&gt;asked&lt;/b&gt;" in page
    assert "<b>asked" not in page
    assert 'name="outcome"' not in page
    assert "mobile_hmac" not in page


def test_threat_63_events_are_for_who_may_see_them(client: Client, events: dict[str, SecurityEvent]) -> None:
    staff = User.objects.create_user("clerk", is_staff=True)
    client.force_login(staff)
    for path in (LIST, f"{LIST}people/", f"{LIST}people/{staff.pk}/"):
        assert client.get(path).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_securityevent"))
    assert client.get(LIST).status_code == 200


@pytest.mark.parametrize("term", ["13900000001", "%2B86+139-0000-0001"])
def test_threat_63_a_number_that_is_searched_for_stands_masked_in_our_logs(term: str) -> None:
    """The admin's search is a GET, so servers write it to their logs."""
    written = masking.masked(f'"GET {LIST}?q={term} HTTP/1.1" 200')
    assert "139****0001" in written
    assert "0000001" not in written


def test_events_are_read_where_they_are_written() -> None:
    assert databases.PrimaryRouter().db_for_read(SecurityEvent) == databases.primary(SecurityEvent)
