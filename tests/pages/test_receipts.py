"""What the bind page says about an SMS that did not arrive, without a script and to its script."""

from typing import Any

import pytest
from django.test import Client

from phonebind.sms import receipts
from phonebind.sms.receipts import Receipt
from server.processes import Valkey
from tests.pages.conftest import Shopper
from tests.support.edge import Configure, Upstream
from tests.support.receipts import VENDOR_ID, VENDORS

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MOBILE = "13900000001"
BUTTON = "Nothing arrived?"
OFF = "The carrier says that this phone is off or out of service."


@pytest.fixture
def vendor(phonebind: Configure, upstream: Upstream, qq: Upstream) -> str:
    """Aliyun, with receipts on."""
    phonebind(sms=VENDORS["aliyun"].at(upstream.url), sms_receipts="pull")
    upstream.answer("/", VENDORS["aliyun"].sent)
    return "aliyun"


def sent(shopper: Shopper) -> tuple[str, dict[str, str], Any]:
    """The form's address, the fields that a browser would send after a code was sent, and that page."""
    url = shopper.arrive()
    answer = shopper.send_code(url, shopper.form(url) | {"mobile": MOBILE})
    assert answer.status_code == 200
    return url, shopper.inputs(answer), answer


def fail() -> None:
    receipts.record("aliyun", [Receipt(VENDOR_ID, MOBILE, "failed", "off")])


def test_where_receipts_are_off_nothing_of_it_is_on_the_page(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    form = shopper.form(url) | {"mobile": MOBILE}
    for page in (shopper.http.get(url), shopper.send_code(url, form)):
        html = page.content.decode()
        assert "receipt" not in html
        assert BUTTON not in html
    answer = shopper.submit(url, form | {"action": "receipt", "receipt": "a" * 20}, script=True)
    assert (answer.status_code, answer.json()["code"]) == (404, "receipt_unknown")


def test_before_a_code_was_sent_there_is_nothing_to_ask(shopper: Shopper, vendor: str) -> None:
    html = shopper.http.get(shopper.arrive()).content.decode()
    assert '<p class="other" hidden data-receipt>' in html
    assert "/receipt.js" in html


def test_without_a_script_the_page_comes_back_with_the_state(shopper: Shopper, vendor: str) -> None:
    url, form, page = sent(shopper)
    assert '<p class="other" data-receipt>' in page.content.decode()
    assert BUTTON in page.content.decode()
    asked = form | {"action": "receipt", "sms_code": "12"}
    waiting = shopper.submit(url, asked)
    assert waiting.status_code == 200
    assert "There is no news from the carrier yet." in waiting.content.decode()
    fail()
    failed = shopper.submit(url, shopper.inputs(waiting) | {"action": "receipt"})
    assert OFF in failed.content.decode()
    kept = shopper.inputs(failed)
    assert (kept["mobile"], kept["sms_code"], kept["receipt"]) == (MOBILE, "12", form["receipt"])


def test_it_is_still_asked_for_after_a_wrong_code(shopper: Shopper, vendor: str) -> None:
    url, form, _ = sent(shopper)
    wrong = shopper.submit(url, form | {"action": "bind", "sms_code": "000000", "password": "horse-staple-9"})
    assert "Wrong SMS code" in wrong.content.decode()
    fail()
    assert OFF in shopper.submit(url, shopper.inputs(wrong) | {"action": "receipt"}).content.decode()


def test_the_script_gets_it_as_json(shopper: Shopper, vendor: str) -> None:
    url = shopper.arrive()
    form = shopper.form(url) | {"mobile": MOBILE}
    receipt = shopper.send_code(url, form, script=True).json()["receipt"]
    fail()
    answer = shopper.submit(url, form | {"action": "receipt", "receipt": receipt}, script=True)
    assert answer.json() == {"state": "failed", "reason": "off", "message": OFF}


@pytest.mark.parametrize("script", [False, True])
@pytest.mark.parametrize("receipt", ["", "b" * 20, "<b>"])
def test_an_unknown_one_is_told(shopper: Shopper, vendor: str, receipt: str, script: bool) -> None:
    url, form, _ = sent(shopper)
    answer = shopper.submit(url, form | {"action": "receipt", "receipt": receipt}, script=script)
    assert answer.status_code == 404
    assert "Nothing is known about this SMS." in answer.content.decode()
    assert "<b>" not in answer.content.decode()


@pytest.mark.parametrize("changes", [{"mobile": "1"}, {"receipt": "a" * 33}], ids=str)
def test_a_form_of_another_shape_is_refused(shopper: Shopper, vendor: str, changes: dict[str, str]) -> None:
    url, form, _ = sent(shopper)
    assert shopper.submit(url, form | {"action": "receipt", **changes}).status_code == 400


def test_nobody_asks_without_the_ticket(shopper: Shopper, vendor: str) -> None:
    url, form, _ = sent(shopper)
    answer = Client().post(url, form | {"action": "receipt"}, headers={"accept": "application/json"})
    assert answer.json()["code"] == "ticket_invalid"


def test_the_store_is_down(shopper: Shopper, vendor: str, valkey: Valkey) -> None:
    url, form, _ = sent(shopper)
    valkey.stop()
    answer = shopper.submit(url, form | {"action": "receipt"})
    assert answer.status_code == 503
    assert MOBILE in answer.content.decode()
