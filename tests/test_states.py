"""The state: 32 characters that are valid in one browser, for one provider and one app, once, for ten minutes."""

import hashlib
import re
from collections.abc import Callable

import pytest
import time_machine
from django.core import signing
from django.http import HttpResponse
from pytest_django import Settings

from phonebind import browser as browser_cookies
from phonebind import states, tickets
from phonebind.exceptions import StateInvalid
from phonebind.oauth import WebProvider
from tests.support.edge import Configure
from tests.support.tabs import Tabs, forged, other_app, other_provider, provider, secretive

ELSEWHERE = pytest.mark.parametrize("elsewhere", [other_provider, other_app])


def known(browser: Tabs, state: str) -> str | None:
    """The page that the state leads to, as far as the browser knows it; None for a text that is not a state."""
    found = states.known(browser.request(), provider(), state)
    return found.next if found else None


def salt_of(state: str, name: str = "qq", app_id: str = "101000001") -> str:
    return f"{states.SALT}:{name}:{app_id}:{state}"


# ---------------------------------------------------------------- the form of a state


def test_a_state_is_32_letters_and_digits_whatever_it_stands_for() -> None:
    seen = {Tabs().start(next_url, by) for next_url in ("/", "/" + "购" * 511) for by in (provider(), secretive())}
    assert len(seen) == 4
    assert all(re.fullmatch("[0-9a-f]{32}", state) for state in seen)


def test_a_state_comes_back_to_the_browser_that_started_it() -> None:
    browser = Tabs()
    state = browser.read_state(browser.start("/cart.html?a=1"))
    assert (state.next, state.secret) == ("/cart.html?a=1", "")
    assert state.id == state.digest[:12]


def test_threat_1_a_state_from_another_browser_is_worth_nothing() -> None:
    state = Tabs().start()
    stranger = Tabs()
    stranger.start()
    for browser in (stranger, Tabs()):
        with pytest.raises(StateInvalid):
            browser.read_state(state)


def test_threat_1_the_right_cookie_name_with_another_value_does_not_help() -> None:
    browser = Tabs()
    state = browser.start()
    for value in ("", "x", "\x80"):
        browser.cookies = dict.fromkeys(browser.cookies, value)
        with pytest.raises(StateInvalid):
            browser.read_state(state)


def test_a_cookie_of_half_a_character_is_no_crash() -> None:
    browser = Tabs()
    state = browser.start()
    request = browser.request()
    request.META["HTTP_COOKIE"] = "; ".join(f"{name}=\ud800" for name in request.COOKIES)
    with pytest.raises(StateInvalid):
        states.read(request, provider(), state)


def test_threat_1_neither_a_state_nor_its_cookie_can_be_forged() -> None:
    browser = Tabs()
    state = browser.start()
    for wrong in ("", "0" * 32, state.upper(), f"{state}0", f"{state}\n", state[:-1], f"é{state[1:]}", "\ud800" * 32):
        with pytest.raises(StateInvalid):
            browser.read_state(wrong)
    [(name, value)] = browser.cookies.items()
    for wrong in forged(value, salt_of(state), tickets.SALT):
        request = browser.request()
        request.META["HTTP_COOKIE"] = f"{name}={wrong}"
        if wrong.strip() == value:
            continue  # white space around a value does not belong to it
        with pytest.raises(StateInvalid):
            states.read(request, provider(), state)


def test_threat_1_the_cookie_of_another_sign_in_of_this_browser_does_not_do() -> None:
    browser = Tabs()
    first, second = browser.start("/first"), browser.start("/second")
    one, two = browser.cookies
    browser.cookies[one], browser.cookies[two] = browser.cookies[two], browser.cookies[one]
    for state in (first, second):
        with pytest.raises(StateInvalid):
            browser.read_state(state)
        assert known(browser, state) == ""


@ELSEWHERE
def test_threat_1_the_provider_and_the_app_are_inside_the_signature(elsewhere: Callable[[], WebProvider]) -> None:
    browser = Tabs()
    state = browser.start()
    with pytest.raises(StateInvalid):
        browser.read_state(state, elsewhere())
    found = states.known(browser.request(), elsewhere(), state)
    assert found is not None
    assert found.next == ""


