"""Where SMS requests come from: by networks, and by the first digits of the numbers."""

from datetime import UTC, datetime, timedelta

import pytest

from phonebind.operations.models import SecurityEvent
from phonebind.operations.reports import networks
from tests.operations.reports.days_of import event

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 8, 3, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def ask(address: str, number: str = "a", mobile: str = "138****0001", times: int = 1) -> None:
    event(NOON, "sms_code", "sent", address=address, mobile_hmac=number, mobile=mobile, count=times).save()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.0.0/16"),
        ("1.2.3.4", "1.2.0.0/16"),
        ("2001:db8:1:2::/64", "2001:db8::/32"),
        ("2001:db8::/64", "2001:db8::/32"),
        ("2001::/64", "2001::/32"),
        ("fe80::/64", "fe80::/32"),
        ("::/64", "::/32"),
        ("unknown", "unknown"),
        ("", "unknown"),
    ],
)
def test_an_address_belongs_to_a_network(address: str, network: str) -> None:
    ask(address)
    [found] = networks.by_network(NOON, LATER)
    assert (found.network, found.sent, found.numbers) == (network, 1, 1)


def test_the_greatest_come_first() -> None:
    for part in range(15):
        ask(f"10.{part}.0.1", times=part + 1)
    found = networks.by_network(NOON, LATER)
    assert [each.network for each in found[:2]] == ["10.14.0.0/16", "10.13.0.0/16"]
    assert len(found) == networks.TOP


def test_a_network_has_sms_numbers_and_codes_that_were_used() -> None:
    for number in "aab":
        ask("203.0.113.9", number)
    ask("198.51.100.7", "c")
    for number in "aaz":
        event(NOON, "bind", "bound", mobile_hmac=number, address="203.0.1.1").save()
    first, second = networks.by_network(NOON, LATER)
    assert (first.sent, first.numbers, first.used, first.each) == (3, 2, 1, 1.5)
    assert (second.sent, second.used) == (1, 0)


def test_numbers_are_told_by_their_beginning_alone() -> None:
    ask("203.0.113.9", "a", "165****0001")
    ask("203.0.113.9", "b", "165****0002")
    ask("203.0.113.9", "c", "138****0003")
    assert [(each.start, each.sent) for each in networks.by_number(NOON, LATER)] == [("165", 2), ("138", 1)]


def test_the_same_networks_the_day_before() -> None:
    ask("203.0.113.9")
    SecurityEvent.objects.update(at=NOON - timedelta(days=1))
    day = timedelta(days=1)
    assert networks.sent_of(["203.0.", "10.0."], NOON - day, LATER - day) == {"203.0.": 1}
    assert networks.sent_of(["203.0."], NOON, LATER) == {}
