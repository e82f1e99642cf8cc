"""A thousand requests at once, over HTTP, against four worker processes."""

from collections import Counter
from functools import partial
from typing import Any

import pytest

from phonebind.models import SocialAccount
from server.users.models import User
from tests.support.torture import scale
from tests.torture.people import PASSWORD, Person, Reply, Shop, at_once
from tests.torture.report import Note

MOBILE = "13900000001"
MANY = scale(1000, 100)
SITE_BUDGET = 50
SETTINGS = {
    "LIMITS": {"sms_site_hour": (SITE_BUDGET, 3600), "password_address": (10**6, 900)},
    "SMS_SLOTS": 16,  # a request that finds no slot sends no SMS, and these tests count the SMS
}


def counts() -> tuple[int, int]:
    return User.objects.count(), SocialAccount.objects.count()


def is_clean(replies: list[Reply]) -> bool:
    """Each answer is a success, or an error of the contract that says what to do. A 5xx is allowed only when no slot to
    hash is free.
    """
    return all(
        reply.status in (200, 201)
        or reply.outcome == "server_busy"
        or (400 <= reply.status < 500 and reply.data["code"])
        for reply in replies
    )


def tally(replies: list[Reply]) -> Counter[str]:
    return Counter(reply.outcome for reply in replies)


def told(replies: list[Reply]) -> str:
    return ", ".join(f"{number} × {outcome}" for outcome, number in tally(replies).most_common())


def a_code(shop: Shop, person: Person) -> str:
    assert person.ask_for_sms().status == 200
    return shop.outside.code(person.mobile)


def one_binds(shop: Shop, crowd: list[Person]) -> list[Reply]:
    """All use one code at once. The result is one account and one binding."""
    tickets = [person.ticket() for person in crowd]
    code = a_code(shop, crowd[0])
    replies = at_once([partial(one.bind, ticket, code) for one, ticket in zip(crowd, tickets, strict=True)])
    assert is_clean(replies), tally(replies)
    assert tally(replies)["201"] == 1
    # Some requests had passed the check of the code when another took it. They were then asked for the account's
    # password.
    assert tally(replies).keys() <= {"201", "sms_code_invalid", "too_many_attempts", "server_busy"}
    assert counts() == (1, 1)
    return replies


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_threat_5_one_form_submitted_by_a_thousand_clicks(shop: Shop, note: Note, known: bool) -> None:
    if known:
        User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)
    person = Person(shop, "A" * 32, MOBILE)
    ticket, code = person.ticket(), a_code(shop, person)
    replies = at_once([partial(person.bind, ticket, code)] * MANY)
    assert is_clean(replies), tally(replies)
    accounts = {reply.data["id"] for reply in replies if reply.status == 201}
    assert len(accounts) == 1
    assert counts() == (1, 1)
    assert tally(replies).keys() <= {"201", "too_many_attempts", "server_busy"}
    assert person.bind(ticket, code).status == 201
    what = f"{MANY} identical submits at once, {'a known' if known else 'a new'} mobile"
    note(what, accounts=counts()[0], bindings=counts()[1], answers=told(replies))


def test_threat_11_a_thousand_identities_bind_one_new_mobile(shop: Shop, note: Note) -> None:
    crowd = [Person(shop, f"{number:032X}", MOBILE, f"10.1.{number >> 8}.{number & 255}") for number in range(MANY)]
    replies = one_binds(shop, crowd)
    note(f"{MANY} identities bind one new mobile at once", accounts=1, bindings=1, answers=told(replies))


def test_threat_11_one_code_used_by_a_hundred(shop: Shop, note: Note) -> None:
    """The account is known, and all of them know its password."""
    User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)
    crowd = [Person(shop, f"{number:032X}", MOBILE, f"10.1.0.{number}") for number in range(100)]
    replies = one_binds(shop, crowd)
    note("one SMS code used by 100 at once", accounts=1, bindings=1, answers=told(replies))