def test_threat_1_a_state_is_used_once() -> None:
    browser = Tabs()
    state = browser.start()
    browser.forget(browser.read_state(state))
    assert not browser.cookies
    with pytest.raises(StateInvalid):
        browser.read_state(state)
    assert known(browser, state) == ""


def test_threat_2_state_and_ticket_are_not_each_other() -> None:
    browser = Tabs()
    state, ticket = browser.start(), browser.ticket()
    with pytest.raises(StateInvalid):
        browser.read_state(ticket)
    assert known(browser, ticket) is None
    [flow] = [name for name in browser.cookies if "flow" in name]
    browser.cookies[flow] = ticket
    with pytest.raises(StateInvalid):
        browser.read_state(state)


def test_a_state_lives_ten_minutes_and_then_tells_for_an_hour_where_it_was_to_lead() -> None:
    browser = Tabs()
    with time_machine.travel("2026-01-01T12:00:00Z", tick=False) as clock:
        state = browser.start("/cart.html")
        clock.shift(states.MAX_AGE)
        assert browser.read_state(state).next == "/cart.html"
        for seconds, told in ((1, "/cart.html"), (states.KNOWN_AGE - states.MAX_AGE - 1, "/cart.html"), (1, "")):
            clock.shift(seconds)
            assert known(browser, state) == told
            with pytest.raises(StateInvalid):
                browser.read_state(state)


def test_what_is_no_state_of_ours_is_not_known() -> None:
    assert known(Tabs(), "0" * 32) == ""
    for text in ("", "x", "0" * 31, "A" * 32, "０" * 32, "0" * 32 + "\n"):
        assert known(Tabs(), text) is None


# ---------------------------------------------------------------- several at once


def test_several_tabs_at_once_and_each_ends_by_itself() -> None:
    browser = Tabs()
    begun = [browser.start(f"/{tab}") for tab in range(5)]
    for tab in (3, 0, 4, 1, 2):
        state = browser.read_state(begun[tab])
        assert state.next == f"/{tab}"
        browser.forget(state)


def test_of_many_sign_ins_begun_the_oldest_are_dropped() -> None:
    browser = Tabs()
    begun = [browser.start(f"/{tab}") for tab in range(states.MAX_OPEN + 3)]
    assert len(browser.cookies) == states.MAX_OPEN
    for state in begun[3:]:
        browser.read_state(state)
    with pytest.raises(StateInvalid):
        browser.read_state(begun[2])


@pytest.mark.parametrize("secure", [False, True])
def test_eight_tabs_with_a_next_as_people_have_it_find_room(secure: bool) -> None:
    browser = Tabs(secure=secure)
    begun = [browser.start(f"/goods/{1000 + tab}.html") for tab in range(states.MAX_OPEN)]
    for state in begun:
        browser.read_state(state)


def test_the_cookies_weigh_no_more_than_there_is_room_for() -> None:
    """The oldest is dropped first. The one that was just set stays, whatever its size."""
    browser = Tabs(secure=True)
    longest = "/" + "".join(chr(0x4E00 + 97 * n % 20_000) for n in range(79))
    for target in ("/a", "/b", longest, "/c", longest, longest):
        state = browser.start(target)
        assert browser.read_state(state).next == target
        weight = sum(len(f"{name}={value}; ") for name, value in browser.cookies.items())
        assert weight <= states.ROOM or len(browser.cookies) == 1


def test_what_a_sign_in_weighs_is_its_cookie_and_its_state_twice() -> None:
    started = states.start(Tabs().request(), provider(), "/cart.html")
    assert started.cookie
    assert started.weight == len(f"{started.cookie.name}={started.cookie.value}; ") + 64
    assert states.Started("/cart.html").weight == 20


# ---------------------------------------------------------------- the secret


def test_a_provider_that_uses_a_secret_gets_43_letters_and_gets_them_back() -> None:
    browser = Tabs()
    started = states.start(browser.request(), secretive(), "/cart.html")
    browser.remember(started)
    assert re.fullmatch("[A-Za-z0-9_-]{43}", started.secret)
    found = browser.read_state(started.state, secretive())
    assert (found.secret, found.next) == (started.secret, "/cart.html")
    assert started.secret not in started.state


def test_no_two_sign_ins_have_one_secret_and_others_have_none() -> None:
    assert len({states.start(Tabs().request(), secretive(), "/").secret for _ in range(3)}) == 3
    assert states.start(Tabs().request(), provider(), "/").secret == ""


