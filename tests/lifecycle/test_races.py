"""Concurrent acts. Processes with separate connections send whole requests at once. The result must be the result of
running the acts in some order.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.test import override_settings
from django.utils import timezone

from phonebind import binding, sms_codes, tokens
from phonebind.lifecycle import numbers, ownership, proofs, verifications
from phonebind.lifecycle.models import MobileChange, MobileProof, Session
from phonebind.models import SocialAccount
from tests.lifecycle import acts
from tests.lifecycle.acts import NEW_PASSWORD, PASSWORD, Act, Device, all_is_well, ended, make, outcome, send
from tests.lifecycle.conftest import MOBILE
from tests.support.racers import Racers, racers

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = "13900000002"
ONE = "A" * 32
TIMES = 4


@pytest.fixture(autouse=True, scope="module")
def _settings() -> Iterator[None]:
    with override_settings(PHONEBIND=settings.PHONEBIND | acts.SETTINGS):
        yield


@pytest.fixture(scope="module")
def pool(django_db_setup: None, _settings: None) -> Iterator[Racers]:
    with racers() as ready:
        yield ready


@pytest.fixture
def owner(person: Any) -> Any:
    """A person of whom the gate asks nothing."""
    proofs.record(person, MOBILE, "sms")
    return person


def stored(user: Any) -> Any:
    return get_user_model()._default_manager.get(pk=user.pk)


def numbers_of(turn: int) -> tuple[str, str]:
    """Numbers that no earlier turn has used."""
    return f"1390001{turn:02}01", f"1390001{turn:02}02"


def can_come_in(*ways: Act) -> bool:
    """Whether the person can sign in by at least one of them."""
    return any(send(way)[0] == 200 for way in ways)


def test_a_reset_a_bind_and_a_change_of_one_number(pool: Racers, db: None) -> None:
    for turn in range(TIMES):
        mobile, other = numbers_of(turn)
        user, openid = make(mobile), f"{turn:032}"
        device, before = Device(user), Device(user)
        race = [acts.reset(mobile), acts.bind(mobile, openid), device.change(other)]
        reset, bind, change = pool.race(outcome, [(act,) for act in race])
        all_is_well(mobile, other)
        user = stored(user)
        assert reset in ("200", "sms_code_invalid", "owner_unclear")
        assert bind in ("201", "password_wrong", "sms_code_invalid")
        assert change in ("200", "session_ended", "token_invalid", "sms_code_invalid")
        assert user.mobile == (other if change == "200" else mobile)
        assert user.check_password(NEW_PASSWORD if reset == "200" else PASSWORD)
        assert can_come_in(acts.sign_in(user.mobile, NEW_PASSWORD if reset == "200" else PASSWORD))
        assert before.is_signed_in() == ("200" not in (reset, change))
        assert device.is_signed_in() == (reset != "200")
        account = SocialAccount.objects.filter(openid=openid).first()
        assert (account is not None) == (bind == "201")
        if account is not None and account.user_id != user.pk:
            assert account.user.mobile == mobile, "the number was free, and is the new account's"


def test_two_resets_of_one_number_set_one_password(pool: Racers, owner: Any) -> None:
    for turn in range(TIMES):
        before = Device(stored(owner))
        race = [acts.reset(MOBILE, f"new-horse-{turn}-{number}") for number in range(2)]
        answers = pool.race(outcome, [(act,) for act in race])
        assert sorted(answers) == ["200", "sms_code_invalid"]
        assert stored(owner).check_password(f"new-horse-{turn}-{answers.index('200')}")
        assert not before.is_signed_in()
        all_is_well(MOBILE)
        assert [reason for reason in ended(owner) if not reason] == [""], "the winner's"
        owner.phonebind_sessions.all().delete()


def test_one_reset_sent_twice_is_done_once(pool: Racers, owner: Any) -> None:
    act = acts.reset(MOBILE)
    assert sorted(pool.race(outcome, [(act,)] * 4)) == ["200"] + ["sms_code_invalid"] * 3
    assert can_come_in(acts.sign_in(MOBILE, NEW_PASSWORD))


def test_two_binds_and_a_sign_up_of_one_number_make_one_account(pool: Racers, db: None) -> None:
    for turn in range(TIMES):
        mobile, _ = numbers_of(turn)
        openids = [f"{turn:031}{number}" for number in range(2)]
        race = [acts.bind(mobile, openids[0]), acts.enter(mobile), acts.bind(mobile, openids[1], NEW_PASSWORD)]
        one, entered, two = pool.race(outcome, [(act,) for act in race])
        assert get_user_model()._default_manager.filter(mobile=mobile).count() == 1
        all_is_well(mobile)
        assert entered == "200"
        # If the first account has a password, the later person must enter it. If not, the later person is asked about
        # the identity.
        assert {one, two} <= {"201", "password_wrong", "identity_exists"}
        bound = set(SocialAccount.objects.filter(openid__in=openids).values_list("openid", flat=True))
        assert bound == {openid for openid, said in zip(openids, (one, two), strict=True) if said == "201"}
        assert can_come_in(acts.enter(mobile))


def test_threat_29_a_refresh_while_the_account_is_disabled(pool: Racers, person: Any) -> None:
    device = Device(person)
    got = pool.race(_refresh_or_disable, [(device.refresh(), None)] * 4 + [(None, person.pk)])
    assert set(got) <= {"200", "account_disabled", "session_ended", "disabled"}
    assert ended(person) == ["disabled"]
    assert not device.is_signed_in()
    person.refresh_from_db()
    person.is_active = True
    person.save()
    assert not device.is_signed_in(), "enabled anew is not signed in"
    assert can_come_in(acts.sign_in(MOBILE))


def _refresh_or_disable(act: Act | None, user_pk: Any) -> str:
    return outcome(act) if act else acts.disable(user_pk)


def test_threat_26_a_refresh_while_its_identity_is_unbound(pool: Racers, person: Any) -> None:
    for turn in range(TIMES):
        account = acts.bound(person, f"{turn:032}")
        by_qq, owner = Device(person, "provider", account), Device(person)
        race = [by_qq.refresh()] * 3 + [owner.unbind(account)] + [by_qq.refresh()] * 3
        answers = pool.race(outcome, [(act,) for act in race])
        assert answers.count("204") == 1
        assert set(answers) <= {"200", "204", "session_ended"}
        assert not by_qq.is_signed_in()
        assert owner.is_signed_in()
        assert by_qq.session.end_reason == "unbound"


def test_threat_26_a_sign_in_while_the_identity_is_unbound(pool: Racers, person: Any) -> None:
    """The last steps of a sign-in through a provider: a row is found, and a session is made for it."""
    for turn in range(TIMES):
        account, owner = acts.bound(person, f"{turn:032}"), Device(person)
        got = pool.race(_issue_or_unbind, [(account.pk, None)] * 4 + [(None, owner.unbind(account))])
        assert got.count("204") == 1
        assert not person.phonebind_sessions.filter(provider="qq", ended_at=None).exists()


def _issue_or_unbind(account_pk: Any, act: Act | None) -> str:
    if act:
        return outcome(act)
    account = SocialAccount.objects.select_related("user").filter(pk=account_pk).first()
    if account is None:
        return "gone"
    try:
        Device(account.user, "provider", account)
    except Exception as error:  # noqa: BLE001 - the parent process gets it
        return type(error).__name__
    return "issued"


def test_threat_31_not_mine_and_a_sign_in_by_the_same_number(pool: Racers, db: None) -> None:
    for turn in range(TIMES):
        mobile, _ = numbers_of(turn)
        user = acts.unproved(mobile)
        owner, answer = Device(user), acts.not_mine(mobile)
        # From here on the gate asks nothing, as if the owner had proved the number.
        proofs.record(user, mobile, "sms")
        race = [acts.enter(mobile), answer, acts.enter(mobile)]
        one, detached, two = pool.race(outcome, [(act,) for act in race])
        all_is_well(mobile)
        assert detached == "200"
        # Or they are asked about an account that loses the number at that moment. The question leads to no account.
        assert {one, two} <= {"200", "sms_code_invalid", "owner_unclear"}
        user = stored(user)
        assert user.mobile is None
        assert user.username != mobile
        assert owner.is_signed_in(), "who had it before stays where they are"
        assert can_come_in(acts.sign_in(user.username))
        status, said = send(acts.enter(mobile))
        assert (status, said["id"] != user.pk) == (200, True)
        all_is_well(mobile)


def test_threat_31_a_sign_in_by_the_number_that_is_changed(pool: Racers, db: None) -> None:
    """No session that began by the old number outlives the change, however close in time they are."""
    for turn in range(TIMES):
        mobile, other = numbers_of(turn)
        user = make(mobile)
        owner = Device(user)
        race = [acts.enter(mobile), owner.change(other), acts.enter(mobile), acts.enter(mobile)]
        answers = pool.race(outcome, [(act,) for act in race])
        all_is_well(mobile, other)
        assert answers[1] == "200"
        assert owner.is_signed_in()
        live = user.phonebind_sessions.filter(ended_at=None).values_list("pk", flat=True)
        assert {str(pk) for pk in live} == {owner.sid}


def test_threat_29_what_began_before_the_change_begins_no_session_after_it(owner: Any) -> None:
    """A person has signed in by the old number. The change is done before the session has a row."""
    began, device = time.time(), Device(owner)
    assert send(device.change(OTHER))[0] == 200
    late = tokens.issue(stored(owner), began, method="sms")
    refused = send(Act("post", "/authorizations/refresh/", {"refresh": late["refresh"]}))
    assert (refused[0], refused[1]["code"]) == (401, "session_ended")
    assert device.is_signed_in()
    assert can_come_in(acts.sign_in(OTHER))


def leaves(user: Any, monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """The number is taken away while a person signs in by it: the account was found, and nothing is written yet. The
    process that took the number away dies before it has made the codes void.
    """
    real = getattr(module, name)

    def let_in(*args: Any, **kwargs: Any) -> Any:
        found = real(*args, **kwargs)
        if stored(user).mobile:
            numbers.release(stored(user), MOBILE, "carrier")
        return found

    monkeypatch.setattr(module, name, let_in)
    monkeypatch.setattr(numbers, "void_codes", lambda *args: None)


def test_threat_31_a_number_that_leaves_meanwhile_lets_nobody_in(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    act = acts.enter(MOBILE)
    leaves(owner, monkeypatch, ownership, "decide")
    status, answer = send(act)
    assert (status, answer["created"], answer["id"] == owner.pk) == (200, True, False)
    assert not owner.phonebind_sessions.exists()
    all_is_well(MOBILE)


def test_threat_31_nor_binds_anybody(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    act = acts.bind(MOBILE, ONE)
    leaves(owner, monkeypatch, binding, "hold_to_password")
    assert outcome(act) == "201"
    assert SocialAccount.objects.get().user_id != owner.pk
    all_is_well(MOBILE)


def test_threat_31_nor_proves_anything(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(owner)
    code = sms_codes._new_code(MOBILE, device.person.holder, "verify")
    leaves(owner, monkeypatch, verifications, "own_mobile")
    act = Act("post", "/account/verifications/", {"sms_code": code}, device.headers)
    assert outcome(act) == "storage_unavailable"
    all_is_well(MOBILE)


@pytest.mark.parametrize(("failures", "answer"), [(2, "200"), (3, "storage_unavailable")])
def test_a_session_that_the_database_has_lose_is_begun_again(
    owner: Any, monkeypatch: pytest.MonkeyPatch, failures: int, answer: str
) -> None:
    """The person's code is used up by then."""
    real, left = Session.save, [OperationalError("deadlock")] * failures

    def save(self: Session, **kwargs: Any) -> None:
        if left:
            raise left.pop()
        real(self, **kwargs)

    monkeypatch.setattr(Session, "save", save)
    assert outcome(acts.enter(MOBILE)) == answer
    assert owner.phonebind_sessions.count() == (answer == "200")


