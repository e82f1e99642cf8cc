"""State and bind ticket: of use to one browser, one provider, one app, for ten minutes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie

import pytest
import time_machine
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from phonebind import oauth, tickets
from phonebind.conf import conf
from phonebind.exceptions import StateInvalid, TicketInvalid
from phonebind.oauth import QQ, Identity, Provider  # type: ignore[attr-defined]
from phonebind.tickets import STATE_SALT, TICKET_SALT, Ticket
from tests.support.edge import OPENID, Configure

IDENTITY = Identity("qq", "101000001", OPENID, nickname="小明")


class Browser:
    """Keeps cookies as browsers do: the oldest is sent first, and what is set again keeps its place."""

    def __init__(self, *, secure: bool = False) -> None:
        self.cookies: dict[str, str] = {}
        self.secure = secure

    def request(self) -> HttpRequest:
        header = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return RequestFactory().get("/", secure=self.secure, headers={"Cookie": header})

    def take(self, response: HttpResponse) -> SimpleCookie:
        for name, morsel in response.cookies.items():
            if morsel["max-age"] == 0:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
        return response.cookies

    def start(self, next_url: str = "/cart.html") -> str:
        state, cookie = tickets.start(self.request(), provider(), next_url)
        self.keep(cookie)
        return state

    def ticket(self, identity: Identity = IDENTITY) -> str:
        ticket, cookie = tickets.issue(self.request(), identity, "/cart.html")
        self.keep(cookie)
        return ticket

    def keep(self, cookie: tickets.Cookie) -> SimpleCookie:
        response = HttpResponse()
        tickets.remember(self.request(), response, cookie)
        return self.take(response)

    def forget(self, state: str) -> None:
        response = HttpResponse()
        tickets.forget(self.request(), response, tickets.parse_state(provider(), state))
        self.take(response)

    def read_state(self, state: str) -> tickets.State:
        return tickets.read_state(self.request(), provider(), state)

    def read(self, ticket: str) -> Ticket:
        return tickets.read(self.request(), provider(), ticket)


class Other(QQ):
    """Another provider that happens to have given us the same app id."""

    name = "other"


def provider() -> Provider:
    return oauth.get("qq")


def other_provider() -> Provider:
    return Other(conf.provider("qq"))


def other_app() -> Provider:
    entry = conf.provider("qq")
    return QQ(replace(entry, client_id="101000002"))


def forged(token: str, salt: str) -> list[str]:
    """What someone without our key can make of it."""
    payload, stamp, signature = token.rsplit(":", 2)
    later = signing.b62_encode(signing.b62_decode(stamp) + 100)
    other_salt = {STATE_SALT: TICKET_SALT, TICKET_SALT: STATE_SALT}[salt]
    content = signing.loads(token, salt=salt)
    return [
        "",
        ":",
        "::",
        "a.b.c",
        "null",
        payload,
        f"{payload}:{stamp}",
        f"{payload}:{stamp}:",
        f"{payload}:{later}:{signature}",
        f"{payload}:{stamp}:{signature[:-1]}",
        f"{payload[:-1]}:{stamp}:{signature}",
        f"x{token}",
        f"{token} ",
        f"{token}\n",
        f"{token}\x00",
        token.upper(),
        "．" + token,
        "\ud800",
        signing.dumps(content, salt=other_salt),
        signing.dumps(content),
        signing.dumps(content, key="another", salt=salt),
    ]


# ---------------------------------------------------------------- the state


def test_a_state_comes_back_to_the_browser_that_started_it() -> None:
    browser = Browser()
    assert browser.read_state(browser.start("/cart.html?a=1")).next == "/cart.html?a=1"


def test_threat_1_a_state_from_another_browser_is_worth_nothing() -> None:
    state = Browser().start()
    stranger = Browser()
    stranger.start()
    for browser in (stranger, Browser()):
        with pytest.raises(StateInvalid):
            browser.read_state(state)


def test_threat_1_the_right_cookie_name_with_another_value_does_not_help() -> None:
    browser = Browser()
    state = browser.start()
    for value in ("", "x", "\x80"):
        browser.cookies = dict.fromkeys(browser.cookies, value)
        with pytest.raises(StateInvalid):
            browser.read_state(state)


def test_a_cookie_of_half_a_character_is_no_crash() -> None:
    browser = Browser()
    state = browser.start()
    request = browser.request()
    request.META["HTTP_COOKIE"] = "; ".join(f"{name}=\ud800" for name in request.COOKIES)
    with pytest.raises(StateInvalid):
        tickets.read_state(request, provider(), state)


def test_threat_1_a_state_cannot_be_forged() -> None:
    browser = Browser()
    for wrong in forged(browser.start(), STATE_SALT):
        with pytest.raises(StateInvalid):
            browser.read_state(wrong)


@pytest.mark.parametrize("elsewhere", [other_provider, other_app])
def test_threat_1_the_provider_and_the_app_are_inside_the_signature(elsewhere: Callable[[], Provider]) -> None:
    browser = Browser()
    state = browser.start()
    with pytest.raises(StateInvalid):
        tickets.read_state(browser.request(), elsewhere(), state)
    with pytest.raises(StateInvalid):
        tickets.parse_state(elsewhere(), state)


def test_threat_1_a_state_is_used_once() -> None:
    browser = Browser()
    state = browser.start()
    browser.forget(state)
    assert not browser.cookies
    with pytest.raises(StateInvalid):
        browser.read_state(state)


def test_a_used_state_still_tells_where_it_was_to_lead() -> None:
    browser = Browser()
    state = browser.start("/cart.html")
    browser.forget(state)
    assert tickets.parse_state(provider(), state).next == "/cart.html"


def test_several_tabs_at_once_and_each_ends_by_itself() -> None:
    browser = Browser()
    states = [browser.start(f"/{tab}") for tab in range(5)]
    for tab in (3, 0, 4, 1, 2):
        assert browser.read_state(states[tab]).next == f"/{tab}"
        browser.forget(states[tab])


def test_of_many_sign_ins_begun_the_oldest_are_dropped() -> None:
    browser = Browser()
    states = [browser.start(f"/{tab}") for tab in range(tickets.MAX_OPEN + 3)]
    assert len(browser.cookies) == tickets.MAX_OPEN
    for state in states[3:]:
        browser.read_state(state)
    with pytest.raises(StateInvalid):
        browser.read_state(states[2])


@pytest.fixture
def later() -> Iterator[Callable[[float], None]]:
    """Turns the clock forward by so many seconds."""
    now = datetime.now(UTC)
    with time_machine.travel(now) as clock:
        yield lambda seconds: clock.move_to(now + timedelta(seconds=seconds))


def test_both_live_for_ten_minutes(later: Callable[[float], None]) -> None:
    browser = Browser()
    state, ticket = browser.start(), browser.ticket()
    later(595)
    browser.read_state(state)
    browser.read(ticket)
    later(605)
    with pytest.raises(StateInvalid):
        browser.read_state(state)
    with pytest.raises(StateInvalid):
        tickets.parse_state(provider(), state)
    with pytest.raises(TicketInvalid):
        browser.read(ticket)


# ---------------------------------------------------------------- the bind ticket


def test_a_ticket_tells_who_it_was_given_to() -> None:
    browser = Browser()
    who = Identity("qq", "101000001", OPENID, unionid="U", nickname="小明")
    assert browser.read(browser.ticket(who)) == Ticket(identity=who, next="/cart.html")


def test_threat_2_a_ticket_from_another_browser_is_worth_nothing() -> None:
    ticket = Browser().ticket()
    stranger = Browser()
    stranger.ticket()
    for browser in (stranger, Browser()):
        with pytest.raises(TicketInvalid):
            browser.read(ticket)


def test_threat_2_a_ticket_cannot_be_forged() -> None:
    browser = Browser()
    for wrong in forged(browser.ticket(), TICKET_SALT):
        with pytest.raises(TicketInvalid):
            browser.read(wrong)


@pytest.mark.parametrize("elsewhere", [other_provider, other_app])
def test_threat_2_a_ticket_is_for_one_provider_and_one_app(elsewhere: Callable[[], Provider]) -> None:
    browser = Browser()
    ticket = browser.ticket()
    with pytest.raises(TicketInvalid):
        tickets.read(browser.request(), elsewhere(), ticket)


def test_threat_2_state_and_ticket_are_not_each_other() -> None:
    browser = Browser()
    state, ticket = browser.start(), browser.ticket()
    with pytest.raises(TicketInvalid):
        browser.read(state)
    with pytest.raises(StateInvalid):
        browser.read_state(ticket)


def test_threat_2_two_tickets_in_one_browser_do_not_mix() -> None:
    browser = Browser()
    other = replace(IDENTITY, openid="F" * 32)
    first, second = browser.ticket(), browser.ticket(other)
    assert browser.read(first).identity == IDENTITY
    assert browser.read(second).identity == other


def test_a_ticket_without_a_browser_is_read_only_where_it_is_asked_for() -> None:
    ticket = tickets.issue_unbound(IDENTITY, "/")
    with pytest.raises(TicketInvalid):
        Browser().read(ticket)
    assert tickets.read(Browser().request(), provider(), ticket, unbound=True) == Ticket(identity=IDENTITY, next="/")


def test_a_ticket_that_has_a_browser_is_read_nowhere_else() -> None:
    with pytest.raises(TicketInvalid):
        tickets.read(Browser().request(), provider(), Browser().ticket(), unbound=True)


def test_neither_holds_a_secret_of_the_provider_or_of_the_cookie() -> None:
    browser = Browser()
    for token, salt in ((browser.start(), STATE_SALT), (browser.ticket(), TICKET_SALT)):
        content = str(signing.loads(token, salt=salt))
        assert conf.provider("qq").client_secret not in content
        assert not [value for value in browser.cookies.values() if value in content]


# ---------------------------------------------------------------- the keys change


def test_a_rotated_key_breaks_nothing_that_is_under_way(settings: Settings) -> None:
    browser = Browser()
    state, ticket = browser.start(), browser.ticket()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new"
    assert browser.read_state(state).next == "/cart.html"
    assert browser.read(ticket).identity == IDENTITY


def test_a_withdrawn_key_ends_what_it_signed(settings: Settings) -> None:
    browser = Browser()
    state, ticket = browser.start(), browser.ticket()
    settings.SECRET_KEY = "new"
    with pytest.raises(StateInvalid):
        browser.read_state(state)
    with pytest.raises(TicketInvalid):
        browser.read(ticket)


# ---------------------------------------------------------------- the cookies


def test_the_cookies_are_for_this_server_alone() -> None:
    browser = Browser(secure=True)
    cookie = tickets.start(browser.request(), provider(), "/")[1]
    [morsel] = browser.keep(cookie).values()
    assert morsel.key.startswith("__Host-phonebind_flow_")
    assert (morsel["httponly"], morsel["secure"], morsel["samesite"]) == (True, True, "Lax")
    assert (morsel["path"], morsel["domain"], morsel["max-age"]) == ("/", "", 600)


def test_over_plain_http_they_are_sent_at_all() -> None:
    browser = Browser()
    [morsel] = browser.keep(tickets.start(browser.request(), provider(), "/")[1]).values()
    assert morsel.key.startswith("phonebind_flow_")
    assert not morsel["secure"]


def test_behind_a_proxy_that_speaks_http_to_us_they_are_secure_all_the_same(settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = True
    browser = Browser()
    [morsel] = browser.keep(tickets.start(browser.request(), provider(), "/")[1]).values()
    assert morsel.key.startswith("__Host-")
    assert morsel["secure"]


def test_a_secure_sign_in_takes_no_cookie_that_another_host_may_have_planted() -> None:
    attacker = Browser()
    state = attacker.start()
    victim = Browser(secure=True)
    victim.cookies = attacker.cookies
    with pytest.raises(StateInvalid):
        victim.read_state(state)


@pytest.mark.parametrize("samesite", ["Lax", "None"])
def test_a_browser_accepts_what_removes_a_cookie(phonebind: Configure, samesite: str) -> None:
    """Browsers ignore a removal without Secure where the cookie needs it."""
    phonebind(cookie_samesite=samesite)
    browser = Browser(secure=True)
    state = browser.start()
    response = HttpResponse()
    tickets.forget(browser.request(), response, browser.read_state(state))
    [morsel] = response.cookies.values()
    assert (morsel["secure"], morsel["samesite"], morsel["path"]) == (True, samesite, "/")
    browser.take(response)
    assert not browser.cookies


def test_a_page_keeps_its_ticket_over_a_reload() -> None:
    browser = Browser()
    state = browser.read_state(browser.start())
    response = HttpResponse()
    tickets.keep(browser.request(), response, state, browser.ticket())
    browser.take(response)
    assert browser.read(tickets.kept(browser.request(), state.id)).identity == IDENTITY
    assert tickets.kept(browser.request(), "nothing") == ""


def test_what_is_kept_again_is_not_dropped_as_surplus() -> None:
    browser = Browser()
    states = [browser.read_state(browser.start()) for _ in range(tickets.MAX_KEPT)]
    for again in [*states, *states]:
        response = HttpResponse()
        tickets.keep(browser.request(), response, again, "ticket")
        browser.take(response)
        assert tickets.kept(browser.request(), again.id) == "ticket"
    assert [tickets.kept(browser.request(), state.id) for state in states] == ["ticket"] * len(states)


@pytest.mark.parametrize("char", [" ", "(", ",", '"', "\\", "é", "\t"])
def test_threat_18_a_cookie_may_be_called_what_no_answer_can_repeat(char: str) -> None:
    browser = Browser()
    browser.cookies = {f"phonebind_{kind}_{n}{char}1": "x" for kind in ("flow", "kept") for n in range(9)}
    response = HttpResponse()
    tickets.remember(browser.request(), response, tickets.start(browser.request(), provider(), "/")[1])
    tickets.forget_all(browser.request(), response)
    assert len(response.cookies) == 1


def test_a_kept_ticket_that_has_expired_still_says_where_it_led() -> None:
    browser, response = Browser(), HttpResponse()
    with time_machine.travel("2026-01-01T12:00:00Z") as clock:
        state = browser.read_state(browser.start("/cart.html"))
        tickets.keep(browser.request(), response, state, browser.ticket())
        browser.take(response)
        clock.shift(tickets.MAX_AGE + 1)
        with pytest.raises(TicketInvalid):
            browser.read(tickets.kept(browser.request(), state.id))
        assert tickets.kept_next(browser.request(), state.id) == "/cart.html"
        clock.shift(tickets.KEPT_AGE)
        assert tickets.kept_next(browser.request(), state.id) == ""
    assert tickets.kept_next(browser.request(), "nothing") == ""


def test_of_many_tickets_kept_the_oldest_are_dropped() -> None:
    browser = Browser()
    states = [browser.read_state(browser.start()) for _ in range(tickets.MAX_KEPT + 1)]
    for state in states:
        response = HttpResponse()
        tickets.keep(browser.request(), response, state, "ticket")
        browser.take(response)
    assert [tickets.kept(browser.request(), state.id) for state in states] == ["", *["ticket"] * tickets.MAX_KEPT]


def test_kept_tickets_weigh_no_more_than_there_is_room_for() -> None:
    """The oldest goes first; the one that was just issued stays, whatever it weighs."""
    browser = Browser()
    states = [browser.read_state(browser.start()) for _ in range(3)]
    name = len(f"phonebind_kept_{states[0].id}=; ")
    half = "t" * (tickets.KEPT_ROOM // 2 - name)
    for ticket, left in ((half, [half, half]), (half + "t", [half + "t"]), ("t" * 4_000, ["t" * 4_000])):
        for state in states:
            response = HttpResponse()
            tickets.keep(browser.request(), response, state, ticket)
            browser.take(response)
        assert [kept for state in states if (kept := tickets.kept(browser.request(), state.id))] == left
        assert tickets.kept(browser.request(), states[-1].id) == ticket


@pytest.mark.parametrize(
    ("address", "left"), [(0, 2), (tickets.ROOM - 1_000, 2), (tickets.ROOM - 999, 1), (tickets.ROOM, 0)]
)
@pytest.mark.parametrize("secure", [False, True])
def test_room_is_made_for_an_address(secure: bool, address: int, left: int) -> None:
    browser = Browser(secure=secure)
    states = [browser.read_state(browser.start()) for _ in range(2)]
    for state in states:
        response = HttpResponse()
        name = len(f"{'__Host-' if secure else ''}phonebind_kept_{state.id}=; ")
        tickets.keep(browser.request(), response, state, "t" * (500 - name))
        browser.take(response)
    others = len(browser.cookies) - 2
    response = HttpResponse()
    tickets.make_room(browser.request(), response, address)
    browser.take(response)
    assert [bool(tickets.kept(browser.request(), state.id)) for state in states] == [left == 2, left > 0]
    assert len(browser.cookies) == others + left


def test_a_kept_ticket_that_has_done_its_work_is_dropped_alone() -> None:
    browser = Browser()
    states = [browser.read_state(browser.start()) for _ in range(2)]
    for state in states:
        response = HttpResponse()
        tickets.keep(browser.request(), response, state, "ticket")
        browser.take(response)
    response = HttpResponse()
    tickets.drop(browser.request(), response, states[0].id)
    tickets.drop(browser.request(), response, "0" * 12)
    browser.take(response)
    assert [tickets.kept(browser.request(), state.id) for state in states] == ["", "ticket"]
    assert len(response.cookies) == 1


@pytest.mark.parametrize("char", [" ", "(", ",", '"', "é"])
def test_threat_18_a_ticket_may_be_kept_under_what_no_answer_can_repeat(char: str) -> None:
    browser, response = Browser(), HttpResponse()
    browser.cookies = {f"phonebind_kept_{char}": "x"}
    tickets.drop(browser.request(), response, char)
    assert not response.cookies


@pytest.mark.parametrize("secure", [False, True])
def test_whoever_comes_next_to_this_browser_finds_no_sign_in_of_the_one_before(secure: bool) -> None:
    browser = Browser(secure=secure)
    others = {"sessionid": "S", "__Host-cart": "C", "my_phonebind_flow": "F", "phonebind": "P"}
    browser.cookies |= others
    state, ticket, response = browser.read_state(browser.start()), browser.ticket(), HttpResponse()
    tickets.keep(browser.request(), response, state, ticket)
    browser.take(response)
    assert len(browser.cookies) == len(others) + 3
    response = HttpResponse()
    tickets.forget_all(browser.request(), response)
    assert {morsel["secure"] for morsel in response.cookies.values()} == {secure or ""}
    browser.take(response)
    assert browser.cookies == others


@pytest.mark.parametrize("char", ["a", "购", "😀"])
def test_the_longest_next_and_name_fit_into_a_cookie_and_a_url(char: str) -> None:
    """Browsers drop a cookie of more than 4096 bytes, and the contract's fields end there too."""
    browser = Browser()
    who = Identity("qq", "9" * 128, "o" * 128, unionid="u" * 128, nickname="😀" * 32)
    target = "/" + char * 511
    ticket, cookie = tickets.issue(browser.request(), who, target)
    assert len(tickets.start(browser.request(), provider(), target)[0]) <= 4096
    assert len(ticket) + len(cookie.name) <= 4000
