"""The cost of each request with the app. tests/api/test_edges.py has the cost without it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from phonebind.lifecycle import proofs
from phonebind.lifecycle.models import Session
from tests.lifecycle.conftest import MOBILE, PASSWORD
from tests.support.edge import OPENID, Configure, Outbox, Person, Upstream
from tests.support.meter import Meter, metering

pytestmark = pytest.mark.django_db(transaction=True)

ENOUGH = dict.fromkeys(("sms_mobile_gap", "sms_address_hour", "sms_site_hour", "sms_site_day"), (99, 3600))


@pytest.fixture
def meter() -> Iterator[Meter]:
    with metering() as found:
        yield found


def post(path: str, form: dict[str, str]) -> Any:
    return Client().post(path, form, content_type="application/json")


def test_a_session_costs_one_statement_more_and_a_look_into_valkey(meter: Meter, qq: Upstream, person: Any) -> None:
    browser = Person()
    person.social_accounts.create(provider="qq", app_id="101000001", openid=OPENID)
    credentials = {"username": MOBILE, "password": PASSWORD}
    browser.callback()
    post("/authorizations/", credentials)

    state = browser.login_url()["state"]
    assert meter.cost(lambda: browser.callback(state)) == (2, 1)
    assert meter.cost(lambda: post("/authorizations/", credentials)) == (2, 3)
    refresh = {"refresh": post("/authorizations/", credentials).json()["refresh"]}
    rows = Session.objects.count()
    assert meter.cost(lambda: post("/authorizations/refresh/", refresh)) == (2, 0), "the user, the turn"
    assert meter.cost(lambda: post("/authorizations/refresh/", refresh)) == (3, 0), "the same again within the grace"
    assert Session.objects.count() == rows


def test_a_sign_in_by_sms(meter: Meter, person: Any, phonebind: Configure) -> None:
    phonebind(sms_sign_in=True, human_check="none", limits=ENOUGH)

    def form() -> dict[str, str]:
        asked = Client().get(f"/sms_codes/{MOBILE}/", {"purpose": "sign_in"})
        assert asked.status_code == 200, asked.content
        return {"mobile": MOBILE, "sms_code": Outbox.sent[-1].code, "flow": asked.json()["flow"]}

    proofs.record(person, MOBILE, "sms")
    assert post("/authorizations/sms/", form()).status_code == 200
    fields = form()
    assert meter.cost(lambda: post("/authorizations/sms/", fields)) == (5, 6), (
        "whose number it is, when it was proved last, that it is theirs still, now again, the session; the code's "
        "limits 1, the code 1, given back 1, claimed 1, settled 1; whether all was ended 1"
    )