def test_a_due_change_twice_at_once_and_a_bind_of_its_number(pool: Racers, db: None) -> None:
    for turn in range(TIMES):
        mobile, other = numbers_of(turn)
        user, openid = make(mobile), f"{turn:032}"
        device, moment = Device(user), timezone.now() - timedelta(days=3)
        MobileChange.objects.create(user=user, mobile=other, requested_at=moment, due_at=moment)
        bind = acts.bind(other, openid, NEW_PASSWORD)
        race = [(None, user.pk), (bind, None), (None, user.pk)]
        one, bound, two = pool.race(_send_or_carry_out, race)
        all_is_well(mobile, other)
        assert not MobileChange.objects.exists()
        assert sorted((one, two)) in (["", "changed"], ["", "taken"], ["taken", "taken"])
        # The bind was faster; or the account that has the number now has another password.
        assert (bound == "201") == ("taken" in (one, two))
        holder = get_user_model()._default_manager.get(mobile=other)
        assert (holder.pk == user.pk) == ("changed" in (one, two))
        assert not device.is_signed_in() or "taken" in (one, two)
        assert can_come_in(acts.sign_in(stored(user).mobile))
        if holder.pk == user.pk:
            assert MobileProof.objects.get(mobile=other, current=True).last_proved_at == moment


