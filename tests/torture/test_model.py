"""A machine does random acts with the real API. The model says before each act what its result must be.

``PHONEBIND_TORTURE=full`` makes it long and different every time.
"""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import hypothesis
import pytest
import redis
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from tests.support.edge import Configure, Outbox, Upstream
from tests.support.services import valkey_server
from tests.torture.history import History, Rows, Sms, fullest, unique
from tests.torture.model import (
    CODE_LIFE,
    DAY,
    GUESSES,
    HOUR,
    LIMITS,
    MAX_LIVE,
    SIGN_IN_LIFE,
    SLIDING,
    STATUS,
    Account,
    Code,
    Image,
    Limits,
    Model,
    Outcome,
    Refresh,
    State,
    Ticket,
)
from tests.torture.report import Note
from tests.torture.world import GRACE, START, World, elsewhere, owner_of

FULL = os.environ.get("PHONEBIND_TORTURE") == "full"
EXAMPLES, RULES_EACH, LEAST = (30, 40, 3_000) if FULL else (40, 25, 2_000)

BROWSERS = ("firefox", "safari", "wechat")
#: Two of them differ only in case.
OPENIDS = ("0123456789ABCDEF", "0123456789abcdef", "FEDCBA9876543210")
MOBILES = ("13900000001", "13900000002", "13900000003", "13900000004")
PASSWORDS = ("horse-staple-9", "battery-paper-7")
WRONG = "entirely-wrong-1"
WEAK = "12345678"
#: The addresses of requests, and the client that each of them counts for.
ADDRESSES = {
    "192.0.2.1": "192.0.2.1",
    "::ffff:192.0.2.1": "192.0.2.1",
    "2001:db8::1": "2001:db8::/64",
    "2001:db8::ffff:1": "2001:db8::/64",
}
#: These limits are set so low that they are reached. A long run reaches those of the SMS with their real values.
LOWERED = {"image_address_hour": (30, HOUR), "password_address": (6, 900), "sms_site_hour": (16, HOUR)}
if not FULL:
    LOWERED |= {
        "image_address_hour": (18, HOUR),
        "sms_address_hour": (10, HOUR),
        "sms_mobile_day": (6, DAY),
        "sms_mobile_open_day": (4, DAY),
        "sms_code_address_hour": (10, HOUR),
        "sms_site_hour": (10, HOUR),
        "sms_identity_day": (1, DAY),
    }
LIMITS_HERE = LIMITS | {name: (*numbers, LIMITS[name][2]) for name, numbers in LOWERED.items()}

SCALE = hypothesis.settings(
    max_examples=EXAMPLES,
    stateful_step_count=RULES_EACH,
    derandomize=not FULL,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)

#: The outcomes that a run must have seen. Without them it proves little. Other tests cover the outcomes that are
#: subtracted.
MUST_HAPPEN = STATUS.keys() - {"invalid", "code_invalid", "provider_unavailable"}
#: The limits that a run must have reached. Some runs reach the others too.
MUST_BE_MET = {
    *("sms_mobile_hour", "sms_mobile_open_hour", "sms_mobile_open_day", "sms_identity_hour", "sms_identity_day"),
    *("sms_code_identity_hour", "password_name", "password_bind"),
}


def mostly(usual: str, *others: str) -> st.SearchStrategy[str]:
    return st.sampled_from([usual] * 2 * len(others) + list(others))


browsers = st.sampled_from(BROWSERS)
senders = mostly("own", *BROWSERS)
openids = st.sampled_from(OPENIDS)
mobiles = st.sampled_from(MOBILES)
addresses = st.sampled_from(list(ADDRESSES))
passwords = st.sampled_from(PASSWORDS)
providers = mostly("well", "code_invalid", "provider_unavailable")
gateways = mostly("well", "refuses", "mute")

#: browser, ticket, mobile, SMS code, password, address
Form = tuple[str, Ticket, str, str, str, str]


