"""The bind ticket: valid in one browser, for one provider and one app, for ten minutes. That of an app: for its holder,
once.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
import time_machine
from django.core import signing
from django.http import HttpResponse
from pytest_django import Settings

from phonebind import browser as browser_cookies
from phonebind import mobile_proofs, states, store, tickets
from phonebind.exceptions import MobileProofInvalid, StateInvalid, StorageUnavailable, TicketInvalid
from phonebind.oauth import Identity, Provider
from phonebind.tickets import Ticket
from server.processes import Valkey
from tests.support.edge import OPENID
from tests.support.tabs import IDENTITY, Tabs, forged, other_app, other_provider, provider

# ---------------------------------------------------------------- the bind ticket


def test_a_ticket_tells_who_it_was_given_to() -> None:
    browser = Tabs()
    who = Identity("qq", "101000001", OPENID, unionid="U", nickname="小明")
    assert browser.read(browser.ticket(who)) == Ticket(identity=who, next="/cart.html")


def test_threat_2_a_ticket_from_another_browser_is_worth_nothing() -> None:
    ticket = Tabs().ticket()
    stranger = Tabs()
    stranger.ticket()
    for browser in (stranger, Tabs()):
        with pytest.raises(TicketInvalid):
            browser.read(ticket)


def test_threat_2_a_ticket_cannot_be_forged() -> None:
    browser = Tabs()
    for wrong in forged(browser.ticket(), tickets.SALT, states.OLD_SALT):
        with pytest.raises(TicketInvalid):
            browser.read(wrong)


@pytest.mark.parametrize("elsewhere", [other_provider, other_app])
def test_threat_2_a_ticket_is_for_one_provider_and_one_app(elsewhere: Callable[[], Provider]) -> None:
    browser = Tabs()
    ticket = browser.ticket()
    with pytest.raises(TicketInvalid):
        tickets.read(browser.request(), elsewhere(), ticket)


def test_threat_2_state_and_ticket_are_not_each_other() -> None:
    browser = Tabs()
    state, ticket = browser.start(), browser.ticket()
    with pytest.raises(TicketInvalid):
        browser.read(state)
    with pytest.raises(StateInvalid):
        browser.read_state(ticket)


def test_threat_2_two_tickets_in_one_browser_do_not_mix() -> None:
    browser = Tabs()
    other = replace(IDENTITY, openid="F" * 32)
    first, second = browser.ticket(), browser.ticket(other)
    assert browser.read(first).identity == IDENTITY
    assert browser.read(second).identity == other


def test_a_ticket_without_a_browser_is_read_only_where_it_is_asked_for() -> None:
    ticket = tickets.issue_unbound(IDENTITY, "/")
    with pytest.raises(TicketInvalid):
        Tabs().read(ticket)
    assert tickets.read(Tabs().request(), provider(), ticket, unbound=True) == Ticket(identity=IDENTITY, next="/")


def test_a_ticket_that_has_a_browser_is_read_nowhere_else() -> None:
    with pytest.raises(TicketInvalid):
        tickets.read(Tabs().request(), provider(), Tabs().ticket(), unbound=True)


def test_a_ticket_lives_ten_minutes() -> None:
    browser = Tabs()
    with time_machine.travel("2026-01-01T12:00:00Z", tick=False) as clock:
        ticket = browser.ticket()
        clock.shift(tickets.MAX_AGE)
        browser.read(ticket)
        clock.shift(1)
        with pytest.raises(TicketInvalid):
            browser.read(ticket)


def test_a_ticket_of_before_the_upgrade_is_good() -> None:
    browser = Tabs()
    payload = signing.loads(browser.ticket(), salt=tickets.SALT)
    assert browser.read(signing.dumps(payload, salt=tickets.OLD_SALT, compress=True)).identity == IDENTITY


def test_threat_2_a_server_that_is_not_upgraded_yet_refuses_what_it_does_not_know() -> None:
    """An older server makes an Identity of all fields in the ticket. It would accept a loose ticket many times."""
    for ticket in (loose(), Tabs().ticket(replace(IDENTITY, avatar="https://q.qlogo.cn/a"))):
        with pytest.raises(signing.BadSignature):
            signing.loads(ticket, salt="phonebind.ticket.v1")


def test_it_holds_no_secret_of_the_provider_or_of_the_cookie() -> None:
    browser = Tabs()
    content = str(signing.loads(browser.ticket(), salt=tickets.SALT))
    assert provider().settings.client_secret not in content
    assert not [value for value in browser.cookies.values() if value in content]


def test_a_rotated_key_breaks_no_ticket_and_a_withdrawn_one_ends_it(settings: Settings) -> None:
    browser = Tabs()
    ticket, old = browser.ticket(), settings.SECRET_KEY
    settings.SECRET_KEY = "new"
    with pytest.raises(TicketInvalid):
        browser.read(ticket)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert browser.read(ticket).identity == IDENTITY


@pytest.mark.parametrize("char", ["a", "购", "😀"])
def test_the_longest_next_and_name_fit_into_a_cookie(char: str) -> None:
    """Browsers drop a cookie of more than 4096 bytes. The fields of the contract end there too."""
    who = Identity("qq", "9" * 128, "o" * 255, "u" * 255, nickname="😀" * 32, avatar="https://a.example/" + "x" * 238)
    ticket, cookie = tickets.issue(Tabs().request(), who, "/" + char * 511)
    assert len(ticket) + len(cookie.name) <= 4000


# ---------------------------------------------------------------- loose tickets, of apps


def loose() -> str:
    return tickets.issue_loose(IDENTITY, "/")


def read_loose(ticket: str) -> Ticket:
    return tickets.read(Tabs().request(), provider(), ticket, loose=True)


def test_threat_2_a_loose_ticket_is_read_only_where_it_is_asked_for() -> None:
    ticket = loose()
    for unbound in (False, True):
        with pytest.raises(TicketInvalid):
            tickets.read(Tabs().request(), provider(), ticket, unbound=unbound)
    assert read_loose(ticket).identity == IDENTITY
    with pytest.raises(TicketInvalid):
        read_loose(tickets.issue_unbound(IDENTITY, "/"))
    with pytest.raises(TicketInvalid):
        read_loose(Tabs().ticket())


@pytest.mark.parametrize("elsewhere", [other_provider, other_app])
def test_threat_2_a_loose_ticket_is_for_one_provider_and_one_app(elsewhere: Callable[[], Provider]) -> None:
    with pytest.raises(TicketInvalid):
        tickets.read(Tabs().request(), elsewhere(), loose(), loose=True)


def test_threat_2_a_loose_ticket_cannot_be_forged() -> None:
    for wrong in forged(loose(), tickets.SALT, states.OLD_SALT):
        with pytest.raises(TicketInvalid):
            read_loose(wrong)


def test_threat_2_a_loose_ticket_is_spent_once_and_no_other_with_it() -> None:
    first, second = read_loose(loose()), read_loose(loose())
    assert not tickets.is_spent(first)
    tickets.spend(first)
    tickets.spend(first)
    assert tickets.is_spent(first)
    assert not tickets.is_spent(second)
    with store.connection() as client:
        [key] = client.keys("*ticket*")
        assert 0 < client.ttl(key) <= tickets.MAX_AGE


def test_other_tickets_are_not_spent_and_nothing_is_stored_of_them() -> None:
    browser = Tabs()
    ticket = browser.read(browser.ticket())
    tickets.spend(ticket)
    assert not tickets.is_spent(ticket)
    with store.connection() as client:
        assert not client.keys("*ticket*")


def test_without_storage_a_bind_stands_and_a_loose_ticket_is_not_good(valkey: Valkey) -> None:
    ticket = read_loose(loose())
    valkey.stop()
    tickets.spend(ticket)
    with pytest.raises(StorageUnavailable):
        tickets.is_spent(ticket)


# ---------------------------------------------------------------- kept for a reload


def test_a_page_keeps_its_ticket_over_a_reload() -> None:
    browser = Tabs()
    state = browser.read_state(browser.start())
    browser.keep(state, browser.ticket())
    assert browser.read(tickets.kept(browser.request(), state.id)).identity == IDENTITY
    assert tickets.kept(browser.request(), "nothing") == ""


def test_what_is_kept_again_is_not_dropped_as_surplus() -> None:
    browser = Tabs()
    states = [browser.read_state(browser.start()) for _ in range(tickets.MAX_KEPT)]
    for again in [*states, *states]:
        browser.keep(again, "ticket")
        assert tickets.kept(browser.request(), again.id) == "ticket"
    assert [tickets.kept(browser.request(), state.id) for state in states] == ["ticket"] * len(states)


def test_a_kept_ticket_that_has_expired_still_says_where_it_led() -> None:
    browser, response = Tabs(), HttpResponse()
    with time_machine.travel("2026-01-01T12:00:00Z") as clock:
        state = browser.read_state(browser.start("/cart.html"))
        tickets.keep(browser.request(), response, state.id, browser.ticket())
        browser.take(response)
        clock.shift(tickets.MAX_AGE + 1)
        with pytest.raises(TicketInvalid):
            browser.read(tickets.kept(browser.request(), state.id))
        assert tickets.kept_next(browser.request(), state.id) == "/cart.html"
        clock.shift(tickets.KEPT_AGE)
        assert tickets.kept_next(browser.request(), state.id) == ""
    assert tickets.kept_next(browser.request(), "nothing") == ""


def test_of_many_tickets_kept_the_oldest_are_dropped() -> None:
    browser = Tabs()
    states = [browser.read_state(browser.start()) for _ in range(tickets.MAX_KEPT + 1)]
    for state in states:
        browser.keep(state, "ticket")
    assert [tickets.kept(browser.request(), state.id) for state in states] == ["", *["ticket"] * tickets.MAX_KEPT]


def test_kept_tickets_weigh_no_more_than_there_is_room_for() -> None:
    """The oldest is dropped first. The one that was just issued stays, whatever its size."""
    browser = Tabs()
    states = [browser.read_state(browser.start()) for _ in range(3)]
    name = len(f"phonebind_kept_{states[0].id}=; ")
    half = "t" * (tickets.KEPT_ROOM // 2 - name)
    for ticket, left in ((half, [half, half]), (half + "t", [half + "t"]), ("t" * 4_000, ["t" * 4_000])):
        for state in states:
            browser.keep(state, ticket)
        assert [kept for state in states if (kept := tickets.kept(browser.request(), state.id))] == left
        assert tickets.kept(browser.request(), states[-1].id) == ticket


@pytest.mark.parametrize(
    ("address", "left"), [(0, 2), (tickets.ROOM - 1_000, 2), (tickets.ROOM - 999, 1), (tickets.ROOM, 0)]
)
@pytest.mark.parametrize("secure", [False, True])
def test_room_is_made_for_an_address(secure: bool, address: int, left: int) -> None:
    browser = Tabs(secure=secure)
    states = [browser.read_state(browser.start()) for _ in range(2)]
    for state in states:
        response = HttpResponse()
        name = len(f"{'__Host-' if secure else ''}phonebind_kept_{state.id}=; ")
        tickets.keep(browser.request(), response, state.id, "t" * (500 - name))
        browser.take(response)
    others = len(browser.cookies) - 2
    response = HttpResponse()
    tickets.make_room(browser.request(), response, address)
    browser.take(response)
    assert [bool(tickets.kept(browser.request(), state.id)) for state in states] == [left == 2, left > 0]
    assert len(browser.cookies) == others + left


def test_a_kept_ticket_that_has_done_its_work_is_dropped_alone() -> None:
    browser = Tabs()
    states = [browser.read_state(browser.start()) for _ in range(2)]
    for state in states:
        browser.keep(state, "ticket")
    response = HttpResponse()
    tickets.drop(browser.request(), response, states[0].id)
    tickets.drop(browser.request(), response, "0" * 12)
    browser.take(response)
    assert [tickets.kept(browser.request(), state.id) for state in states] == ["", "ticket"]
    assert len(response.cookies) == 1


@pytest.mark.parametrize("char", [" ", "(", ",", '"', "é"])
def test_threat_18_a_ticket_may_be_kept_under_what_no_answer_can_repeat(char: str) -> None:
    browser, response = Tabs(), HttpResponse()
    browser.cookies = {f"phonebind_kept_{char}": "x"}
    tickets.drop(browser.request(), response, char)
    assert not response.cookies


@pytest.mark.parametrize("secure", [False, True])
def test_whoever_comes_next_to_this_browser_finds_no_sign_in_of_the_one_before(secure: bool) -> None:
    browser = Tabs(secure=secure)
    others = {"sessionid": "S", "__Host-cart": "C", "my_phonebind_flow": "F", "phonebind": "P"}
    browser.cookies |= others
    state, ticket, response = browser.read_state(browser.start()), browser.ticket(), HttpResponse()
    tickets.keep(browser.request(), response, state.id, ticket)
    browser.take(response)
    assert len(browser.cookies) == len(others) + 3
    response = HttpResponse()
    browser_cookies.forget_all(browser.request(), response)
    assert {morsel["secure"] for morsel in response.cookies.values()} == {secure or ""}
    browser.take(response)
    assert browser.cookies == others


# ---------------------------------------------------------------- a person at the form has forgotten the password


def test_a_renewed_ticket_lives_as_long_again_and_is_kept_for_its_form() -> None:
    browser = Tabs()
    with time_machine.travel(0, tick=False) as clock:
        ticket = browser.read(browser.ticket())
        clock.shift(tickets.MAX_AGE - 1)
        text = browser.renew("0123456789ab", ticket)
        clock.shift(tickets.MAX_AGE - 1)
        assert tickets.kept(browser.request(), "0123456789ab") == text
        assert browser.read(text) == replace(ticket, renewed=True)
        with pytest.raises(TicketInvalid):
            Tabs().read(text)


def test_the_old_one_ends_when_it_would_have() -> None:
    browser = Tabs()
    with time_machine.travel(0, tick=False) as clock:
        old = browser.ticket()
        clock.shift(tickets.MAX_AGE - 1)
        browser.renew("0123456789ab", browser.read(old))
        browser.read(old)
        clock.shift(2)
        with pytest.raises(TicketInvalid):
            browser.read(old)


def test_a_mobile_that_was_proved_on_the_way_binds_once() -> None:
    browser = Tabs()
    ticket = browser.read(browser.ticket())
    assert mobile_proofs.of(ticket) is None
    renewed = browser.read(browser.renew("0123456789ab", ticket, proved="13900000001"))
    proof = mobile_proofs.of(renewed)
    assert proof
    mobile = mobile_proofs.read(proof.token, IDENTITY)
    assert (mobile.number, mobile.proved_by, mobile.claim()) == ("13900000001", "sms", True)
    mobile.settle()
    again = mobile_proofs.of(renewed)
    assert again
    assert not again.mobile.claim()
    with pytest.raises(MobileProofInvalid):
        mobile_proofs.read(again.token, replace(IDENTITY, openid="another"))


@pytest.mark.parametrize("flow", ["x", "é", "a b;c", "\r\nSet-Cookie: a", ""])
def test_nothing_is_kept_for_a_form_that_is_none(flow: str) -> None:
    browser = Tabs()
    text = browser.renew(flow, browser.read(browser.ticket()))
    assert not tickets.kept(browser.request(), flow)
    browser.read(text)
