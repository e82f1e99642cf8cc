"""A mobile number that is proved without an SMS, from the app's tap to the bind."""

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core import signing
from pytest_django import Settings

from phonebind import limits, mobile_proofs, slots, tickets
from phonebind.models import SocialAccount
from phonebind.oauth import Identity
from server.processes import Valkey
from server.users.models import User
from tests.mobile_proofs.conftest import ALIYUN, MOBILE
from tests.support.edge import OPENID, Configure, Outbox, Person, Upstream

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.usefixtures("aliyun")]

PASSWORD = "horse-staple-9"
ME = Identity("qq", "101000001", OPENID, nickname="小明")
YOU = Identity("qq", "101000001", "F" * 32)

Prove = Callable[..., Any]
Kind = Callable[[], str]


@pytest.fixture(params=["bound", "loose"])
def ticket(request: pytest.FixtureRequest, person: Person) -> str:
    """A ticket of a browser, or of an app that keeps no cookies."""
    if request.param == "loose":
        return tickets.issue_loose(ME, "/")
    return str(person.callback().json()["access_token"])


def loose(identity: Identity = ME) -> str:
    return tickets.issue_loose(identity, "/")


def proof_of(prove: Prove, ticket: str) -> str:
    answer = prove(ticket)
    assert answer.status_code == 200, answer.content
    return str(answer.json()["mobile_proof"])


def owner(password: str | None = PASSWORD) -> User:
    return User.objects.create_user("ming", mobile=MOBILE, password=password)


def said(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


# ---------------------------------------------------------------- the walk


def test_a_new_account_by_one_tap(prove: Prove, person: Person, ticket: str, aliyun: Upstream) -> None:
    answer = prove(ticket)
    told = answer.json()
    assert answer.status_code == 200
    assert told.keys() == {"mobile_proof", "mobile", "strength", "expires_in"}
    assert (told["mobile"], told["strength"], told["expires_in"]) == ("139****0001", "carrier", 600)
    bound = person.bind(access_token=ticket, mobile_proof=told["mobile_proof"])
    assert bound.status_code == 201, bound.content
    assert bound.json()["username"] == MOBILE
    user = User.objects.get(mobile=MOBILE)
    assert not user.has_usable_password()
    assert SocialAccount.objects.get().proved_by == "carrier:aliyun"
    assert Outbox.sent == []
    assert aliyun.paths.count("/aliyun") == 1


def test_an_sms_is_kept_too(person: Person, qq: Upstream) -> None:
    ticket = person.callback().json()["access_token"]
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE)}
    assert person.bind(access_token=ticket, **form).status_code == 201
    assert SocialAccount.objects.get().proved_by == "sms"


def test_a_password_may_come_with_the_proof(prove: Prove, person: Person, ticket: str) -> None:
    proof = proof_of(prove, ticket)
    weak = person.bind(access_token=ticket, mobile_proof=proof, password="12345678")
    assert said(weak) == (400, "invalid")
    assert "password" in weak.json()["errors"]
    assert person.bind(access_token=ticket, mobile_proof=proof, password=PASSWORD).status_code == 201
    assert User.objects.get().check_password(PASSWORD)


def test_empty_fields_are_fields_that_were_left_out(prove: Prove, person: Person) -> None:
    ticket = loose()
    form = {"mobile": "", "password": "", "sms_code": "", "mobile_proof": proof_of(prove, ticket)}
    assert person.bind(access_token=ticket, **form).status_code == 201


def test_an_account_without_a_password_is_bound_by_the_proof(prove: Prove, person: Person, ticket: str) -> None:
    user = owner(password=None)
    bound = person.bind(access_token=ticket, mobile_proof=proof_of(prove, ticket))
    assert (bound.status_code, bound.json()["id"]) == (201, user.pk)


def test_threat_12_a_wrong_password_uses_up_neither_token_nor_proof(
    prove: Prove, person: Person, ticket: str, aliyun: Upstream
) -> None:
    owner()
    proof = proof_of(prove, ticket)
    none = person.bind(access_token=ticket, mobile_proof=proof)
    assert said(none) == (400, "invalid")
    assert none.json()["errors"].keys() == {"password"}
    assert said(person.bind(access_token=ticket, mobile_proof=proof, password="wrong-one-9")) == (400, "password_wrong")
    assert person.bind(access_token=ticket, mobile_proof=proof, password=PASSWORD).status_code == 201
    assert aliyun.paths.count("/aliyun") == 1


def test_threat_12_wrong_passwords_are_counted_all_the_same(prove: Prove, person: Person) -> None:
    owner()
    ticket = loose()
    proof = proof_of(prove, ticket)
    wrong = [said(person.bind(access_token=ticket, mobile_proof=proof, password="wrong-one-9")) for _ in range(6)]
    assert wrong == [(400, "password_wrong")] * 5 + [(429, "too_many_attempts")]


