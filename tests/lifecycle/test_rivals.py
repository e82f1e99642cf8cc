"""An attacker who knows a number, and uses up the SMS that strangers may request for it."""

from typing import Any

import pytest
from django.test import Client

from phonebind.lifecycle import proofs
from phonebind.lifecycle.models import Session
from tests.lifecycle.conftest import MOBILE, Account
from tests.lifecycle.ways_in.conftest import BOUNDS
from tests.support.edge import Configure, Outbox, Upstream

pytestmark = pytest.mark.django_db(transaction=True)

OTHERS = "13900000002"


@pytest.fixture(autouse=True)
def _no_gap(phonebind: Configure) -> None:
    # The test is about the quota, and nobody waits for a minute.
    phonebind(human_check="none", limits=BOUNDS | {"sms_mobile_gap": (1000, 60)})


def by_api(http: Client, mobile: str = MOBILE) -> int:
    return int(http.get(f"/sms_codes/{mobile}/", {"purpose": "sign_in"}).status_code)


def by_page(http: Client, mobile: str = MOBILE) -> int:
    return int(http.post("/login/by/sms/", {"mobile": mobile, "action": "send_code"}).status_code)


def reset(http: Client, mobile: str = MOBILE) -> int:
    status = int(http.post("/password_resets/", {"mobile": mobile}, content_type="application/json").status_code)
    return 200 if status == 202 else status


def reset_by_page(http: Client, mobile: str = MOBILE) -> int:
    return int(http.post("/login/by/reset/", {"mobile": mobile, "action": "send_code"}).status_code)


DOORS = [by_api, by_page, reset, reset_by_page]


@pytest.mark.parametrize("ask", DOORS)
def test_threat_43_the_owners_device_has_a_part_that_strangers_do_not(person: Any, device: Any, ask: Any) -> None:
    proofs.record(person, MOBILE, "sms")
    owner: Account = device()
    assert [ask(Client()) for _ in range(4)] == [200, 200, 200, 429]
    # A person who is signed in to another account has no SMS left either, with any cookie.
    rival = Client()
    rival.cookies["phonebind_device"] = "A" * 32
    assert ask(rival) == 429
    assert ask(owner.client) == 200
    assert Outbox.sent[-1].mobile == MOBILE
    # Only for the owner's own number.
    assert [ask(owner.client, OTHERS) for _ in range(4)] == [200, 200, 200, 429]
    # Not for a thief whose session the owner has ended.
    Session.objects.update(end_reason="revoked")
    assert ask(owner.client) == 429


def test_threat_43_five_resets_by_strangers_are_not_the_owners(
    person: Any, device: Any, phonebind: Configure, qq: Upstream
) -> None:
    generous = dict.fromkeys(("sms_mobile_open_hour", "sms_mobile_hour"), (100, 3600))
    phonebind(limits=BOUNDS | generous | {"sms_mobile_gap": (1000, 60)})
    owner = device()
    assert [reset(Client()) for _ in range(6)] == [200] * 5 + [429]
    assert reset(owner.client) == 200


def test_it_costs_one_statement_whatever_the_number(person: Any, device: Any, django_assert_num_queries: Any) -> None:
    owner = device()
    for mobile in (MOBILE, OTHERS):
        with django_assert_num_queries(1):
            assert by_api(owner.client, mobile) == 200
    with django_assert_num_queries(0):
        assert by_api(Client()) == 200