def _send_or_carry_out(act: Act | None, user_pk: Any) -> str:
    return outcome(act) if act else acts.carry_out(user_pk)


def test_changes_to_one_number_and_a_bind_of_it_make_one_holder(pool: Racers, db: None) -> None:
    for turn in range(TIMES):
        _, mobile = numbers_of(turn)
        devices = [Device(make(f"1390002{turn:02}0{number}")) for number in range(3)]
        race = [*(device.change(mobile) for device in devices), acts.bind(mobile, f"{turn:032}")]
        *changes, bind = pool.race(outcome, [(act,) for act in race])
        all_is_well(mobile)
        assert set(changes) <= {"200", "mobile_taken", "sms_code_invalid"}
        # If the bind is slower, it needs the password of the account that has the number now. That password is right.
        assert bind in ("201", "sms_code_invalid")
        holder = get_user_model()._default_manager.get(mobile=mobile)
        assert [change == "200" for change in changes] == [device.user.pk == holder.pk for device in devices]
        assert MobileProof.objects.get(mobile=mobile, current=True).user_id == holder.pk


def test_a_change_while_an_identity_is_unbound_is_done_as_well(pool: Racers, db: None) -> None:
    for turn in range(TIMES):
        mobile, other = numbers_of(turn)
        user = make(mobile)
        account, owner = acts.bound(user, f"{turn:032}"), Device(user)
        race = [owner.unbind(account), owner.change(other)]
        assert pool.race(outcome, [(act,) for act in race]) == ["204", "200"]
        assert (stored(user).mobile, SocialAccount.objects.filter(user=user).exists()) == (other, False)
        assert owner.is_signed_in()
        all_is_well(mobile, other)
