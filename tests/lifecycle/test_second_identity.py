"""An existing account has another identity of the same provider. Tested at every way into the bind."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from phonebind import mobile_proofs, sms_codes, tickets
from phonebind.lifecycle import proofs
from phonebind.lifecycle.models import MobileProof
from phonebind.models import SocialAccount
from phonebind.oauth import Identity
from tests.lifecycle.conftest import MOBILE, PASSWORD
from tests.support.dialects import Start, front_end
from tests.support.edge import Configure, Outbox

__all__ = ["front_end"]

pytestmark = pytest.mark.django_db(transaction=True)

ME = Identity("qq", "101000001", "E" * 32, nickname="大明")
ADD, ALL = ["add", "other_number"], ["add", "replace", "other_number"]

Proof = Callable[[], dict[str, str]]


def by_sms() -> dict[str, str]:
    sms_codes.issue(MOBILE, "127.0.0.1", holder=ME.key)
    return {"mobile": MOBILE, "sms_code": Outbox.sent[-1].code}


def by_sms_of_nobody() -> dict[str, str]:
    """As old front ends request it: without a ticket."""
    sms_codes.issue(MOBILE, "127.0.0.1")
    return {"mobile": MOBILE, "sms_code": Outbox.sent[-1].code}


def by_sms_over_the_gate() -> dict[str, str]:
    """The proof that ``POST /ownership/`` returns for the code of an SMS."""
    return {"mobile_proof": mobile_proofs.issue(MOBILE, ME, strength="sms", source="").token}


def by_carrier() -> dict[str, str]:
    return {"mobile_proof": mobile_proofs.issue(MOBILE, ME, strength="carrier", source="aliyun").token}


PROOFS = pytest.mark.parametrize("proof", [by_sms, by_sms_of_nobody, by_sms_over_the_gate, by_carrier])
KNOWN = pytest.mark.parametrize("known", ["password", "sms", "either"])


def bind(**form: str) -> Any:
    body = {"access_token": tickets.issue_loose(ME, "/"), **form}
    return Client().post("/oauth/qq/user/", body, content_type="application/json")


def make(password: str | None) -> Any:
    """An account that has one identity, and whose number was proved yesterday."""
    model: Any = get_user_model()
    user = model.objects.create_user(username=MOBILE, mobile=MOBILE, password=password)
    SocialAccount.objects.create(user=user, provider="qq", app_id="101000001", openid="A" * 32, nickname="小明")
    proofs.record(user, MOBILE, "sms")
    MobileProof.objects.update(last_proved_at=timezone.now() - timedelta(days=1))
    return user


def openids() -> set[str]:
    return set(SocialAccount.objects.values_list("openid", flat=True))


@PROOFS
@pytest.mark.parametrize("known", ["password", "either"])
def test_who_shows_the_password_adds_one(known: str, proof: Proof, phonebind: Configure) -> None:
    phonebind(known_mobile=known)
    make(PASSWORD)
    assert bind(**proof(), password=PASSWORD).status_code == 201
    assert len(openids()) == 2


@PROOFS
@KNOWN
def test_who_has_the_number_alone_is_asked(known: str, proof: Proof, phonebind: Configure) -> None:
    phonebind(known_mobile=known)
    make(None)
    # A front end's form sends a password in any case, for the people who are new.
    shown = {**proof(), "password": "another-horse-9"}
    asked = bind(**shown)
    assert (asked.status_code, asked.json()["code"], asked.json()["choices"]) == (409, "identity_exists", ADD)
    assert asked.json()["hint"]["nickname"] == "小**"
    # The answer may show nothing else of the account.
    assert bind(**shown, second_identity="replace").json()["choices"] == ADD
    assert openids() == {"A" * 32}
    assert bind(**shown, second_identity="add").status_code == 201
    assert len(openids()) == 2


@PROOFS
@pytest.mark.parametrize("known", ["sms", "either"])
def test_who_shows_no_password_is_asked(known: str, proof: Proof, phonebind: Configure) -> None:
    phonebind(known_mobile=known)
    make(PASSWORD)
    shown = proof()
    assert bind(**shown).json()["choices"] == ALL
    more = bind(**shown, second_identity="replace")
    assert (more.status_code, more.json()["methods"]) == (401, ["password"])
    assert bind(**shown, second_identity="replace", password=PASSWORD).status_code == 201
    assert openids() == {ME.openid}


@PROOFS
@KNOWN
def test_refused_is_refused(known: str, proof: Proof, phonebind: Configure) -> None:
    phonebind(known_mobile=known, second_identity="refuse")
    make(PASSWORD)
    refused = bind(**proof(), password=PASSWORD, second_identity="add")
    assert (refused.status_code, refused.json()["choices"]) == (409, ["other_number"])


def test_pages_that_look_at_400_alone_read_it_too(front_end: Start) -> None:
    front_end("tutorial")
    make(None)
    shown = {**by_sms_of_nobody(), "password": "another-horse-9"}
    asked = bind(**shown)
    assert (asked.status_code, asked.json()["choices"]) == (400, ADD)
    assert asked.json()["non_field_errors"] == [asked.json()["message"]]
    assert bind(**shown, second_identity="add").status_code == 201