class Past(History):
    """History for several codes of one mobile, for windows that slide, and for people who come from another app."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._proof: Sms | None = None
        self._holders: dict[Sms, str] = {}
        self._gone: set[Sms] = set()
        self._by_ticket: dict[tuple[str, str], list[int]] = {}

    def sms_sent(self, mobile: str, text: str, address: str, now: int, holder: str, *, confirmed: bool) -> None:
        sms = Sms(mobile, text, now)
        self.sms.append(sms)
        self._holders[sms] = holder
        if confirmed:
            self._gone.update(self._live(sms)[:-MAX_LIVE])
        own = dict.fromkeys(["sms_mobile_gap", "sms_mobile_hour", "sms_mobile_day"], mobile)
        self._count(now, {"sms_address_hour": address, **own, "sms_site_hour": "all", "sms_site_day": "all"})
        if not holder:
            self._count(now, dict.fromkeys(["sms_mobile_open_hour", "sms_mobile_open_day"], mobile))
        self._keep_a_part(mobile)

    def _keep_a_part(self, mobile: str) -> None:
        """People without a ticket, together with any one person with a ticket, must leave a part of the quota for
        another person.
        """
        holders = {holder for sms, holder in self._holders.items() if sms.mobile == mobile}
        for one in holders:
            times = [sms.at for sms, by in self._holders.items() if sms.mobile == mobile and by in ("", one)]
            for span in ("hour", "day"):
                most = sum(self._limits[f"{name}_{span}"][0] for name in ("sms_mobile_open", "sms_identity"))
                assert most_in_any(times, self._limits[f"sms_mobile_{span}"][1]) <= most, f"{span} of {mobile}: {times}"

    def wrong_at_sign_in(self, username: str, address: str, now: int) -> None:
        owners = [str(pk) for pk, _, mobile, _ in self.rows.accounts if mobile == username]
        named = [str(pk) for pk, name, _, _ in self.rows.accounts if name == username]
        account = [*owners, *named, f"-{username}"][0]
        subjects = {"password_name": username, "password_account": account, "password_address": address}
        self._count(now, subjects)

    def wrong_at_bind(self, mobile: str, address: str, now: int) -> None:
        [account] = [str(pk) for pk, _, owned, _ in self.rows.accounts if owned == mobile]
        self._count(now, {"password_bind": account, "password_address": address})

    def _count(self, now: int, subjects: dict[str, str]) -> None:
        for name, subject in subjects.items():
            times = self._counted[name, subject]
            times.append(now)
            limit, seconds, _ = self._limits[name]
            most = most_in_any(times, seconds) if name in SLIDING else fullest(times, seconds)
            assert most <= limit, f"{name} of {subject}: {times}"

    def guessed_wrong(self, mobile: str, text: str, openid: str, address: str, now: int) -> None:
        """A wrong guess that was compared counts, because its answer gave information. A right code that has nothing
        left to do does not count.
        """
        live = [sms for sms in self.sms if sms not in self._gone and now < sms.at + CODE_LIFE]
        compared = [sms for sms in live if sms.mobile == mobile and self._holders[sms] in ("", openid)]
        same = [sms for sms in compared if sms.text == text]
        if not any(sms.proved == {openid} for sms in same):
            self._count(now, {"sms_code_identity_hour": openid, "sms_code_address_hour": address})
        for sms in compared:
            sms.wrong_guesses += not same

    def proved(self, browser: str, ticket: Ticket, mobile: str, text: str, now: int) -> None:
        assert ticket.browser == browser
        assert now - ticket.at <= SIGN_IN_LIFE
        matching = [sms for sms in self.sms if (sms.mobile, sms.text) == (mobile, text) and now < sms.at + CODE_LIFE]
        [sms] = [sms for sms in matching if self._holders[sms] in ("", ticket.openid)]
        assert sms not in self._gone
        assert sms.wrong_guesses < GUESSES
        sms.proved.add(ticket.openid)
        assert len(sms.proved) == 1, "one code, two people"
        self._gone.update(
            other
            for other in self.sms
            if other is not sms and other.mobile == mobile and self._holders[other] in ("", ticket.openid)
        )
        self._proof = sms

    def see(self, rows: Rows, *, proven: tuple[str, str] | None = None, by_operator: bool = False) -> None:
        assert unique(openid for openid, _ in rows.bindings)
        assert unique(mobile for _, _, mobile, _ in rows.accounts if mobile)
        before, self.rows = self.rows, rows
        new = [binding for binding in rows.bindings if binding not in before.bindings]
        born = {pk for pk, *_ in rows.accounts} - {pk for pk, *_ in before.accounts}
        assert len(new) <= 1
        assert born <= {owner for _, owner in new}, "an account without a binding"
        for openid, owner in new:
            if by_operator:
                assert openid.endswith(elsewhere("")), "the operator binds nobody here"
            elif (elsewhere(openid), owner) not in before.bindings:
                assert proven == (openid, dict(self._mobiles())[owner]), "a binding without proof"
                assert self._proof
                self._proof.made += 1
                assert self._proof.made == 1, "one code, two bindings"
            assert not (by_operator and born)

    def _live(self, like: Sms) -> list[Sms]:
        """The codes of the same mobile and holder that no later code has replaced."""
        of_both = (like.mobile, self._holders[like])
        return [
            sms for sms, holder in self._holders.items() if (sms.mobile, holder) == of_both and sms not in self._gone
        ]


def most_in_any(times: list[int], seconds: int) -> int:
    """The most that any window contains, wherever it begins."""
    return max(sum(start <= time < start + seconds for time in times) for start in times)


class AllRules:
    """Replaces Hypothesis's swarm testing, which leaves some rules out of each run. Our rules need one another."""

    def is_enabled(self, name: str) -> bool:
        return True


