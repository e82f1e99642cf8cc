"""HUMAN_CHECK = "none": front ends without image codes, and the limits that keep the SMS bill small then."""

import logging
import re
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from phonebind import store
from tests.support.edge import Configure, Outbox, Person, Upstream

MOBILE = "13900000001"
HOUR, DAY = 3_600, 86_400
FEW = {"sms_address_hour": (5, HOUR), "sms_site_hour": (8, HOUR), "sms_site_day": (11, DAY)}


@pytest.fixture(autouse=True)
def _free(phonebind: Configure) -> None:
    phonebind(human_check="none", limits=FEW)


def send(mobile: str = MOBILE, *, address: str = "192.0.2.1", person: Person | None = None, **query: str) -> Any:
    return (person or Person()).http.get(f"/sms_codes/{mobile}/", query, REMOTE_ADDR=address)


def numbers(count: int, begin: int = 13900000001) -> list[str]:
    return [str(begin + number) for number in range(count)]


def outcomes(answers: list[Any]) -> Counter[str]:
    return Counter(str(answer.json().get("code", "sent")) for answer in answers)


def next_minute() -> None:
    """Move on until a number may get its next SMS. The store's own clock decides this."""
    with store.connection() as client:
        for key in client.scan_iter("*sms_mobile_gap*"):
            client.delete(key)


# ---------------------------------------------------------------- the front end


@pytest.mark.parametrize("by_get", [True, False])
def test_the_mobile_is_enough(by_get: bool) -> None:
    answer = send() if by_get else Person().http.post(f"/sms_codes/{MOBILE}/", {}, content_type="application/json")
    assert (answer.status_code, answer.json()) == (200, {"message": "OK", "resend_after": 60, "expires_in": 300})
    assert Outbox.sent[-1].mobile == MOBILE


def test_who_asks_is_told_that_it_takes_nothing() -> None:
    for query in ({}, {"without_image": "1"}):
        answer = Person().http.get(f"/human_checks/{MOBILE}/", query)
        assert (answer.status_code, answer.json()) == (200, {"image": False, "human_check": None})


@pytest.mark.parametrize("text", ["AAAA", "BBBB", "", None])
def test_a_front_end_that_sends_an_image_code_all_the_same_is_served(text: str | None) -> None:
    """An image is drawn for the front end, and its text is not checked."""
    image = str(uuid4())
    assert Person().http.get(f"/image_codes/{image}/")["Content-Type"] == "image/jpeg"
    form = {"image_code_id": image, "text": text, "human_check": "x", "without_image": False}
    answer = Person().http.post(f"/sms_codes/{MOBILE}/", form, content_type="application/json")
    assert answer.json()["message"] == "OK"
    with store.connection() as client:
        assert client.exists(store.key("image", image))


def test_the_audit_trail_says_that_nothing_was_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "phonebind.audit"):
        send()
    assert "action=sms_code outcome=sent mobile=139****0001 human=none" in caplog.text


# ---------------------------------------------------------------- the bill


@pytest.mark.parametrize("address", ["192.0.2.{}", "2001:db8:0:{}::1"])
def test_threat_13_where_an_sms_takes_nothing_an_address_gets_exactly_its_limit(address: str) -> None:
    here, there = address.format(1), address.format(2)
    answers = [send(mobile, address=here) for mobile in numbers(20)]
    assert outcomes(answers) == {"sent": 5, "sms_quota": 15}
    assert 0 < int(answers[-1]["Retry-After"]) <= HOUR + 300
    assert send("13900000099", address=there).status_code == 200


def test_threat_13_where_an_sms_takes_nothing_another_spelling_is_no_other_address_or_number() -> None:
    """An IPv6 network counts as one address. So does an IPv4 address that arrives mapped into IPv6."""
    network = [send(mobile, address=f"2001:db8::{n}") for n, mobile in enumerate(numbers(9), 1)]
    assert outcomes(network) == {"sent": 5, "sms_quota": 4}
    spellings = [
        send(number, address=f"198.51.100.{n}") for n, number in enumerate(("13910000001", "+86 139 1000 0001"))
    ]
    assert outcomes(spellings) == {"sent": 1, "sms_too_frequent": 1}


def test_threat_13_where_an_sms_takes_nothing_the_budget_of_the_site_holds(caplog: pytest.LogCaptureFixture) -> None:
    """The budget holds for an hour and for a day, however many addresses ask. The operator is told."""
    begin = int(numbers(1)[0])
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        for hour, sent in enumerate([8, 3, 0]):
            mobiles = numbers(15, begin + 100 * hour)
            answers = [send(mobile, address=f"192.0.{hour}.{n}") for n, mobile in enumerate(mobiles)]
            assert outcomes(answers) == Counter({"sent": sent, "sms_quota": 15 - sent}) - Counter()
            clock.shift(HOUR + 300)
    assert len(Outbox.sent) == 11
    told = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert [re.split(r" \(|:", line)[0] for line in told] == [
        *("sms_site_hour is nearly used up", "sms_site_hour is used up"),
        *("sms_site_day is nearly used up", "sms_site_day is used up"),
    ]


@pytest.mark.django_db
def test_threat_43_where_an_sms_takes_nothing_part_of_each_mobile_is_kept_for_its_owner(qq: Upstream) -> None:
    """Strangers at many addresses ask for as many SMS as they can get."""
    answers = []
    for n in range(6):
        next_minute()
        answers.append(send(address=f"198.51.100.{n}"))
    assert outcomes(answers) == {"sent": 3, "sms_quota": 3}
    next_minute()
    owner = Person()
    ticket = owner.callback().json()["access_token"]
    assert send(person=owner, access_token=ticket).status_code == 200
