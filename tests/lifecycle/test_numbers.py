"""The password and the mobile number: their owner changes them, or the number is taken away by data of the carriers."""

import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, transaction
from django.test import Client
from django.utils import timezone

from phonebind import binding, signals, sms_codes
from phonebind.exceptions import Invalid, SmsCodeInvalid, StorageUnavailable, TokenInvalid
from phonebind.lifecycle import numbers, people, proofs, sessions, step_up
from phonebind.lifecycle.exceptions import MobileKept, MobileTaken, SessionEnded
from phonebind.lifecycle.models import MobileChange, MobileProof, Session
from phonebind.lifecycle.people import Person
from phonebind.models import SocialAccount
from tests.lifecycle.conftest import MOBILE, PASSWORD, Account

pytestmark = pytest.mark.django_db(transaction=True)
Device = Callable[..., Account]
NEW, OTHER, ANOTHER = "13900000002", "13900000003", "another-horse-9"


def person_of(account: Account) -> Person:
    session = Session.objects.filter(user=account.user.pk).latest("created_at")
    return Person(account.user, str(session.pk), session.device_hash)


def code_for(account: Account, mobile: str = NEW) -> str:
    return sms_codes._new_code(mobile, person_of(account).holder, "change_mobile")


def shown(account: Account, method: str) -> dict[str, str]:
    return {step_up.HEADER: step_up.issue(person_of(account), method)}


def change(account: Account, method: str = "sms", mobile: str = NEW, code: str = "") -> Any:
    form = {"mobile": mobile, "sms_code": code or code_for(account, mobile)}
    return account.ask("put", "/account/mobile/", form, **shown(account, method))


def login(username: str, password: str = PASSWORD) -> int:
    form = {"username": username, "password": password}
    return Client().post("/authorizations/", form, content_type="application/json").status_code


def refresh(token: str) -> Any:
    return Client().post("/authorizations/refresh/", {"refresh": token}, content_type="application/json")


def stored(pk: Any) -> Any:
    return get_user_model()._default_manager.get(pk=pk)


def make(mobile: str | None, username: str) -> Any:
    model: Any = get_user_model()
    return model.objects.create_user(username=username, mobile=mobile, password=PASSWORD)


def make_due() -> None:
    MobileChange.objects.update(due_at=timezone.now())


def run(name: str, *arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command(name, *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_an_account_is_shown(person: Any, device: Device) -> None:
    one = device()
    assert one.ask("get", "/account/").json() == {
        "id": person.pk,
        "username": MOBILE,
        "mobile": "139****0001",
        "has_password": True,
        "mobile_change": None,
        "methods": ["sms", "password"],
    }
    assert Client().get("/account/").status_code == 401


# ---------------------------------------------------------------- password


def test_threat_29_a_new_password_ends_what_the_old_one_began(person: Any, device: Device) -> None:
    one, two = device(), device()
    code = sms_codes._new_code(MOBILE, "", "sign_in")
    proof = shown(one, "sms")
    answer = one.ask("put", "/account/password/", {"old_password": PASSWORD, "password": ANOTHER})
    assert answer.status_code == 200
    assert refresh(one.refresh).json()["reason"] == refresh(two.refresh).json()["reason"] == "password"
    assert one.ask("get", "/account/").status_code == two.ask("get", "/account/").status_code == 401
    assert (login(MOBILE), login(MOBILE, ANOTHER)) == (401, 200)
    with pytest.raises(SmsCodeInvalid):
        sms_codes.check(MOBILE, code, claimant="", address="192.0.2.1", purpose="sign_in")
    again = Account(person, one.client, answer.json())
    # No earlier proof is valid for the session that began with the new password.
    stale = again.ask("put", "/account/password/", {"password": PASSWORD}, **proof)
    assert stale.json()["code"] == "insufficient_user_authentication"
    assert refresh(again.refresh).status_code == 200


def test_a_password_is_changed_by_another_way(person: Any, device: Device) -> None:
    one = device()
    answer = one.ask("put", "/account/password/", {"password": ANOTHER})
    assert (answer.status_code, answer.json()["methods"]) == (401, ["sms"])
    assert one.ask("put", "/account/password/", {"password": ANOTHER}, **shown(one, "sms")).status_code == 200


@pytest.mark.parametrize("password", ["short-7", "x" * 21, "1234567890", MOBILE])
def test_a_weak_password_changes_nothing(person: Any, device: Device, password: str) -> None:
    one = device()
    answer = one.ask("put", "/account/password/", {"old_password": PASSWORD, "password": password})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])
    assert one.ask("get", "/account/").status_code == 200