class Machine(RuleBasedStateMachine):
    states = Bundle("states")
    tickets = Bundle("tickets")
    images = Bundle("images")
    forms = Bundle("forms")

    def __init__(self, world: World, acts: Counter[str], outcomes: Counter[str], met: Counter[str]) -> None:
        super().__init__()
        self._rules_strategy.enabled_rules_strategy = st.just(AllRules())  # type: ignore[arg-type]
        self.world, self.acts, self.outcomes, self.met = world, acts, outcomes, met
        self.model = Model(START, limits=LIMITS_HERE)
        self.history = Past(LIMITS_HERE)
        self.sent: dict[str, list[str]] = {mobile: [] for mobile in MOBILES}
        self.tokens: list[Refresh] = []
        self.keys, self.key_changed = 1, 0
        world.begin()

    def teardown(self) -> None:
        self.world.end()

    # ------------------------------------------------------------ what every act has in common

    def judge(self, act: str, outcome: Outcome, answer: Any, *, proven: tuple[str, str] | None = None) -> Any:
        """Status, code, wait, account and all stored rows must be as the model says. Returns the answer's fields."""
        data = answer.json() if answer["Content-Type"] == "application/json" else {}
        assert (answer.status_code, data.get("code", outcome.code)) == (STATUS[outcome.code], outcome.code), data
        assert ("code" in data) == (STATUS[outcome.code] >= 400)
        assert ("retry_after" in data) == (outcome.retry_after is not None)
        if outcome.retry_after is not None:
            assert 0 <= outcome.retry_after - data["retry_after"] < GRACE
            assert answer["Retry-After"] == str(data["retry_after"])
        if outcome.account and "id" in data:
            self.know(outcome.account, data["id"], data["username"])
        if outcome.account:
            assert owner_of(data["token"]) == owner_of(data["refresh"]) == str(outcome.account.id)
        self.met[outcome.limit] += bool(outcome.limit)
        self.done(act, outcome.code, proven=proven)
        return data

    def know(self, account: Account, pk: int, username: str) -> None:
        if not account.id:
            taken = any(other.username == account.mobile for other in self.model.accounts)
            assert re.fullmatch(f"{account.mobile}_\\w{{6}}" if taken else f"{account.mobile}", username)
            assert pk not in {other.id for other in self.model.accounts}
            account.id, account.username = pk, username
        assert (account.id, account.username) == (pk, username)

    def done(self, act: str, outcome: str = "", **how: Any) -> None:
        self.acts[act] += 1
        self.outcomes[outcome] += bool(outcome)
        rows = self.world.rows()
        self.history.see(rows, **how)
        accounts = sorted((it.id, it.username, it.mobile, it.enabled) for it in self.model.accounts)
        assert rows.accounts == accounts
        bindings = [(openid, owner.id) for openid, owner in self.model.bindings.items()]
        bindings += [(elsewhere(openid), owner.id) for openid, owner in self.model.elsewhere.items()]
        assert rows.bindings == sorted(bindings)
        assert len(Outbox.sent) == len(self.history.sms)
        self.world.pass_time(0)

    # ------------------------------------------------------------ single acts

    def _start(self, browser: str) -> State:
        outcome = self.model.start(browser)
        answer = self.world.get(browser, "/oauth/qq/authorization/", {"next": "/cart.html"})
        url = self.judge("start", outcome, answer)["login_url"]
        state = outcome.made
        assert isinstance(state, State)
        state.text = url.partition("&state=")[2].partition("&")[0]
        return state

    def _come_back(self, browser: str, state: State, openid: str, provider: str) -> Ticket | None:
        outcome = self.model.come_back(browser, state, openid, provider)
        self.world.at_qq(openid, provider)
        answer = self.world.get(browser, f"/oauth/qq/user/?code=CODE&state={state.text}")
        data = self.judge("come back", outcome, answer)
        if isinstance(outcome.made, Ticket):
            outcome.made.text = data["access_token"]
            return outcome.made
        self._keep_token(outcome, data)
        return None

    def _keep_token(self, outcome: Outcome, data: Any) -> None:
        if outcome.account:
            made = outcome.made if isinstance(outcome.made, Refresh) else self.model.token(outcome.account)
            made.text = data["refresh"]
            self.tokens.append(made)

    def _look(self, address: str) -> Image | None:
        outcome = self.model.look(ADDRESSES[address])
        answer, image_code_id, text = self.world.image(address)
        self.judge("look at an image", outcome, answer)
        return Image(self.model.now, image_code_id, text) if outcome.code == "ok" else None

    def _ask(
        self, mobile: str, address: str, image: Image, text: str, gateway: str, ticket: Ticket | None, sender: str
    ) -> int | None:
        """Returns the seconds to wait. ``sender``: "own" is the browser that the ticket belongs to, if there is a
        ticket.
        """
        browser = (ticket.browser if ticket else "reader") if sender == "own" else sender
        outcome = self.model.ask(browser, ticket, mobile, ADDRESSES[address], image, text, gateway)
        self.world.gateway(gateway)
        before = len(Outbox.sent)
        query = {"image_code_id": image.id, "text": text} | ({"access_token": ticket.text} if ticket else {})
        answer = self.world.get(browser, f"/sms_codes/{mobile}/", query, address=address)
        holder, confirmed = ticket.openid if ticket else "", answer.status_code == 200
        for message in Outbox.sent[before:]:
            assert message.mobile == mobile
            assert message.code in message.text
            whence = ADDRESSES[address], self.model.now, holder
            self.history.sms_sent(mobile, message.code, *whence, confirmed=confirmed)
            self.sent[mobile].append(message.code)
        if isinstance(outcome.made, Code):
            outcome.made.text = self.sent[mobile][-1] if self.sent[mobile] else ""
        self.judge("ask for an SMS", outcome, answer)
        return outcome.retry_after

    def _look_and_ask(self, mobile: str, address: str, ticket: Ticket | None, gateway: str = "well") -> int | None:
        image = self._look(address)
        return self._ask(mobile, address, image, image.text, gateway, ticket, "own") if image else None

    def _go_all_the_way(
        self, browser: str, openid: str, mobile: str, password: str, address: str, *, shows_ticket: bool = True
    ) -> Form | None:
        """The usual way of a sign-in. None for a person who is known already."""
        ticket = self._come_back(browser, self._start(browser), openid, "well")
        if ticket is None:
            return None
        self._pass_time(60)
        self._look_and_ask(mobile, address, ticket if shows_ticket else None)
        if password == PASSWORDS[0]:
            password = self._password(mobile, "right")
        form = (browser, ticket, mobile, self._code(mobile, "last"), password, address)
        self._bind(*form)
        return form

    def _bind(self, browser: str, ticket: Ticket, mobile: str, code: str, password: str, address: str) -> None:
        form = {"mobile": mobile, "sms_code": code, "password": password, "access_token": ticket.text}
        outcome = self.model.bind(browser, ticket, mobile, code, password, ADDRESSES[address])
        answer = self.world.post(browser, "/oauth/qq/user/", form, address=address)
        proven = None
        if answer.status_code == 201:
            self.history.proved(browser, ticket, mobile, code, self.model.now)
            proven = ticket.openid, mobile
        elif answer.json()["code"] == "password_wrong":
            self.history.wrong_at_bind(mobile, ADDRESSES[address], self.model.now)
        elif answer.json()["code"] == "sms_code_invalid":
            self.history.guessed_wrong(mobile, code, ticket.openid, ADDRESSES[address], self.model.now)
        self._keep_token(outcome, self.judge("bind", outcome, answer, proven=proven))

    def _sign_in(self, username: str, password: str, address: str) -> None:
        outcome = self.model.sign_in(username, password, ADDRESSES[address])
        form = {"username": username, "password": password}
        answer = self.world.post("shop", "/authorizations/", form, address=address)
        if answer.status_code == 401:
            self.history.wrong_at_sign_in(username, ADDRESSES[address], self.model.now)
        self._keep_token(outcome, self.judge("sign in", outcome, answer))

    def _pass_time(self, seconds: int) -> None:
        self.model.now += seconds
        self.world.pass_time(seconds)
        self.done("pass time")

    def _code(self, mobile: str, which: str) -> str:
        """A code to enter for this mobile. If there is none of that kind, it is a guess."""
        last = self.sent[mobile][-1:]
        others = [self.sent[other][-1] for other in MOBILES if other != mobile and self.sent[other]]
        before = {name: self.sent[mobile][-n:][:1] for n, name in enumerate(("older", "oldest", "fourth"), 2)}
        known = {"new": last, "last": last, **before, "another's": others[:1]}
        return next(iter(known.get(which, [])), f"{(int(*last or '0') + 1) % 10**6:06}")

    def _is_known(self, mobile: str) -> bool:
        return any(account.mobile == mobile for account in self.model.accounts)

    def _password(self, mobile: str, which: str) -> str:
        """The password of the mobile's owner, or of the account whose username is that mobile."""
        known = [it.password for it in self.model.accounts if mobile in (it.mobile, it.username)]
        return {"right": [*known, PASSWORDS[0]][0], "wrong": WRONG, "weak": WEAK}[which]

    # ------------------------------------------------------------ rules: signing in at the provider

    @initialize(
        people=st.lists(st.tuples(browsers, openids, mobiles, passwords), max_size=3),
        guesses=st.sampled_from([[], [0] * 4, [4, 1], [1, 4], [5, 1, 0], [2, 2, 1]]),
        holder=st.sampled_from(["own", "own", "nobody"]),
    )
    def begin(self, people: list[tuple[str, str, str, str]], guesses: list[int], holder: str) -> None:
        """Some people have been here before. Then an attacker guesses while no limit is nearly used up."""
        self._guess(BROWSERS[0], OPENIDS[0], MOBILES[-1], [holder], ["well"], guesses)
        for browser, openid, mobile, password in people:
            self._go_all_the_way(browser, openid, mobile, password, "192.0.2.1")

    @rule(target=states, browser=browsers, tabs=st.sampled_from([1, 1, 1, 9]))
    def start(self, browser: str, tabs: int) -> MultipleResults[State]:
        return multiple(*(self._start(browser) for _ in range(tabs)))

    @rule(target=tickets, state=states, sender=senders, openid=openids, provider=providers)
    def come_back(self, state: State, sender: str, openid: str, provider: str) -> Any:
        ticket = self._come_back(state.browser if sender == "own" else sender, state, openid, provider)
        return ticket or multiple()

    @rule(target=tickets, browser=browsers, openid=openids, provider=providers, reloads=st.integers(0, 1))
    def arrive(self, browser: str, openid: str, provider: str, reloads: int) -> Any:
        state = self._start(browser)
        ticket = self._come_back(browser, state, openid, provider)
        for _ in range(reloads):
            ticket = self._come_back(browser, state, openid, "well") or ticket
        return ticket or multiple()

    # ------------------------------------------------------------ rules: proving a mobile

    @rule(target=images, address=addresses)
    def look(self, address: str) -> Any:
        return self._look(address) or multiple()

    @rule(
        image=images,
        mobile=mobiles,
        address=addresses,
        reads=mostly("right", "wrong"),
        gateway=gateways,
        ticket=st.none() | tickets,
        sender=senders,
    )
    def ask_with_an_image(
        self, image: Image, mobile: str, address: str, reads: str, gateway: str, ticket: Ticket | None, sender: str
    ) -> None:
        text = image.text.lower() if reads == "right" else "????"
        self._ask(mobile, address, image, text, gateway, ticket, sender)

    @rule(
        some=st.lists(mobiles, min_size=1, max_size=4, unique=True),
        address=addresses,
        mood=st.lists(gateways, min_size=1, max_size=3),
        rounds=st.integers(1, 5),
        pause=st.sampled_from([20, 60]),
        who=st.lists(st.none() | tickets, min_size=1, max_size=3),
    )
    def insist(
        self, some: list[str], address: str, mood: list[str], rounds: int, pause: int, who: list[Ticket | None]
    ) -> None:
        """Several people ask for SMS, with tickets and without, for some of the mobiles."""
        for number in range(rounds):
            for mobile in some:
                self._look_and_ask(mobile, address, who[number % len(who)], mood[number % len(mood)])
            self._pass_time(pause)

    @rule(
        browser=browsers,
        mobile=mobiles,
        pause=st.sampled_from([60, 1_200, 2 * HOUR]),
        rounds=st.integers(1, 4),
    )
    def crowd(self, browser: str, mobile: str, pause: int, rounds: int) -> None:
        """All people who are not bound yet, and one without a ticket, ask for SMS to one mobile."""
        for _ in range(rounds):
            arrived = [self._come_back(browser, self._start(browser), openid, "well") for openid in OPENIDS]
            for number, ticket in enumerate([None, *filter(None, arrived)]):
                self._look_and_ask(mobile, list(ADDRESSES)[2 * (number % 2)], ticket)
                self._pass_time(60)
            self._pass_time(pause)

    @rule(mobile=mobiles, address=addresses, ticket=st.none() | tickets, times=st.integers(2, 8))
    def wait_as_told(self, mobile: str, address: str, ticket: Ticket | None, times: int) -> None:
        """A person who comes back after the time that they were told to wait. Each time they first come a
        little early.
        """
        for _ in range(times):
            wait = self._look_and_ask(mobile, address, ticket) or 60
            self._pass_time(wait - GRACE)
            self._look_and_ask(mobile, address, ticket)
            self._pass_time(GRACE)

    # ------------------------------------------------------------ rules: binding

    @rule(
        target=forms,
        ticket=tickets,
        sender=senders,
        mobile=mobiles,
        which=mostly("new", "last", "wrong", "older", "oldest", "another's"),
        password=mostly("right", "wrong", "weak"),
        address=addresses,
        shows_ticket=st.booleans(),
    )
    def bind(
        self,
        ticket: Ticket,
        sender: str,
        mobile: str,
        which: str,
        password: str,
        address: str,
        shows_ticket: bool,
    ) -> Form:
        if which == "new":
            self._pass_time(60)
            self._look_and_ask(mobile, address, ticket if shows_ticket else None)
        browser = ticket.browser if sender == "own" else sender
        form = (browser, ticket, mobile, self._code(mobile, which), self._password(mobile, password), address)
        self._bind(*form)
        return form

    @rule(
        targets=(forms,),
        browser=browsers,
        openid=openids,
        mobile=mobiles,
        password=st.sampled_from([*PASSWORDS, WRONG, WEAK]),
        address=addresses,
        then=st.lists(
            st.sampled_from(
                ["again", "with a new code", "unbind", "another", "elsewhere", "rotate the key", "in another app"]
            ),
            min_size=2,
            max_size=5,
        ),
        shows_ticket=st.booleans(),
    )
    def bind_properly(
        self, browser: str, openid: str, mobile: str, password: str, address: str, then: list[str], shows_ticket: bool
    ) -> Form | MultipleResults[Form]:
        form = self._go_all_the_way(browser, openid, mobile, password, address, shows_ticket=shows_ticket)
        if form is None:
            return multiple()
        for act in then:
            form = self._go_on(form, act)
        return form

    def _go_on(self, form: Form, act: str) -> Form:
        """Use the same ticket and code once more, after an event that may concern them."""
        browser, ticket, mobile, _, password, address = form
        match act:
            case "again":
                self._bind(*form)
            case "with a new code":
                self._pass_time(60)
                self._look_and_ask(mobile, address, ticket)
                form = (browser, ticket, mobile, self._code(mobile, "last"), password, address)
                self._bind(*form)
            case "unbind" if ticket.openid in self.model.bindings:
                self._unbind(ticket.openid)
            case "in another app" if account := self.model.bindings.get(ticket.openid):
                self._open_elsewhere(ticket.openid, account)
            case "rotate the key":
                self._change_the_key("rotate")
            case "elsewhere":
                self._go_on((browser, ticket, _next(MOBILES, mobile), "", password, address), "with a new code")
            case "another":
                self._as_another(form)
        return form

    def _as_another(self, form: Form) -> None:
        """Another identity with the same code learns nothing from it, not even whether the password is right."""
        browser, ticket, mobile, code, password, address = form
        if theirs := self._come_back(browser, self._start(browser), _next(OPENIDS, ticket.openid), "well"):
            for guess in (WRONG, password):
                self._bind(browser, theirs, mobile, code, guess, address)

    # This is the most important rule, so it comes twice as often.
    bind_properly_once_more = bind_properly

    @rule(form=forms, sender=senders)
    def bind_the_same_again(self, form: Form, sender: str) -> None:
        self._bind(form[0] if sender == "own" else sender, *form[1:])

    @rule(
        browser=browsers,
        openid=openids,
        mobile=mobiles,
        whose=st.sampled_from([["own"], ["nobody"], ["own", "nobody", "other"]]),
        mood=st.sampled_from([["well"], ["well", "mute", "refuses"]]),
        wrong=st.lists(st.sampled_from([0, 0, 1, 4, 5]), min_size=1, max_size=5),
    )
    def guess(
        self, browser: str, openid: str, mobile: str, whose: list[str], mood: list[str], wrong: list[int]
    ) -> None:
        self._guess(browser, openid, mobile, whose, mood, wrong)

    def _guess(
        self, browser: str, openid: str, mobile: str, whose: list[str], mood: list[str], wrong: list[int]
    ) -> None:
        """Codes for several identities arrive, with wrong guesses between them. Then each identity tries all codes on
        the phone.
        """
        own = self._come_back(browser, self._start(browser), openid, "well")
        other = self._come_back("wechat", self._start("wechat"), _next(OPENIDS, openid), "well")
        guessers = list(filter(None, (own, other)))
        for number, times in enumerate(wrong):
            holder, gateway = whose[number % len(whose)], mood[number % len(mood)]
            self._look_and_ask(mobile, "192.0.2.1", {"own": own, "other": other}.get(holder), gateway)
            for ticket in guessers[-number % 2 :][:1] * times:
                self._bind(ticket.browser, ticket, mobile, self._code(mobile, "wrong"), WEAK, "192.0.2.1")
            self._pass_time(60)
        # The password is one that is refused, so that no code is used up.
        password = self._password(mobile, "wrong") if self._is_known(mobile) else WEAK
        for ticket in guessers:
            for which in ("last", "older", "oldest", "fourth"):
                self._bind(ticket.browser, ticket, mobile, self._code(mobile, which), password, "2001:db8::1")

    @rule(browser=browsers, openid=openids, address=addresses, times=st.integers(3, 6), data=st.data())
    @precondition(lambda self: self.model.accounts)
    def guess_a_password(self, browser: str, openid: str, address: str, times: int, data: st.DataObject) -> None:
        """Guess the password of an account whose mobile was proved, until it is locked, or nearly so. Then use the
        right one.
        """
        mobile = data.draw(st.sampled_from([it.mobile or MOBILES[0] for it in self.model.accounts]))
        ticket = self._come_back(browser, self._start(browser), openid, "well")
        if ticket:
            self._pass_time(60)
            self._look_and_ask(mobile, address, ticket)
            for which in ["wrong"] * times + ["right"]:
                code, password = self._code(mobile, "last"), self._password(mobile, which)
                self._bind(browser, ticket, mobile, code, password, address)

    # ------------------------------------------------------------ rules: signing in here

    @rule(data=st.data(), which=mostly("right", "wrong"), address=addresses, times=st.sampled_from([1, 1, 1, 4, 6]))
    def sign_in(self, data: st.DataObject, which: str, address: str, times: int) -> None:
        """Wrong passwords may come until a lock, and then the right one."""
        username = data.draw(st.sampled_from([*MOBILES, "nobody", *(it.username for it in self.model.accounts)]))
        for one in [which] * times + ["right"] * (times > 1):
            self._sign_in(username, self._password(username, one), address)

    @precondition(lambda self: self.tokens)
    @rule(nth=st.integers(0, 7), forged=mostly("", "x"))
    def refresh(self, nth: int, forged: str) -> None:
        self._refresh(self.tokens[-1 - nth % len(self.tokens)], forged)

    def _refresh(self, token: Refresh, forged: str = "") -> None:
        outcome = Outcome("token_invalid") if forged else self.model.refresh(token)
        answer = self.world.post("shop", "/authorizations/refresh/", {"refresh": token.text + forged})
        self._keep_token(outcome, self.judge("refresh", outcome, answer))

    @precondition(lambda self: self.tokens)
    @rule(times=st.integers(1, 8), twice=st.booleans())
    def stay_signed_in(self, times: int, twice: bool) -> None:
        """A person comes back again and again, until the sign-in is too old."""
        token = self.tokens[-1]
        for _ in range(times):
            self._pass_time(13 * DAY)
            known = len(self.tokens)
            self._refresh(token)
            if twice:
                self._refresh(token)
            token = self.tokens[known] if len(self.tokens) > known else token

    # ------------------------------------------------------------ rules: time, and the operator

    @rule(seconds=st.sampled_from([5, 20, 55, 60, 240, 300, 540, 600, 900, HOUR - 300, HOUR, DAY, 14 * DAY]))
    def pass_time(self, seconds: int) -> None:
        self._pass_time(seconds)

    @precondition(lambda self: self.model.now >= self.key_changed + HOUR)
    @rule(how=mostly("rotate", "drop"))
    def change_the_key(self, how: str) -> None:
        self._change_the_key(how)

    def _change_the_key(self, how: str) -> None:
        self.key_changed = self.model.now
        if how == "drop":
            self.model.drop_old_keys()
        else:
            self.model.rotate(self.keys)
            self.keys += 1
        self.world.use_keys(self.model.keys)
        self.done(f"{how} the key", by_operator=True)

    @precondition(lambda self: self.model.accounts)
    @rule(data=st.data(), enabled=st.booleans())
    def disable_or_enable(self, data: st.DataObject, enabled: bool) -> None:
        account = data.draw(st.sampled_from(self.model.accounts))
        account.enabled = enabled
        if not enabled:
            self.model.end(account)
        self.world.update(account.id, is_active=enabled)
        self.done("enable" if enabled else "disable", by_operator=True)
        for token in [token for token in self.tokens if token.account is account][-1:]:
            self._refresh(token)

    @precondition(lambda self: self.model.accounts)
    @rule(data=st.data(), mobile=st.sampled_from([*MOBILES, None]))
    def change_mobile(self, data: st.DataObject, mobile: str | None) -> None:
        account = data.draw(st.sampled_from(self.model.accounts))
        if mobile is None or all(other.mobile != mobile for other in self.model.accounts):
            account.mobile = mobile
            self.world.update(account.id, mobile=mobile)
            self.done("change a mobile", by_operator=True)

    @precondition(lambda self: self.model.accounts)
    @rule(data=st.data(), password=passwords)
    def change_password_or_delete(self, data: st.DataObject, password: str) -> None:
        account = data.draw(st.sampled_from(self.model.accounts))
        if account.password == password:
            self.model.delete(account)
            self.world.delete(account.id)
            self.done("delete an account", by_operator=True)
        else:
            account.password = password
            self.model.end(account)
            self.world.set_password(account.id, password)
            self.done("change a password", by_operator=True)

    @precondition(lambda self: self.model.accounts)
    @rule(data=st.data(), openid=openids)
    def open_elsewhere(self, data: st.DataObject, openid: str) -> None:
        """A person signs in to the other app, as the owner of an account. If they are known here, it is their own
        account.
        """
        account = self.model.bindings.get(openid) or data.draw(st.sampled_from(self.model.accounts))
        self._open_elsewhere(openid, account)

    def _open_elsewhere(self, openid: str, account: Account) -> None:
        if openid not in self.model.elsewhere:
            self.model.elsewhere[openid] = account
            self.world.open_elsewhere(openid, account.id)
            self.done("open elsewhere", by_operator=True)

    @precondition(lambda self: self.model.bindings or self.model.elsewhere)
    @rule(data=st.data())
    def unbind(self, data: st.DataObject) -> None:
        self._unbind(data.draw(st.sampled_from(sorted({*self.model.bindings, *self.model.elsewhere}))))

    def _unbind(self, openid: str) -> None:
        account = self.model.bindings.get(openid) or self.model.elsewhere[openid]
        self.model.unbind(openid)
        self.world.unbind(openid)
        self.done("unbind", by_operator=True)
        for token in [token for token in self.tokens if token.account is account][-1:]:
            self._refresh(token)