@pytest.mark.parametrize(
    ("mobile", "expected"),
    [(MOBILE, (201, "")), (f"+86 {MOBILE}", (201, "")), ("13900000002", (400, "invalid")), ("12", (400, "invalid"))],
)
def test_a_mobile_that_is_sent_must_be_the_proved_one(
    prove: Prove, person: Person, mobile: str, expected: tuple[int, str]
) -> None:
    ticket = loose()
    answer = person.bind(access_token=ticket, mobile_proof=proof_of(prove, ticket), mobile=mobile)
    assert said(answer) == expected
    assert User.objects.exists() == (expected[0] == 201)


def test_where_accounts_must_have_passwords_a_new_one_needs_one(
    prove: Prove, person: Person, phonebind: Configure
) -> None:
    phonebind(bind_without_password=False)
    ticket = loose()
    proof = proof_of(prove, ticket)
    refused = person.bind(access_token=ticket, mobile_proof=proof)
    assert refused.json()["errors"].keys() == {"password"}
    assert person.bind(access_token=ticket, mobile_proof=proof, password=PASSWORD).status_code == 201


# ---------------------------------------------------------------- one use, one holder, ten minutes


def test_threat_57_the_same_bind_again_is_the_same_success(prove: Prove, person: Person, ticket: str) -> None:
    form = {"access_token": ticket, "mobile_proof": proof_of(prove, ticket)}
    first, second = person.bind(**form), person.bind(**form)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


def test_threat_57_a_proof_that_has_bound_makes_nothing_more(prove: Prove, person: Person) -> None:
    ticket = loose()
    proof = proof_of(prove, ticket)
    assert person.bind(access_token=ticket, mobile_proof=proof).status_code == 201
    SocialAccount.objects.all().delete()
    assert said(person.bind(access_token=loose(), mobile_proof=proof)) == (400, "mobile_proof_invalid")
    assert not SocialAccount.objects.exists()


def test_threat_57_a_proof_is_for_one_identity(prove: Prove, person: Person) -> None:
    proof = proof_of(prove, loose(ME))
    assert said(person.bind(access_token=loose(YOU), mobile_proof=proof)) == (400, "mobile_proof_invalid")
    assert not User.objects.exists()


def test_threat_57_a_proof_lives_ten_minutes(prove: Prove, person: Person) -> None:
    ticket = loose()
    with time_machine.travel(1_900_000_000, tick=False) as clock:
        proof = proof_of(prove, loose())
        clock.shift(mobile_proofs.MAX_AGE)
        ticket = loose()
        assert person.bind(access_token=ticket, mobile_proof=proof).status_code == 201
        SocialAccount.objects.all().delete()
        other = proof_of(prove, loose())
        clock.shift(mobile_proofs.MAX_AGE + 1)
        assert said(person.bind(access_token=loose(), mobile_proof=other)) == (400, "mobile_proof_invalid")


def test_threat_57_a_proof_cannot_be_forged(prove: Prove, person: Person, settings: Settings) -> None:
    ticket = loose()
    said_ = [MOBILE, ME.key, "once", "carrier", "aliyun"]
    good = proof_of(prove, ticket)
    forged = [
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        signing.dumps(said_, salt=mobile_proofs.SALT, key="guessed"),
        signing.dumps(said_, salt=tickets.SALT),
        ticket,
        "x",
        "é" * 20,
    ]
    for proof in forged:
        assert said(person.bind(access_token=ticket, mobile_proof=proof)) == (400, "mobile_proof_invalid")
    assert not User.objects.exists()


def test_a_rotated_key_breaks_no_proof(prove: Prove, person: Person, settings: Settings) -> None:
    ticket = loose()
    proof = proof_of(prove, ticket)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key " * 5
    assert person.bind(access_token=ticket, mobile_proof=proof).status_code == 201


def test_threat_57_a_ticket_that_has_bound_gets_no_more_proofs(prove: Prove, person: Person, aliyun: Upstream) -> None:
    ticket = loose()
    proof = proof_of(prove, ticket)
    assert person.bind(access_token=ticket, mobile_proof=proof).status_code == 201
    assert said(prove(ticket)) == (400, "ticket_invalid")
    assert aliyun.paths.count("/aliyun") == 1


@pytest.mark.parametrize("ticket", ["", "x", "forged.by:me"])
def test_threat_57_nobody_is_asked_without_a_ticket(prove: Prove, aliyun: Upstream, ticket: str) -> None:
    assert prove(ticket).status_code == 400
    assert aliyun.requests == []


def test_threat_2_a_browsers_ticket_proves_nothing_elsewhere(prove: Prove, person: Person, aliyun: Upstream) -> None:
    ticket = person.callback().json()["access_token"]
    person.http.cookies.clear()
    assert said(prove(ticket)) == (400, "ticket_invalid")
    assert "/aliyun" not in aliyun.paths