def test_guesses_at_the_old_password_are_counted(person: Any, device: Device) -> None:
    one = device()
    form = {"old_password": "wrong-horse-1", "password": ANOTHER}
    answers = [one.ask("put", "/account/password/", form) for _ in range(6)]
    assert list(answers[0].json()["errors"]) == ["old_password"]
    assert [answer.status_code for answer in answers] == [400] * 5 + [429]


def test_a_password_that_changed_meanwhile_is_not_changed_by_the_old_one(person: Any, device: Device) -> None:
    one = device()
    save = people.lock

    def be_slow(person: Person) -> Any:
        get_user_model()._default_manager.filter(pk=person.user.pk).update(password="!")
        return save(person)

    with mock.patch.object(people, "lock", be_slow):
        answer = one.ask("put", "/account/password/", {"old_password": PASSWORD, "password": ANOTHER})
    assert (answer.status_code, login(MOBILE), login(MOBILE, ANOTHER)) == (401, 200, 401)


def test_a_model_may_refuse_a_password(person: Any, device: Device) -> None:
    one = device()
    with mock.patch.object(get_user_model(), "save", side_effect=ValidationError("no")):
        answer = one.ask("put", "/account/password/", {"old_password": PASSWORD, "password": ANOTHER})
    assert (answer.status_code, answer.json()["errors"]) == (400, {"password": ["no"]})


# ---------------------------------------------------------------- mobile


def test_threat_31_the_old_number_is_no_login_name(person: Any, device: Device) -> None:
    other, one = device(), device()
    code = sms_codes._new_code(MOBILE, "", "reset_password")
    heard: list[Any] = []
    signals.mobile_changed.connect(lambda **facts: heard.append((facts["old"], facts["new"])), weak=False)
    answer = change(one)
    assert (answer.status_code, answer.json()) == (200, {"mobile": "139****0002"})
    assert heard == [("139****0001", "139****0002")]
    assert (stored(person.pk).mobile, stored(person.pk).username) == (NEW, NEW)
    assert (login(MOBILE), login(NEW)) == (401, 200)
    assert refresh(other.refresh).json()["reason"] == "mobile"
    assert one.ask("get", "/account/").status_code == 200
    with pytest.raises(SmsCodeInvalid):
        sms_codes.check(MOBILE, code, claimant="", address="192.0.2.1", purpose="reset_password")
    assert MobileProof.objects.get(current=True).mobile == NEW
    # A person who gets the old number has no effect on the owner. Both sign in by their own number.
    make(MOBILE, MOBILE)
    assert login(MOBILE) == login(NEW) == 200


def test_the_same_change_again_is_the_same_answer(person: Any, device: Device) -> None:
    one = device()
    code = code_for(one)
    assert [change(one, code=code).status_code for _ in range(2)] == [200, 200]


def test_a_username_of_their_own_stays(device: Device, db: None) -> None:
    user = make(MOBILE, "ada")
    assert change(device()).status_code == 200
    assert stored(user.pk).username == "ada"


def test_a_taken_number_is_told_after_it_was_proved_and_the_code_stays(person: Any, device: Device) -> None:
    one, holder = device(), make(NEW, "ada")
    assert change(one, code="000000").json()["code"] == "sms_code_invalid"
    code = code_for(one)
    for method in ("sms", "password"):
        answer = change(one, method, code=code)
        assert (answer.status_code, answer.json()["code"]) == (409, "mobile_taken")
    holder.delete()
    assert change(one, code=code).status_code == 200


def test_a_code_of_another_session_is_wrong(person: Any, device: Device) -> None:
    code = code_for(device())
    assert change(device(), code=code).json()["code"] == "sms_code_invalid"


def test_threat_32_without_the_old_number_it_waits_and_is_told(person: Any, device: Device) -> None:
    heard: list[Any] = []
    signals.mobile_change_requested.connect(lambda **facts: heard.append(facts["new"]), weak=False)
    one = device()
    code = code_for(one)
    first, again = (change(one, "password", code=code) for _ in range(2))
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert (first.json()["pending"], heard) == (True, ["139****0002"])
    assert one.ask("get", "/account/").json()["mobile_change"]["mobile"] == "139****0002"
    answer = change(one, "password", OTHER)
    assert (answer.status_code, answer.json()["code"]) == (409, "mobile_change_pending")
    assert answer.json()["due_at"] == first.json()["due_at"]
    assert stored(person.pk).mobile == MOBILE


def cancel(account: Account) -> None:
    assert account.ask("delete", "/account/mobile/").status_code == 204


def save_password(account: Account) -> None:
    account.user.set_password(ANOTHER)
    account.user.save()


def unbind(account: Account) -> None:
    binding.unbind(SocialAccount.objects.create(user=account.user, provider="qq", app_id="1", openid="O"))


def disable(account: Account) -> None:
    """The operator disables the account, and enables it after the owner has told the operator."""
    for is_active in (False, True):
        account.user.is_active = is_active
        account.user.save()