def _next(names: tuple[str, ...], name: str) -> str:
    return names[(names.index(name) + 1) % len(names)]


def table(acts: Counter[str], outcomes: Counter[str], met: Counter[str]) -> str:
    lines = [f"\n{acts.total()} steps"]
    for title, counts in (("acts", acts), ("outcomes", outcomes), ("limits", met)):
        lines += ["", title, *(f"{number:8} {name}" for name, number in counts.most_common() if name)]
    return "\n".join([*lines, ""])


@pytest.fixture
def valkey_client() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_server().url) as client:
        yield client


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_the_api_does_what_the_model_says(
    settings: Settings,
    qq: Upstream,
    phonebind: Configure,
    valkey_client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    note: Note,
) -> None:
    phonebind(limits=LOWERED, providers={"base_url": qq.url, "unionid": True})
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # hashing is not tested here
    world = World(qq, valkey_client, monkeypatch)
    acts, outcomes, met = Counter[str](), Counter[str](), Counter[str]()
    machine: Any = partial(Machine, world, acts, outcomes, met)
    run_state_machine_as_test(machine, settings=SCALE)
    with capsys.disabled():
        sys.stdout.write(table(acts, outcomes, met))
    note("random acts against the model", steps=acts.total(), kinds_of_outcome=len(outcomes), contradictions=0)
    assert acts.total() >= LEAST
    assert not MUST_HAPPEN - outcomes.keys()
    assert FULL or not MUST_BE_MET - met.keys()
