"""The machine of ``test_model`` again, for the account life: people, browsers, and numbers that change owners.

``PHONEBIND_TORTURE=full`` makes it long and different every time.
"""

import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import hypothesis
import pytest
import redis
from django.contrib.auth.hashers import check_password, is_password_usable
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from pytest_django import Settings

from phonebind import life
from tests.support.edge import Configure, Outbox, Upstream
from tests.support.services import valkey_server
from tests.torture.life_model import (
    LIFE_LIMITS,
    MOBILE_CHANGE_DELAY,
    Account,
    Code,
    Flow,
    Identity,
    LifeModel,
    No,
    Proof,
    Question,
    Reset,
    Session,
    State,
    Ticket,
    Token,
)
from tests.torture.model import DAY, HOUR
from tests.torture.report import Note
from tests.torture.test_model import AllRules, mostly, table
from tests.torture.world import START, owner_of

if not life.installed:
    pytest.skip("the account life is not installed here: LIFECYCLE=1", allow_module_level=True)

from tests.torture.life_world import Carrier, LifeWorld, session_of

FULL = os.environ.get("PHONEBIND_TORTURE") == "full"
EXAMPLES, RULES_EACH, LEAST = (100, 40, 6_000) if FULL else (36, 18, 1_800)

#: The browsers, and the address of each.
BROWSERS = {"firefox": "192.0.2.1", "safari": "192.0.2.2", "wechat": "192.0.2.3"}
#: Two of them differ only in case.
OPENIDS = ("0123456789ABCDEF", "0123456789abcdef", "FEDCBA9876543210", "FEDCBA9876543211")
MOBILES = ("13900000001", "13900000002", "13900000003", "13900000004")
PASSWORDS = ("horse-staple-9", "battery-paper-7")
WRONG, WEAK = "entirely-wrong-1", "12345678"
PURPOSES = ("bind", "sign_in", "reset_password", "change_mobile", "verify")
PASTS = (
    "bound",
    "sms",
    "attached",
    "second",
    "moves",
    "devices",
    "orphan",
    "impatient",
    "stolen",
    "disabled",
    "strange",
    "carried",
    "stale",
)
#: The seconds between any two acts, so that no two happen at the same time. The clock is moved by multiples of it.
MOMENT = 5

SCALE = hypothesis.settings(
    max_examples=EXAMPLES,
    stateful_step_count=RULES_EACH,
    derandomize=not FULL,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)

#: The outcomes that a run must have seen. Without them it proves little.
MUST_HAPPEN = {
    *(
        "ok",
        "accepted",
        "sms_code_invalid",
        "token_invalid",
        "state_invalid",
        "ticket_invalid",
        "account_disabled",
        "not_found",
    ),
    *("session_ended reuse", "session_ended disabled", "session_ended password", "session_ended unbound"),
    *("session_ended mobile", "session_ended revoked", "session_ended signed_out"),
    *("insufficient_user_authentication", "identity_taken", "identity_exists", "last_way_in"),
    *("owner_unclear", "mobile_taken", "mobile_change_pending", "password_wrong", "credentials_invalid"),
    *("sms_quota", "sms_too_frequent"),
}

browsers = st.sampled_from(list(BROWSERS))
openids = st.sampled_from(OPENIDS)
mobiles = st.sampled_from(MOBILES)
passwords = st.sampled_from(PASSWORDS)
#: The newest one, or one before it.
nths = st.integers(0, 7)
codes = st.sampled_from([*["right"] * 9, "wrong", "older", "other"])
senders = mostly("own", *BROWSERS)
mostly_true = st.sampled_from([True, True, True, False])
proofs = st.sampled_from(["none", "none", "old", "sms", "password", "provider"])

T = TypeVar("T")