@pytest.mark.parametrize("stop", [cancel, save_password, unbind, disable])
def test_threat_32_every_way_in_stops_it(person: Any, device: Device, stop: Callable[[Account], None]) -> None:
    change(device(), "password")
    stop(device())
    make_due()
    assert run("phonebind_mobile_changes")[0] == "changed 0, taken 0, refused 0\n"
    assert stored(person.pk).mobile == MOBILE


def test_a_due_change_is_carried_out_by_the_command(person: Any, device: Device) -> None:
    one = device()
    change(one, "password")
    assert run("phonebind_mobile_changes")[0].startswith("changed 0")
    asked = MobileChange.objects.get().requested_at
    make_due()
    assert run("phonebind_mobile_changes")[0].startswith("changed 1")
    assert run("phonebind_mobile_changes")[0].startswith("changed 0")
    assert (stored(person.pk).mobile, login(MOBILE)) == (NEW, 401)
    assert MobileProof.objects.get(current=True).last_proved_at == asked
    assert refresh(one.refresh).json()["reason"] == "mobile"


def test_a_due_change_is_carried_out_at_the_next_request(person: Any, device: Device) -> None:
    one = device()
    change(one, "password")
    make_due()
    body = one.ask("get", "/account/").json()
    assert (body["mobile"], body["mobile_change"]) == ("139****0002", None)


@pytest.mark.parametrize("reason", ["taken", "refused"])
def test_a_due_change_that_cannot_be_is_told(person: Any, device: Device, reason: str) -> None:
    change(device(), "password")
    make_due()
    if reason == "taken":
        make(NEW, "ada")
    else:
        get_user_model()._default_manager.update(is_active=False)
    out, err = run("phonebind_mobile_changes")
    assert f"{reason} 1" in out
    assert err
    assert not MobileChange.objects.exists()


def test_a_due_change_to_what_it_is_by_now_goes(person: Any) -> None:
    MobileChange.objects.create(user=person, mobile=MOBILE, requested_at=timezone.now(), due_at=timezone.now())
    assert numbers.carry_out(person.pk) == "changed"
    assert numbers.carry_out(person.pk) == ""


def test_a_change_that_is_gone_when_it_is_looked_at_again(person: Any) -> None:
    gone = MobileChange(user=person, mobile=NEW, requested_at=timezone.now(), due_at=timezone.now())
    with mock.patch.object(numbers, "pending", return_value=gone):
        assert numbers.carry_out(person.pk) == ""


def test_who_has_no_mobile_adds_one_at_once(device: Device, db: None) -> None:
    user = make(None, "ada")
    one = device("ada")
    assert change(one, "password").status_code == 200
    assert (stored(user.pk).mobile, stored(user.pk).username) == (NEW, "ada")


def test_a_model_may_refuse_a_number(person: Any, device: Device) -> None:
    one = device()
    with mock.patch.object(get_user_model(), "save", side_effect=ValidationError("no")):
        answer = change(one)
    assert (answer.status_code, answer.json()["errors"]) == (400, {"mobile": ["no"]})


def test_what_loses_every_race_says_so(person: Any, device: Device) -> None:
    one = device()
    for error in (IntegrityError, OperationalError):
        with mock.patch.object(get_user_model(), "save", side_effect=error):
            assert change(one).json()["code"] == "storage_unavailable"
    change(one, "password")
    make_due()
    with mock.patch.object(get_user_model(), "save", side_effect=IntegrityError), pytest.raises(StorageUnavailable):
        numbers.carry_out(person.pk)
    assert MobileChange.objects.exists()


def test_a_lost_race_is_a_taken_number(person: Any) -> None:
    make(NEW, "ada")
    for error in (IntegrityError, ValidationError("taken")):
        with pytest.raises(MobileTaken):
            numbers._at_last(person.pk, NEW, mock.Mock(side_effect=error))
    with pytest.raises(Invalid):
        numbers._at_last(person.pk, OTHER, mock.Mock(side_effect=ValidationError("no")))


def test_a_proof_that_repeats_makes_nothing(person: Any, device: Device) -> None:
    who = person_of(device())
    used = mock.Mock(number=NEW, proved_by="sms", invalid=SmsCodeInvalid, **{"claim.return_value": False})
    for act in (numbers.change, numbers.request_change):
        with pytest.raises(SmsCodeInvalid):
            act(who, used)
    assert stored(person.pk).mobile == MOBILE
    assert not MobileChange.objects.exists()


def test_a_store_that_goes_away_takes_no_change_back(person: Any, device: Device) -> None:
    one = device()
    with mock.patch.object(sms_codes.ByCode, "settle", side_effect=StorageUnavailable):
        assert change(one).status_code == 200


