"""What operators do for customers: each act needs its permission and a reason, and is recorded. There are no other
acts.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import OperationalError
from django.test import Client

from phonebind import audit, life, limits, signals, tokens
from phonebind.exceptions import PhonebindError, TokenInvalid
from phonebind.lifecycle.exceptions import NotFound
from phonebind.models import SocialAccount
from phonebind.operations.helpdesk import account, in_force, operator_acts, people
from phonebind.operations.helpdesk.act_list import ACTS
from phonebind.operations.models import SecurityEvent
from server.processes import Valkey
from server.users.models import User
from tests.support.edge import OPENID
from tests.support.racers import together

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = "/admin/phonebind_operations/securityevent/people/"
MOBILE, PASSWORD = "13900000001", "horse-staple-9"
REASON = "ticket 4711: lost the phone"
#: What the form of each act takes besides the reason.
GIVEN = {
    "end-sessions": {},
    "unbind": {"identity": "1"},
    "lift": {"limit": "x"},
    "release": {"why": "carrier"},
}
needs_lifecycle = pytest.mark.skipif(not life.installed, reason="of phonebind.lifecycle")


@pytest.fixture
def person() -> User:
    user = User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)
    bind(user)
    return user


def bind(user: User, provider: str = "qq", app_id: str = "101000001", openid: str = OPENID) -> SocialAccount:
    return SocialAccount.objects.create(user=user, provider=provider, app_id=app_id, openid=openid)


@pytest.fixture
def clerk() -> Callable[..., Client]:
    """A signed-in member of staff with these permissions."""

    def make(*permissions: str, **facts: Any) -> Client:
        staff = User.objects.create_user("clerk", is_staff=True, **facts)
        names = ("view_securityevent", *permissions)
        staff.user_permissions.set(Permission.objects.filter(codename__in=names))
        client = Client(headers={"Accept-Language": "en"})
        client.force_login(staff)
        return client

    return make


def order(client: Client, user: User, act: str, **given: Any) -> Any:
    return client.post(f"{PEOPLE}{user.pk}/{act}/", {"reason": REASON, **given})


def written() -> list[SecurityEvent]:
    return list(SecurityEvent.objects.filter(type="operator").order_by("pk"))


def clerk_page(client: Client, user: User, act: str, **query: Any) -> str:
    """The form, before the act."""
    answer = client.get(f"{PEOPLE}{user.pk}/{act}/", query, headers={"Accept-Language": "en"})
    return str(answer.content.decode())


def test_the_form_says_what_is_to_be_done_to_whom(admin_client: Client, person: User) -> None:
    account = SocialAccount.objects.get()
    SocialAccount.objects.update(nickname="<b>小明</b>")
    assert "<strong>qq &lt;b&gt;小明&lt;/b&gt;</strong>" in clerk_page(
        admin_client, person, "unbind", identity=account.pk
    )
    assert "<strong>ming</strong>" in clerk_page(admin_client, person, "end-sessions")
    theirs = bind(User.objects.create_user("other"), openid="F" * 32)
    for query in ({"identity": theirs.pk}, {"identity": "x"}, {}):
        assert "it is not there any more" in clerk_page(admin_client, person, "unbind", **query)
    assert "it is not there any more" in clerk_page(admin_client, person, "lift", limit="sms_site_day")


# ---------------------------------------------------------------- permissions


@pytest.mark.parametrize("act", ACTS)
def test_threat_63_who_may_only_look_cannot_act(clerk: Any, person: User, act: str) -> None:
    """The permissions of the other acts do not help."""
    others = {each.permission for name, each in ACTS.items() if name != act}
    client = clerk(*others, "unbind_last_identity", "see_mobile")
    path = f"{PEOPLE}{person.pk}/{act}/"
    # Without phonebind.lifecycle no number can be released.
    refused = 404 if act == "release" and not life.installed else 403
    assert client.get(path).status_code == refused
    assert order(client, person, act, **GIVEN[act]).status_code == refused
    assert f"/{act}/" not in client.get(f"{PEOPLE}{person.pk}/").content.decode()
    assert written() == []
    assert SocialAccount.objects.count() == 1


@pytest.mark.parametrize("act", ACTS)
def test_threat_63_a_permission_to_act_is_none_to_look(client: Client, person: User, act: str) -> None:
    staff = User.objects.create_user("clerk", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename=ACTS[act].permission))
    client.force_login(staff)
    assert order(client, person, act, **GIVEN[act]).status_code == 403


@pytest.mark.parametrize("act", ACTS)
def test_threat_63_customers_and_strangers_cannot_act(client: Client, person: User, act: str) -> None:
    assert order(client, person, act, **GIVEN[act]).status_code == 302
    person.user_permissions.set(Permission.objects.all())
    client.force_login(person)
    assert order(client, person, act, **GIVEN[act])["Location"].startswith("/admin/login/")
    assert written() == []


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("reason", ["", "   ", "\n\t"])
def test_threat_63_no_act_without_a_reason(admin_client: Client, person: User, act: str, reason: str) -> None:
    if act == "release" and not life.installed:
        return
    given = GIVEN[act] | ({"identity": SocialAccount.objects.get().pk} if act == "unbind" else {})
    assert order(admin_client, person, act, **given, reason=reason).status_code == 200
    assert order(admin_client, person, act, **given, reason="x" * 301).status_code == 200
    assert written() == []
    assert SocialAccount.objects.count() == 1


def test_threat_62_a_number_in_a_reason_is_masked(admin_client: Client, person: User) -> None:
    reason = "called from +86 139-0000-0001 about 13800000009, ticket 4711"
    assert order(admin_client, person, "end-sessions", reason=reason).status_code == 302
    [event] = SecurityEvent.objects.filter(type="operator")
    assert "4711" in event.data["reason"]
    assert "0000-0001" not in repr(event.data)
    assert "13800000009" not in repr(event.data)


@pytest.mark.parametrize("act", ACTS)
def test_threat_63_a_get_changes_nothing(admin_client: Client, person: User, act: str) -> None:
    if act == "release" and not life.installed:
        return
    account = SocialAccount.objects.get()
    query: dict[str, Any] = {"reason": REASON, "identity": account.pk, "limit": "x", "why": "carrier"}
    answer = admin_client.get(f"{PEOPLE}{person.pk}/{act}/", query)
    assert answer.status_code == 200
    assert REASON not in answer.content.decode()
    assert written() == []
    assert SocialAccount.objects.count() == 1


def test_threat_63_another_site_cannot_have_an_operator_act(person: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root", password="x"))
    assert order(client, person, "end-sessions").status_code == 403
    assert written() == []


def test_threat_63_nobody_acts_on_their_own_account(clerk: Any) -> None:
    """A second person must do it: an operator cannot lift their own limit, or unbind their own identity past the
    guard.
    """
    client = clerk(*(act.permission for act in ACTS.values()), mobile="13900000009")
    own = User.objects.get(username="clerk")
    bind(own)
    assert order(client, own, "end-sessions").status_code == 403
    page = client.get(f"{PEOPLE}{own.pk}/").content.decode()
    assert "cannot act on it" in page
    assert "end-sessions" not in page
    root = User.objects.create_superuser("root", password="x")
    client.force_login(root)
    assert order(client, root, "end-sessions").status_code == 403
    assert written() == []


def test_threat_63_operators_are_for_superusers_alone(clerk: Any, admin_client: Client) -> None:
    client = clerk(*(act.permission for act in ACTS.values()))
    for name in ("is_staff", "is_superuser"):
        boss = User.objects.create_user(name)
        setattr(boss, name, True)
        boss.save()
        assert order(client, boss, "end-sessions").status_code == 403
        assert order(admin_client, boss, "end-sessions").status_code == 302
    assert len(written()) == 2


@pytest.mark.parametrize("act", ["delete", "end_sessions", "password"])
def test_there_are_no_other_acts(admin_client: Client, person: User, act: str) -> None:
    """No act shows or resends a code, sets a mobile number, or signs in as another person."""
    assert set(ACTS) == {"end-sessions", "unbind", "lift", "release"}
    assert admin_client.post(f"{PEOPLE}{person.pk}/{act}/", {"reason": REASON}).status_code == 404
    assert admin_client.post(f"{PEOPLE}0/end-sessions/", {"reason": REASON}).status_code == 404
    assert written() == []


# ---------------------------------------------------------------- what is recorded


def test_an_act_is_an_event_with_who_why_and_what(clerk: Any, person: User, caplog: pytest.LogCaptureFixture) -> None:
    client = clerk("end_sessions")
    answer = order(client, person, "end-sessions")
    [event] = written()
    staff = User.objects.get(username="clerk")
    assert (event.outcome, event.user_id, event.actor_id) == ("sessions_ended", str(person.pk), str(staff.pk))
    assert (event.mobile, event.address) == ("139****0001", "127.0.0.1")
    assert event.request_id == answer["X-Request-ID"]
    assert event.data["reason"] == REASON
    assert event.data["operator"] == "clerk"
    assert set(event.data) == {"operator", "reason", "before", "after"}
    told = [record for record in caplog.records if record.name == audit.__name__]
    assert [(record.action, record.outcome, record.user_id) for record in told] == [  # type: ignore[attr-defined]
        ("operator", "sessions_ended", person.pk)
    ]
    staff.delete()
    [event] = people.events(person)
    assert event.data["operator"] == "clerk"


def test_threat_63_what_cannot_be_written_down_is_not_done(
    admin_client: Client, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("disk full")

    chain = tokens.issue(person)
    with monkeypatch.context() as patch:
        patch.setattr(SecurityEvent, "save_base", full)
        for act, given in {"end-sessions": {}, "unbind": {"identity": SocialAccount.objects.get().pk}}.items():
            answer = order(admin_client, person, act, **given)
            assert answer.status_code == 200
            assert "errorlist" in answer.content.decode()
    assert SocialAccount.objects.count() == 1
    assert tokens.refresh(chain["refresh"])


def test_an_act_that_fails_is_not_written_down(admin_client: Client, person: User, valkey: Valkey) -> None:
    limits.take(("sms_mobile_gap", MOBILE))
    [counted] = people.limits(person, []) or []
    # Django's session is in the database.
    valkey.stop()
    assert order(admin_client, person, "lift", limit=counted.key).status_code == 200
    valkey.start()
    assert written() == []


# ---------------------------------------------------------------- each act


def test_end_sessions(clerk: Any, person: User, client: Client) -> None:
    chain = tokens.issue(person)
    other = tokens.issue(User.objects.create_user("other", mobile="13900000002"))
    client.post("/login/", {"username": "ming", "password": PASSWORD})
    order(clerk("end_sessions"), person, "end-sessions")
    with pytest.raises(TokenInvalid):
        tokens.refresh(chain["refresh"])
    tokens.refresh(other["refresh"])
    [event] = written()
    assert event.data["after"] == "signed out everywhere"
    if life.installed:
        # One session by the token, and one by the page.
        assert event.data["before"] in ("sessions: 1", "sessions: 2")
        assert people.overview(person).sessions == []


def test_unbind(clerk: Any, person: User) -> None:
    account = SocialAccount.objects.get()
    heard: list[Any] = []

    def hear(**facts: Any) -> None:
        heard.append((facts["user"].pk, facts["provider"]))

    signals.identity_unbound.connect(hear)
    chain = tokens.issue(person)
    try:
        answer = order(clerk("unbind_identity"), person, "unbind", identity=account.pk)
    finally:
        signals.identity_unbound.disconnect(hear)
    assert answer.status_code == 302
    assert not SocialAccount.objects.exists()
    [event] = written()
    assert (event.outcome, event.provider) == ("identity_unbound", "qq")
    assert (event.data["before"], event.data["after"]) == ("qq", "no identity")
    if life.installed:
        assert heard == [(person.pk, "qq")]
    else:
        with pytest.raises(TokenInvalid):
            tokens.refresh(chain["refresh"])


def test_unbind_takes_the_person_in_every_app_of_the_provider(clerk: Any, person: User) -> None:
    account = SocialAccount.objects.get()
    bind(person, app_id="another-app", openid="0" * 32)
    bind(person, provider="weibo", app_id="1", openid="42")
    order(clerk("unbind_identity"), person, "unbind", identity=account.pk)
    assert [row.provider for row in SocialAccount.objects.all()] == ["weibo"]
    [event] = written()
    assert (event.data["before"], event.data["after"]) == ("qq, qq, weibo", "weibo")


def test_threat_63_an_identity_of_somebody_else_is_not_unbound(admin_client: Client, person: User) -> None:
    other = bind(User.objects.create_user("other", mobile="13900000002"), openid="F" * 32)
    answer = order(admin_client, person, "unbind", identity=other.pk)
    assert "not there any more" in answer.content.decode() or "已经" in answer.content.decode()
    for wrong in ("", "x", "-1", str(2**70), "0"):
        assert order(admin_client, person, "unbind", identity=wrong).status_code == 200
    assert SocialAccount.objects.count() == 2
    assert written() == []


@pytest.fixture
def locked_in(person: User) -> User:
    """The person can sign in by QQ alone."""
    person.set_unusable_password()
    person.mobile = None
    person.save()
    return person


def test_threat_63_the_last_way_in_stays(clerk: Any, locked_in: User) -> None:
    client, account = clerk("unbind_identity"), SocialAccount.objects.get()
    answer = order(client, locked_in, "unbind", identity=account.pk, force="on")
    assert "the last way into this account" in answer.content.decode()
    assert 'name="force"' not in answer.content.decode()
    assert SocialAccount.objects.count() == 1
    assert written() == []


def test_an_identity_that_no_provider_serves_is_no_way_in(clerk: Any, locked_in: User) -> None:
    bind(locked_in, provider="weibo", app_id="gone", openid="42")
    account = SocialAccount.objects.get(provider="qq")
    assert order(clerk("unbind_identity"), locked_in, "unbind", identity=account.pk).status_code == 200
    assert SocialAccount.objects.count() == 2


def test_force_is_another_permission(clerk: Any, locked_in: User) -> None:
    client, account = clerk("unbind_identity", "unbind_last_identity"), SocialAccount.objects.get()
    assert 'name="force"' in order(client, locked_in, "unbind", identity=account.pk).content.decode()
    assert SocialAccount.objects.count() == 1
    assert order(client, locked_in, "unbind", identity=account.pk, force="on").status_code == 302
    assert not SocialAccount.objects.exists()
    assert [event.outcome for event in written()] == ["identity_unbound_by_force"]


def test_force_that_was_not_needed_is_not_written_as_such(clerk: Any, person: User) -> None:
    client, account = clerk("unbind_identity", "unbind_last_identity"), SocialAccount.objects.get()
    order(client, person, "unbind", identity=account.pk, force="on")
    assert [event.outcome for event in written()] == ["identity_unbound"]


def test_two_operators_at_once_leave_one_way_in(locked_in: User, rf: Any) -> None:
    first, second = SocialAccount.objects.get(), bind(locked_in, provider="weibo", app_id="100000001", openid="42")
    operator = User.objects.create_superuser("root", password="x")

    def unbind(pk: int) -> str:
        request = rf.post("/")
        request.user = operator
        try:
            order = operator_acts.Order(request, User.objects.get(pk=locked_in.pk), REASON)
            return operator_acts.unbind(order, pk, force=False)
        except (PhonebindError, OperationalError) as error:
            return type(error).__name__

    assert sorted(together(unbind, [(first.pk,), (second.pk,)])) in (
        ["LastWayIn", "identity_unbound"],
        ["LastWayIn", "LastWayIn"],
        ["OperationalError", "identity_unbound"],
    )
    assert SocialAccount.objects.exists()


def test_lift(clerk: Any, admin_client: Client, person: User) -> None:
    limits.take(("sms_mobile_gap", MOBILE), ("sms_mobile_hour", MOBILE))
    gap = next(each for each in people.limits(person, []) or [] if each.name == "sms_mobile_gap")
    assert gap.refuses
    form = clerk_page(admin_client, person, "lift", limit=gap.key)
    assert "<strong>sms_mobile_gap (mobile)</strong>" in form
    assert MOBILE not in form
    assert order(clerk("lift_limit"), person, "lift", limit=gap.key).status_code == 302
    limits.check(("sms_mobile_gap", MOBILE))
    assert limits.state("sms_mobile_hour", MOBILE)[0] == 1
    [event] = written()
    assert (event.outcome, event.limit) == ("limit_lifted", "sms_mobile_gap")
    assert (event.data["before"], event.data["after"]) == ("1 of 1", "0 of 1")


def test_threat_63_no_limit_of_somebody_else_or_of_the_site_is_lifted(admin_client: Client, person: User) -> None:
    other = User.objects.create_user("other", mobile="13900000002")
    claims = ("sms_mobile_gap", "13900000002"), ("sms_site_hour", limits.SITE), ("sms_address_hour", "127.0.0.1")
    limits.take(*claims)
    [theirs] = people.limits(other, []) or []
    for key in (theirs.key, "sms_site_hour", "sms_site_hour-all", "sms_mobile_gap", "", "*", "x" * 80):
        assert order(admin_client, person, "lift", limit=key).status_code == 200
    assert [limits.state(*claim)[0] for claim in claims] == [1, 1, 1]
    assert written() == []


def test_a_limit_that_is_over_meanwhile(admin_client: Client, person: User) -> None:
    limits.take(("sms_mobile_gap", MOBILE))
    [gap] = people.limits(person, []) or []
    limits.lift(gap.name, gap.subject)
    assert order(admin_client, person, "lift", limit=gap.key).status_code == 200
    assert written() == []


def test_limits_of_identities_are_lifted_too(admin_client: Client, person: User) -> None:
    bound = people.identities(person)
    [claim] = [(name, key) for name, key, _ in in_force._claims(person, bound) if name == "sms_identity_day"]
    limits.take(claim)
    [counted] = people.limits(person, bound) or []
    assert order(admin_client, person, "lift", limit=counted.key).status_code == 302
    assert limits.state(*claim)[0] == 0


@needs_lifecycle
def test_release(clerk: Any, person: User) -> None:
    chain = tokens.issue(person)
    client = clerk("release_number")
    answer = order(client, person, "release", why="new_owner", end_sessions="on")
    assert answer.status_code == 302
    person.refresh_from_db()
    assert person.mobile is None
    assert SocialAccount.objects.filter(user=person).exists()
    with pytest.raises(TokenInvalid):
        tokens.refresh(chain["refresh"])
    [event] = written()
    assert (event.outcome, event.cause, event.mobile) == ("number_released", "new_owner", "139****0001")
    assert event.data["before"] == "139****0001"
    assert MOBILE not in repr(event.data)
    again = order(client, person, "release", why="carrier")
    assert "not there any more" in again.content.decode()


@needs_lifecycle
def test_a_number_that_its_account_needs_is_not_released(
    admin_client: Client, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(User._meta.get_field("mobile"), "null", False)
    assert order(admin_client, person, "release", why="carrier").status_code == 200
    person.refresh_from_db()
    assert person.mobile == MOBILE
    assert written() == []


@pytest.mark.skipif(bool(life.installed), reason="without phonebind.lifecycle")
def test_without_lifecycle_no_number_is_released(admin_client: Client, person: User) -> None:
    assert order(admin_client, person, "release", why="carrier").status_code == 404
    assert "/release/" not in admin_client.get(f"{PEOPLE}{person.pk}/").content.decode()
    assert not account.known.release(person, MOBILE, "carrier", end_sessions=True)


def test_somebody_who_is_deleted_meanwhile(person: User, rf: Any) -> None:
    account = SocialAccount.objects.get()
    request = rf.post("/")
    request.user = User.objects.create_superuser("root", password="x")
    gone = User.objects.get(pk=person.pk)
    person.delete()
    with pytest.raises(NotFound):
        operator_acts.unbind(operator_acts.Order(request, gone, REASON), account.pk, force=True)
    assert written() == []


@needs_lifecycle
def test_a_number_that_leaves_them_meanwhile(person: User, rf: Any) -> None:
    request = rf.post("/")
    request.user = User.objects.create_superuser("root", password="x")
    order = operator_acts.Order(request, User.objects.get(pk=person.pk), REASON)
    User.objects.update(mobile=None)
    with pytest.raises(NotFound):
        operator_acts.release(order, "carrier", end_sessions=False)
    assert written() == []
