"""A person's page in the admin: what it shows, and with how few queries."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from phonebind import life, limits
from phonebind.models import SocialAccount
from phonebind.oauth import Identity
from phonebind.operations.events import mobile_hashes
from phonebind.operations.helpdesk import in_force, people, person_views
from phonebind.operations.models import SecurityEvent
from server.processes import Valkey
from server.users.models import User
from tests.support.edge import OPENID, Configure

pytestmark = pytest.mark.django_db

PEOPLE = "/admin/phonebind_operations/securityevent/people/"
MOBILE, MASKED = "13900000001", "139****0001"


@pytest.fixture
def person() -> User:
    user = User.objects.create_user(MOBILE, mobile=MOBILE, password="horse-staple-9")
    fields = {"app_id": "101000001", "openid": OPENID, "nickname": "<script>alert(1)</script>", "proved_by": "sms"}
    SocialAccount.objects.create(user=user, provider="qq", **fields)
    return user


@pytest.fixture
def clerk() -> Callable[..., Client]:
    """A signed-in member of staff with these permissions."""

    def make(*permissions: str, **facts: Any) -> Client:
        staff = User.objects.create_user("clerk", is_staff=True, **facts)
        names = ("view_securityevent", *permissions)
        staff.user_permissions.set(Permission.objects.filter(codename__in=names))
        client = Client()
        client.force_login(staff)
        return client

    return make


def page(client: Client, person: User) -> str:
    answer = client.get(f"{PEOPLE}{person.pk}/")
    assert answer.status_code == 200
    return str(answer.content.decode())


# ---------------------------------------------------------------- finding


@pytest.mark.parametrize("term", [MOBILE, "+86 139 0000 0001", f" {MOBILE}\n"])
def test_a_person_is_found_and_no_number_stands_in_an_address(clerk: Any, person: User, term: str) -> None:
    answer = clerk().post(PEOPLE, {"term": term})
    assert answer.status_code == 302
    assert answer["Location"] == f"{PEOPLE}{person.pk}/"


def test_a_person_is_found_by_their_key_and_not_by_a_part(clerk: Any, person: User) -> None:
    client = clerk()
    assert client.post(PEOPLE, {"term": str(person.pk)}).status_code == 302
    for term in (MOBILE[:-1], "9" * 40, "nobody", "\0", "", "1.5", "%"):
        assert client.post(PEOPLE, {"term": term}).status_code == 200
    answer = client.post(PEOPLE, {"term": "nobody"}, headers={"Accept-Language": "en"})
    assert "No person has" in answer.content.decode()
    assert client.get(PEOPLE, {"term": MOBILE}).status_code == 200


@pytest.mark.parametrize("pk", ["0", "-1", "9" * 40, "x", "1.5", "%00"])
def test_a_page_of_nobody(clerk: Any, pk: str) -> None:
    assert clerk().get(f"{PEOPLE}{pk}/").status_code == 404


def test_the_page_is_linked_from_where_people_are(admin_client: Client, person: User) -> None:
    event = SecurityEvent.objects.create(type="bind", outcome="bound", user_id=person.pk)
    account = SocialAccount.objects.get()
    linked = f'href="{PEOPLE}{person.pk}/"'
    for path in (
        "/admin/phonebind_operations/securityevent/",
        f"/admin/phonebind/socialaccount/{account.pk}/change/",
        f"/admin/users/user/{person.pk}/change/",
    ):
        assert linked in admin_client.get(path).content.decode(), path
    assert f"/securityevent/{event.pk}/change/" in page(admin_client, person)
    assert f"/admin/users/user/{person.pk}/change/" in page(admin_client, person)


def test_a_person_without_a_mobile_whose_model_is_not_in_the_admin(
    admin_client: Client, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.filter(pk=person.pk).update(mobile=None)
    monkeypatch.setattr(User._meta, "model_name", "elsewhere")
    assert admin_client.get(f"{PEOPLE}{person.pk}/").context["user_url"] == ""
    assert {name for name, *_ in in_force._claims(User.objects.get(pk=person.pk), [])}.isdisjoint(in_force.BY_MOBILE)


def test_nobody_is_led_where_they_may_not_go(clerk: Any, person: User) -> None:
    assert f"/admin/users/user/{person.pk}/change/" not in page(clerk(), person)


def test_the_list_leads_to_the_search_for_a_person(admin_client: Client) -> None:
    assert f'href="{PEOPLE}"' in admin_client.get("/admin/phonebind_operations/securityevent/").content.decode()


# ---------------------------------------------------------------- what it shows


def test_threat_63_numbers_are_masked_and_what_people_write_is_text(clerk: Any, person: User) -> None:
    """To see a whole number takes a permission. The username may be a number too."""
    SecurityEvent.objects.create(
        type="operator", outcome="limit_lifted", user_id=person.pk, data={"reason": "<img src=x>", "operator": "eve"}
    )
    seen = page(clerk(), person)
    assert MASKED in seen
    assert MOBILE not in seen
    assert "<script>alert(1)" not in seen
    assert "&lt;script&gt;alert(1)" in seen
    assert "<img src=x>" not in seen


def test_threat_63_a_masked_number_is_not_found_by_trying(
    clerk: Any, person: User, phonebind: Configure, valkey: Valkey
) -> None:
    """The mask hides four digits. An operator who searches for all ten thousand numbers would find the right one."""
    phonebind(limits={"operator_search_hour": (3, 3_600)})
    client, events = clerk(), PEOPLE.removesuffix("people/")
    event = SecurityEvent.objects.create(type="bind", outcome="bound", mobile_hmac=mobile_hashes.current(MOBILE))

    def is_found(mobile: str) -> tuple[bool, bool]:
        answer = client.get(events, {"q": mobile})
        return client.post(PEOPLE, {"term": mobile}).status_code == 302, event in answer.context["cl"].result_list

    assert is_found("13900000002") == (False, False)
    assert is_found(MOBILE) == (False, True)
    assert is_found(MOBILE) == (False, False)
    assert str(person_views.TOO_MANY) in client.post(PEOPLE, {"term": MOBILE}).content.decode()
    assert client.post(PEOPLE, {"term": str(person.pk)}).status_code == 302
    permission = Permission.objects.get(codename="see_mobile")
    User.objects.get(username="clerk").user_permissions.add(permission)
    assert is_found(MOBILE) == (True, True)
    User.objects.get(username="clerk").user_permissions.remove(permission)
    assert is_found(MOBILE) == (False, False)
    valkey.stop()
    assert is_found(MOBILE) == (True, True)


def test_a_whole_number_takes_a_permission(clerk: Any, person: User) -> None:
    assert MOBILE in page(clerk("see_mobile"), person)


def test_the_last_events_of_the_account_and_of_its_number(clerk: Any, person: User, settings: Settings) -> None:
    mine = SecurityEvent.objects.create(type="bind", outcome="bound", user_id=person.pk)
    both = SecurityEvent.objects.create(
        type="bind", outcome="bound", user_id=person.pk, mobile_hmac=mobile_hashes.current(MOBILE)
    )
    number = SecurityEvent.objects.create(
        type="sms_code", outcome="sent", mobile_hmac=mobile_hashes.current(MOBILE), count=3
    )
    SecurityEvent.objects.create(type="bind", outcome="bound", user_id=f"{person.pk}0")
    assert people.events(person) == [number, both, mine]
    SecurityEvent.objects.bulk_create(
        [SecurityEvent(type="password", outcome="signed_in", user_id=person.pk) for _ in range(120)]
    )
    assert len(people.events(person)) == people.EVENTS
    person.mobile = None
    assert number not in people.events(person)
    assert "sms_code" not in page(clerk(), person)


def test_the_page_asks_few_questions(clerk: Any, person: User) -> None:
    """The number of queries is the same for one as for a hundred identities, sessions and events."""
    client = clerk("end_sessions", "unbind_identity", "lift_limit", "release_number")
    page(client, person)
    with CaptureQueriesContext(connection) as few:
        page(client, person)
    fields = {"user": person, "provider": "qq", "app_id": "101000001"}
    SocialAccount.objects.bulk_create([SocialAccount(**fields, openid=f"{n:032}") for n in range(50)])
    SecurityEvent.objects.bulk_create(
        [SecurityEvent(type="bind", outcome="bound", user_id=person.pk) for _ in range(150)]
    )
    with CaptureQueriesContext(connection) as many:
        page(client, person)
    # Django's queries: the session, the operator, their permissions twice. Our queries: the person, identities and
    # events, each twice; and sessions and proofs where these tables exist.
    assert len(few) == len(many)
    assert len(few) <= (10 if life.installed else 8)


# ---------------------------------------------------------------- limits


def test_every_limit_is_somebodys() -> None:
    """A new limit must be shown on the page, or be one that counts no person."""
    of_people = {*in_force.BY_MOBILE, *in_force.BY_NAME, *in_force.BY_ACCOUNT, *in_force.BY_IDENTITY}
    others = {name for name in limits.RULES if "_address" in name or "_site" in name or name.startswith("operator_")}
    assert of_people | others == set(limits.RULES)
    assert not of_people & others


def test_limits_that_have_counted_are_shown_and_say_when_they_end(clerk: Any, person: User) -> None:
    client = clerk()
    assert people.overview(person).limits == []
    limits.take(("sms_mobile_gap", MOBILE), ("sms_mobile_hour", MOBILE))
    identity = Identity("qq", "101000001", OPENID)
    limits.take(("sms_identity_day", identity.key))
    limits.attempt(lambda: False, ("password_name", MOBILE), ("password_account", str(person.pk)))
    limits.take(("sms_mobile_hour", "13900000002"))
    found = {each.name: each for each in people.overview(person).limits or ()}
    assert set(found) == {
        *("sms_mobile_gap", "sms_mobile_hour", "sms_identity_day", "password_name", "password_account")
    }
    gap, hour = found["sms_mobile_gap"], found["sms_mobile_hour"]
    assert (gap.used, gap.limit, gap.refuses) == (1, 1, True)
    assert 0 < gap.wait <= 60
    assert (hour.used, hour.limit, hour.refuses) == (1, 5, False)
    seen = page(client, person)
    assert "sms_mobile_gap" in seen
    assert MOBILE not in seen
    assert OPENID not in seen


def test_to_look_counts_nothing(person: User) -> None:
    limits.take(("sms_mobile_hour", MOBILE))
    for _ in range(10):
        people.overview(person)
    assert limits.state("sms_mobile_hour", MOBILE)[0] == 1


def test_the_page_without_the_store(clerk: Any, person: User, valkey: Valkey) -> None:
    client = clerk()
    valkey.stop()
    assert people.overview(person).limits is None
    assert "<table" in page(client, person)
