"""The identities of an account: list them, bind another one, unbind one."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from django.utils import timezone

from phonebind import binding, signals, tokens
from phonebind.lifecycle import endings, identities, proofs, sessions
from phonebind.lifecycle.models import MobileProof, Session
from phonebind.models import SocialAccount
from phonebind.oauth import Identity
from tests.lifecycle.conftest import MOBILE, PASSWORD, Account
from tests.lifecycle.providers import come_back, go
from tests.support.edge import OPENID, UNIONID, Configure, Upstream
from tests.support.racers import together

pytestmark = pytest.mark.django_db(transaction=True)
Device = Callable[..., Account]

IDENTITIES = "/account/identities/"
APP, OTHER_APP, THIRD_APP = "101000001", "101000002", "101000003"


def row(owner: Any, openid: str = OPENID, app_id: str = APP, unionid: str | None = None, **more: Any) -> SocialAccount:
    fields = {"provider": "qq", "app_id": app_id, "openid": openid, "unionid": unionid, **more}
    return SocialAccount.objects.create(user=owner, **fields)


def unbind(account: Account, pk: int, query: str = "", data: Any = None) -> Any:
    return account.ask("delete", f"{IDENTITIES}{pk}/{query}", data)


@pytest.fixture
def stranger(db: None) -> Any:
    model: Any = get_user_model()
    return model.objects.create_user(username="13900000002", mobile="13900000002", password=PASSWORD)


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """The signals that the host received."""
    told: list[str] = []

    def hear_bound(user: Any, provider: str, request: Any, **kwargs: Any) -> None:
        told.append(f"bound {provider} {user.pk}")

    def hear_unbound(user: Any, provider: str, request: Any, **kwargs: Any) -> None:
        told.append(f"unbound {provider} {user.pk}")

    signals.identity_bound.connect(hear_bound)
    signals.identity_unbound.connect(hear_unbound)
    yield told
    signals.identity_bound.disconnect(hear_bound)
    signals.identity_unbound.disconnect(hear_unbound)


def by_qq() -> Account:
    """A person signs in by QQ, on a separate device."""
    client = Client()
    state = client.get("/oauth/qq/authorization/").json()["login_url"].split("state=")[1].split("&")[0]
    body = client.get("/oauth/qq/user/", {"code": "CODE", "state": state}).json()
    model: Any = get_user_model()
    return Account(model.objects.get(pk=body["id"]), client, {"token": body["token"], "refresh": body["refresh"]})


# ---------------------------------------------------------------- list them


def test_they_are_listed_without_their_openids(qq: Upstream, person: Any, stranger: Any, device: Device) -> None:
    one = device()
    mine = row(person, nickname="小明")
    row(stranger, "F" * 32)
    answer = one.ask("get", IDENTITIES)
    [entry] = answer.json()
    assert entry == {
        "id": mine.pk,
        "provider": "qq",
        "label": "QQ",
        "nickname": "小明",
        "bound_at": entry["bound_at"],
        "last_used_at": None,
        "removable": True,
    }
    assert OPENID not in answer.content.decode()
    by_qq()
    assert one.ask("get", IDENTITIES).json()[0]["last_used_at"]


def test_one_person_in_several_apps_is_one_entry(person: Any, device: Device) -> None:
    first = row(person, unionid=UNIONID)
    row(person, "E" * 32, OTHER_APP, UNIONID, nickname="小明")
    other = row(person, "D" * 32, APP, "UID_OTHER")
    listed = device().ask("get", IDENTITIES).json()
    assert [(each["id"], each["nickname"]) for each in listed] == [(first.pk, "小明"), (other.pk, "")]


def test_what_may_be_one_person_is_one_entry_as_it_is_unbound_at_once(person: Any, device: Device) -> None:
    row(person, "A" * 32, APP, "UID_A")
    row(person, "B" * 32, OTHER_APP, "UID_B")
    row(person, "C" * 32, THIRD_APP, None)
    one = device()
    [entry] = one.ask("get", IDENTITIES).json()
    assert unbind(one, entry["id"]).status_code == 204
    assert not SocialAccount.objects.exists()


# ---------------------------------------------------------------- bind another one


def test_one_more_is_bound(qq: Upstream, person: Any, device: Device, heard: list[str]) -> None:
    one = device()
    answer = one.ask("post", IDENTITIES, come_back(go(one, "bind")))
    assert answer.status_code == 201, answer.content
    assert (answer.json()["provider"], answer.json()["nickname"]) == ("qq", "小明")
    assert answer.cookies
    assert SocialAccount.objects.get().user == person
    again = one.ask("post", IDENTITIES, come_back(go(one, "bind")))
    assert (again.status_code, again.json()["id"]) == (200, answer.json()["id"])
    assert heard == [f"bound qq {person.pk}"]


def test_a_site_that_refuses_a_second_one_refuses_it_here_too(
    qq: Upstream, person: Any, device: Device, phonebind: Configure
) -> None:
    phonebind(SECOND_IDENTITY="refuse", providers={"unionid": True})
    qq.person(unionid=UNIONID)
    one, other = device(), row(person, "E" * 32, unionid="UID_OTHER")
    answer = one.ask("post", IDENTITIES, come_back(go(one, "bind")))
    assert (answer.status_code, answer.json()["code"], answer.json()["choices"]) == (409, "identity_exists", [])
    assert SocialAccount.objects.get() == other
    other.delete()
    row(person, "E" * 32, OTHER_APP, UNIONID)
    assert one.ask("post", IDENTITIES, come_back(go(one, "bind"))).status_code == 201, "the same person"


def test_one_that_is_unbound_as_it_is_bound_is_no_error_of_ours(
    qq: Upstream, person: Any, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = binding.attach

    def attach(*args: Any) -> SocialAccount:
        account = real(*args)
        SocialAccount.objects.filter(pk=account.pk).delete()
        return account

    monkeypatch.setattr(binding, "attach", attach)
    one = device()
    answer = one.ask("post", IDENTITIES, come_back(go(one, "bind")))
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")


def test_another_of_one_provider_is_bound_too(qq: Upstream, person: Any, device: Device) -> None:
    row(person, "F" * 32)
    one = device()
    assert one.ask("post", IDENTITIES, come_back(go(one, "bind"))).status_code == 201
    assert len(one.ask("get", IDENTITIES).json()) == 2


def test_an_identity_of_another_account_is_never_moved(
    qq: Upstream, person: Any, stranger: Any, device: Device, heard: list[str]
) -> None:
    row(stranger)
    one = device()
    answer = one.ask("post", IDENTITIES, come_back(go(one, "bind")))
    assert (answer.status_code, answer.json()["code"]) == (409, "identity_taken")
    assert SocialAccount.objects.get().user == stranger
    assert heard == []


def test_nor_one_that_is_known_by_another_app_and_nothing_is_written_for_its_owner(
    qq: Upstream, phonebind: Configure, person: Any, stranger: Any, device: Device
) -> None:
    phonebind(providers={"unionid": True})
    qq.person(unionid=UNIONID)
    row(stranger, "E" * 32, OTHER_APP, UNIONID)
    one = device()
    answer = one.ask("post", IDENTITIES, come_back(go(one, "bind")))
    assert (answer.status_code, answer.json()["code"]) == (409, "identity_taken")
    assert SocialAccount.objects.count() == 1
    SocialAccount.objects.update(user=person)
    answer = one.ask("post", IDENTITIES, come_back(go(one, "bind")))
    assert answer.status_code == 201
    assert SocialAccount.objects.filter(user=person).count() == 2
    assert len(one.ask("get", IDENTITIES).json()) == 1


def test_a_stolen_token_adds_no_identity(qq: Upstream, person: Any, device: Device) -> None:
    thief = Account(person, Client(), {"token": device().headers["Authorization"][7:], "refresh": ""})
    form = come_back(go(thief, "bind"))
    asked = len(qq.requests)
    answer = thief.ask("post", IDENTITIES, form)
    assert (answer.status_code, answer.json()["code"]) == (401, "insufficient_user_authentication")
    # The code is still valid when the person comes back with a proof.
    assert len(qq.requests) == asked
    verified = thief.ask("post", "/account/verifications/", {"password": PASSWORD})
    proof = {"X-Verification": verified.json()["verification"]}
    assert thief.ask("post", IDENTITIES, form, **proof).status_code == 201


def test_two_accounts_at_once_share_no_identity(qq: Upstream, person: Any, stranger: Any, device: Device) -> None:
    for _ in range(3):
        SocialAccount.objects.all().delete()
        both = device(), device("13900000002")
        forms = [come_back(go(one, "bind")) for one in both]
        answers = together(lambda one, form: one.ask("post", IDENTITIES, form), list(zip(both, forms, strict=True)))
        assert sorted(each.status_code for each in answers) == [201, 409]
        assert SocialAccount.objects.count() == 1


# ---------------------------------------------------------------- threat 24


def test_threat_24_a_state_of_one_user_is_worth_nothing_with_another_token(
    qq: Upstream, person: Any, stranger: Any, device: Device
) -> None:
    one, other = device(), device("13900000002")
    same_user = device()
    form = come_back(go(one, "bind"))
    for thief in (other, same_user):
        # Also in the same browser: the attacker's token was planted in the victim's browser, or the victim's token in
        # the attacker's.
        for client in (thief.client, one.client):
            thief.client = client
            answer = thief.ask("post", IDENTITIES, form, **proof_in(thief))
            assert (answer.status_code, answer.json()["code"]) == (400, "state_invalid")
    assert not SocialAccount.objects.exists()
    assert "/oauth2.0/token" not in qq.paths


def proof_in(account: Account) -> dict[str, str]:
    answer = account.ask("post", "/account/verifications/", {"password": PASSWORD})
    return {"X-Verification": answer.json()["verification"]}


def test_threat_24_states_serve_for_what_they_were_made_for(qq: Upstream, person: Any, device: Device) -> None:
    one = device()
    sign_in = one.client.get("/oauth/qq/authorization/").json()["login_url"].split("state=")[1].split("&")[0]
    bind, verify = go(one, "bind"), go(one, "verify")
    for state in (sign_in, verify, "0" * 32, "garbage", "é"):
        assert one.ask("post", IDENTITIES, come_back(state)).json()["code"] == "state_invalid"
    for state in (sign_in, bind):
        answer = one.ask("post", "/account/verifications/", come_back(state))
        assert answer.json()["code"] == "state_invalid"
    for state in (bind, verify):
        answer = one.client.get("/oauth/qq/user/", {"code": "CODE", "state": state})
        assert answer.json()["code"] == "state_invalid"
    assert "/oauth2.0/token" not in qq.paths
    assert not SocialAccount.objects.exists()


def test_threat_24_the_csrf_of_linking(qq: Upstream, person: Any, stranger: Any, device: Device) -> None:
    """The attacker's code, with a state of the attacker or no state of ours, posted by the victim's browser."""
    attacker, victim = device("13900000002"), device()
    form = come_back(go(attacker, "bind"), "ATTACKERS")
    assert victim.ask("post", IDENTITIES, form).json()["code"] == "state_invalid"
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    answer = victim.ask("post", IDENTITIES, come_back(go(victim, "bind")), **elsewhere)
    assert answer.json()["code"] == "origin_not_allowed"
    assert not SocialAccount.objects.exists()


def test_threat_24_with_djangos_session_no_other_sites_page_acts(
    qq: Upstream, phonebind: Configure, person: Any
) -> None:
    """Old browsers send the Origin alone."""
    phonebind(front_end="session")
    client = Client()
    client.force_login(person)
    session = client.session
    session["sid"] = sessions.begin(None, person, "password", None, time.time(), time.time() + 600).sid
    session.save()
    one = Account(person, client, {"token": "", "refresh": ""})
    one.headers = {}
    form = come_back(go(one, "bind"))
    for path, data in ((IDENTITIES, form), ("/account/verifications/", {"password": PASSWORD})):
        answer = one.ask("post", path, data, Origin="https://evil.example")
        assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
    assert one.ask("post", IDENTITIES, form, Origin="http://testserver").status_code == 201
    endings.end(Session.objects.all(), "revoked")
    assert one.ask("get", IDENTITIES).json()["code"] == "token_invalid"
    assert Account(person, Client(), {"token": "", "refresh": ""}).client.get(IDENTITIES).status_code == 401


def test_threat_24_a_state_is_used_once(qq: Upstream, person: Any, device: Device) -> None:
    one = device()
    form = come_back(go(one, "bind"))
    assert one.ask("post", IDENTITIES, form).status_code == 201
    assert one.ask("post", IDENTITIES, form).json()["code"] == "state_invalid"


def test_who_is_not_signed_in_gets_no_state_to_bind(qq: Upstream, person: Any, device: Device) -> None:
    for intent in ("bind", "verify"):
        answer = Client().get("/oauth/qq/authorization/", {"intent": intent})
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    answer = device().ask("get", "/oauth/qq/authorization/", {"intent": "steal"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["intent"])
    old = Account(person, Client(), tokens._pair(person, time.time()))
    assert old.ask("get", "/oauth/qq/authorization/", {"intent": "bind"}).status_code == 401


@pytest.mark.parametrize("front_end", [{"legacy_state": True}, {"front_end": "contract"}])
def test_a_state_to_bind_is_bound_to_the_browser_with_every_front_end(
    qq: Upstream, phonebind: Configure, person: Any, device: Device, front_end: dict[str, Any]
) -> None:
    phonebind(**front_end)
    one = device()
    form = come_back(go(one, "bind"))
    assert len(form["state"]) == 32
    assert one.ask("post", IDENTITIES, form).status_code == 201


@pytest.mark.parametrize("form", [{}, {"provider": "qq"}, {"provider": "qq", "code": "C"}, [], {"code": {}}])
def test_garbage_is_refused(person: Any, device: Device, form: Any) -> None:
    assert device().ask("post", IDENTITIES, form).json()["code"] == "invalid"


def test_a_code_that_is_used_up(qq: Upstream, person: Any, device: Device) -> None:
    qq.answer("/oauth2.0/token", {"error": 100020, "error_description": "code is reused error"})
    one = device()
    assert one.ask("post", IDENTITIES, come_back(go(one, "bind"))).json()["code"] == "code_invalid"
    assert one.ask("post", IDENTITIES, come_back(go(one, "bind")) | {"provider": "no"}).status_code == 404


# ---------------------------------------------------------------- unbind one


def test_unbinding_ends_the_sessions_that_began_with_it_and_no_other(
    qq: Upstream, person: Any, device: Device, heard: list[str]
) -> None:
    account = row(person)
    one, other, theirs = device(), device(), by_qq()
    assert unbind(one, account.pk).status_code == 204
    assert theirs.ask("get", IDENTITIES).status_code == 401
    assert one.ask("get", IDENTITIES).json() == other.ask("get", IDENTITIES).json() == []
    assert set(Session.objects.values_list("end_reason", flat=True)) == {"", "unbound"}
    assert heard == [f"unbound qq {person.pk}"]
    assert unbind(one, account.pk).status_code == 404


@pytest.mark.parametrize("way", ["query", "body"])
def test_all_other_sessions_can_end_too(person: Any, device: Device, way: str) -> None:
    account, one, other = row(person), device(), device()
    query, data = ("?sessions=all", None) if way == "query" else ("", {"sessions": "all"})
    assert unbind(one, account.pk, query, data).status_code == 204
    assert one.ask("get", IDENTITIES).status_code == 200
    assert other.ask("get", IDENTITIES).status_code == 401


@pytest.mark.parametrize(("query", "data"), [("?sessions=none", None), ("", []), ("", {"sessions": ["all"]})])
def test_what_is_no_choice_of_sessions_is_refused(person: Any, device: Device, query: str, data: Any) -> None:
    account = row(person)
    assert unbind(device(), account.pk, query, data).json()["code"] == "invalid"
    assert SocialAccount.objects.exists()


def test_what_is_not_mine_is_not_there(person: Any, stranger: Any, device: Device) -> None:
    theirs, one = row(stranger), device()
    for pk in (theirs.pk, 0, 10**30):
        answer = unbind(one, pk)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert SocialAccount.objects.count() == 1


def test_a_stolen_token_unbinds_nothing(person: Any, device: Device) -> None:
    account = row(person)
    thief = Account(person, Client(), {"token": device().headers["Authorization"][7:], "refresh": ""})
    assert unbind(thief, account.pk).json()["code"] == "insufficient_user_authentication"
    assert SocialAccount.objects.exists()


def test_threat_26_what_is_unbound_stays_unbound_by_whichever_app(
    qq: Upstream, phonebind: Configure, person: Any, device: Device
) -> None:
    phonebind(providers={"unionid": True})
    qq.person(unionid=UNIONID)
    account = row(person, unionid=UNIONID)
    row(person, "E" * 32, OTHER_APP, UNIONID)
    one, theirs = device(), by_qq()
    assert unbind(one, account.pk).status_code == 204
    assert not SocialAccount.objects.exists()
    assert theirs.ask("get", IDENTITIES).status_code == 401
    state = theirs.client.get("/oauth/qq/authorization/").json()["login_url"].split("state=")[1].split("&")[0]
    answer = theirs.client.get("/oauth/qq/user/", {"code": "CODE", "state": state})
    assert "token" not in answer.json()
    assert answer.json()["access_token"]


# ---------------------------------------------------------------- the last way to sign in


@pytest.fixture
def social(db: None) -> Any:
    """A person who has identities, but no password and no number."""
    model: Any = get_user_model()
    user = model.objects.create_user(username="social")
    user.set_unusable_password()
    user.save()
    return user


def test_the_last_way_in_stays(qq: Upstream, social: Any) -> None:
    account = row(social)
    one = by_qq()
    [entry] = one.ask("get", IDENTITIES).json()
    assert not entry["removable"]
    answer = unbind(one, account.pk)
    assert (answer.status_code, answer.json()["code"]) == (409, "last_way_in")
    # An identity of an app that does not exist any more: nobody can sign in by it.
    row(social, "F" * 32, "101999999", "UID_OTHER", provider="gone")
    assert unbind(one, account.pk).status_code == 409
    assert one.ask("get", IDENTITIES).status_code == 200
    row(social, "E" * 32)
    assert unbind(one, account.pk).status_code == 204


def test_a_password_without_a_name_is_no_way_in(qq: Upstream, social: Any, person: Any) -> None:
    social.set_password(PASSWORD)
    social.username = f"+86{MOBILE}"
    social.save()
    account = row(social)
    # That username leads to the person who has the mobile number.
    assert unbind(by_qq(), account.pk).status_code == 409


def test_a_mobile_that_was_proved_is_a_way_in_and_stays_so(qq: Upstream, social: Any) -> None:
    social.mobile = social.username = "13900000005"
    social.save()
    account = row(social)
    one = by_qq()
    proofs.record(social, "13900000005", "sms", doubtful=True)
    assert unbind(one, account.pk).status_code == 409
    MobileProof.objects.all().delete()
    assert unbind(one, account.pk).status_code == 204
    # The bind that recorded since when the number is the person's is deleted. The recorded time is kept.
    assert MobileProof.objects.get().first_proved_at == account.created_at
    assert proofs.last(social, "13900000005") == (account.created_at, False)


@pytest.mark.parametrize("is_staff", [True, False])
def test_threat_25_a_number_that_lets_nobody_in_is_no_way_in(
    qq: Upstream, social: Any, phonebind: Configure, is_staff: bool
) -> None:
    """An operator's number, and the number of an account without password where the host requires one: no SMS signs
    them in or resets the password.
    """
    social.mobile, social.is_staff = "13900000005", is_staff
    social.save()
    account = row(social)
    if not is_staff:
        phonebind(bind_without_password=False)
    one = by_qq()
    proofs.record(social, "13900000005", "sms")
    assert unbind(one, account.pk).json()["code"] == "last_way_in"
    social.set_password(PASSWORD)
    social.save()
    assert unbind(by_qq(), account.pk).status_code == 204


def test_threat_25_nor_is_one_whose_owner_would_be_asked_and_not_believed(
    qq: Upstream, social: Any, phonebind: Configure
) -> None:
    social.mobile = "13900000005"
    social.save()
    account = row(social)
    phonebind(owner_word="refuse")
    one = by_qq()
    proofs.record(social, "13900000005", "sms")
    MobileProof.objects.update(last_proved_at=timezone.now() - timedelta(days=91))
    assert unbind(one, account.pk).json()["code"] == "last_way_in"
    MobileProof.objects.update(last_proved_at=timezone.now() - timedelta(days=89))
    assert unbind(one, account.pk).status_code == 204


def test_a_mobile_that_may_never_have_been_proved_is_no_way_in(qq: Upstream, social: Any) -> None:
    """The host has let the person enter it in a form."""
    social.mobile = "13900000005"
    social.save()
    account = row(social)
    assert unbind(by_qq(), account.pk).json()["code"] == "last_way_in"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="on the others the second waits for the first")
def test_one_person_who_attaches_two_openids_to_two_accounts_at_once(
    person: Any, stranger: Any, same_person: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody gets another person's identity: this person has proved both accounts. The host is informed."""
    here, there = (Identity("qq", app_id, openid, unionid="U") for app_id, openid in (("1", "A"), ("2", "B")))
    create, request = binding._create, RequestFactory().post("/")

    def create_slowly(identity: Identity, *more: Any) -> SocialAccount:
        made = create(identity, *more)
        if identity is here:
            together(binding.attach, [(request, there, stranger)])
        return made

    monkeypatch.setattr(binding, "_create", create_slowly)
    assert binding.attach(request, here, person).user == person
    assert {row.openid: row.user for row in SocialAccount.objects.all()} == {"A": person, "B": stranger}
    assert [sorted(told["user_ids"]) for told in same_person] == [sorted([person.pk, stranger.pk])]
    third = replace(here, app_id="3", openid="C")
    assert binding._adopt(third) is None
    assert binding.attach(request, third, person).user == person