def test_threat_1_a_cookie_with_a_payload_of_another_make_is_refused() -> None:
    browser = Tabs()
    state = browser.start("/cart.html", secretive())
    [name] = browser.cookies
    good = signing.loads(browser.cookies[name], salt=salt_of(state))
    stranger = Tabs()
    other = stranger.start("/evil.html", secretive())
    for value in (
        *stranger.cookies.values(),
        signing.dumps(good, salt=salt_of(other), compress=True),
        signing.dumps(good, salt=salt_of(state, name="weibo"), compress=True),
        signing.dumps(good, salt=salt_of(state, app_id="101000002"), compress=True),
        signing.dumps(good, salt=states.STATELESS_SALT, compress=True),
        signing.dumps(good, salt=states.OLD_SALT, compress=True),
        signing.dumps(good, salt=salt_of(state), compress=True, key="guessed"),
    ):
        browser.cookies[name] = value
        with pytest.raises(StateInvalid):
            browser.read_state(state, secretive())
        assert known(browser, state) == ""


def test_a_sign_in_whose_state_does_not_come_back_keeps_its_secret_too() -> None:
    browser = Tabs()
    started = states.start_stateless(browser.request(), secretive(), "/cart.html")
    browser.remember(started)
    found = states.read_stateless(browser.request(), secretive(), "/cart.html")
    assert (started.state, found.secret) == ("/cart.html", started.secret)
    assert len(found.secret) == 43
    browser.forget(found)
    with pytest.raises(StateInvalid):
        states.read_stateless(browser.request(), secretive(), "/cart.html")


@ELSEWHERE
def test_threat_1_nor_is_that_one_of_another_provider_or_app(elsewhere: Callable[[], WebProvider]) -> None:
    browser = Tabs()
    browser.remember(states.start_stateless(browser.request(), elsewhere(), "/"))
    with pytest.raises(StateInvalid):
        states.read_stateless(browser.request(), provider(), "/")


# ---------------------------------------------------------------- states of versions before 0.2


def old_state(secret: str = "secret", *, key: str | None = None, **fields: str) -> str:
    payload = {"provider": "qq", "app_id": "101000001", "next": "/old.html", "cookie": digest_of(secret), **fields}
    return signing.dumps(payload, key=key, salt=states.OLD_SALT, compress=True)


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def old_browser(secret: str = "secret", *, secure: bool = False) -> Tabs:
    """A browser that began to sign in before the site was upgraded."""
    browser = Tabs(secure=secure)
    browser.cookies = {browser_cookies.name_of(browser.request(), "flow", digest_of(secret)): secret}
    return browser


@pytest.mark.parametrize("secure", [False, True])
def test_a_sign_in_that_began_before_the_upgrade_ends_well_once(secure: bool) -> None:
    browser = old_browser(secure=secure)
    state = browser.read_state(old_state())
    assert (state.next, state.secret) == ("/old.html", "")
    browser.forget(state)
    assert not browser.cookies
    with pytest.raises(StateInvalid):
        browser.read_state(old_state())
    assert known(browser, old_state()) == "/old.html"


def test_threat_1_nor_is_an_old_state_good_that_is_anothers_forged_or_expired() -> None:
    for browser in (Tabs(), old_browser("another")):
        with pytest.raises(StateInvalid):
            browser.read_state(old_state())
    for made in (
        old_state(key="guessed"),
        old_state(provider="weibo"),
        old_state(app_id="101000002"),
        old_state(cookie=""),
        *forged(old_state(), states.OLD_SALT, tickets.SALT),
    ):
        with pytest.raises(StateInvalid):
            old_browser().read_state(made)
    with time_machine.travel("2026-01-01T12:00:00Z", tick=False) as clock:
        state = old_state()
        clock.shift(states.MAX_AGE + 1)
        with pytest.raises(StateInvalid):
            old_browser().read_state(state)
        assert known(old_browser(), state) is None


# ---------------------------------------------------------------- other purposes of a state