def test_threat_10_a_hundred_guesses(shop: Shop, note: Note) -> None:
    """From as many identities and as many addresses."""
    crowd = [Person(shop, f"{number:032X}", MOBILE, f"10.1.0.{number}") for number in range(100)]
    tickets = [person.ticket() for person in crowd]
    code = a_code(shop, crowd[0])
    guesses = [f"{(int(code) + step) % 10**6:06}" for step in range(1, 101)]
    before = _increments(shop)
    acts = zip(crowd, tickets, guesses, strict=True)
    replies = at_once([partial(person.bind, ticket, guess) for person, ticket, guess in acts])
    # Each guess counts in two limits, and once more if it was compared.
    evaluated = _increments(shop) - before - 2 * 100
    assert tally(replies) == {"sms_code_invalid": 100}
    assert evaluated == 5
    assert crowd[0].bind(tickets[0], code).outcome == "sms_code_invalid", "burnt"
    assert counts() == (0, 0)
    note("100 guesses of an SMS code at once", evaluated=evaluated, answers=told(replies))


def test_threat_49_a_hundred_guesses_of_one_identity(shop: Shop, note: Note) -> None:
    """At as many mobiles, from as many addresses."""
    person = Person(shop, "A" * 32, MOBILE)
    ticket = person.ticket()
    guesses = [Person(shop, "A" * 32, f"139000{number:05}") for number in range(100)]
    for one in guesses:
        one.cookies = person.cookies
    replies = at_once([partial(one.bind, ticket, "000000") for one in guesses])
    assert tally(replies) == {"sms_code_invalid": 10, "too_many_attempts": 90}
    note("100 guesses of one identity at once", evaluated=10, answers=told(replies))


def _increments(shop: Shop) -> int:
    statistics: Any = shop.valkey.info("commandstats")
    return int(statistics.get("cmdstat_hincrby", {"calls": 0})["calls"])


def test_threat_12_a_hundred_passwords(shop: Shop, note: Note) -> None:
    User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)
    person = Person(shop, "A" * 32, MOBILE)

    def guess(number: int) -> Reply:
        return person.request("POST", "/authorizations/", {"username": MOBILE, "password": f"wrong-{number}"})

    replies = at_once([partial(guess, number) for number in range(100)])
    evaluated = tally(replies)["credentials_invalid"]
    assert 1 <= evaluated <= 5
    # A wrong password costs as much as all hashers together, so some requests find no slot to hash. Their password is
    # not checked.
    assert tally(replies).keys() <= {"credentials_invalid", "too_many_attempts", "server_busy"}
    note("100 wrong passwords at once", evaluated=evaluated, answers=told(replies))


@pytest.mark.parametrize(
    ("what", "mobile", "address", "sent", "refused"),
    [
        ("for one mobile", lambda n: MOBILE, lambda n: f"10.2.0.{n}", 1, "sms_too_frequent"),
        ("from one address", lambda n: f"139000{n:05}", lambda n: "10.2.0.1", 20, "sms_quota"),
        ("from one IPv6 /64", lambda n: f"139000{n:05}", lambda n: f"2001:db8::{n:x}", 20, "sms_quota"),
        ("against the site's budget", lambda n: f"139000{n:05}", lambda n: f"10.2.0.{n}", SITE_BUDGET, "sms_quota"),
    ],
    ids=["mobile", "address", "ipv6", "site"],
)
def test_threat_13_two_hundred_sms_at_once(
    shop: Shop, note: Note, what: str, mobile: Any, address: Any, sent: int, refused: str
) -> None:
    before = len(shop.outside.sent)
    crowd = [Person(shop, f"{n:032X}", mobile(n), address(n)) for n in range(200)]
    replies = at_once([person.ask_for_sms for person in crowd])
    assert tally(replies) == {"200": sent, refused: 200 - sent}
    assert len(shop.outside.sent) - before == sent
    assert all(reply.data["retry_after"] > 0 for reply in replies if reply.status == 429)
    note(f"200 SMS requests at once {what}", sent=sent, answers=told(replies))


@pytest.mark.parametrize(
    "spelling",
    ["+8613900000001", "8613900000001", "139 0000 0001", "139-0000-0001", " 13900000001", "１３９０００００００１"],
)
def test_threat_13_another_spelling_is_no_second_quota(shop: Shop, spelling: str) -> None:
    person = Person(shop, "A" * 32, MOBILE)
    before = len(shop.outside.sent)
    assert person.ask_for_sms().status == 200
    assert person.ask_for_sms(spelling).outcome == "sms_too_frequent"
    assert shop.outside.sent[before:] == [MOBILE]