# ---------------------------------------------------------------- strengths


class Quick:
    """A host's own source, of the weakest kind: the token is the number."""

    strength = "quick"

    def check(self) -> list[str]:
        return []

    def verify(self, token: str, identity: Identity, *, carrier: str = "") -> str:
        return token


@pytest.fixture
def quick(phonebind: Configure) -> None:
    phonebind(mobile_proofs={"own": {"source": f"{__name__}.Quick"}})


def test_threat_58_quick_makes_an_account(quick: None, prove: Prove, person: Person) -> None:
    ticket = loose()
    proof = prove(ticket, token=MOBILE, source="own").json()["mobile_proof"]
    assert person.bind(access_token=ticket, mobile_proof=proof).status_code == 201
    assert SocialAccount.objects.get().proved_by == "quick:own"


@pytest.mark.parametrize("password", [None, PASSWORD])
def test_threat_58_quick_never_joins(quick: None, prove: Prove, person: Person, password: str | None) -> None:
    """Whether the account has a password or not, and whether the password is right or not."""
    owner(password)
    ticket = loose()
    proof = prove(ticket, token=MOBILE, source="own").json()["mobile_proof"]
    for form in ({}, {"password": PASSWORD}, {"password": "wrong-one-9"}):
        answer = person.bind(access_token=ticket, mobile_proof=proof, **form)
        assert said(answer) == (400, "mobile_proof_too_weak")
    assert not SocialAccount.objects.exists()
    # The person still has what the next steps need: the ticket, and all password guesses.
    code = person.sms_code(MOBILE)
    form = {"mobile": MOBILE, "sms_code": code, "password": PASSWORD}
    assert person.bind(access_token=ticket, **form).status_code == 201


@pytest.mark.parametrize(
    ("name", "exists"), [("new_account_proofs", False), ("join_proofs", True)], ids=["new", "join"]
)
def test_threat_58_the_operator_says_which_strengths_suffice(
    prove: Prove, person: Person, phonebind: Configure, name: str, exists: bool
) -> None:
    if exists:
        owner(password=None)
    ticket = loose()
    proof = proof_of(prove, ticket)
    few: dict[str, Any] = {name: ("sms",)}
    phonebind(**few)
    assert said(person.bind(access_token=ticket, mobile_proof=proof)) == (400, "mobile_proof_too_weak")
    enough: dict[str, Any] = {name: ("sms", "carrier")}
    phonebind(**enough)
    assert person.bind(access_token=ticket, mobile_proof=proof).status_code == 201


def test_threat_58_a_client_does_not_say_how_strong_its_proof_is(quick: None, prove: Prove) -> None:
    told = prove(loose(), token=MOBILE, source="own", strength="carrier").json()
    assert told["strength"] == "quick"


# ---------------------------------------------------------------- refusals and limits


def test_a_source_that_there_is_not(prove: Prove, aliyun: Upstream) -> None:
    answer = prove(loose(), source="tencent")
    assert said(answer) == (400, "invalid")
    assert answer.json()["errors"].keys() == {"source"}
    assert aliyun.requests == []


def test_a_token_that_the_vendor_refuses(prove: Prove, aliyun: Upstream) -> None:
    aliyun.answer("/aliyun", {"Code": "isv.TOKEN_INVALID"})
    answer = prove(loose())
    assert said(answer) == (400, "mobile_proof_invalid")
    assert "errors" not in answer.json()
    assert limits.spent("proof_site_day", limits.SITE)[0] == 0, "it cost nothing"
    assert limits.spent("proof_identity_hour", ME.key)[0] == 1


def test_a_vendor_that_is_down(prove: Prove, aliyun: Upstream) -> None:
    aliyun.answer("/aliyun", b"<html>", status=502)
    answer = prove(loose())
    assert said(answer) == (503, "mobile_proof_unavailable")
    assert answer.headers["Retry-After"]
    assert limits.spent("proof_site_day", limits.SITE)[0] == 1, "perhaps it costs"


@pytest.mark.parametrize(
    ("entry", "answer"),
    [("aliyun", {"Code": "isv.SOMETHING_NEW"}), ("tencent", {"result": 1016, "errmsg": "token expired"})],
    ids=["aliyun", "tencent"],
)
def test_threat_59_made_up_tokens_do_not_use_up_the_sites_budget(
    prove: Prove, phonebind: Configure, aliyun: Upstream, entry: str, answer: dict[str, Any]
) -> None:
    """Any code has this result: the answer has no number, and the call costs nothing."""
    options = {"aliyun": ALIYUN, "tencent": {"sdk_app_id": "1", "app_key": "k"}}[entry]
    phonebind(mobile_proofs={entry: {**options, "endpoint": f"{aliyun.url}/vendor"}})
    aliyun.answer("/vendor", answer)
    told = prove(loose(), source=entry, token="made up", carrier="mobile")
    assert said(told) == (503, "mobile_proof_unavailable")
    assert limits.spent("proof_site_day", limits.SITE)[0] == 0
    assert limits.spent("proof_identity_hour", ME.key)[0] == 1