@pytest.mark.parametrize("by", [provider, secretive])
def test_threat_24_a_state_serves_for_the_intent_that_it_was_made_for(by: Callable[[], WebProvider]) -> None:
    browser = Tabs()
    made = {intent: browser.start("/a.html", by(), intent) for intent in ("", "bind:1:a", "bind:2:a", "verify:1:a")}
    for state_of, state in made.items():
        for intent in made:
            if intent == state_of:
                assert browser.read_state(state, by(), intent).next == "/a.html"
            else:
                with pytest.raises(StateInvalid):
                    browser.read_state(state, by(), intent)


def test_threat_24_an_intent_is_not_read_out_of_what_the_client_sends() -> None:
    browser = Tabs()
    state = browser.start(intent="bind:1:a")
    for made in (f"{state}:bind", f"{state}:bind:1:a", state.upper(), ""):
        for intent in ("", "1:a", "bind:1:a"):
            with pytest.raises(StateInvalid):
                browser.read_state(made, intent=intent)


def test_threat_24_states_of_old_bind_nothing() -> None:
    assert old_browser().read_state(old_state()).next == "/old.html"
    with pytest.raises(StateInvalid):
        old_browser().read_state(old_state(), intent="bind:1:a")


# ---------------------------------------------------------------- the keys change


def test_a_rotated_key_breaks_nothing_that_is_under_way(settings: Settings) -> None:
    browser = Tabs()
    state = browser.start()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new"
    assert browser.read_state(state).next == "/cart.html"


def test_a_withdrawn_key_ends_what_it_signed(settings: Settings) -> None:
    browser = Tabs()
    state = browser.start()
    settings.SECRET_KEY = "new"
    with pytest.raises(StateInvalid):
        browser.read_state(state)


# ---------------------------------------------------------------- the cookies


def test_the_cookies_are_for_this_server_alone() -> None:
    browser = Tabs(secure=True)
    [morsel] = browser.remember(states.start(browser.request(), provider(), "/")).values()
    assert morsel.key.startswith("__Host-phonebind_flow_")
    assert (morsel["httponly"], morsel["secure"], morsel["samesite"]) == (True, True, "Lax")
    assert (morsel["path"], morsel["domain"], morsel["max-age"]) == ("/", "", states.KNOWN_AGE)


def test_over_plain_http_they_are_sent_at_all() -> None:
    browser = Tabs()
    [morsel] = browser.remember(states.start(browser.request(), provider(), "/")).values()
    assert morsel.key.startswith("phonebind_flow_")
    assert not morsel["secure"]


def test_behind_a_proxy_that_speaks_http_to_us_they_are_secure_all_the_same(settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = True
    browser = Tabs()
    [morsel] = browser.remember(states.start(browser.request(), provider(), "/")).values()
    assert morsel.key.startswith("__Host-")
    assert morsel["secure"]


def test_a_secure_sign_in_takes_no_cookie_that_another_host_may_have_planted() -> None:
    attacker = Tabs()
    state = attacker.start()
    victim = Tabs(secure=True)
    victim.cookies = attacker.cookies
    with pytest.raises(StateInvalid):
        victim.read_state(state)


def test_a_sign_in_without_a_cookie_sets_and_removes_none() -> None:
    browser = Tabs()
    browser.start()
    assert not browser.remember(states.Started("/cart.html"))
    assert not browser.forget(states.State(next="/", digest=""))


@pytest.mark.parametrize("samesite", ["Lax", "None"])
def test_a_browser_accepts_what_removes_a_cookie(phonebind: Configure, samesite: str) -> None:
    """Browsers ignore a removal without Secure when the cookie needs Secure."""
    phonebind(cookie_samesite=samesite)
    browser = Tabs(secure=True)
    [morsel] = browser.forget(browser.read_state(browser.start())).values()
    assert (morsel["secure"], morsel["samesite"], morsel["path"]) == (True, samesite, "/")
    assert not browser.cookies


@pytest.mark.parametrize("char", [" ", "(", ",", '"', "\\", "é", "\t"])
def test_threat_18_a_cookie_may_be_called_what_no_answer_can_repeat(char: str) -> None:
    browser = Tabs()
    browser.cookies = {f"phonebind_{kind}_{n}{char}1": "x" for kind in ("flow", "kept") for n in range(9)}
    response = HttpResponse()
    states.remember(browser.request(), response, states.start(browser.request(), provider(), "/"))
    browser_cookies.forget_all(browser.request(), response)
    assert len(response.cookies) == 1