def test_what_ended_a_session_meanwhile_ends_its_acts(person: Any, device: Device) -> None:
    who = person_of(device())
    Session.objects.update(ended_at=timezone.now(), end_reason="password")
    proof = mock.Mock(number=NEW)
    with pytest.raises(SessionEnded):
        numbers.change(who, proof)
    person.delete()
    with pytest.raises(TokenInvalid):
        numbers.change(who, proof)


# ---------------------------------------------------------------- release of a number


def test_threat_31_a_released_number_is_nobodys(person: Any, device: Device, tmp_path: Path) -> None:
    one = device()
    waiting = make(None, "ada")
    MobileChange.objects.create(user=waiting, mobile=MOBILE, requested_at=timezone.now(), due_at=timezone.now())
    proofs.record(person, MOBILE, "sms")
    code = sms_codes._new_code(MOBILE, "", "sign_in")
    file = tmp_path / "list"
    file.write_text(f"\ufeff+86 139-0000-0001\n\n{NEW}\ngarbage\n", encoding="utf-8")
    out, err = run("phonebind_release_numbers", str(file))
    assert out.startswith("1 would be released")
    assert "line 4" in err
    assert stored(person.pk).mobile == MOBILE
    out = run("phonebind_release_numbers", str(file), "--yes")[0]
    assert out == "1 released, 1 without an account, 1 not a mobile\n"
    assert run("phonebind_release_numbers", str(file), "--yes")[0].startswith("0 released, 2 without an account")
    assert stored(person.pk).mobile is None
    assert stored(person.pk).username[0] == "u"
    assert (MobileProof.objects.get().reason, MobileProof.objects.get().current) == ("carrier", None)
    assert not MobileChange.objects.exists()
    assert login(MOBILE) == 401
    with pytest.raises(SmsCodeInvalid):
        sms_codes.check(MOBILE, code, claimant="", address="192.0.2.1", purpose="sign_in")
    assert one.ask("get", "/account/").json()["mobile"] == ""


def test_a_release_may_end_sessions(person: Any, device: Device, tmp_path: Path) -> None:
    one, file = device(), tmp_path / "list"
    file.write_text(MOBILE)
    run("phonebind_release_numbers", str(file), "--yes", "--end-sessions")
    assert one.ask("get", "/account/").status_code == 401


def test_what_fails_after_the_commit_fails_nobody(person: Any, device: Device, caplog: Any) -> None:
    one = device()
    with mock.patch.object(sms_codes, "void", side_effect=StorageUnavailable):
        assert change(one).status_code == 200
    assert "stay valid until they expire" in caplog.text
    assert "Traceback" not in caplog.text
    assert stored(person.pk).mobile == NEW


def test_a_release_is_undone_with_what_it_was_for(person: Any) -> None:
    with transaction.atomic():
        assert numbers.release(person, MOBILE, "new_owner")
        transaction.set_rollback(True)
    assert stored(person.pk).mobile == MOBILE
    assert not numbers.release(person, NEW, "new_owner")


def test_a_model_that_needs_a_number_keeps_it(person: Any, tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text(MOBILE)
    with mock.patch.object(numbers._field(), "null", new=False), pytest.raises(CommandError, match="1 kept"):
        run("phonebind_release_numbers", str(file), "--yes")
    refuse = mock.patch.object(get_user_model(), "save", side_effect=ValidationError("no"))
    with refuse, pytest.raises(MobileKept):
        numbers.release(person, MOBILE, "carrier")
    assert stored(person.pk).mobile == MOBILE
    with pytest.raises(CommandError):
        run("phonebind_release_numbers", str(tmp_path / "none"))


# ------------------------------------------------- concurrent acts: test_races; acts that stop half way: test_deaths


def started(user: Any) -> Person:
    """Signed in on a device that keeps no cookies."""
    return Person(user, sessions.begin(None, user, "password", None, time.time(), time.time() + 600).sid)


def test_a_number_that_is_theirs_already_stays(person: Any) -> None:
    """A double click: the second request was sent before the answer to the first."""
    who = started(person)
    proof = sms_codes.check(
        MOBILE,
        sms_codes._new_code(MOBILE, who.holder, "change_mobile"),
        claimant=who.holder,
        address="192.0.2.1",
        purpose="change_mobile",
    )
    assert [numbers.change(who, proof) for _ in range(2)] == [False, False]
    assert stored(person.pk).mobile == MOBILE


def test_a_number_that_is_the_key_of_the_account_stays(person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host's user model. tests/hosts/numbers.py has the answers that such a host gets."""
    monkeypatch.setattr(numbers, "_field", lambda: SimpleNamespace(primary_key=True, null=True))
    with pytest.raises(MobileKept):
        numbers.release(person, MOBILE, "carrier")
