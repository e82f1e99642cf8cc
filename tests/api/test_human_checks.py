"""What an SMS takes, as a front end sees it."""

import logging
from typing import Any

import pytest

from phonebind import store
from phonebind.human.altcha import WithoutImage
from tests.support.altcha import decode, encode, solve
from tests.support.edge import Configure, Outbox, Person

MOBILE, OTHER = "13900000001", "13900000002"
ID = "3f0c6f6e-0000-4000-8000-000000000000"
ALTCHA = {"check": "phonebind.human.altcha.Altcha", "cost": 1_000}


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch, phonebind: Configure) -> None:
    monkeypatch.setattr(WithoutImage, "tries", 50)


def ask(person: Person, mobile: str = MOBILE, **query: str) -> Any:
    return person.http.get(f"/human_checks/{mobile}/", query)


def send(person: Person, mobile: str = MOBILE, **form: Any) -> Any:
    return person.http.post(f"/sms_codes/{mobile}/", form, content_type="application/json")


def image() -> dict[str, str]:
    """One that was read right."""
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
    # Who asks only now need not compute for it.
    refused = ask(person, OTHER, without_image="1")
    assert (refused.status_code, refused.json()["code"]) == (429, "sms_quota")
    assert 0 < int(refused["Retry-After"]) <= 3600
    assert send(person, OTHER, **image()).status_code == 200


def test_threat_19_garbage_from_one_address_keeps_none_of_its_people_out(person: Person, phonebind: Configure) -> None:
    """A page with a hundred images whose addresses ask for an SMS would, from whatever browser shows it."""
    phonebind(human_check=ALTCHA)
    for _ in range(150):
        assert send(person, human_check="x").json()["code"] == "human_check_invalid"
    assert send(person, human_check=solve(ask(person).json()["human_check"])).status_code == 200


@pytest.mark.parametrize("empty", ["", None])
def test_what_was_not_asked_for_may_be_there_and_empty(person: Person, phonebind: Configure, empty: str | None) -> None:
    """As in a form whose fields are always sent."""
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
    """JavaScript's base64 of JavaScript's JSON: without blanks, with a fraction in the time."""
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