def test_threat_25_two_unbinds_at_once_leave_one_way_in(qq: Upstream, social: Any) -> None:
    for _ in range(5):
        SocialAccount.objects.all().delete()
        accounts = [row(social), row(social, "F" * 32)]
        one = by_qq()
        # Otherwise a person who unbinds the identity of their sign-in would also end the other session.
        Session.objects.update(social_account=None)
        answers = together(unbind, [(one, each.pk) for each in accounts])
        assert sorted(each.status_code for each in answers) == [204, 409]
        assert SocialAccount.objects.count() == 1


def test_threat_25_it_tries_again_where_the_database_had_it_lose(
    person: Any, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, one, real = row(person), device(), binding.unbind
    failures = [OperationalError("deadlock"), OperationalError("deadlock")]

    def lose(row: SocialAccount) -> None:
        if failures:
            raise failures.pop()
        real(row)

    monkeypatch.setattr(binding, "unbind", lose)
    assert unbind(one, account.pk).status_code == 204
    account = row(person)
    failures.extend(OperationalError("deadlock") for _ in range(3))
    assert unbind(one, account.pk).json()["code"] == "storage_unavailable"
    assert SocialAccount.objects.get() == account


def test_who_was_deleted_meanwhile(person: Any, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    account, one, locked = row(person), device(), identities._locked

    def gone(user: Any) -> Any:
        get_user_model()._default_manager.filter(pk=user.pk).delete()
        return locked(user)

    monkeypatch.setattr(identities, "_locked", gone)
    assert unbind(one, account.pk).json()["code"] == "token_invalid"
