"""Step-up: a proof that the person is still the same, by an SMS, the password or a provider."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.test import Client
from pytest_django import Settings

from phonebind import sms_codes, tokens
from phonebind.exceptions import TokenInvalid
from phonebind.lifecycle import proofs, step_up
from phonebind.lifecycle.exceptions import AuthenticationInsufficient
from phonebind.lifecycle.models import MobileProof, Session
from phonebind.lifecycle.people import Person
from phonebind.models import SocialAccount
from tests.lifecycle.conftest import MOBILE, PASSWORD, Account
from tests.lifecycle.providers import come_back, go
from tests.support.edge import OPENID, UNIONID, Configure, Outbox, Upstream
from tests.support.edge import Person as Browser

pytestmark = pytest.mark.django_db(transaction=True)
Device = Callable[..., Account]

VERIFICATIONS = "/account/verifications/"


def bound(user: Any, openid: str = OPENID, app_id: str = "101000001", **fields: Any) -> SocialAccount:
    return SocialAccount.objects.create(user=user, provider="qq", app_id=app_id, openid=openid, **fields)


def later(seconds: int = 601) -> Any:
    return time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=False)


def ask_for_code(account: Account, purpose: str = "verify", **query: str) -> Any:
    browser = Browser()
    browser.http = account.client
    return account.ask("get", "/account/sms_codes/", {"purpose": purpose, **browser.see_image(), **query})


def code_on_the_phone() -> str:
    found = re.search(r"\d{6}", Outbox.sent[-1].text)
    assert found
    return found[0]


def unbind_without_rights(account: Account, **headers: str) -> Any:
    """An act that takes a step-up and has nothing to do. The status is 404 if the step-up was accepted."""
    return account.ask("delete", "/account/identities/0/", **headers)


def is_believed(account: Account, proof: str) -> bool:
    answer = unbind_without_rights(account, **{step_up.HEADER: proof})
    assert answer.status_code in (401, 404)
    return bool(answer.status_code == 404)


# ---------------------------------------------------------------- a sign-in


def test_a_sign_in_is_a_proof_for_ten_minutes(person: Any, device: Device) -> None:
    one = device()
    assert unbind_without_rights(one).status_code == 404
    with later(599):
        assert unbind_without_rights(one).status_code == 404
    with later(601):
        one.headers["Authorization"] = f"Bearer {refreshed(one)}"
        answer = unbind_without_rights(one)
    assert answer.status_code == 401
    body = answer.json()
    assert (body["code"], body["max_age"]) == ("insufficient_user_authentication", 600)
    assert body["methods"] == ["sms", "password"]


def refreshed(account: Account) -> str:
    answer = account.client.post(
        "/authorizations/refresh/", {"refresh": account.refresh}, content_type="application/json"
    )
    assert answer.status_code == 200, answer.content
    account.refresh = answer.json()["refresh"]
    return str(answer.json()["token"])


def test_threat_23_a_token_that_was_carried_off_is_no_sign_in(person: Any, device: Device) -> None:
    stolen = Account(person, Client(), {"token": device().headers["Authorization"][7:], "refresh": ""})
    assert unbind_without_rights(stolen).json()["code"] == "insufficient_user_authentication"


def test_a_sign_in_by_a_method_that_is_not_taken_is_none(person: Any, device: Device) -> None:
    device()
    session = Session.objects.get()
    who = Person(person, str(session.pk), session.device_hash)
    assert step_up.require(who, "", "password") == "password"
    with pytest.raises(AuthenticationInsufficient) as refused:
        step_up.require(who, "", "sms", "provider")
    assert refused.value.facts["methods"] == ["sms"]


def test_an_sms_on_probation_is_no_proof(person: Any, device: Device) -> None:
    device()
    Session.objects.update(method="sms")
    session = Session.objects.get()
    who = Person(person, str(session.pk), session.device_hash)
    assert step_up.require(who, "") == "sms"
    proofs.record(person, MOBILE, "sms", doubtful=True)
    with pytest.raises(AuthenticationInsufficient) as refused:
        step_up.require(who, "")
    assert refused.value.facts["methods"] == ["password"]
    person.set_unusable_password()
    with pytest.raises(AuthenticationInsufficient) as refused:
        step_up.require(who, "")
    assert refused.value.facts["methods"] == []
    # It does not ask for a method that the person does not have.
    assert refused.value.message != AuthenticationInsufficient.message


def test_who_has_no_session_of_their_own_is_sent_to_refresh(person: Any) -> None:
    token = tokens._pair(person, datetime.now(UTC).timestamp())
    old = Account(person, Client(), token)
    assert unbind_without_rights(old).json()["code"] == "token_invalid"
    assert old.ask("post", VERIFICATIONS, {"password": PASSWORD}).json()["code"] == "token_invalid"
    assert ask_for_code(old).json()["code"] == "token_invalid"
    assert Person(person, "").session() is None
    with pytest.raises(TokenInvalid):
        step_up.issue(Person(person, ""), "password")


# ---------------------------------------------------------------- by SMS


def test_a_code_goes_to_ones_own_number_and_is_a_proof_once(phonebind: Configure, person: Any, device: Device) -> None:
    one = device()
    with later():
        one.headers["Authorization"] = f"Bearer {refreshed(one)}"
        assert ask_for_code(one, mobile="13900000009").status_code == 200
        sent = Outbox.sent[-1]
        assert (sent.mobile, sent.purpose) == (MOBILE, "verify")
        form = {"sms_code": code_on_the_phone()}
        answer = one.ask("post", VERIFICATIONS, form)
        assert answer.status_code == 201
        assert (answer.json()["methods"], answer.json()["expires_in"]) == (["sms", "password"], 600)
        assert is_believed(one, answer.json()["verification"])
        # The proof is valid any number of times within its lifetime.
        assert is_believed(one, answer.json()["verification"])
        assert one.ask("post", VERIFICATIONS, form).json()["code"] == "sms_code_invalid"
    assert MobileProof.objects.get().proved_by == "sms"


@pytest.mark.parametrize("former", [True, False])
def test_a_proof_outlives_the_change_of_secret_key(
    person: Any, device: Device, settings: Settings, former: bool
) -> None:
    one, old = device(), settings.SECRET_KEY
    with later():
        one.headers["Authorization"] = f"Bearer {refreshed(one)}"
        proof = one.ask("post", VERIFICATIONS, {"password": PASSWORD}).json()["verification"]
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the new key" * 5, [old] if former else []
        assert is_believed(one, proof) == former


def test_threat_27_a_code_of_another_purpose_or_session_is_wrong(
    phonebind: Configure, person: Any, device: Device
) -> None:
    phonebind(limits={"sms_mobile_gap": (2, 60)})
    one, other = device(), device()
    sms_codes.issue(MOBILE, "192.0.2.1", holder="", purpose="sign_in")
    assert one.ask("post", VERIFICATIONS, {"sms_code": code_on_the_phone()}).json()["code"] == "sms_code_invalid"
    assert ask_for_code(other).status_code == 200
    form = {"sms_code": code_on_the_phone()}
    assert one.ask("post", VERIFICATIONS, form).json()["code"] == "sms_code_invalid"
    assert other.ask("post", VERIFICATIONS, form).status_code == 201


def test_guesses_are_few(phonebind: Configure, person: Any, device: Device) -> None:
    one = device()
    ask_for_code(one)
    right = code_on_the_phone()
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for _ in range(3):
        assert one.ask("post", VERIFICATIONS, {"sms_code": wrong}).status_code == 400
    assert one.ask("post", VERIFICATIONS, {"sms_code": right}).status_code == 400


def test_no_code_where_it_would_prove_nothing(phonebind: Configure, person: Any, device: Device) -> None:
    one = device()
    proofs.record(person, MOBILE, "sms", doubtful=True)
    for answer in (ask_for_code(one), one.ask("post", VERIFICATIONS, {"sms_code": "123456"})):
        assert (answer.status_code, answer.json()["methods"]) == (401, ["password"])
    assert not Outbox.sent


def test_no_page_of_another_site_has_a_code_sent(phonebind: Configure, person: Any, device: Device) -> None:
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    answer = device().ask("get", "/account/sms_codes/", {"purpose": "verify"}, **elsewhere)
    assert answer.json()["code"] == "origin_not_allowed"


def test_a_code_for_a_new_number_goes_there(phonebind: Configure, person: Any, device: Device) -> None:
    one = device()
    assert ask_for_code(one, "change_mobile").json()["errors"].keys() == {"mobile"}
    assert ask_for_code(one, "change_mobile", mobile="13900000002").status_code == 200
    assert (Outbox.sent[-1].mobile, Outbox.sent[-1].purpose) == ("13900000002", "change_mobile")
    assert one.ask("post", VERIFICATIONS, {"sms_code": code_on_the_phone()}).status_code == 400


def test_codes_are_limited_by_user_and_take_a_human(phonebind: Configure, person: Any, device: Device) -> None:
    phonebind(limits={"verify_user_hour": (1, 3600)})
    one = device()
    assert one.ask("get", "/account/sms_codes/", {"purpose": "verify"}).status_code == 400
    assert ask_for_code(one).status_code == 200
    assert ask_for_code(one, "change_mobile", mobile="13900000002").json()["code"] == "sms_quota"
    for purpose in ("bind", "sign_in", "reset_password", ""):
        assert ask_for_code(one, purpose).json()["errors"].keys() == {"purpose"}
    assert Client().get("/account/sms_codes/", {"purpose": "verify"}).json()["code"] == "token_invalid"


def test_a_code_that_is_lost_to_a_race_writes_nothing(
    phonebind: Configure, person: Any, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = device()
    ask_for_code(one)
    monkeypatch.setattr(sms_codes.ByCode, "claim", lambda self: False)
    assert one.ask("post", VERIFICATIONS, {"sms_code": code_on_the_phone()}).status_code == 400
    assert not MobileProof.objects.exists()


def test_the_first_proof_of_a_mobile_may_be_written_twice_at_once(
    phonebind: Configure, person: Any, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, record = device(), proofs.record

    def beaten(*facts: Any, **more: Any) -> None:
        monkeypatch.setattr(proofs, "record", record)
        record(*facts, **more)
        MobileProof.objects.create(
            user=person, mobile=MOBILE, first_proved_at=datetime.now(UTC), last_proved_at=datetime.now(UTC)
        )

    ask_for_code(one)
    monkeypatch.setattr(proofs, "record", beaten)
    assert one.ask("post", VERIFICATIONS, {"sms_code": code_on_the_phone()}).status_code == 201
    assert MobileProof.objects.count() == 1


# ---------------------------------------------------------------- by password


def test_by_password_with_few_attempts_that_lock_no_sign_in(person: Any, device: Device) -> None:
    one = device()
    assert one.ask("post", VERIFICATIONS, {"password": PASSWORD}).status_code == 201
    for _ in range(5):
        assert one.ask("post", VERIFICATIONS, {"password": "wrong-horse-8"}).json()["code"] == "password_wrong"
    assert one.ask("post", VERIFICATIONS, {"password": PASSWORD}).json()["code"] == "too_many_attempts"
    device()


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"password": PASSWORD, "sms_code": "123456"},
        {"password": PASSWORD, "provider": "qq", "code": "C", "state": "0" * 32},
        {"provider": "qq"},
        {"provider": "qq", "code": "C"},
        {"provider": ["qq"], "code": {}, "state": 1},
        {"password": None},
        [],
        "text",
    ],
)
def test_exactly_one_way(person: Any, device: Device, form: Any) -> None:
    answer = device().ask("post", VERIFICATIONS, form)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


# ---------------------------------------------------------------- threat 23


def proof_of(account: Account) -> str:
    answer = account.ask("post", VERIFICATIONS, {"password": PASSWORD})
    assert answer.status_code == 201, answer.content
    return str(answer.json()["verification"])


def test_threat_23_a_proof_is_worth_nothing_elsewhere_or_later(person: Any, device: Device) -> None:
    model: Any = get_user_model()
    model.objects.create_user(username="13900000002", mobile="13900000002", password=PASSWORD)
    one, same_user, stranger = device(), device(), device("13900000002")
    with later():
        for account in (one, same_user, stranger):
            account.headers["Authorization"] = f"Bearer {refreshed(account)}"
        proof = proof_of(one)
        assert is_believed(one, proof)
        assert not is_believed(same_user, proof)
        assert not is_believed(stranger, proof)
        thief = Account(person, Client(), {"token": one.headers["Authorization"][7:], "refresh": ""})
        assert not is_believed(thief, proof)
        for garbage in ("", "x", proof[:-1], proof + "x", "é", "0" * 5000):
            assert not is_believed(one, garbage)
    with later(1202):
        one.headers["Authorization"] = f"Bearer {refreshed(one)}"
        assert not is_believed(one, proof)


def test_a_proof_ends_with_what_it_was_made_of(person: Any, device: Device) -> None:
    account, other = bound(person), bound(person, "F" * 32)
    device()
    session = Session.objects.get()
    who = Person(person, str(session.pk), session.device_hash)
    by_sms, by_password, by_qq = (
        step_up.issue(who, "sms"),
        step_up.issue(who, "password"),
        step_up.issue(who, "provider", account.pk),
    )
    Session.objects.update(method="host")
    for proof, method in ((by_sms, "sms"), (by_password, "password"), (by_qq, "provider")):
        assert step_up.require(who, proof) == method
    account.delete()
    person.mobile = "13900000002"
    person.set_password("another-horse-9")
    for proof in (by_sms, by_password, by_qq):
        with pytest.raises(AuthenticationInsufficient):
            step_up.require(who, proof)
    assert step_up.require(who, step_up.issue(who, "provider", other.pk)) == "provider"


# ---------------------------------------------------------------- by a provider


def test_by_a_fresh_callback_of_an_identity_that_is_bound_here(qq: Upstream, person: Any, device: Device) -> None:
    bound(person)
    one = device()
    with later():
        one.headers["Authorization"] = f"Bearer {refreshed(one)}"
        form = come_back(go(one, "verify"))
        answer = one.ask("post", VERIFICATIONS, form)
        assert answer.status_code == 201, answer.content
        assert is_believed(one, answer.json()["verification"])
        assert one.ask("post", VERIFICATIONS, form).json()["code"] == "state_invalid"


def test_by_one_that_is_known_from_another_app_of_ours(
    qq: Upstream, phonebind: Configure, person: Any, device: Device
) -> None:
    phonebind(providers={"unionid": True})
    qq.person(unionid=UNIONID)
    row = bound(person, "E" * 32, "101000002", unionid=UNIONID)
    one = device()
    assert one.ask("post", VERIFICATIONS, come_back(go(one, "verify"))).status_code == 201
    assert SocialAccount.objects.get() == row


def test_threat_23_an_identity_of_nobody_or_of_somebody_else_proves_nothing(
    qq: Upstream, person: Any, device: Device
) -> None:
    model: Any = get_user_model()
    one = device()
    answer = one.ask("post", VERIFICATIONS, come_back(go(one, "verify")))
    assert (answer.status_code, answer.json()["code"]) == (401, "insufficient_user_authentication")
    bound(model.objects.create_user(username="other"))
    assert one.ask("post", VERIFICATIONS, come_back(go(one, "verify"))).status_code == 401
    assert SocialAccount.objects.count() == 1


def test_a_front_end_on_another_origin_may_show_a_proof(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    asks = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": step_up.HEADER,
    }
    answer = Client().options("/account/identities/1/", headers=asks)
    assert step_up.HEADER.lower() in answer.headers["Access-Control-Allow-Headers"].split(", ")