@pytest.mark.parametrize(
    ("rule", "subject"),
    [("proof_identity_hour", ME.key), ("proof_address_hour", "127.0.0.1"), ("proof_site_day", limits.SITE)],
)
def test_threat_59_proofs_are_counted(
    prove: Prove, phonebind: Configure, aliyun: Upstream, rule: str, subject: str
) -> None:
    phonebind(limits={rule: (2, 3_600)})
    answers = [said(prove(loose())) for _ in range(3)]
    assert answers == [(200, ""), (200, ""), (429, "too_many_requests")]
    assert limits.spent(rule, subject)[0] == 2
    assert aliyun.paths.count("/aliyun") == 2


def test_threat_59_the_operator_hears_that_the_budget_is_used_up(
    prove: Prove, phonebind: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    phonebind(limits={"proof_site_day": (0, 86_400)})
    for _ in range(2):
        assert said(prove(loose())) == (429, "too_many_requests")
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "proof_site_day is used up (0 in 86400 s): no mobile is proved without SMS" in record.getMessage()
    assert "docs/en/how-to/one-tap.md" in record.getMessage()


def test_threat_19_few_wait_for_the_vendors_and_who_finds_no_place_is_not_counted(
    prove: Prove, phonebind: Configure, aliyun: Upstream
) -> None:
    phonebind(sms_slots=1)
    with slots.PROOF.take(1):
        assert said(prove(loose())) == (503, "mobile_proof_unavailable")
    assert limits.spent("proof_identity_hour", ME.key)[0] == 0
    assert "/aliyun" not in aliyun.paths
    assert prove(loose()).status_code == 200


def test_threat_20_without_valkey_nothing_is_proved_or_bound(
    prove: Prove, person: Person, aliyun: Upstream, valkey: Valkey
) -> None:
    ticket = loose()
    proof = proof_of(prove, ticket)
    valkey.stop()
    assert said(prove(loose(YOU))) == (503, "storage_unavailable")
    assert said(person.bind(access_token=ticket, mobile_proof=proof)) == (503, "storage_unavailable")
    assert not User.objects.exists()
    assert aliyun.paths.count("/aliyun") == 1
    valkey.start()
    assert person.bind(access_token=loose(), mobile_proof=proof).status_code == 201


def test_threat_9_no_record_shows_number_token_or_proof(
    prove: Prove, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    ticket = loose()
    answer = prove(ticket, token="S3CRET-TOKEN")
    proof = answer.json()["mobile_proof"]
    person.bind(access_token=ticket, mobile_proof=proof)
    shown = "".join(
        f"{record.getMessage()}{record.__dict__}" for record in caplog.records if "phonebind" in record.name
    )
    assert not [secret for secret in ("S3CRET", proof, MOBILE) if secret in shown]
    records = [record.__dict__ for record in caplog.records if record.name == "phonebind.audit"]
    kept = [(each["action"], each["outcome"], each["proof"], each["mobile"]) for each in records]
    assert kept == [
        ("mobile_proof", "proved", "carrier:aliyun", "139****0001"),
        ("bind", "bound", "carrier:aliyun", "139****0001"),
    ]


def test_threat_42_another_site_spends_no_proof(person: Person, aliyun: Upstream) -> None:
    form = {"source": "aliyun", "token": "T", "access_token": loose()}
    answer = person.http.post("/mobile_proofs/", form, headers={"Sec-Fetch-Site": "cross-site"})
    assert said(answer) == (403, "origin_not_allowed")
    assert aliyun.requests == []


@pytest.mark.parametrize("missing", ["source", "token", "access_token"])
def test_every_field_but_the_carrier_is_asked_for(person: Person, missing: str) -> None:
    form = {"source": "aliyun", "token": "T", "access_token": "A"}
    del form[missing]
    answer = person.http.post("/mobile_proofs/", form, content_type="application/json")
    assert answer.json()["errors"].keys() == {missing}


def test_a_body_that_is_no_object_is_refused(person: Person) -> None:
    for path in ("/mobile_proofs/", "/oauth/qq/user/"):
        answer = person.http.post(path, "[1]", content_type="application/json")
        assert said(answer) == (400, "invalid")


def test_a_vendor_that_cannot_be_reached(prove: Prove, phonebind: Configure) -> None:
    phonebind(mobile_proofs={"aliyun": {**ALIYUN, "endpoint": "http://127.0.0.1:1/"}})
    assert said(prove(loose())) == (503, "mobile_proof_unavailable")
