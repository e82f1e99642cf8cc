"""The SMS to an old number, when the number of its account is to change."""

import re
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.utils import translation

from phonebind import sms, sms_texts
from phonebind.exceptions import SmsMisconfigured
from phonebind.lifecycle import checks, notices
from phonebind.lifecycle.models import MobileChange
from phonebind.sms import MOBILE_CHANGE, Message, registry
from phonebind.sms.templates import Templates
from tests.lifecycle.conftest import MOBILE, Account
from tests.lifecycle.test_numbers import NEW, OTHER, change
from tests.support.edge import Configure, Outbox

pytestmark = pytest.mark.django_db(transaction=True)
Device = Callable[..., Account]

OLD_GATEWAY = "tests.lifecycle.test_notices.Plain"


class Plain:
    """A host's gateway that can send codes only."""

    sent: ClassVar[list[Message]] = []

    def check(self) -> list[str]:
        return []

    def send(self, message: Message) -> None:
        Plain.sent.append(message)


@pytest.fixture(autouse=True)
def outbox(phonebind: Configure) -> None:
    Plain.sent.clear()


def test_threat_32_the_old_number_is_told_once(person: Any, device: Device) -> None:
    one = device()
    assert change(one, "password").status_code == 202
    [told] = Outbox.sent
    assert (told.mobile, told.purpose, told.code) == (MOBILE, "mobile_change", "")
    # The owner of the old number must not see the new number.
    assert not re.search(r"\d{3}", told.text.replace("72", ""))
    assert change(one, "password").status_code == 202
    assert change(one, "password", OTHER).status_code == 409
    assert len(Outbox.sent) == 1


def test_who_shows_the_old_number_is_told_nothing(person: Any, device: Device) -> None:
    assert change(device()).status_code == 200
    assert not Outbox.sent


def test_threat_32_no_more_than_three_a_day(person: Any, device: Device) -> None:
    one = device()
    for _ in range(5):
        assert change(one, "password").status_code == 202
        assert one.ask("delete", "/account/mobile/").status_code == 204
    assert len(Outbox.sent) == 3


def test_the_codes_of_the_number_leave_room_for_it(person: Any, device: Device, phonebind: Configure) -> None:
    """Otherwise an attacker could use up the number's limit, and the owner would not hear of the change."""
    phonebind(limits=dict.fromkeys(("sms_mobile_gap", "sms_mobile_hour", "sms_mobile_day", "sms_site_day"), (0, 60)))
    assert change(device(), "password").status_code == 202
    assert len(Outbox.sent) == 1


@pytest.mark.parametrize("fault", ["refuse", "mute", "bug", "unusable", "old gateway"])
def test_whatever_becomes_of_it_the_change_waits(
    person: Any, device: Device, phonebind: Configure, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    match fault:
        case "bug":
            Outbox.error = RuntimeError(f"no SMS to {MOBILE}")
        case "unusable":
            phonebind(sms={"gateway": "nowhere.Gateway"})
        case "old gateway":
            phonebind(sms={"gateway": OLD_GATEWAY})
        case _:
            setattr(Outbox, fault, True)
    assert change(device(), "password").status_code == 202
    assert MobileChange.objects.get().mobile == NEW
    assert "was not notified" in caplog.text
    assert MOBILE not in caplog.text
    assert not Plain.sent


def test_it_can_be_turned_off(person: Any, device: Device, phonebind: Configure) -> None:
    phonebind(mobile_change_notice=False)
    assert change(device(), "password").status_code == 202
    assert not Outbox.sent
    notices.mobile_change("")


def test_where_one_gateway_cannot_say_it_the_next_does(phonebind: Configure) -> None:
    both = [{"gateway": OLD_GATEWAY}, {"gateway": "tests.support.edge.Outbox"}]
    phonebind(sms={"gateway": "failover", "gateways": both})
    notices.mobile_change(MOBILE)
    assert (len(Plain.sent), len(Outbox.sent)) == (0, 1)


def message() -> Message:
    return Message(mobile=MOBILE, code="", minutes=4320, text="", purpose=MOBILE_CHANGE)


def test_vendors_with_templates(phonebind: Configure) -> None:
    codes = dict.fromkeys(sms.PURPOSES, "SMS_1")
    named, ordered = (Templates(codes | {MOBILE_CHANGE: "SMS_9"}, params) for params in ({"c": "code"}, ["code"]))
    assert (named.id(message()), named.named(message()), ordered.in_order(message())) == ("SMS_9", {}, [])
    assert Templates(codes | {MOBILE_CHANGE: " "}, ["code"]).problems(list)
    assert Templates(codes, ["code"]).problems(list) == []
    for templates, told in ((codes, False), (codes | {MOBILE_CHANGE: "SMS_9"}, True), ("SMS_1", False)):
        keys = {"access_key_id": "i", "access_key_secret": "s", "sign_name": "n", "templates": templates}
        gateway = registry.make({"gateway": "aliyun", **keys})
        assert registry.says(gateway, MOBILE_CHANGE) is told
        if not told:
            with pytest.raises(SmsMisconfigured):
                registry.attempt(gateway, message())
        phonebind(sms={"gateway": "aliyun", **keys})
        assert [each.id for each in checks.check_notices()] == ([] if told else ["phonebind.W103"])
    phonebind(mobile_change_notice=False)
    assert checks.check_notices() == []


@pytest.mark.parametrize("gateway", ["console", "sandbox", "http"])
def test_gateways_that_take_any_text_say_it(gateway: str) -> None:
    options = {"http": {"endpoint": "https://bridge.example/", "secret": "whsec_"}}.get(gateway, {})
    assert registry.says(registry.make({"gateway": gateway, **options}), MOBILE_CHANGE)


@pytest.mark.parametrize("site", ["店", "店" * 13, "Shop" * 20])
def test_it_is_one_sms(site: str) -> None:
    with translation.override("en"):
        text = sms_texts.code_text(MOBILE_CHANGE, site, "", 4320)
    assert sms_texts.is_one(text)
    assert "72 h" in text