class Machine(RuleBasedStateMachine):
    def __init__(self, world: LifeWorld, acts: Counter[str], outcomes: Counter[str]) -> None:
        super().__init__()
        self._rules_strategy.enabled_rules_strategy = st.just(AllRules())  # type: ignore[arg-type]
        self.world, self.acts, self.outcomes = world, acts, outcomes
        self.model = LifeModel(START, devices=dict.fromkeys(BROWSERS, ""))
        self.sent: list[Code] = []
        self.tokens: list[Token] = []
        #: The browser of each session's person.
        self.browser_of: dict[Session, str] = {}
        self.flows: list[Flow] = []
        self.tickets: dict[str, Ticket] = {}
        self.resets: list[Reset] = []
        self.proofs: list[Proof] = []
        #: The open questions, and for each the browser and the request that led to it.
        self.questions: list[tuple[Question, str, Callable[[], Any]]] = []
        self.keys: dict[Identity, int] = {}
        self.hashes: dict[int, tuple[str, str | None]] = {}
        world.begin()

    def teardown(self) -> None:
        self.world.end()

    # ------------------------------------------------------------ what every act has in common

    def act(
        self, name: str, rule: Callable[[], T], send: Callable[[], Any], status: int | Callable[[T], int] = 200
    ) -> tuple[T | None, Any, No | None]:
        """Do an act in the model and over HTTP. Status, code and all stored rows must agree. Returns the model's result
        and the answer's fields, or the reason of a refusal.
        """
        self.pass_moment()
        made, refused = None, None
        try:
            made = rule()
            status = status(made) if callable(status) else status
        except No as no:
            refused = no
        answer = send()
        data = answer.json() if answer.content else {}
        expected = (refused.status, refused.code) if refused else (status, None)
        code = data.get("code") if isinstance(data, dict) else None
        assert (answer.status_code, code) == expected, (name, data)
        for fact, value in (refused.facts if refused else {}).items():
            assert fact == "made" or data[fact] == value, (name, fact, data)
        self.acts[name] += 1
        reason = f" {refused.facts['reason']}" if refused and "reason" in refused.facts else ""
        self.outcomes[f"{refused.code}{reason}" if refused else "accepted" if status == 202 else "ok"] += 1
        return made, data, refused

    def pass_moment(self, seconds: int = MOMENT) -> None:
        self.model.now += seconds
        self.world.pass_time(seconds)

    def signed_in(
        self, name: str, browser: str, rule: Callable[[], Any], send: Callable[[], Any], status: int = 200
    ) -> Any:
        """An act that signs in. Returns the rule's token with its text on the wire. ``rule`` may also return a new
        account.
        """
        made, data, refused = self.act(name, rule, send, status)
        if refused and isinstance(refused.facts.get("made"), Question):
            question: Any = refused.facts["made"]
            question.text = data["ticket"]
            again = partial(self.signed_in, name, browser, rule, send, status)
            self.questions.append((question, browser, again))
        token, account = made if isinstance(made, tuple) else (made, None)
        if isinstance(account, Account):
            account.id = data["id"]
        if isinstance(token, Token):
            if account is None and "id" in data:
                assert data["id"] == token.session.account.id
            self.keep(token, browser, data)
        self.compare()
        return token

    def keep(self, token: Token, browser: str, data: Any) -> None:
        token.access, token.refresh = data["token"], data["refresh"]
        token.session.id = token.session.id or session_of(token.refresh)
        assert session_of(token.access) == session_of(token.refresh) == token.session.id
        assert owner_of(token.refresh) == str(token.session.account.id)
        self.browser_of.setdefault(token.session, browser)
        self.tokens.append(token)

    def compare(self) -> None:
        rows, model = self.world.all(), self.model
        by_id = {account.id: account for account in model.accounts}
        for pk, username, mobile, _, hashed in rows.accounts:
            self._learn_name(by_id[pk], username, mobile)
            self._check_hash(by_id[pk], hashed)
        every = [(it.id, it.username, it.mobile, it.enabled) for it in model.accounts]
        assert [row[:4] for row in rows.accounts] == sorted(every)
        identities = [identity for account in model.accounts for identity in account.identities]
        assert sorted((openid, pk) for _, openid, pk in rows.identities) == sorted(
            (it.openid, it.account.id) for it in identities
        )
        self.keys = {it: pk for it in identities for pk, openid, _ in rows.identities if openid == it.openid}
        assert rows.sessions == {
            it.id: (
                it.account.id,
                it.method,
                it.seq,
                it.ended,
                it.identity.openid if it.identity in identities else None,
            )
            for it in model.sessions
        }
        held = [(it.id, it.mobile, it.proved_at, it.doubtful_until or 0) for it in model.accounts if it.mobile]
        assert rows.proofs == sorted(held)
        assert rows.released == sorted((account.id, mobile, why) for account, mobile, why in model.released)
        assert rows.changes == sorted((it.id, *it.waiting) for it in model.accounts if it.waiting)
        # The notice to an old number that it will be given up has no code, and does not count.
        assert len([each for each in Outbox.sent if each.code]) == len(self.sent)
        self.world.pass_time(0)

    def _learn_name(self, account: Account, username: str, mobile: str | None) -> None:
        if not account.username:
            assert re.fullmatch(rf"{mobile}(_\w{{6}})?" if mobile else r"u\w{11}", username)
            account.username = username

    def _check_hash(self, account: Account, hashed: str) -> None:
        if self.hashes.get(account.id) != (hashed, account.password):
            right = check_password(account.password, hashed) if account.password else not is_password_usable(hashed)
            assert right, "another password"
            self.hashes[account.id] = (hashed, account.password)

    def ask(
        self, browser: str, method: str, path: str, data: Any = None, token: Token | None = None, proof: Any = None
    ) -> Any:
        access, shown = token.access if token else "", proof.text if proof else ""
        return self.world.ask(browser, BROWSERS[browser], method, path, data, token=access, proof=shown)

    # ------------------------------------------------------------ single acts

    def send_code(
        self, name: str, mobile: str, rule: Callable[[], Any], send: Callable[[], Any], status: int = 200
    ) -> Any:
        """Ask for an SMS code. Returns the answer's fields, and what the rule creates besides the code."""
        made, data, refused = self.act(name, rule, send, status)
        if refused is None:
            code, more = made if isinstance(made, tuple) else (made, None)
            assert isinstance(code, Code)
            assert Outbox.sent[-1].mobile == code.mobile == (mobile or code.mobile)
            code.text = Outbox.sent[-1].code
            self.sent.append(code)
            if isinstance(more, Flow):
                more.text = data["flow"]
                self.flows.append(more)
            if isinstance(more, Reset):
                more.text = data["id"]
                self.resets.append(more)
        self.compare()
        return refused

    def code(self, mobile: str, purpose: str, which: str) -> str:
        """A code to enter for this mobile. If there is none of that kind, it is a guess."""
        mine = [code.text for code in self.sent if (code.mobile, code.purpose) == (mobile, purpose)]
        others = [code.text for code in self.sent if code.mobile == mobile and code.purpose != purpose]
        known = {"right": mine[-1:], "older": mine[-2:-1], "other": others[-1:]}
        live = {code.text for code in self.sent}
        guess = next(text for text in (f"{number:06}" for number in range(10**6)) if text not in live)
        return next(iter(known.get(which, [])), guess)

    def password(self, account: Account | None, which: str) -> str | None:
        right = account.password if account and account.password else PASSWORDS[0]
        return {"right": right, "wrong": WRONG, "weak": WEAK, "none": None}[which]

    def start(self, browser: str, intent: str = "", token: Token | None = None) -> State | None:
        def begin() -> State:
            session = self.model.person(token, browser).session if intent and token else None
            return State(browser, self.model.now, intent, session)

        query = {"next": "/cart.html"} | ({"intent": intent} if intent else {})
        state, data, _ = self.act(
            f"go to the provider {intent}".strip(),
            begin,
            lambda: self.ask(browser, "get", "/oauth/qq/authorization/", query, token),
        )
        if state:
            state.text = data["login_url"].partition("&state=")[2].partition("&")[0]
        return state

    def come_back(self, browser: str, state: State, openid: str) -> Ticket | None:
        def send() -> Any:
            self.world.at_qq(openid, "well")
            return self.ask(browser, "get", "/oauth/qq/user/", {"code": "CODE", "state": state.text})

        made, data, _ = self.act("come back", lambda: self.model.come_back(state, browser, openid), send)
        if isinstance(made, Token):
            self.keep(made, browser, data)
        if isinstance(made, Ticket):
            made.text = data["access_token"]
            self.tickets[browser] = made
        self.compare()
        return made if isinstance(made, Ticket) else None

    def arrive(self, browser: str, openid: str) -> Ticket | None:
        state = self.start(browser)
        assert state
        ticket = self.come_back(browser, state, openid)
        self.world.close_tabs(browser)
        return ticket

    def ask_to_bind(self, browser: str, mobile: str, ticket: Ticket | None) -> None:
        query = {"access_token": ticket.text} if ticket else {}
        self.send_code(
            "ask for a code to bind",
            mobile,
            lambda: self.model.ask_to_bind(mobile, ticket, browser),
            lambda: self.ask(browser, "get", f"/sms_codes/{mobile}/", query),
        )

    def bind(self, browser: str, ticket: Ticket, mobile: str, code: str, password: str | None, choice: str) -> None:
        form = {"mobile": mobile, "sms_code": code, "access_token": ticket.text, "second_identity": choice}
        form |= {"password": password} if password is not None else {}
        self.signed_in(
            "bind",
            browser,
            lambda: self.model.bind(ticket, browser, mobile, code, password, choice),
            lambda: self.ask(browser, "post", "/oauth/qq/user/", form),
            201,
        )

    def ask_to_sign_in(self, browser: str, mobile: str, flow: Flow | None = None) -> Flow | None:
        query = {"purpose": "sign_in", "flow": flow.text if flow else ""}
        self.send_code(
            "ask for a code to sign in",
            mobile,
            lambda: self.model.ask_to_sign_in(mobile, flow, browser),
            lambda: self.ask(browser, "get", f"/sms_codes/{mobile}/", query),
        )
        return self.flows[-1] if self.flows else None

    def enter(self, browser: str, mobile: str, code: str, flow: Flow) -> None:
        form = {"mobile": mobile, "sms_code": code, "flow": flow.text}
        self.signed_in(
            "sign in by SMS",
            browser,
            lambda: self.model.enter(mobile, code, flow, browser),
            lambda: self.ask(browser, "post", "/authorizations/sms/", form),
        )

    def ask_to_reset(self, browser: str, mobile: str) -> None:
        self.send_code(
            "ask for a reset",
            mobile,
            lambda: self.model.ask_to_reset(mobile, browser),
            lambda: self.ask(browser, "post", "/password_resets/", {"mobile": mobile}),
            202,
        )

    def reset(self, browser: str, reset: Reset, code: str, password: str) -> None:
        self.signed_in(
            "reset",
            browser,
            lambda: self.model.reset(reset, browser, code, password),
            lambda: self.ask(
                browser, "put", f"/password_resets/{reset.text}/", {"sms_code": code, "password": password}
            ),
        )

    def sign_in(self, browser: str, name: str, password: str) -> None:
        self.signed_in(
            "sign in by password",
            browser,
            lambda: self.model.sign_in(name, password, browser),
            lambda: self.ask(browser, "post", "/authorizations/", {"username": name, "password": password}),
        )

    def refresh(self, token: Token) -> Token | None:
        browser = self.browser_of[token.session]
        made, data, _ = self.act(
            "refresh",
            lambda: self.model.refresh(token),
            lambda: self.ask(browser, "post", "/authorizations/refresh/", {"refresh": token.refresh}),
        )
        if made:
            same = [it.refresh for it in self.tokens if (it.session, it.nth) == (made.session, made.nth)]
            self.keep(made, browser, data)
            assert {*same, made.refresh} == {made.refresh}, "two successors"
        self.compare()
        return made

    def own_act(
        self,
        name: str,
        token: Token,
        browser: str,
        rule: Callable[[Any], Any],
        request: Any,
        status: int = 200,
        proof: Any = None,
    ) -> Any:
        """An act of a person who is signed in. ``request`` is method, path, data."""
        method, path, data = (*request, None)[:3]
        made, answer, refused = self.act(
            name,
            lambda: rule(self.model.person(token, browser)),
            lambda: self.ask(browser, method, path, data, token, proof),
            status,
        )
        self.compare()
        return made, answer, refused

    # ------------------------------------------------------------ people who are signed in

    def someone(self, nth: int) -> tuple[Token, str] | None:
        """A signed-in person: a valid token, and the browser that it belongs to."""
        newest = {token.session: token for token in self.tokens}
        here = [it for it in newest.values() if self.model.now < it.ends and not it.session.ended]
        here = [it for it in here if it.session.account.enabled]
        if not here:
            return self._comes_in(nth)
        token = here[-1 - nth % len(here)]
        browser = self.browser_of[token.session]
        if self.model.now + 10 * MOMENT >= token.at + HOUR:
            token = self.refresh(token) or token
        return token, browser

    def _comes_in(self, nth: int) -> tuple[Token, str] | None:
        """Sign in by the first way that the account has, in the last browser of its owner."""
        enabled = [account for account in self.model.accounts if account.enabled]
        if not enabled:
            return None
        account, known = enabled[nth % len(enabled)], len(self.tokens)
        browser = next((self.browser_of[it] for it in reversed(self.model.sessions) if it.account is account), "safari")
        if account.identities:
            self.arrive(browser, account.identities[0].openid)
        elif account.password:
            self.sign_in(browser, account.username, account.password)
        elif account.mobile:
            self.come_by_sms(browser, account.mobile, "right", "own", 1)
        return (self.tokens[-1], browser) if len(self.tokens) > known else None

    def show(self, token: Token, browser: str, method: str) -> Proof | None:
        """A proof of step-up: a new one, or the last one that anyone made."""
        account = token.session.account
        if method == "old":
            return self.proofs[-1] if self.proofs else None
        if method == "sms":
            self.pass_moment(60)
            self.ask_own(token, browser, "verify", "")
            return self.verify_by_sms(token, browser, "right")
        if method == "password":
            return self.verify_by_password(token, browser, "right")
        if method == "provider":
            openid = account.identities[0].openid if account.identities else OPENIDS[0]
            return self.verify_by_provider(token, browser, openid, "verify", token)
        return None

    def ask_own(self, token: Token, browser: str, purpose: str, mobile: str) -> None:
        query = {"purpose": purpose, "mobile": mobile}
        self.send_code(
            f"ask for a code to {purpose}",
            mobile if purpose == "change_mobile" else "",
            lambda: self.model.ask_own(self.model.person(token, browser), purpose, mobile),
            lambda: self.ask(browser, "get", "/account/sms_codes/", query, token),
        )

    def verify_by_sms(self, token: Token, browser: str, which: str) -> Proof | None:
        code = self.code(token.session.account.mobile or "", "verify", which)
        return self._verified(
            "sms", token, browser, {"sms_code": code}, lambda it: self.model.verify_by_sms(it, code, browser)
        )

    def verify_by_password(self, token: Token, browser: str, which: str) -> Proof | None:
        password = self.password(token.session.account, which) or WRONG
        return self._verified(
            "password",
            token,
            browser,
            {"password": password},
            lambda it: self.model.verify_by_password(it, password, browser),
        )

    def verify_by_provider(self, token: Token, browser: str, openid: str, intent: str, whose: Token) -> Proof | None:
        state = self.start(browser, intent, whose)
        if state is None:
            return None
        self.world.at_qq(openid, "well")
        form = {"provider": "qq", "code": "CODE", "state": state.text}
        proof = self._verified(
            "provider", token, browser, form, lambda it: self.model.verify_by_provider(it, state, browser, openid)
        )
        self.world.close_tabs(browser)
        return proof

    def _verified(
        self, method: str, token: Token, browser: str, form: Any, rule: Callable[[Any], Proof]
    ) -> Proof | None:
        made, data, _ = self.own_act(
            f"verify by {method}", token, browser, rule, ("post", "/account/verifications/", form), 201
        )
        if made:
            made.text = data["verification"]
            assert data["methods"] == self.model.ways(token.session.account)
            self.proofs.append(made)
        shown: Proof | None = made
        return shown

    # ------------------------------------------------------------ rules: ways to sign in

    @initialize(
        pasts=st.lists(st.tuples(st.sampled_from(PASTS), mobiles, openids), min_size=1, max_size=4),
    )
    def begin(self, pasts: list[tuple[str, str, str]]) -> None:
        """What has happened before. Some of it is rare: random choice alone would seldom lead to it."""
        for past, mobile, openid in pasts:
            if past in ("bound", "second", "moves", "devices", "strange", "carried", "stale"):
                self.first_bind("firefox", openid, mobile, "right", "add", "right")
            else:
                self.come_by_sms("safari", mobile, "right", "own", 1)
            if past in ("attached", "orphan") and (here := self.someone(0)):
                self._attach(*here, openid, "none", "bind")
            self._go_on(past, mobile)

    def _go_on(self, past: str, mobile: str) -> None:
        """Run the second part of this past, if it has one."""
        more = getattr(self, f"_past_{past}", None)
        if more and self.tokens:
            more(mobile)

    def _past_second(self, mobile: str) -> None:
        self.bind_to_theirs("wechat", -1, "none", "")
        self.bind_to_theirs("wechat", -1, "right", "replace")

    def _past_moves(self, mobile: str) -> None:
        self.change_mobile(0, mobile, True, "none", "right", "other")
        self.come_by_password("wechat", -1, "mobile", "right", 1)
        self.change_mobile(0, mobile, True, "sms", "right", "")

    def _past_devices(self, mobile: str) -> None:
        self.come_by_password("wechat", -1, "mobile", "right", 1)
        self.end_sessions(0, "others", 0)

    def _past_orphan(self, mobile: str) -> None:
        self.come_after_years("wechat", mobile, "not_mine", "none")
        self.detach(0, 0, "none", False, "own")

    def _past_impatient(self, mobile: str) -> None:
        self.insist("wechat", mobile, ["sign_in", "bind", "sign_in"], 10)
        self.insist("wechat", mobile, [*PURPOSES, *PURPOSES[:4]], 60)

    def _past_stolen(self, mobile: str) -> None:
        """A token that was used again after two newer ones; and one whose successor was issued too long ago."""
        first = self.tokens[-1]
        self.refresh(self.refresh(first) or first)
        self.refresh(first)
        self.come_by_sms("firefox", mobile, "right", "own", 1)
        second = self.tokens[-1]
        for pause in (0, 10, 20):
            self.pass_moment(pause or MOMENT)
            self.refresh(second)

    def _past_disabled(self, mobile: str) -> None:
        self.disable_or_enable(-1, "no")
        self.come_by_sms("wechat", mobile, "right", "own", 1)

    def _past_strange(self, mobile: str) -> None:
        """Identities of another account, and proofs that are not valid."""
        self.come_by_sms("firefox", _next(mobile), "right", "own", 1)
        for openid in OPENIDS:
            self.attach(0, openid, "none", "bind")
        self.verify_at_the_provider(0, OPENIDS[0], "bind", 0)
        self.verify(0, "password", "wrong", "own", 1)

    def _past_carried(self, mobile: str) -> None:
        """A proof that was made in another browser, with the same token."""
        self.come_by_sms("wechat", _next(mobile), "right", "own", 1)
        token, browser = self.tokens[0], self.browser_of[self.tokens[0].session]
        self.pass_time(900)
        if self.verify_by_password(token, "wechat", "right"):
            self._detach(token, browser, 0, "old", everywhere=False)
            self._detach(token, "wechat", 0, "old", everywhere=False)

    def _past_stale(self, mobile: str) -> None:
        """Proofs of things that the account has lost: a number, an identity."""
        token, browser = self.tokens[0], self.browser_of[self.tokens[0].session]
        self._attach(token, browser, OPENIDS[-1], "none", "bind")
        self.pass_time(900)
        for method in ("sms", "provider"):
            shown = self.show(token, browser, method)
            if method == "sms":
                self._change_mobile(token, browser, _next(mobile), shown, "right")
            else:
                self._detach(token, browser, 0, "old", everywhere=False)
            self._detach(token, browser, 0, "old", everywhere=False)

    @rule(browser=browsers, openid=openids)
    def come_by_provider(self, browser: str, openid: str) -> None:
        self.arrive(browser, openid)

    @rule(
        browser=browsers,
        openid=openids,
        mobile=mobiles,
        password=mostly("right", "none", "wrong", "weak"),
        choice=mostly("add", "", "replace"),
        which=codes,
    )
    def first_bind(self, browser: str, openid: str, mobile: str, password: str, choice: str, which: str) -> None:
        ticket = self.arrive(browser, openid)
        if ticket:
            self.pass_moment(60)
            self.ask_to_bind(browser, mobile, ticket)
            self.bind(
                browser,
                ticket,
                mobile,
                self.code(mobile, "bind", which),
                self.password(self.model.owner(mobile), password),
                choice,
            )

    first_bind_once_more = first_bind

    @precondition(lambda self: self.model.accounts)
    @rule(
        browser=browsers,
        nth=nths,
        password=mostly("right", "none", "wrong"),
        choice=st.sampled_from(["", "add", "replace", "replace"]),
    )
    def bind_to_theirs(self, browser: str, nth: int, password: str, choice: str) -> None:
        """Bind another identity to an existing account, which may have one already."""
        account = self.model.accounts[nth % len(self.model.accounts)]
        free = [openid for openid in OPENIDS if self.model.bound(openid) is None]
        if account.mobile and free:
            self.first_bind(browser, free[0], account.mobile, password, choice, "right")

    @precondition(lambda self: self.tickets)
    @rule(browser=browsers, mobile=mobiles, which=codes, password=mostly("right", "none"), nth=nths)
    def bind_again(self, browser: str, mobile: str, which: str, password: str, nth: int) -> None:
        ticket = list(self.tickets.values())[nth % len(self.tickets)]
        code = self.code(mobile, "bind", which)
        self.bind(browser, ticket, mobile, code, self.password(self.model.owner(mobile), password), "add")

    @rule(
        browser=browsers,
        mobile=mobiles,
        which=codes,
        flow=mostly("own", "other", "on"),
        times=st.sampled_from([1, 1, 1, 2, 4]),
    )
    def come_by_sms(self, browser: str, mobile: str, which: str, flow: str, times: int) -> None:
        self.pass_moment(60)
        earlier = self.flows[-1] if self.flows else None
        mine = self.ask_to_sign_in(browser, mobile, earlier if flow == "on" else None)
        if mine:
            for _ in range(times):
                shown = earlier if flow == "other" and earlier else mine
                self.enter(browser, mobile, self.code(mobile, "sign_in", which), shown)

    @rule(
        browser=browsers,
        mobile=mobiles,
        choice=st.sampled_from(["mine", "mine", "not_mine", "wait"]),
        password=mostly("right", "none", "wrong"),
    )
    def come_after_years(self, browser: str, mobile: str, choice: str, password: str) -> None:
        """A person comes on another device, with only the number."""
        self.pass_time(91 * DAY)
        self.empty(browser)
        self.come_by_sms(browser, mobile, "right", "own", 1)
        if self.questions and choice != "wait":
            self.answer(0, choice, password, "own", again=True)

    @rule(
        browser=browsers,
        mobile=mobiles,
        name=st.sampled_from([*MOBILES, "somebody"]),
        which=codes,
        password=mostly(*PASSWORDS, WEAK),
    )
    def register(self, browser: str, mobile: str, name: str, which: str, password: str) -> None:
        self.pass_moment(60)
        flow = self.ask_to_sign_in(browser, mobile)
        if flow is None:
            return
        code = self.code(mobile, "sign_in", which)
        form = {"username": name, "mobile": mobile, "password": password, "password2": password, "allow": True}
        form |= {"sms_code": code, "flow": flow.text}
        self.signed_in(
            "register",
            browser,
            lambda: self.model.sign_up(name, mobile, code, flow, password, browser),
            lambda: self.ask(browser, "post", "/users/", form),
            201,
        )

    @precondition(lambda self: self.model.accounts)
    @rule(
        browser=browsers,
        nth=nths,
        by=st.sampled_from(["name", "mobile"]),
        which=mostly("right", "wrong"),
        times=st.sampled_from([1, 1, 6]),
    )
    def come_by_password(self, browser: str, nth: int, by: str, which: str, times: int) -> None:
        account = self.model.accounts[nth % len(self.model.accounts)]
        name = account.username if by == "name" or not account.mobile else account.mobile
        for _ in range(times if which == "wrong" else 1):
            self.sign_in(browser, name, self.password(account, which) or WRONG)

    @rule(
        browser=browsers,
        mobile=mobiles,
        which=codes,
        password=mostly(*PASSWORDS, WEAK),
        sender=senders,
        meanwhile=st.sampled_from(["", "", "again", "another", "sign in", "bind", "change"]),
    )
    def forget(self, browser: str, mobile: str, which: str, password: str, sender: str, meanwhile: str) -> None:
        self.pass_moment(60)
        self.ask_to_reset(browser, mobile)
        if meanwhile == "another":
            self.pass_moment(60)
            self.ask_to_reset("wechat", mobile)
        if meanwhile in ("sign in", "bind"):
            self.pass_moment(60)
            self.ask_to_sign_in(browser, mobile) if meanwhile == "sign in" else self.ask_to_bind(browser, mobile, None)
        if meanwhile == "change" and (here := self.someone(0)):
            self._change_password(*here, "right", PASSWORDS[1], "none")
        for reset in self.resets[-2:] if meanwhile == "another" else self.resets[-1:] * (1 + (meanwhile == "again")):
            code = self.code(reset.mobile, "reset_password", which)
            self.reset(reset.browser if sender == "own" else sender, reset, code, password)
        if meanwhile == "sign in" and self.flows:
            self.enter(browser, mobile, self.code(mobile, "sign_in", "right"), self.flows[-1])

    # ------------------------------------------------------------ rules: the gate

    @precondition(lambda self: self.questions)
    @rule(
        nth=nths,
        choice=st.sampled_from(["mine", "mine", "not_mine"]),
        password=mostly("right", "none", "wrong"),
        sender=senders,
        again=st.booleans(),
    )
    def answer(self, nth: int, choice: str, password: str, sender: str, again: bool) -> None:
        """Answer a question of the gate, and repeat the request that led to it."""
        question, own, retry = self.questions[-1 - nth % len(self.questions)]
        browser = own if sender == "own" else sender
        typed = self.password(question.account, password)
        here = self.someone(nth)
        token = here[0] if here else None
        proof = self.proofs[-1] if self.proofs else None
        ticket = self.tickets.get(own) if question.purpose == "bind" else None
        form = {"ticket": question.text, "choice": choice, "access_token": ticket.text if ticket else ""}
        form |= {"password": typed} if typed is not None else {}

        def choose() -> None:
            self.model.ask_choice(question, browser, ticket)
            if choice == "mine":
                self.model.mine(question, browser, typed, token, proof)
            else:
                self.model.not_mine(question)

        self.act(f"answer {choice}", choose, lambda: self.ask(browser, "post", "/ownership/", form, token, proof))
        self.compare()
        if again:
            retry()

    @rule(says=st.sampled_from(["same", "recycled", "unknown"]))
    def hear_of_carriers(self, says: str) -> None:
        self.model.carrier = Carrier.says = says

    # ------------------------------------------------------------ rules: sessions

    @precondition(lambda self: self.tokens)
    @rule(nth=nths, times=st.integers(1, 3), pause=st.sampled_from([0, 0, 15, 20, HOUR, 10 * DAY]))
    def refresh_again(self, nth: int, times: int, pause: int) -> None:
        """Refresh with the same token several times. Then use the tokens that this returned."""
        token = self.tokens[-1 - nth % len(self.tokens)]
        made = None
        for number in range(times):
            self.pass_moment(pause if number else MOMENT)
            made = self.refresh(token) or made
        if made:
            self.refresh(made)

    @precondition(lambda self: self.tokens)
    @rule(nth=nths, which=st.sampled_from(["one", "one", "own", "others", "all", "revoke"]), other=nths)
    def end_sessions(self, nth: int, which: str, other: int) -> None:
        if which == "revoke":
            token = self.tokens[-1 - nth % len(self.tokens)]
            form = {"refresh": token.refresh}
            self.act(
                "revoke",
                lambda: self.model.revoke(token),
                lambda: self.ask("firefox", "post", "/authorizations/revoke/", form),
            )
            self.compare()
            return
        here = self.someone(nth)
        if here is None:
            return
        token, browser = here
        listed, data, _ = self.own_act(
            "list sessions", token, browser, self.model.listed, ("get", "/account/sessions/")
        )
        if listed is not None:
            assert {it["id"] for it in data} == {session.id for session in listed}
            assert [it["id"] for it in data if it["current"]] == [it.id for it in listed if it is token.session]
        if which in ("one", "own"):
            session = token.session if which == "own" else self.model.sessions[-1 - other % len(self.model.sessions)]
            request = ("delete", f"/account/sessions/{session.id}/")
            self.own_act("end a session", token, browser, lambda it: self.model.end_one(it, session), request, 204)
        else:
            request = ("delete", "/account/sessions/" + ("" if which == "all" else "?except=current"))
            self.own_act(
                "end sessions",
                token,
                browser,
                lambda it: self.model.end_others(it, own_too=which == "all"),
                request,
                204,
            )
        for known in [it for it in self.tokens if it.session.ended][-2:]:
            self.refresh(known)

    # ------------------------------------------------------------ rules: step-up

    @rule(
        nth=nths,
        method=st.sampled_from(["sms", "password"]),
        which=mostly("right", "wrong", "other", "older"),
        sender=senders,
        times=st.sampled_from([1, 1, 4]),
    )
    def verify(self, nth: int, method: str, which: str, sender: str, times: int) -> None:
        here = self.someone(nth)
        if here is None:
            return
        token, own = here
        browser = own if sender == "own" else sender
        if method == "sms":
            self.pass_moment(60)
            self.ask_own(token, browser, "verify", "")
        for _ in range(times):
            if method == "sms":
                self.verify_by_sms(token, browser, which)
            else:
                self.verify_by_password(token, browser, "right" if which == "right" else "wrong")

    @rule(nth=nths, openid=openids, intent=mostly("verify", "bind", ""), whose=nths)
    def verify_at_the_provider(self, nth: int, openid: str, intent: str, whose: int) -> None:
        here, other = self.someone(nth), self.someone(whose)
        if here and other:
            token, browser = here
            self.verify_by_provider(token, browser, openid, intent, other[0])

    # ------------------------------------------------------------ rules: identities

    @rule(nth=nths, openid=openids, proof=proofs, intent=mostly("bind", "verify", ""))
    def attach(self, nth: int, openid: str, proof: str, intent: str) -> None:
        if here := self.someone(nth):
            self._attach(*here, openid, proof, intent)

    def _attach(self, token: Token, browser: str, openid: str, proof: str, intent: str) -> None:
        shown = self.show(token, browser, proof)
        state = self.start(browser, intent, token)
        if state is None:
            return
        self.world.at_qq(openid, "well")
        known = self.model.bound(openid)
        is_new = known is None
        form = {"provider": "qq", "code": "CODE", "state": state.text}
        request = ("post", "/account/identities/", form)
        rule = lambda it: self.model.attach(it, shown, state, browser, openid)  # noqa: E731
        self.own_act("bind another", token, browser, rule, request, 201 if is_new else 200, shown)
        self.world.close_tabs(browser)

    @rule(nth=nths, which=nths, proof=proofs, everywhere=st.booleans(), sender=senders)
    def detach(self, nth: int, which: int, proof: str, everywhere: bool, sender: str) -> None:
        """Mostly an identity of the person's own account. Then the sessions that began with it are tried."""
        here = self.someone(nth)
        if here is None:
            return
        token, own = here
        self._detach(token, own if sender == "own" else sender, which, proof, everywhere=everywhere)

    def _detach(self, token: Token, browser: str, which: int, proof: str, *, everywhere: bool) -> None:
        shown = self.show(token, browser, proof)
        mine = [it for it in token.session.account.identities if it in self.keys]
        every = [*mine, *mine, *self.keys]
        identity = every[which % len(every)] if every else None
        pk = self.keys[identity] if identity else 987_654
        request = ("delete", f"/account/identities/{pk}/" + ("?sessions=all" if everywhere else ""))
        rule = lambda it: self.model.detach(it, shown, identity, everywhere=everywhere)  # noqa: E731
        self.own_act("unbind", token, browser, rule, request, 204, shown)
        for known in [it for it in self.tokens if it.session.ended == "unbound"][-1:]:
            self.refresh(known)

    # ------------------------------------------------------------ rules: the password and the mobile

    @rule(
        nth=nths,
        old=st.sampled_from(["right", "wrong", "none", "none"]),
        password=mostly(*PASSWORDS, WEAK),
        proof=proofs,
    )
    def change_password(self, nth: int, old: str, password: str, proof: str) -> None:
        if here := self.someone(nth):
            self._change_password(*here, old, password, proof)

    def _change_password(self, token: Token, browser: str, old: str, password: str, proof: str) -> None:
        shown = self.show(token, browser, proof)
        typed = self.password(token.session.account, old)
        form = {"password": password} | ({"old_password": typed} if typed is not None else {})
        made, data, _ = self.act(
            "change the password",
            lambda: self.model.change_password(self._after_due(token, browser), shown, typed, password, browser),
            lambda: self.ask(browser, "put", "/account/password/", form, token, shown),
        )
        if made:
            self.keep(made, browser, data)
            self.refresh(token)
        self.compare()

    @rule(
        nth=nths,
        mobile=mobiles,
        is_free=mostly_true,
        proof=proofs,
        which=codes,
        later=st.sampled_from(["", "", "again", "other", "cancel", "due", "due"]),
    )
    def change_mobile(self, nth: int, mobile: str, is_free: bool, proof: str, which: str, later: str) -> None:
        free = [other for other in MOBILES if self.model.owner(other) is None]
        mobile = free[0] if free and is_free else mobile
        if later in ("other", "due"):
            # After this, a sign-in with the old number does not count as a proof any more.
            self.pass_time(900)
        here = self.someone(nth)
        if here is None:
            return
        token, browser = here
        if later in ("other", "due"):
            proof = "password" if token.session.account.password else "provider"
        self._change_and(later, nth, token, browser, mobile, proof, which)

    def _change_and(
        self, later: str, nth: int, token: Token, browser: str, mobile: str, proof: str, which: str
    ) -> None:
        shown = self.show(token, browser, proof)
        self._change_mobile(token, browser, mobile, shown, which)
        match later:
            case "again":
                self._put_mobile(token, browser, mobile, shown, which)
            case "other":
                self._change_mobile(token, browser, _next(mobile), shown, which)
            case "cancel":
                self._cancel(token, browser)
            case "due":
                self.pass_time(MOBILE_CHANGE_DELAY)
                self.look(nth)
        for known in [it for it in self.tokens if it.session.ended == "mobile"][-1:]:
            self.refresh(known)

    # This is the most important rule, so it comes twice as often.
    change_mobile_once_more = change_mobile

    def _change_mobile(self, token: Token, browser: str, mobile: str, shown: Proof | None, which: str) -> None:
        self.pass_moment(60)
        self.ask_own(token, browser, "change_mobile", mobile)
        self._put_mobile(token, browser, mobile, shown, which)

    def _put_mobile(self, token: Token, browser: str, mobile: str, shown: Proof | None, which: str) -> None:
        self._put(token, browser, mobile, shown, self.code(mobile, "change_mobile", which))

    def _put(self, token: Token, browser: str, mobile: str, shown: Proof | None, code: str) -> None:
        form = {"mobile": mobile, "sms_code": code}
        self.act(
            "change the mobile",
            lambda: self.model.change_mobile(self._after_due(token, browser), shown, mobile, code, browser),
            lambda: self.ask(browser, "put", "/account/mobile/", form, token, shown),
            lambda at_once: 200 if at_once else 202,
        )
        self.compare()

    def _cancel(self, token: Token, browser: str) -> None:
        self.act(
            "cancel",
            lambda: self.model.cancel(self._after_due(token, browser)),
            lambda: self.ask(browser, "delete", "/account/mobile/", token=token),
            204,
        )
        self.compare()

    def _after_due(self, token: Token, browser: str) -> Any:
        """The account's owner, after a change that is due was carried out."""
        person = self.model.person(token, browser)
        self.model.carry_out(person)
        return person

    @rule(nth=nths)
    def look(self, nth: int) -> None:
        if here := self.someone(nth):
            self._look(*here)

    def _look(self, token: Token, browser: str) -> None:
        _, data, refused = self.act(
            "look at the account",
            lambda: self._after_due(token, browser),
            lambda: self.ask(browser, "get", "/account/", token=token),
        )
        self.compare()
        if refused is None:
            account = token.session.account
            masked = f"{account.mobile[:3]}****{account.mobile[-4:]}" if account.mobile else ""
            assert (data["id"], data["username"], data["mobile"]) == (account.id, account.username, masked)
            assert (data["has_password"], data["methods"]) == (account.password is not None, self.model.ways(account))
            assert bool(data["mobile_change"]) == bool(account.waiting)

    # ------------------------------------------------------------ rules: codes of all purposes

    @rule(browser=browsers, mobile=mobiles, purpose=st.sampled_from(PURPOSES), nth=nths)
    def try_at_all_doors(self, browser: str, mobile: str, purpose: str, nth: int) -> None:
        """A code that was sent for one purpose is entered for the others, with all other fields that each of them
        needs.
        """
        self.pass_moment(60)
        here = self.someone(nth)
        self.ask_for(purpose, browser, mobile, here)
        if not self.sent:
            return
        self._try_for_nobody(browser, self.sent[-1])
        if here:
            self._try_for_one(*here, self.sent[-1])

    def _try_for_nobody(self, browser: str, code: Code) -> None:
        if ticket := self.tickets.get(browser):
            self.bind(browser, ticket, code.mobile, code.text, None, "add")
        if self.flows and code.purpose != "sign_in":
            self.enter(browser, code.mobile, code.text, self.flows[-1])
        if self.resets and code.purpose != "reset_password":
            reset = self.resets[-1]
            self.reset(reset.browser, reset, code.text, PASSWORDS[0])

    def _try_for_one(self, token: Token, browser: str, code: Code) -> None:
        if code.purpose != "change_mobile":
            self._put(token, browser, code.mobile, None, code.text)
        if code.purpose != "verify":
            rule = lambda it: self.model.verify_by_sms(it, code.text, browser)  # noqa: E731
            self._verified("sms", token, browser, {"sms_code": code.text}, rule)

    @rule(
        browser=browsers,
        mobile=mobiles,
        purposes=st.lists(st.sampled_from(PURPOSES), min_size=3, max_size=9),
        pause=st.sampled_from([10, 60]),
    )
    def insist(self, browser: str, mobile: str, purposes: list[str], pause: int) -> None:
        """The number of SMS to one mobile is limited, whatever they are for."""
        here = self.someone(0)
        for purpose in purposes:
            self.pass_moment(pause)
            self.ask_for(purpose, browser, mobile, here)

    def ask_for(self, purpose: str, browser: str, mobile: str, here: tuple[Token, str] | None) -> None:
        match purpose:
            case "bind":
                self.ask_to_bind(browser, mobile, None)
            case "sign_in":
                self.ask_to_sign_in(browser, mobile)
            case "reset_password":
                self.ask_to_reset(browser, mobile)
            case _ if here:
                self.ask_own(*here, purpose, mobile)

    # ------------------------------------------------------------ rules: time, browsers, the operator

    @rule(seconds=st.sampled_from([60, 240, 300, 600, 900, HOUR, 2 * HOUR, DAY, 3 * DAY, 8 * DAY, 14 * DAY]))
    def pass_time(self, seconds: int) -> None:
        self.pass_moment(seconds)

    @rule(browser=browsers)
    def empty(self, browser: str) -> None:
        self.model.empty(browser)
        self.tickets.pop(browser, None)
        self.world.empty(browser)

    @precondition(lambda self: self.model.accounts)
    @rule(nth=nths, enabled=mostly("yes", "no"))
    def disable_or_enable(self, nth: int, enabled: str) -> None:
        account = self.model.accounts[nth % len(self.model.accounts)]
        self.pass_moment()
        for yes in [enabled == "yes"] if not account.enabled else [False, enabled == "yes"]:
            self.model.enable(account, yes)
            self.world.update(account.id, is_active=yes)
        self.compare()
        for known in [it for it in self.tokens if it.session.account is account][-1:]:
            self.refresh(known)


