"""The human checks before an SMS, as a front end sees them."""

import logging
import time
from collections import Counter
from typing import Any

import pytest
import time_machine
from django.test import Client

from phonebind import limits, store
from phonebind.human.altcha import WithoutImage
from tests.support.altcha import decode, encode, solve
from tests.support.edge import OPENID, Configure, Outbox, Person, Upstream

MOBILE, OTHER = "13900000001", "13900000002"
ID = "3f0c6f6e-0000-4000-8000-000000000000"
PASSWORD = "horse-staple-9"
HOUR, DAY = 3_600, 86_400
ALTCHA = {"check": "phonebind.human.altcha.Altcha", "cost": 1_000}


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch, phonebind: Configure) -> None:
    monkeypatch.setattr(WithoutImage, "tries", 50)


def ask(person: Person, mobile: str = MOBILE, **query: str) -> Any:
    return person.http.get(f"/human_checks/{mobile}/", query)


def send(person: Person, mobile: str = MOBILE, **form: Any) -> Any:
    return person.http.post(f"/sms_codes/{mobile}/", form, content_type="application/json")


def image() -> dict[str, str]:
    """An image code, with the right text."""
    with store.connection() as client:
        client.set(store.key("image", ID), "AAAA")
    return {"image_code_id": ID, "text": "AAAA"}


def test_by_default_it_is_the_image(person: Person) -> None:
    answer = ask(person)
    assert answer.status_code == 200
    assert answer.json() == {"image": True, "human_check": None}
    assert "no-store" in answer["Cache-Control"]
    assert send(person, **image()).json()["message"] == "OK"


@pytest.mark.parametrize("form", [{}, {"text": "AAAA"}, {"image_code_id": ID}, {"human_check": "x"}])
def test_where_the_image_is_asked_for_it_is_required(person: Person, form: dict[str, str]) -> None:
    answer = send(person, **form)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"
    assert set(answer.json()["errors"]) == {"image_code_id", "text"} - set(form)
    assert answer.json()["message"] == "该字段是必填项。"


@pytest.mark.parametrize("by_get", [True, False])
def test_a_proof_in_place_of_the_image(person: Person, phonebind: Configure, by_get: bool) -> None:
    phonebind(human_check=ALTCHA)
    told = ask(person).json()
    assert told["image"] is False
    form = {"human_check": solve(told["human_check"])}
    answer = person.http.get(f"/sms_codes/{MOBILE}/", form) if by_get else send(person, **form)
    assert answer.json()["message"] == "OK", answer.content
    assert Outbox.sent[-1].mobile == MOBILE


def test_both(person: Person, phonebind: Configure) -> None:
    phonebind(human_check={**ALTCHA, "image": True})
    seen = image()
    assert send(person, **seen).json()["code"] == "human_check_invalid"
    assert send(person, **seen, human_check=solve(ask(person).json()["human_check"])).json()["message"] == "OK"


def test_who_cannot_see_gets_one_as_well(person: Person) -> None:
    told = ask(person, without_image="1").json()
    assert told["image"] is False
    answer = send(person, human_check=solve(told["human_check"]), without_image="1")
    assert answer.json()["message"] == "OK", answer.content


def test_threat_13_few_an_hour_get_one_without_an_image(person: Person, phonebind: Configure) -> None:
    phonebind(limits={"no_image_address_hour": (1, 3600)})
    proofs = [(mobile, ask(person, mobile, without_image="1").json()["human_check"]) for mobile in (MOBILE, OTHER)]
    answers = [send(person, mobile, human_check=solve(asked), without_image="1") for mobile, asked in proofs]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json()["code"] == "sms_quota"
    # A visitor who asks only now is refused at once, so they need not compute a proof.
    refused = ask(person, OTHER, without_image="1")
    assert (refused.status_code, refused.json()["code"]) == (429, "sms_quota")
    assert 0 < int(refused["Retry-After"]) <= 3600 + 300
    assert send(person, OTHER, **image()).status_code == 200


def test_threat_19_garbage_from_one_address_keeps_none_of_its_people_out(person: Person, phonebind: Configure) -> None:
    """A page with a hundred images could do this: each image is an address that asks for an SMS, from the browser of
    any visitor.
    """
    phonebind(human_check=ALTCHA)
    for _ in range(150):
        assert send(person, human_check="x").json()["code"] == "human_check_invalid"
    assert send(person, human_check=solve(ask(person).json()["human_check"])).status_code == 200


@pytest.mark.parametrize("empty", ["", None])
def test_what_was_not_asked_for_may_be_there_and_empty(person: Person, phonebind: Configure, empty: str | None) -> None:
    """A form may send all its fields at each request, also the empty ones."""
    phonebind(human_check=ALTCHA)
    proof = solve(ask(person, without_image="").json()["human_check"])
    form: Any = {"image_code_id": empty, "text": empty, "without_image": empty, "human_check": proof}
    assert send(person, **form).status_code == 200
    phonebind(human_check="image")
    assert send(person, OTHER, **image() | {"human_check": empty}).status_code == 200
    assert set(send(person, OTHER, image_code_id=empty, text=empty).json()["errors"]) == {"image_code_id", "text"}


