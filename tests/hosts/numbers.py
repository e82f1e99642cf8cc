"""What holds for every user model with users who change their mobile.

``tests/lifecycle/test_hosts`` runs this for each kind; pytest does not collect it by itself.
"""

from typing import Any

import pytest
from django.test import Client

from phonebind import accounts, sms_codes
from phonebind.lifecycle import numbers, people, proofs, step_up
from phonebind.lifecycle.exceptions import MobileKept
from phonebind.models import SocialAccount
from tests.hosts.contract import (
    FIELD,
    MOBILE,
    OLD_PASSWORD,
    OTHER_MOBILE,
    PASSWORD,
    User,
    everybody,
    known,
    stored,
)
from tests.hosts.settings import KIND
from tests.lifecycle import acts

pytestmark = pytest.mark.django_db(transaction=True)


def sign_in(mobile: str, password: str = OLD_PASSWORD) -> Any:
    form = {"username": mobile, "password": password}
    return Client().post("/authorizations/", form, content_type="application/json")


def ask(method: str, path: str, token: str, data: Any, **headers: str) -> Any:
    headers |= {"Authorization": f"Bearer {token}"}
    return getattr(Client(), method)(path, data, content_type="application/json", headers=headers)


def change(user: Any) -> Any:
    token = sign_in(MOBILE).json()["token"]
    who = people.Person(user, str(user.phonebind_sessions.latest("created_at").pk))
    code = sms_codes._new_code(OTHER_MOBILE, who.holder, "change_mobile")
    form = {"mobile": OTHER_MOBILE, "sms_code": code}
    return ask("put", "/account/mobile/", token, form, **{step_up.HEADER: step_up.issue(who, "sms")})


def test_a_mobile_is_changed() -> None:
    user = known()
    answer = change(user)
    now = everybody().get()
    if KIND == "mobile_key":
        assert (answer.status_code, answer.json()["code"]) == (409, "mobile_kept")
        return
    assert answer.status_code == 200, answer.content
    assert getattr(now, FIELD) == stored(OTHER_MOBILE)
    assert (sign_in(MOBILE).status_code, sign_in(OTHER_MOBILE).status_code) == (401, 200)


def test_a_taken_one_is_not() -> None:
    user = known()
    known(OTHER_MOBILE)
    assert change(user).json()["code"] in ("mobile_taken", "mobile_kept")


def test_a_number_is_released_or_kept() -> None:
    user = known()
    may_be_without = User._meta.get_field(FIELD).null
    if not may_be_without:
        with pytest.raises(MobileKept):
            numbers.release(user, MOBILE, "carrier")
        assert sign_in(MOBILE).status_code == 200
        return
    assert numbers.release(user, MOBILE, "carrier")
    assert not numbers.release(user, MOBILE, "carrier")
    assert accounts.mobile_of(everybody().get()) == ""
    assert sign_in(MOBILE).status_code == 401


def test_a_password_is_changed() -> None:
    known()
    token = sign_in(MOBILE).json()["token"]
    form = {"old_password": OLD_PASSWORD, "password": PASSWORD}
    answer = ask("put", "/account/password/", token, form)
    assert answer.status_code == 200, answer.content
    assert ask("get", "/account/", answer.json()["token"], None).status_code == 200
    assert (sign_in(MOBILE).status_code, sign_in(MOBILE, PASSWORD).status_code) == (401, 200)
    assert not SocialAccount.objects.exists()


def test_a_password_is_set_anew() -> None:
    user = known()
    proofs.record(user, MOBILE, "sms")
    act = acts.reset(MOBILE, PASSWORD)
    assert acts.outcome(act) == "200"
    assert (sign_in(MOBILE).status_code, sign_in(MOBILE, PASSWORD).status_code) == (401, 200)
    assert acts.outcome(act) == "sms_code_invalid"
    assert acts.outcome(acts.reset(OTHER_MOBILE, PASSWORD)) == "sms_code_invalid"


def test_the_owner_of_a_number_comes_in_by_it(settings: Any) -> None:
    settings.PHONEBIND = settings.PHONEBIND | {"SMS_SIGN_IN": True}
    user = known()
    proofs.record(user, MOBILE, "sms")
    status, answer = acts.send(acts.enter(MOBILE))
    assert (status, str(answer.get("id"))) == (200, str(user.pk)), answer