def _next(mobile: str) -> str:
    return MOBILES[(MOBILES.index(mobile) + 1) % len(MOBILES)]


@pytest.fixture
def valkey_client() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_server().url) as client:
        yield client


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_the_account_life_is_what_the_model_says(
    settings: Settings,
    qq: Upstream,
    phonebind: Configure,
    valkey_client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    note: Note,
) -> None:
    phonebind(
        limits={name: limit[:2] for name, limit in LIFE_LIMITS.items()},
        human_check="none",
        sms_sign_in=True,
        sms_sign_up=True,
        known_mobile="either",
        second_identity="ask",
        number_state={"gateway": "tests.torture.life_world.Carrier"},
        # The notice would add an SMS, and this test counts them.
        mobile_change_notice=False,
    )
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # hashing is not tested here
    world = LifeWorld(qq, valkey_client, monkeypatch)
    acts, outcomes = Counter[str](), Counter[str]()
    machine: Any = partial(Machine, world, acts, outcomes)
    for past in PASTS:
        one = machine()
        one.begin([(past, MOBILES[0], OPENIDS[0])])
        one.teardown()
    run_state_machine_as_test(machine, settings=SCALE)
    with capsys.disabled():
        sys.stdout.write(table(acts, outcomes, Counter()))
    note(
        "random acts of the account life against the model",
        steps=acts.total(),
        kinds_of_outcome=len(outcomes),
        contradictions=0,
    )
    assert acts.total() >= LEAST
    missing = MUST_HAPPEN - outcomes.keys()
    assert not missing, sorted(missing)