def test_a_proof_for_one_mobile_sends_nothing_to_another(person: Person) -> None:
    proof = solve(ask(person, without_image="1").json()["human_check"])
    assert send(person, OTHER, human_check=proof, without_image="1").json()["code"] == "human_check_invalid"
    assert not Outbox.sent


def test_what_the_browser_computed_may_be_written_as_its_own_library_does(person: Person) -> None:
    """Base64 and JSON as JavaScript writes them: without blanks, and with a fraction in the time."""
    proof = decode(solve(ask(person, without_image="1").json()["human_check"]))
    proof["solution"]["time"] = 12.5
    assert send(person, human_check=encode(proof), without_image="1").status_code == 200


@pytest.mark.parametrize(
    ("mobile", "query"),
    [
        ("1390000000", {}),
        ("１３９００００００００１", {}),
        (MOBILE, {"without_image": "maybe"}),
        (MOBILE, {"without_image": "\x00"}),
    ],
)
def test_threat_18_what_is_no_question_is_told_so(person: Person, mobile: str, query: dict[str, str]) -> None:
    answer = ask(person, mobile, **query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


@pytest.mark.parametrize("value", [None, [], {}, 1, "x" * 8193, "\ud800", "\x00"], ids=repr)
def test_threat_18_what_is_no_answer_is_told_so(person: Person, phonebind: Configure, value: Any) -> None:
    phonebind(human_check=ALTCHA)
    answer = send(person, human_check=value)
    assert answer.status_code == 400
    assert answer.json()["code"] in ("invalid", "human_check_invalid")


def test_the_audit_trail_says_how_it_was_shown(person: Person, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "phonebind.audit"):
        told = ask(person, without_image="1").json()
        send(person, human_check=solve(told["human_check"]), without_image="1")
        send(person, OTHER, **image())
    records = [vars(record) for record in caplog.records if record.name == "phonebind.audit"]
    assert [(r["action"], r["outcome"], r["human"]) for r in records] == [
        ("human_check", "asked", ""),
        ("sms_code", "sent", "altcha+without_image"),
        ("sms_code", "sent", "image"),
    ]
    assert MOBILE not in caplog.text


# ---------------------------------------------------------------- with the ticket of the callback


def arrive(qq: Upstream, openid: str = OPENID) -> tuple[Person, str]:
    """A person who is not bound yet, and their ticket."""
    qq.person(openid)
    person = Person()
    return person, str(person.callback().json()["access_token"])


def spent(name: str, subject: str) -> int:
    total, _ = limits.spent(name, subject)
    return total


@pytest.mark.django_db
@pytest.mark.parametrize("by_get", [True, False])
def test_a_ticket_opens_the_part_that_is_kept(qq: Upstream, phonebind: Configure, by_get: bool) -> None:
    phonebind(limits={"sms_mobile_open_hour": (0, HOUR)})
    person, ticket = arrive(qq)
    form = {**image(), "access_token": ticket}
    answer = person.http.get(f"/sms_codes/{MOBILE}/", form) if by_get else send(person, **form)
    assert answer.json() == {"message": "OK", "resend_after": 60, "expires_in": 300}
    assert spent("sms_identity_hour", f"qq:101000001:{OPENID}") == 1
    refused = send(person, OTHER, **image())
    assert (refused.status_code, refused.json()["code"]) == (429, "sms_quota")


@pytest.mark.django_db
@pytest.mark.parametrize("by_get", [True, False])
@pytest.mark.parametrize("kind", ["garbage", "forged", "another browser's", "expired", "not ASCII"])
def test_threat_43_an_invalid_ticket_is_told_so_and_uses_nothing_up(qq: Upstream, kind: str, by_get: bool) -> None:
    person, ticket = arrive(qq)
    bad = {"garbage": "x", "forged": f"{ticket}x", "not ASCII": "票" * 20}.get(kind, ticket)
    browser = Person() if kind == "another browser's" else person
    form = {**image(), "access_token": bad}
    with time_machine.travel(time.time() + (601 if kind == "expired" else 0)):
        answer = browser.http.get(f"/sms_codes/{MOBILE}/", form) if by_get else send(browser, **form)
    assert (answer.status_code, answer.json()["code"]) == (400, "ticket_invalid")
    assert "access_token" in answer.json()["errors"]
    with store.connection() as client:
        assert client.keys() == [store.key("image", ID).encode()]
    assert not Outbox.sent
    del form["access_token"]
    assert send(person, **form).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_ticket_is_none(person: Person, empty: str | None) -> None:
    assert send(person, **image(), access_token=empty).status_code == 200


@pytest.mark.parametrize("value", [[], {}, 1, "x" * 4097, "\x00"], ids=repr)
def test_threat_18_what_is_no_ticket_is_told_so(person: Person, value: Any) -> None:
    answer = send(person, **image(), access_token=value)
    assert answer.status_code == 400
    assert answer.json()["code"] in ("invalid", "ticket_invalid")
    assert not Outbox.sent


@pytest.mark.django_db
def test_the_ticket_of_a_front_end_without_cookies_is_one_where_those_are_served(
    qq: Upstream, phonebind: Configure
) -> None:
    phonebind(legacy_state=True, limits={"sms_mobile_open_hour": (0, HOUR)})
    ticket = Client().get("/oauth/qq/user/", {"code": "C", "state": "/"}).json()["access_token"]
    assert send(Person(), **image(), access_token=ticket).status_code == 200
    phonebind(legacy_state=False)
    assert send(Person(), OTHER, **image(), access_token=ticket).json()["code"] == "ticket_invalid"


def next_minute() -> None:
    """Move on until the next SMS may be asked for. The store's own clock decides this."""
    with store.connection() as client:
        for key in client.scan_iter("*sms_mobile_gap*"):
            client.delete(key)


def spend(minutes: int, tickets: tuple[tuple[Person, str], ...] = ()) -> Counter[str]:
    """An attacker asks for an SMS to the mobile each minute: once without a ticket, and once with each of their
    tickets.
    """
    outcomes: Counter[str] = Counter()
    for _ in range(minutes):
        for person, ticket in ((Person(), ""), *tickets):
            next_minute()
            answer = send(person, **image(), access_token=ticket)
            outcomes[str(answer.json().get("code", "sent"))] += 1
    return outcomes


@pytest.mark.django_db
def test_threat_43_who_knows_a_mobile_does_not_keep_its_owner_from_the_bind(qq: Upstream) -> None:
    """Two addresses use up their limits. Then the owner signs in at QQ, gets an SMS, and binds."""
    outcomes: list[str] = []
    for address in ("192.0.2.1", "192.0.2.2"):
        for _ in range(10):
            next_minute()
            outcomes.append(Person().ask_for_sms(MOBILE, address=address).json().get("code", "sent"))
    assert Counter(outcomes) == {"sent": 3, "sms_quota": 17}
    next_minute()
    owner, ticket = arrive(qq)
    assert owner.ask_for_sms(MOBILE).json()["code"] == "sms_quota"
    assert owner.ask_for_sms(MOBILE, ticket=ticket).status_code == 200
    code = Outbox.sent[-1].code
    bound = owner.bind(mobile=MOBILE, password=PASSWORD, sms_code=code, access_token=ticket)
    assert bound.status_code == 201, bound.json()


@pytest.mark.django_db
def test_threat_43_a_later_sms_and_wrong_guesses_leave_the_owners_code_alone(qq: Upstream) -> None:
    owner, ticket = arrive(qq)
    assert owner.ask_for_sms(MOBILE, ticket=ticket).status_code == 200
    code = Outbox.sent[-1].code
    attacker, theirs = arrive(qq, "F" * 32)
    assert spend(4, ((attacker, theirs),))["sent"] == 3
    for guess in range(1, 12):
        form = {"sms_code": f"{(int(code) + guess) % 10**6:06}", "access_token": theirs}
        refused = attacker.bind(mobile=MOBILE, password=PASSWORD, address="192.0.2.1", **form).json()["code"]
        assert refused == ("sms_code_invalid" if guess <= 10 else "too_many_attempts")
    bound = owner.bind(mobile=MOBILE, password=PASSWORD, sms_code=code, access_token=ticket)
    assert bound.status_code == 201, bound.json()


@pytest.mark.django_db
def test_threat_43_one_attacker_with_a_ticket_leaves_the_owner_one_an_hour_and_two_a_day(
    qq: Upstream, phonebind: Configure
) -> None:
    phonebind(limits={"sms_address_hour": (1000, HOUR)})
    got: list[str] = []
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        for _ in range(22):
            attacker = arrive(qq, "F" * 32)
            spend(4, (attacker,))
            owner, ticket = arrive(qq)
            for _ in range(2):
                next_minute()
                answer = send(owner, **image(), access_token=ticket)
                got.append(answer.json().get("code", "sent"))
            clock.shift(HOUR + 300)  # a place becomes free up to one twelfth of the window later
    assert Counter(got)["sent"] == 2
    assert len(Outbox.sent) == 10
    assert got[:4] == ["sent", "sms_quota"] * 2


@pytest.mark.django_db
def test_threat_49_guesses_are_bounded_for_one_identity_over_all_mobiles(qq: Upstream) -> None:
    """The guesses come with several tickets, in several browsers, from several addresses."""
    outcomes: Counter[str] = Counter()
    for number in range(12):
        person, ticket = arrive(qq)
        form = {"mobile": f"139{number:08}", "password": PASSWORD, "sms_code": "000000", "access_token": ticket}
        answer = person.bind(address=f"192.0.2.{number}", **form)
        outcomes[answer.json()["code"]] += 1
    assert outcomes == {"sms_code_invalid": 10, "too_many_attempts": 2}
    assert 0 < int(answer["Retry-After"]) <= HOUR
