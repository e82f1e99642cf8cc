"""Every endpoint that takes a number accepts a pasted one: the same number, the same quota, the same account."""

import logging
from urllib.parse import quote

import pytest
from django.contrib.auth import get_user_model

from tests.support.altcha import solve
from tests.support.edge import Configure, Outbox, Person, Upstream

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MOBILE = "13900000001"
PASSWORD = "horse-staple-9"
#: Copied from an address book; typed on a Chinese keyboard; with the country code in two spellings.
PASTED = ["\u202d139 0000 0001\u202c", "１３９０００００００１", "+86 139-0000-0001", "008613900000001"]

pasted = pytest.mark.parametrize("spelling", PASTED, ids=ascii)


@pasted
def test_threat_13_a_pasted_number_has_no_second_quota(
    person: Person, qq: Upstream, spelling: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "phonebind.audit")
    assert person.ask_for_sms(quote(spelling)).status_code == 200
    assert [message.mobile for message in Outbox.sent] == [MOBILE]
    answer = person.ask_for_sms(MOBILE)
    assert (answer.status_code, answer.json()["code"]) == (429, "sms_too_frequent")
    assert {record.__dict__["mobile"] for record in caplog.records if record.__dict__["action"] == "sms_code"} == {
        "139****0001"
    }


@pasted
def test_a_proof_of_work_for_one_spelling_serves_another(person: Person, phonebind: Configure, spelling: str) -> None:
    phonebind(human_check="altcha")
    asked = person.http.get(f"/human_checks/{quote(spelling)}/").json()["human_check"]
    answer = person.http.get(f"/sms_codes/{MOBILE}/", {"human_check": solve(asked)})
    assert answer.status_code == 200


@pasted
def test_a_bind_and_a_sign_in_by_password(person: Person, qq: Upstream, spelling: str) -> None:
    ticket = person.callback().json()["access_token"]
    code = person.sms_code(MOBILE)
    typed = f" {code[:3]} {code[3:]}\u200b"
    form = {"mobile": spelling, "password": PASSWORD, "sms_code": typed, "access_token": ticket}
    assert person.bind(**form).status_code == 201
    assert get_user_model().objects.get().get_username() == MOBILE
    credentials = {"username": spelling, "password": PASSWORD}
    answer = person.http.post("/authorizations/", credentials, content_type="application/json")
    assert answer.json()["username"] == MOBILE


def test_a_number_that_begins_wrongly_is_told_so(person: Person) -> None:
    answer = person.http.get("/sms_codes/23800000001/", headers={"accept-language": "zh-hans"})
    assert answer.json()["errors"]["mobile"] == ["手机号应以1开头，第二位为3-9"]
