"""The gate at every way in that needs an SMS alone, and the answers of the people whom it asks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import IntegrityError, OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from phonebind import binding, mobile_proofs, signals, sms_codes, store, tickets
from phonebind.exceptions import SmsCodeInvalid, StorageUnavailable
from phonebind.lifecycle import devices, numbers, owner_choices, ownership, proofs
from phonebind.lifecycle.exceptions import OwnerUnclear
from phonebind.lifecycle.models import MobileProof
from phonebind.models import SocialAccount
from phonebind.oauth import Identity
from tests.lifecycle.conftest import MOBILE, PASSWORD, Account
from tests.support.edge import Configure, Outbox
from tests.support.racers import racers

pytestmark = pytest.mark.django_db(transaction=True)
Device = Callable[..., Account]

ME = Identity("qq", "101000001", "E" * 32, nickname="大明")


@pytest.fixture(autouse=True)
def known(phonebind: Configure) -> None:
    phonebind(known_mobile="sms", bind_without_password=True)


@pytest.fixture
def bare() -> Any:
    """An account that has a mobile number and nothing else."""
    model: Any = get_user_model()
    return model.objects.create_user(username=MOBILE, mobile=MOBILE, password=None)


def proved(user: Any, days: float) -> None:
    proofs.record(user, MOBILE, "sms")
    moment = timezone.now() - timedelta(days=days)
    MobileProof.objects.update(first_proved_at=moment, last_proved_at=moment)


def bind(identity: Identity = ME, *, http: Client | None = None, proof: str = "", **more: Any) -> Any:
    """The body that an app posts after it has proved the number: a ticket of no session, and a proof."""
    proof = proof or mobile_proofs.issue(MOBILE, identity, strength="sms", source="").token
    form = {"access_token": tickets.issue_loose(identity, "/"), "mobile_proof": proof, **more}
    return (http or Client()).post(f"/oauth/{identity.provider}/user/", form, content_type="application/json")


def choose(asked: Any, choice: str, identity: Identity | None = ME, **more: Any) -> Any:
    ticket = asked if isinstance(asked, str) else asked.json()["ticket"]
    token = {"access_token": tickets.issue_loose(identity, "/")} if identity else {}
    form = {"ticket": ticket, "choice": choice, **token, **more}
    return Client().post("/ownership/", form, content_type="application/json")


def code(answer: Any) -> Any:
    return answer.json().get("code", answer.status_code)


def test_threat_30_who_binds_while_signed_in_has_proved_no_number(person: Any) -> None:
    """For example by the password of an account whose number is another person's now. The owner of the number is
    asked.
    """
    binding.attach(RequestFactory().get("/"), replace(ME, openid="F" * 32), person)
    assert proofs.last(person, MOBILE) == (None, False)
    assert code(bind()) == "owner_unclear"


def test_threat_30_a_number_proved_89_days_ago_is_its_owners_and_91_days_ago_a_question(bare: Any) -> None:
    proved(bare, 91)
    asked = bind()
    assert (asked.status_code, asked.json()["code"]) == (409, "owner_unclear")
    assert asked.json()["choices"] == ["mine", "not_mine"]
    assert asked.json()["hint"] == {"nickname": "", "last_used": ""}
    assert not SocialAccount.objects.exists()
    proved(bare, 89)
    assert bind().status_code == 201
    assert MobileProof.objects.get().doubtful_until is None


def test_threat_30_nothing_is_assumed_where_nobody_knows_when_it_was_proved(bare: Any) -> None:
    assert code(bind()) == "owner_unclear"


def bound(user: Any) -> datetime:
    """Bound as before this app was installed."""
    return SocialAccount.objects.create(user=user, provider="qq", app_id="1", openid="A" * 32).created_at


def test_threat_30_a_bind_of_before_proves_the_number_that_the_account_was_made_with(bare: Any) -> None:
    assert proofs.last(bare, MOBILE)[0] is None
    at = bound(bare)
    assert proofs.last(bare, MOBILE)[0] == at
    assert ownership.decide(RequestFactory().get("/"), bare, MOBILE) is False


@pytest.mark.parametrize("since", ["changed", "given back", "another", "never"])
def test_threat_30_a_bind_of_before_does_not_prove_another_number(bare: Any, since: str) -> None:
    bound(bare)
    match since:
        case "changed":  # by the host's own form
            model: Any = get_user_model()
            model.objects.filter(pk=bare.pk).update(username="13900000002")
        case "given back":  # by the host's support, after a carrier's list
            proved(bare, 1)
            proofs.release(MOBILE, "carrier")
        case "another":
            MobileProof.objects.create(
                user=bare, mobile="13900000002", first_proved_at=timezone.now(), last_proved_at=timezone.now()
            )
        case _:
            SocialAccount.objects.all().delete()
    bare.refresh_from_db()
    assert proofs.last(bare, MOBILE)[0] is None
    assert code(bind()) == "owner_unclear"


def test_threat_30_a_number_that_was_changed_is_new(bare: Any) -> None:
    at = bound(bare)
    proofs.record(bare, "13900000002", "sms")
    assert MobileProof.objects.get().first_proved_at > at


def test_threat_30_no_more_is_seen_than_a_masked_name_and_a_month(bare: Any) -> None:
    with time_machine.travel("2026-03-15T00:00:00Z", tick=False):
        account = SocialAccount.objects.create(
            user=bare, provider="qq", app_id="101000001", openid="A" * 32, nickname="小明同学"
        )
    asked = bind().json()
    assert asked["hint"] == {"nickname": "小**", "last_used": "2026-03"}
    assert not {"小明", bare.username, account.openid, str(bare.date_joined)} & set(str(asked).split())
    assert set(asked) == {"code", "message", "hint", "choices", "ticket"}


def test_an_unknown_number_is_asked_about_nothing() -> None:
    assert bind(password=PASSWORD).status_code == 201
    other = Identity("qq", "101000001", "F" * 32)
    assert bind(other).status_code in (201, 409)


def test_threat_30_who_signed_in_a_while_ago_shows_it_anew(person: Any, device: Device) -> None:
    with time_machine.travel(timezone.now() - timedelta(minutes=11), tick=False):
        earlier = device()
    now = device()
    MobileProof.objects.all().delete()
    form = {"ticket": bind().json()["ticket"], "choice": "mine", "access_token": tickets.issue_loose(ME, "/")}
    assert code(earlier.ask("post", "/ownership/", form)) == "insufficient_user_authentication"
    assert now.ask("post", "/ownership/", form).status_code == 200


def test_a_device_of_the_account_is_known(person: Any, device: Device) -> None:
    one = device()
    MobileProof.objects.all().delete()
    assert code(bind()) == "owner_unclear"
    assert bind(http=one.client).status_code == 201


def test_a_device_that_was_revoked_is_not(person: Any, device: Device) -> None:
    one, two = device(), device()
    two.ask("delete", "/account/sessions/?except=current")
    assert code(bind(http=one.client)) == "owner_unclear"


@pytest.mark.parametrize(("ending", "found"), [("01", True), ("91", None), ("93", None), ("90", None), ("99", None)])
def test_the_look_up_puts_on_probation_or_asks(
    bare: Any, phonebind: Configure, ending: str, found: bool | None
) -> None:
    phonebind(known_mobile="sms", number_state={"gateway": "sandbox"})
    proved(bare, 100)
    mobile = f"{MOBILE[:-2]}{ending}"
    MobileProof.objects.update(mobile=mobile)
    request = RequestFactory().get("/")
    if found is None:
        with pytest.raises(OwnerUnclear):
            ownership.decide(request, bare, mobile)
    else:
        assert ownership.decide(request, bare, mobile) is found


def test_threat_30_a_probation_does_not_launder_itself(bare: Any, phonebind: Configure) -> None:
    phonebind(known_mobile="sms", second_identity="both", number_state={"gateway": "sandbox"})
    proved(bare, 100)
    before = MobileProof.objects.get().last_proved_at
    thief = Client()
    assert bind(http=thief).status_code == 201
    row = MobileProof.objects.get()
    assert (row.last_proved_at, row.doubtful_until is not None) == (before, True)
    # Again within the 8 days, from the thief's own device. It has a session now.
    other = Identity("wechat", "wx1", "F" * 32)
    cookies = "; ".join(f"{k}={v.value}" for k, v in thief.cookies.items())
    request = RequestFactory().get("/", HTTP_COOKIE=cookies)
    assert devices.known_hash(request)
    with pytest.raises(OwnerUnclear):
        ownership.decide(request, bare, MOBILE, door=ownership.Door("bind", other.key))
    # After the 8 days it is no known device and no proof.
    with time_machine.travel(timezone.now() + timedelta(days=9)):
        assert ownership.decide(request, bare, MOBILE) is True
        phonebind(known_mobile="sms", number_state={})
        with pytest.raises(OwnerUnclear):
            ownership.decide(RequestFactory().get("/", HTTP_COOKIE=cookies), bare, MOBILE)


@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_staff_never_come_in_by_sms_alone(bare: Any, flag: str) -> None:
    setattr(bare, flag, True)
    bare.save()
    proved(bare, 1)
    asked = bind()
    assert (code(asked), asked.json()["choices"]) == ("owner_unclear", ["mine"])
    assert code(choose(asked, "mine")) == "owner_refused"
    assert code(choose(asked, "not_mine")) == "ticket_invalid"
    assert ownership.decide(RequestFactory().get("/"), bare, MOBILE, second_way=True) is False


def test_mine_takes_the_password(person: Any) -> None:
    asked = bind()
    missing = choose(asked, "mine")
    assert (missing.status_code, missing.json()["methods"]) == (401, ["password"])
    assert code(choose(asked, "mine", password="wrong-horse-9")) == "password_wrong"
    answer = choose(asked, "mine", password=PASSWORD)
    assert answer.status_code == 200
    assert bind(proof=answer.json()["mobile_proof"]).status_code == 201
    assert MobileProof.objects.get().doubtful_until is None


def test_wrong_passwords_are_counted(person: Any) -> None:
    asked = bind()
    for _ in range(5):
        assert code(choose(asked, "mine", password="wrong-horse-9")) == "password_wrong"
    assert code(choose(asked, "mine", password=PASSWORD)) == "too_many_attempts"


def test_mine_takes_a_sign_in_to_that_account(person: Any, device: Device) -> None:
    model: Any = get_user_model()
    model.objects.create_user(username="other", password=PASSWORD)
    asked = bind()
    form = {"ticket": asked.json()["ticket"], "choice": "mine", "access_token": tickets.issue_loose(ME, "/")}
    assert device("other").ask("post", "/ownership/", form).status_code == 401
    assert device().ask("post", "/ownership/", form).status_code == 200


def test_their_word_brings_them_in_on_probation(bare: Any) -> None:
    told: list[Any] = []

    def hear(**kwargs: Any) -> None:
        told.append((kwargs["user"], kwargs["outcome"]))

    signals.number_doubtful.connect(hear)
    answer = choose(bind(), "mine")
    signals.number_doubtful.disconnect(hear)
    assert (answer.status_code, told) == (200, [(bare, "accepted")])
    assert bind(proof=answer.json()["mobile_proof"]).status_code == 201
    assert MobileProof.objects.get().doubtful_until


def test_their_word_is_refused(bare: Any, phonebind: Configure) -> None:
    phonebind(known_mobile="sms", owner_word="refuse")
    asked = bind()
    assert code(choose(asked, "mine")) == "owner_refused"
    assert code(bind()) == "owner_unclear"


def test_their_word_is_held(bare: Any, phonebind: Configure) -> None:
    phonebind(known_mobile="sms", owner_word="hold")
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        held = choose(bind(), "mine")
        assert (held.status_code, code(held)) == (409, "owner_held")
        assert held.json()["due_at"] == f"{now + timedelta(hours=72):%Y-%m-%dT%H:%M:%SZ}"
        clock.shift(71 * 3_600)
        assert code(choose(bind(), "mine")) == "owner_held"
        clock.shift(3_601)
        assert choose(bind(), "mine").status_code == 200


def test_their_word_is_not_taken_where_the_owner_is_about(bare: Any, phonebind: Configure) -> None:
    phonebind(known_mobile="sms", owner_word="hold")
    with time_machine.travel(timezone.now(), tick=False) as clock:
        choose(bind(), "mine")
        clock.shift(3_600)
        bare.phonebind_sessions.create(
            method="sms",
            rotated_at=timezone.now(),
            created_at=timezone.now(),
            last_seen_at=timezone.now(),
            expires_at=timezone.now() + timedelta(days=30),
        )
        clock.shift(72 * 3_600)
        assert code(choose(bind(), "mine")) == "owner_refused"


def test_threat_30_and_31_not_mine_takes_the_number_and_the_flow_goes_on(person: Any, device: Device) -> None:
    old = device()
    asked = bind()
    answer = choose(asked, "not_mine")
    assert answer.status_code == 200
    person.refresh_from_db()
    assert not person.mobile
    assert person.username != MOBILE
    assert old.ask("get", "/account/sessions/").status_code == 200
    new = bind(proof=answer.json()["mobile_proof"], password="another-horse-9")
    assert new.status_code == 201
    assert new.json()["id"] != person.pk
    form = {"username": MOBILE, "password": PASSWORD}
    assert Client().post("/authorizations/", form, content_type="application/json").status_code == 401


def test_a_ticket_serves_once(person: Any) -> None:
    asked = bind()
    assert choose(asked, "mine", password=PASSWORD).status_code == 200
    assert code(choose(asked, "mine", password=PASSWORD)) == "ticket_invalid"
    assert code(choose(asked, "not_mine")) == "ticket_invalid"
    asked = ownership.read(bind(ME2).json()["ticket"])
    assert asked.mobile == MOBILE


ME2 = Identity("qq", "101000001", "D" * 32)


def test_of_two_answers_at_once_one_counts(person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = bind()
    assert choose(asked, "mine", password=PASSWORD).status_code == 200
    # The other request has already checked.
    monkeypatch.setattr(store, "exists", lambda name: False)
    assert code(choose(asked, "mine", password=PASSWORD)) == "ticket_invalid"


def test_a_number_that_leaves_the_account_while_they_answer(person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, spend = bind(), owner_choices._spend

    def spend_slowly(question: Any) -> None:
        spend(question)
        type(person).objects.update(mobile=None)

    monkeypatch.setattr(owner_choices, "_spend", spend_slowly)
    assert code(choose(asked, "not_mine")) == "ticket_invalid"


def test_a_ticket_is_nobody_elses(person: Any) -> None:
    asked = bind()
    assert code(choose(asked, "mine", identity=ME2, password=PASSWORD)) == "ticket_invalid"
    assert code(choose(asked, "mine", identity=None, password=PASSWORD)) == "ticket_invalid"
    for garbage in ("garbage", "é", asked.json()["ticket"] + "x"):
        refused = choose(garbage, "mine", password=PASSWORD)
        assert code(refused) == "ticket_invalid"
        assert list(refused.json()["errors"]) == ["ticket"]
    assert code(choose(asked, "perhaps")) == "invalid"
    # The answer for one identity is not valid for another.
    assert choose(asked, "mine", password=PASSWORD).status_code == 200
    assert code(bind(ME2)) == "owner_unclear"


def test_a_ticket_is_worth_nothing_after_the_bind_or_ten_minutes(person: Any) -> None:
    asked = bind()
    with time_machine.travel(timezone.now() + timedelta(seconds=601)):
        assert code(choose(asked, "not_mine")) == "ticket_invalid"
    proved(person, 1)
    assert bind().status_code == 201
    assert code(choose(asked, "not_mine")) == "ticket_invalid"


def test_a_ticket_is_worth_nothing_when_the_number_is_anothers(person: Any) -> None:
    asked = bind()
    model: Any = get_user_model()
    person.mobile = None
    person.save()
    model.objects.create_user(username="new", mobile=MOBILE)
    assert code(choose(asked, "not_mine")) == "ticket_invalid"
    model.objects.all().delete()
    assert code(choose(asked, "not_mine")) == "ticket_invalid"


def asked_by(client: Client, user: Any, door: ownership.Door = ownership.SIGN_IN) -> str:
    """The ticket of a sign-in by SMS, or of a password reset, as the view returns it. The browser keeps its name."""
    request = RequestFactory().post("/", HTTP_COOKIE="; ".join(f"{k}={v.value}" for k, v in client.cookies.items()))
    with pytest.raises(OwnerUnclear) as raised:
        ownership.decide(request, user, MOBILE, door=door)
    response = HttpResponse()
    raised.value.finish(response)
    client.cookies.update(response.cookies)
    return str(raised.value.facts["ticket"])


def test_who_has_forgotten_the_password_is_not_asked_for_it(person: Any, phonebind: Configure) -> None:
    def asked() -> tuple[Client, dict[str, str]]:
        browser = Client()
        return browser, {"ticket": asked_by(browser, person, ownership.RESET), "choice": "mine"}

    browser, form = asked()
    answer = browser.post("/ownership/", form, content_type="application/json")
    assert (answer.status_code, answer.json()) == (200, {"choice": "mine", "purpose": "reset_password"})
    phonebind(known_mobile="sms", owner_word="refuse")
    browser, form = asked()
    assert code(browser.post("/ownership/", form, content_type="application/json")) == "owner_refused"
    # An account with another way to sign in is asked for that way, and not for the password.
    SocialAccount.objects.create(user=person, provider="qq", app_id="101000001", openid="D" * 32)
    MobileProof.objects.all().delete()
    SocialAccount.objects.update(created_at=timezone.now() - timedelta(days=100))
    browser, form = asked()
    refused = browser.post("/ownership/", form, content_type="application/json")
    assert (code(refused), refused.json()["methods"]) == ("insufficient_user_authentication", ["provider"])


def test_a_browsers_question_is_answered_in_that_browser(person: Any) -> None:
    mine, others = Client(), Client()
    ticket = asked_by(mine, person)
    form = {"ticket": ticket, "choice": "mine", "password": PASSWORD}
    assert code(others.post("/ownership/", form, content_type="application/json")) == "ticket_invalid"
    answer = mine.post("/ownership/", form, content_type="application/json")
    assert answer.json() == {"choice": "mine", "purpose": "sign_in"}
    request = RequestFactory().post("/", HTTP_COOKIE="; ".join(f"{k}={v.value}" for k, v in mine.cookies.items()))
    assert ownership.decide(request, person, MOBILE) is False
    with pytest.raises(OwnerUnclear):
        ownership.decide(RequestFactory().post("/"), person, MOBILE)


def test_either_takes_the_password_at_once(person: Any, phonebind: Configure) -> None:
    phonebind(known_mobile="either")
    assert code(bind()) == "owner_unclear"
    assert code(bind(password="wrong-horse-9")) == "password_wrong"
    assert bind(password=PASSWORD).status_code == 201


def test_by_password_as_ever(person: Any, phonebind: Configure) -> None:
    phonebind(known_mobile="password", second_identity="ask")
    assert code(bind()) == "invalid"
    assert bind(password=PASSWORD).status_code == 201


# ---------------------------------------------------------------- another identity of the same provider


@pytest.fixture
def old(person: Any) -> SocialAccount:
    return SocialAccount.objects.create(
        user=person, provider="qq", app_id="101000001", openid="A" * 32, nickname="小明"
    )


def test_a_second_identity_is_asked_about_or_refused(person: Any, old: SocialAccount, phonebind: Configure) -> None:
    phonebind(known_mobile="password", second_identity="refuse")
    assert bind(password=PASSWORD).json()["choices"] == ["other_number"]
    phonebind(known_mobile="password", second_identity="ask")
    asked = bind(password=PASSWORD).json()
    assert (asked["code"], asked["choices"]) == ("identity_exists", ["add", "replace", "other_number"])
    assert asked["hint"]["nickname"] == "小**"
    assert bind(password=PASSWORD, second_identity="add").status_code == 201
    assert SocialAccount.objects.count() == 2


def test_a_second_identity_replaces_the_first_by_a_second_way_alone(
    person: Any, old: SocialAccount, phonebind: Configure, device: Device
) -> None:
    proved(person, 1)
    one = device()
    person.phonebind_sessions.update(social_account=old)
    assert code(bind()) == "identity_exists"
    assert code(bind(second_identity="replace")) == "insufficient_user_authentication"
    assert SocialAccount.objects.get() == old
    phonebind(known_mobile="sms", second_identity="ask")
    assert code(bind(second_identity="replace", password="wrong-horse-9")) == "password_wrong"
    assert bind(second_identity="replace", password=PASSWORD).status_code == 201
    assert SocialAccount.objects.get().openid == ME.openid
    assert one.ask("get", "/account/sessions/").status_code == 401


# ---------------------------------------------------------------- concurrent acts, and acts that stop half way


def _not_mine(ticket: str) -> int:
    return int(choose(ticket, "not_mine").status_code)


def test_threat_31_not_mine_twice_at_once(person: Any) -> None:
    ticket, other = bind().json()["ticket"], bind(ME).json()["ticket"]
    with racers() as ready:
        statuses = ready.race(_not_mine, [(ticket,)] * 4 + [(other,)] * 2)
    assert sorted(set(statuses)) == [200, 400]
    assert statuses.count(200) == 1
    person.refresh_from_db()
    assert not person.mobile
    assert MobileProof.objects.filter(current=True).count() == 0


@pytest.mark.parametrize("error", [StorageUnavailable, OperationalError, IntegrityError])
def test_what_the_store_or_the_database_refuses_can_be_answered_again(
    person: Any, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    asked = bind()

    def away(mobile: str) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(sms_codes, "void", away)
        assert code(choose(asked, "not_mine")) == "storage_unavailable"
    person.refresh_from_db()
    assert person.mobile == MOBILE
    assert choose(asked, "not_mine").status_code == 200


def test_a_number_that_another_has_is_left_alone(person: Any) -> None:
    assert not numbers.release(person, "13900000002", "new_owner")
    model: Any = get_user_model()
    gone = model(pk=999_999)
    assert not numbers.release(gone, MOBILE, "new_owner")


def test_a_front_end_without_cookies_is_asked_all_the_same(person: Any, phonebind: Configure) -> None:
    phonebind(known_mobile="sms", legacy_state=True)
    request = RequestFactory().post("/")
    with pytest.raises(OwnerUnclear) as raised:
        ownership.decide(request, person, MOBILE)
    assert choose(str(raised.value.facts["ticket"]), "mine", identity=None, password=PASSWORD).status_code == 200
    assert ownership.decide(RequestFactory().post("/"), person, MOBILE) is False


def test_codes_of_a_released_number_are_void(person: Any) -> None:
    sms_codes.issue(MOBILE, "127.0.0.1", purpose="sign_in")
    sent = Outbox.sent[-1].code
    assert choose(bind(), "not_mine").status_code == 200
    with pytest.raises(SmsCodeInvalid):
        sms_codes.check(MOBILE, sent, claimant="me", address="127.0.0.1", purpose="sign_in")


def test_the_other_app_of_one_person_is_no_second_identity(person: Any, phonebind: Configure) -> None:
    phonebind(known_mobile="password", second_identity="refuse")
    SocialAccount.objects.create(user=person, provider="qq", app_id="2", openid="A" * 32, unionid="U")
    one = Identity("qq", "101000001", "E" * 32, unionid="U")
    assert bind(one, password=PASSWORD).status_code == 201


def test_who_is_new_needs_a_password(phonebind: Configure) -> None:
    assert code(bind()) == "invalid"
