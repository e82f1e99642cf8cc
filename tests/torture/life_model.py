"""The rules of the account life in plain form: what the result of every act must be, and nothing about how it is done.

They are written from the contract and docs/en/explanation/threats.md. This module imports nothing of the code that it
judges. The return value says what an act creates. ``text`` is how that looks on the wire; the driver of the model fills
it in. A refusal is raised as ``No``. An act is refused before any part of it is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.torture.model import CHAIN_LIFE, CODE_LIFE, DAY, HOUR, LIMITS, MAX_LIVE, REFRESH_LIFE, Claim, Counts, Limits

ACCESS_LIFE = HOUR
#: Seconds that these are valid: a state, a ticket, a flow, a reset, a question and its answer, and a proof of step-up.
LIFE = 600
#: Seconds in which a refresh token that is used again gets the same successor.
REFRESH_AGAIN = 20
#: After this time without a proof, a number may belong to another person.
FROZEN = 90 * DAY
PROBATION = 8 * DAY
MOBILE_CHANGE_DELAY = 72 * HOUR
GUESSES = {"bind": 5, "sign_in": 3, "reset_password": 3, "change_mobile": 3, "verify": 3}
METHODS = ("sms", "password", "provider")
WEAK = frozenset({"12345678", "password"})
#: A session makes its device known if it is in use (""), or was signed out on that device.
HARMLESS = ("", "signed_out")
#: Open forms for a forgotten password in one browser.
MAX_RESETS = 3
#: The most seconds between the times of a session and a proof that one request made.
ONE_REQUEST = 30

LIFE_LIMITS: Limits = LIMITS | {
    "sms_address_hour": (100_000, HOUR, "sms_quota"),
    "sms_site_hour": (100_000, HOUR, "sms_quota"),
    "sms_site_day": (100_000, DAY, "sms_quota"),
    "sms_mobile_hour": (8, HOUR, "sms_quota"),
    "sms_mobile_day": (18, DAY, "sms_quota"),
    "sms_mobile_open_hour": (6, HOUR, "sms_quota"),
    "sms_mobile_open_day": (14, DAY, "sms_quota"),
    "reset_mobile_day": (5, DAY, "sms_quota"),
    "sign_up_mobile_hour": (20, HOUR, "too_many_attempts"),
    "verify_user_hour": (10, HOUR, "sms_quota"),
    "password_verify": (5, 900, "too_many_attempts"),
    "owner_choice_address_hour": (100, HOUR, "too_many_requests"),
}
#: These count the SMS of a mobile for all purposes together.
_OWN = ("sms_mobile_gap", "sms_mobile_hour", "sms_mobile_day")
_OPEN = ("sms_mobile_open_hour", "sms_mobile_open_day")
_KEPT = ("sms_identity_hour", "sms_identity_day", "sms_identity_month")

STATUS = {
    "credentials_invalid": 401,
    "token_invalid": 401,
    "session_ended": 401,
    "insufficient_user_authentication": 401,
    "account_disabled": 403,
    "not_found": 404,
    "identity_taken": 409,
    "identity_exists": 409,
    "last_way_in": 409,
    "mobile_taken": 409,
    "mobile_change_pending": 409,
    "owner_unclear": 409,
    "too_many_requests": 429,
    "sms_too_frequent": 429,
    "sms_quota": 429,
    "too_many_attempts": 429,
}


class No(Exception):
    """``facts``: the further fields of the answer."""

    def __init__(self, code: str, status: int = 0, **facts: object) -> None:
        super().__init__(code)
        self.code, self.status, self.facts = code, status or STATUS.get(code, 400), facts


@dataclass(eq=False)
class Account:
    """``id`` and ``username`` come from the answer that created the account."""

    mobile: str | None
    password: str | None
    #: A number that goes up with each new password.
    nth: int = 0
    id: int = 0
    username: str = ""
    enabled: bool = True
    identities: list["Identity"] = field(default_factory=list)
    #: The last good proof of the mobile. A later, weaker proof puts the mobile in doubt until ``doubtful_until``; None
    #: if there was none since the good proof.
    proved_at: int = 0
    doubtful_until: int | None = None
    #: The change of mobile that waits for its delay, as (mobile, when it was asked for).
    waiting: tuple[str, int] | None = None


@dataclass(eq=False)
class Identity:
    openid: str
    account: Account


@dataclass(eq=False)
class Session:
    account: Account
    method: str
    #: The name of the device, "" for a device without a name.
    device: str
    identity: Identity | None
    #: When the sign-in began.
    at: int
    turned: int
    seq: int = 0
    ended: str = ""
    id: str = ""

    @property
    def ends(self) -> int:
        return min(self.turned + REFRESH_LIFE, self.at + CHAIN_LIFE)

    def is_live(self, now: int) -> bool:
        return not self.ended and now < self.ends


@dataclass(eq=False)
class Token:
    """A pair of tokens, the ``nth`` of its session. ``access`` was made at ``at``."""

    session: Session
    nth: int
    at: int
    ends: int
    access: str = ""
    refresh: str = ""


@dataclass(eq=False)
class Code:
    """``holder``: the only one who may use the code, "" for anyone. It is valid once: ``used_by`` is the one who used
    it.
    """

    mobile: str
    purpose: str
    holder: object
    at: int
    text: str = ""
    used_by: object = None


@dataclass(eq=False)
class Flow:
    at: int
    text: str = ""


@dataclass(eq=False)
class State:
    """The state of a visit to the provider: to sign in, or for one session to bind, or as its proof for step-up."""

    browser: str
    at: int
    intent: str = ""
    session: Session | None = None
    text: str = ""


@dataclass(eq=False)
class Ticket:
    browser: str
    openid: str
    at: int
    text: str = ""


@dataclass(eq=False)
class Reset:
    browser: str
    mobile: str
    at: int
    stamp: object
    text: str = ""


@dataclass(eq=False)
class Proof:
    """A proof for step-up. ``of``: what it was made from. Without that it is not valid."""

    session: Session
    device: str
    method: str
    of: object
    at: int
    text: str = ""


@dataclass(eq=False)
class Question:
    """A question of the gate. ``subject``: the device that got it, or the openid that is being bound."""

    purpose: str
    subject: str
    mobile: str
    account: Account
    at: int
    used: bool = False
    text: str = ""


@dataclass(frozen=True)
class Person:
    """The sender of a request: a session, and the device that sends it."""

    session: Session
    device: str

    @property
    def account(self) -> Account:
        return self.session.account


@dataclass
class LifeModel(Counts):
    limits: Limits = field(default_factory=lambda: LIFE_LIMITS)
    accounts: list[Account] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    #: Numbers that an account has lost: account, number, reason.
    released: list[tuple[Account, str, str]] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)
    #: Wrong guesses by mobile, purpose and holder.
    guesses: dict[tuple[str, str, object], int] = field(default_factory=dict)
    #: The name of each browser's device.
    devices: dict[str, str] = field(default_factory=dict)
    named: int = 0
    #: The answers to the gate's questions, by purpose, subject and mobile.
    answers: dict[tuple[str, str, str], tuple[str, Account, int]] = field(default_factory=dict)
    #: By browser: its open reset forms.
    resets: dict[str, list[Reset]] = field(default_factory=dict)
    #: What the carrier says about numbers: "same", "recycled", "unknown".
    carrier: str = "unknown"

    # ------------------------------------------------------------ codes

    def send(self, mobile: str, purpose: str, holder: object = "", *also: Claim, kept: bool = False) -> Code:
        """``kept``: the holder may use the part of a mobile's quota that is kept back."""
        own = [(name, mobile) for name in _OWN]
        claims = [*own, *((name, mobile) for name in _OPEN), *also]
        used_up = self.first_used_up(claims)
        if used_up and kept and used_up[0] in _OPEN:
            claims = [*own, *((name, str(holder)) for name in _KEPT), *also]
            used_up = self.first_used_up(claims) and used_up
        if used_up:
            raise No(self.limits[used_up[0]][2])
        self.count(claims)
        if not self._live(mobile, purpose, holder):
            self.guesses[mobile, purpose, holder] = 0
        code = Code(mobile, purpose, holder, self.now)
        self.codes.append(code)
        self._drop(self._live(mobile, purpose, holder)[:-MAX_LIVE])
        return code

    def check(self, mobile: str, purpose: str, text: str, claimant: object, browser: str) -> Code:
        """A code is wrong for any other purpose, and for anyone except its holder."""
        claims = [("sms_code_identity_hour", str(claimant)), ("sms_code_address_hour", browser)]
        if used_up := self.first_used_up(claims):
            raise No(self.limits[used_up[0]][2])
        mine = [(holder, self._live(mobile, purpose, holder)) for holder in dict.fromkeys(("", claimant))]
        for code in [code for _, codes in mine for code in codes if code.text == text]:
            if code.used_by in (None, claimant):
                return code
            self.count(claims)
            raise No("sms_code_invalid")
        for holder, codes in mine:
            if codes:
                self.guesses[mobile, purpose, holder] += 1
                if self.guesses[mobile, purpose, holder] >= GUESSES[purpose]:
                    self._drop(codes)
        self.count(claims)
        raise No("sms_code_invalid")

    def use(self, code: Code, claimant: object) -> None:
        """The code has done its work. It is used up."""
        code.used_by = claimant
        both = [*self._live(code.mobile, code.purpose, ""), *self._live(code.mobile, code.purpose, claimant)]
        self._drop([other for other in both if other is not code])

    def void(self, mobile: str | None) -> None:
        self._drop([code for code in self.codes if code.mobile == mobile])

    def _live(self, mobile: str, purpose: str, holder: object) -> list[Code]:
        same = (code for code in self.codes if (code.mobile, code.purpose, code.holder) == (mobile, purpose, holder))
        return [code for code in same if self.now < code.at + CODE_LIFE]

    def _drop(self, codes: list[Code]) -> None:
        self.codes = [code for code in self.codes if code not in codes]

    # ------------------------------------------------------------ people, accounts, tokens

    def owner(self, mobile: str | None) -> Account | None:
        return next((account for account in self.accounts if mobile and account.mobile == mobile), None)

    def login(self, name: str) -> Account | None:
        named = (account for account in self.accounts if account.username == name)
        return self.owner(name) or next(named, None)

    def bound(self, openid: str) -> Identity | None:
        every = (identity for account in self.accounts for identity in account.identities)
        return next((identity for identity in every if identity.openid == openid), None)

    def person(self, token: Token, browser: str) -> Person:
        """An access token is valid for an hour, and not after its session has ended."""
        session = token.session
        if session.ended or not session.account.enabled or self.now >= min(token.at + ACCESS_LIFE, token.ends):
            raise No("token_invalid")
        return Person(session, self.devices[browser])

    def begin(self, account: Account, method: str, browser: str, identity: Identity | None = None) -> Token:
        """A sign-in. From now on the device has a name."""
        session = Session(account, method, self.name(browser), identity, self.now, self.now)
        self.sessions.append(session)
        return self.token(session)

    def token(self, session: Session) -> Token:
        return Token(session, session.seq, self.now, session.ends)

    def name(self, browser: str) -> str:
        if not self.devices[browser]:
            self.named += 1
            self.devices[browser] = f"device {self.named}"
        return self.devices[browser]

    def end(self, account: Account, reason: str, since: Identity | None = None) -> None:
        """``since``: only the sessions that began with this identity."""
        for session in self.sessions:
            is_meant = session.account is account and since in (None, session.identity)
            if is_meant and not session.ended:
                session.ended = reason

    # ------------------------------------------------------------ passwords

    def try_password(
        self, account: Account, password: str | None, browser: str, counted: str = "password_bind"
    ) -> None:
        claims = [("password_address", browser), (counted, str(account.id))]
        if used_up := self.first_used_up(claims):
            raise No(self.limits[used_up[0]][2])
        if password is None or password != account.password:
            self.count(claims)
            raise No("password_wrong")
        self._check_enabled(account)

    def _check_enabled(self, account: Account) -> None:
        if not account.enabled:
            raise No("account_disabled")

    def _set_password(self, account: Account, password: str) -> None:
        """Everything that began with the old password ends."""
        account.password, account.nth, account.waiting = password, account.nth + 1, None
        self.end(account, "password")
        self.void(account.mobile)

    # ------------------------------------------------------------ the gate

    def decide(self, account: Account, mobile: str, purpose: str, browser: str, openid: str = "") -> bool:
        """A person has proved the number, and nothing else: are they its owner? Returns whether they are on probation.
        Raises ``No`` with a question if it is unclear.
        """
        subject = openid or self.devices[browser]
        worth, of, at = self.answers.get((purpose, subject, mobile), ("", None, 0))
        if worth and of is account and self.now < at + LIFE:
            return worth == "word"
        if not self.is_doubtful(account):
            if self._is_known_device(account, browser):
                return False
            if self.now - account.proved_at < FROZEN:
                return False
            if self.carrier == "same":
                return True
        subject = openid or self.name(browser)
        raise No("owner_unclear", made=Question(purpose, subject, mobile, account, self.now))

    def _is_known_device(self, account: Account, browser: str) -> bool:
        """A device is known by its sessions. While a proof is in doubt, only sessions up to the last good proof
        count.
        """
        until = self.now if account.doubtful_until is None else account.proved_at + ONE_REQUEST
        return any(
            session.account is account and session.device == self.devices[browser] != ""
            for session in self.sessions
            if session.at <= until and session.ended in HARMLESS
        )

    def _knows(self, mobile: str, browser: str) -> bool:
        """Whether the account of this number has signed in on this device."""
        account, device = self.owner(mobile), self.devices[browser]
        mine = [it for it in self.sessions if it.account is account and it.device == device != ""]
        return account is not None and any(it.ended in HARMLESS for it in mine)

    def is_doubtful(self, account: Account) -> bool:
        return account.doubtful_until is not None and self.now < account.doubtful_until

    def prove(self, account: Account, *, doubtful: bool = False) -> None:
        if doubtful:
            account.doubtful_until = self.now + PROBATION
        else:
            account.proved_at, account.doubtful_until = self.now, None

    def mine(
        self, question: Question, browser: str, password: str | None, token: Token | None, verification: Proof | None
    ) -> None:
        account = self._asked(question)
        ways = [name for name in ("password", "provider") if name in self.ways(account)]
        if password is not None and "password" in ways:
            self.try_password(account, password, browser)
            worth = "shown"
        elif token and self._is_signed_in(account, token, browser, verification):
            worth = "shown"
        elif ways:
            raise No("insufficient_user_authentication", methods=ways)
        else:
            self._check_enabled(account)
            worth = "word"
        question.used = True
        self.answers[question.purpose, question.subject, question.mobile] = (worth, account, self.now)

    def not_mine(self, question: Question) -> None:
        account = self._asked(question)
        question.used = True
        self.release(account, "new_owner")

    def ask_choice(self, question: Question, browser: str, ticket: Ticket | None) -> None:
        """The device or the identity that got the question may answer it, until the bind is done."""
        claims = [("owner_choice_address_hour", browser)]
        if self.first_used_up(claims):
            raise No("too_many_requests")
        self.count(claims)
        if self.now - question.at > LIFE:
            raise No("ticket_invalid")
        if not (
            self._is_put_to(question, ticket, browser)
            if question.purpose == "bind"
            else question.subject == self.devices[browser]
        ):
            raise No("ticket_invalid")

    def _is_put_to(self, question: Question, ticket: Ticket | None, browser: str) -> bool:
        if ticket is None or not self._is_own(ticket, browser):
            return False
        return ticket.openid == question.subject and not self.bound(ticket.openid)

    def _asked(self, question: Question) -> Account:
        if question.used or self.owner(question.mobile) is not question.account:
            raise No("ticket_invalid")
        return question.account

    def _is_signed_in(self, account: Account, token: Token, browser: str, verification: Proof | None) -> bool:
        try:
            person = self.person(token, browser)
            if person.account is not account:
                return False
            self.step_up(person, verification, "password", "provider")
        except No:
            return False
        return True

    def release(self, account: Account, reason: str) -> None:
        """The number has no owner any more. A username that equals it and its codes go too; sessions stay."""
        mobile = account.mobile
        assert mobile
        self._lose(account, mobile, reason)
        for other in self.accounts:
            if other.waiting and other.waiting[0] == mobile:
                other.waiting = None

    def _lose(self, account: Account, mobile: str, reason: str) -> None:
        self.released.append((account, mobile, reason))
        account.username = "" if account.username == mobile else account.username
        account.mobile, account.doubtful_until = None, None
        self.void(mobile)

    # ------------------------------------------------------------ ways to sign in

    def come_back(self, state: State, browser: str, openid: str) -> Token | Ticket:
        self._redeem(state, browser, "", None)
        if identity := self.bound(openid):
            self._check_enabled(identity.account)
            return self.begin(identity.account, "provider", browser, identity)
        return Ticket(browser, openid, self.now)

    def ask_to_bind(self, mobile: str, ticket: Ticket | None, browser: str) -> Code:
        if ticket and not self._is_own(ticket, browser):
            raise No("ticket_invalid")
        return self.send(mobile, "bind", ticket.openid if ticket else "", kept=bool(ticket))

    def bind(
        self, ticket: Ticket, browser: str, mobile: str, text: str, password: str | None, choice: str
    ) -> tuple[Token, Account | None]:
        """With the number alone, if the gate sees no sign of a new owner; otherwise with the password. Returns the
        tokens and the new account, if one was made.
        """
        if not self._is_own(ticket, browser):
            raise No("ticket_invalid")
        code = self.check(mobile, "bind", text, ticket.openid, browser)
        account = self.owner(mobile)
        if known := self.bound(ticket.openid):
            if known.account is not account:
                raise No("already_bound")
            self.use(code, ticket.openid)
            self._check_enabled(account)
            return self.begin(account, "provider", browser, known), None
        if account is None:
            if password is None or password in WEAK:
                raise No("invalid")
            self._once(code)
            account = made = self._new(mobile, password)
            self.prove(account)
        else:
            made = None
            doubtful, gone = self._join(account, ticket.openid, mobile, browser, password, choice)
            self._once(code)
            for identity in gone:
                self._unbind(identity)
            self.prove(account, doubtful=doubtful)
        self.use(code, ticket.openid)
        identity = Identity(ticket.openid, account)
        account.identities.append(identity)
        return self.begin(account, "provider", browser, identity), made

    def _join(
        self, account: Account, openid: str, mobile: str, browser: str, password: str | None, choice: str
    ) -> tuple[bool, list[Identity]]:
        """A proof of the number alone never replaces an identity."""
        worth, of, at = self.answers.get(("bind", openid, mobile), ("", None, 0))
        shown = worth == "shown" and of is account and self.now < at + LIFE
        if not shown and password is not None and account.password is not None:
            self.try_password(account, password, browser)
            shown = True
        self._check_enabled(account)
        doubtful = not shown and self.decide(account, mobile, "bind", browser, openid)
        if not account.identities or choice == "add":
            return doubtful, []
        if choice != "replace":
            raise No("identity_exists", choices=["add", "replace", "other_number"])
        if not shown:
            raise No("insufficient_user_authentication", methods=["password" if account.password else "provider"])
        return doubtful, list(account.identities)

    def sign_in(self, name: str, password: str, browser: str) -> Token:
        account = self.login(name)
        claims = [("password_address", browser), ("password_name", name)]
        claims += [("password_account", str(account.id) if account else f"-{name}")]
        if used_up := self.first_used_up(claims):
            raise No(self.limits[used_up[0]][2])
        if account is None or account.password != password:
            self.count(claims)
            raise No("credentials_invalid")
        self._check_enabled(account)
        return self.begin(account, "password", browser)

    def ask_to_sign_in(self, mobile: str, flow: Flow | None, browser: str) -> tuple[Code, Flow]:
        """A flow that is still valid continues."""
        holder = flow if flow and self.now - flow.at <= LIFE else Flow(self.now)
        return self.send(mobile, "sign_in", id(holder), kept=self._knows(mobile, browser)), holder

    def enter(self, mobile: str, text: str, flow: Flow, browser: str) -> tuple[Token, Account | None]:
        """By SMS: sign in, or get a new account."""
        code = self._in_flow(mobile, text, flow, browser)
        account, made, doubtful = self.owner(mobile), None, False
        if account is not None:
            self._check_enabled(account)
            doubtful = self.decide(account, mobile, "sign_in", browser)
        self._once(code)
        if account is None:
            account = made = self._new(mobile, None)
        self.prove(account, doubtful=doubtful)
        self.use(code, id(flow))
        return self.begin(account, "sms", browser), made

    def sign_up(
        self, name: str, mobile: str, text: str, flow: Flow, password: str, browser: str
    ) -> tuple[Token, Account]:
        """Never into an account that exists, and never with a username that is another person's number."""
        code = self._in_flow(mobile, text, flow, browser)
        claims = [("sign_up_mobile_hour", mobile)]
        if self.first_used_up(claims):
            raise No("too_many_attempts")
        self.count(claims)
        if self.owner(mobile):
            raise No("mobile_taken", 400)
        taken = any(account.username == name for account in self.accounts)
        if taken or (name.startswith("139") and name != mobile) or password in WEAK:
            raise No("invalid")
        self._once(code)
        account = self._new(mobile, password)
        account.username = name
        self.prove(account)
        self.use(code, id(flow))
        return self.begin(account, "sms", browser), account

    def _in_flow(self, mobile: str, text: str, flow: Flow, browser: str) -> Code:
        if self.now - flow.at > LIFE:
            raise No("sms_code_invalid")
        return self.check(mobile, "sign_in", text, id(flow), browser)

    def _once(self, code: Code) -> None:
        if code.used_by is not None:
            raise No("sms_code_invalid")

    def _new(self, mobile: str, password: str | None) -> Account:
        account = Account(mobile, password)
        self.accounts.append(account)
        return account

    # ------------------------------------------------------------ a forgotten password

    def ask_to_reset(self, mobile: str, browser: str) -> tuple[Code, Reset]:
        """The same for every number."""
        account = self.owner(mobile)
        reset = Reset(browser, mobile, self.now, (account, account.nth) if account else None)
        kept = self._knows(mobile, browser)
        also = [] if kept else [("reset_mobile_day", mobile)]
        code = self.send(mobile, "reset_password", id(reset), *also, kept=kept)
        self.resets[browser] = [*self.resets.get(browser, []), reset][-MAX_RESETS:]
        return code, reset

    def reset(self, reset: Reset, browser: str, text: str, password: str) -> Token:
        """Of several open forms only one works, and once: for the account and the password at the time of the
        request.
        """
        if reset not in self.resets.get(browser, []) or self.now >= reset.at + LIFE:
            raise No("sms_code_invalid")
        code = self.check(reset.mobile, "reset_password", text, id(reset), browser)
        account = self.owner(reset.mobile)
        if account is None or reset.stamp != (account, account.nth):
            raise No("sms_code_invalid")
        self._check_enabled(account)
        doubtful = self.decide(account, reset.mobile, "reset_password", browser)
        if password in WEAK:
            raise No("invalid")
        self._once(code)
        self._set_password(account, password)
        self.prove(account, doubtful=doubtful)
        self.resets[browser].remove(reset)
        return self.begin(account, "sms", browser)

    # ------------------------------------------------------------ sessions

    def refresh(self, token: Token) -> Token:
        """A token has one successor, which it gets again for a short time. After that, another use means that a second
        person has the token: this session ends, and no other.
        """
        session = token.session
        if self.now >= token.ends:
            raise No("token_invalid")
        self._check_enabled(session.account)
        if session.ended:
            raise No("session_ended", reason=session.ended)
        if token.nth == session.seq:
            session.seq, session.turned = session.seq + 1, self.now
        elif token.nth + 1 != session.seq or self.now - session.turned > REFRESH_AGAIN:
            session.ended = "reuse"
            raise No("session_ended", reason="reuse")
        return self.token(session)

    def revoke(self, token: Token) -> None:
        if self.now < token.ends and not token.session.ended:
            token.session.ended = "signed_out"

    def listed(self, person: Person) -> list[Session]:
        mine = (session for session in self.sessions if session.account is person.account)
        return [session for session in mine if session.is_live(self.now)]

    def end_one(self, person: Person, session: Session) -> None:
        if session not in self.listed(person):
            raise No("not_found")
        session.ended = "signed_out" if session is person.session else "revoked"

    def end_others(self, person: Person, reason: str = "revoked", *, own_too: bool = False) -> None:
        for session in self.listed(person):
            if own_too or session is not person.session:
                session.ended = reason

    # ------------------------------------------------------------ step-up

    def ways(self, account: Account) -> list[str]:
        has = {
            "sms": account.mobile and not self.is_doubtful(account),
            "password": account.password is not None,
            "provider": account.identities,
        }
        return [method for method in METHODS if has[method]]

    def step_up(self, person: Person, proof: Proof | None, *methods: str) -> None:
        """By a proof or by the sign-in itself, of this session in this browser, at most ten minutes old, by one of
        ``methods``.
        """
        shown = [proof.method] if proof and self._is_good(proof, person) else []
        if self.now - person.session.at <= LIFE and person.session.device == person.device:
            shown.append(person.session.method)
        ways = [name for name in self.ways(person.account) if name in (methods or METHODS)]
        for method in shown:
            if method in (methods or METHODS) and not (method == "sms" and self._doubted(person.account)):
                return
        raise No("insufficient_user_authentication", methods=ways, max_age=LIFE)

    def _doubted(self, account: Account) -> bool:
        return bool(account.mobile) and self.is_doubtful(account)

    def _is_good(self, proof: Proof, person: Person) -> bool:
        """A proof is valid as long as what it was made from."""
        held: dict[str, Sequence[object]] = {
            "sms": [person.account.mobile],
            "password": [person.account.nth],
            "provider": person.account.identities,
        }
        same = (proof.session, proof.device) == (person.session, person.device)
        return same and self.now - proof.at <= LIFE and proof.of in held[proof.method]

    def ask_own(self, person: Person, purpose: str, mobile: str) -> Code:
        """An SMS to the person's own number, or to a new one."""
        if purpose == "verify":
            mobile = self._own_mobile(person)
        claims = ("verify_user_hour", str(person.account.id))
        return self.send(mobile, purpose, id(person.session), claims, kept=purpose == "verify")

    def verify_by_sms(self, person: Person, text: str, browser: str) -> Proof:
        mobile = self._own_mobile(person)
        code = self.check(mobile, "verify", text, id(person.session), browser)
        self._once(code)
        self.prove(person.account)
        self.use(code, id(person.session))
        return Proof(person.session, person.device, "sms", mobile, self.now)

    def verify_by_password(self, person: Person, password: str, browser: str) -> Proof:
        self.try_password(person.account, password, browser, "password_verify")
        return Proof(person.session, person.device, "password", person.account.nth, self.now)

    def verify_by_provider(self, person: Person, state: State, browser: str, openid: str) -> Proof:
        self._redeem(state, browser, "verify", person.session)
        identity = self.bound(openid)
        if identity is None or identity.account is not person.account:
            raise No("insufficient_user_authentication", methods=self.ways(person.account), max_age=LIFE)
        return Proof(person.session, person.device, "provider", identity, self.now)

    def _own_mobile(self, person: Person) -> str:
        if "sms" not in self.ways(person.account) or not person.account.mobile:
            raise No("insufficient_user_authentication", methods=self.ways(person.account), max_age=LIFE)
        return person.account.mobile

    # ------------------------------------------------------------ identities

    def attach(self, person: Person, proof: Proof | None, state: State, browser: str, openid: str) -> bool:
        """Returns whether the identity is new. An identity of another account is never moved."""
        self.step_up(person, proof)
        self._redeem(state, browser, "bind", person.session)
        identity = self.bound(openid)
        if identity and identity.account is not person.account:
            raise No("identity_taken")
        if identity is None:
            person.account.identities.append(Identity(openid, person.account))
        return identity is None

    def detach(self, person: Person, proof: Proof | None, identity: Identity | None, *, everywhere: bool) -> None:
        """Never removes the last way to sign in. The sessions that began with the identity end."""
        self.step_up(person, proof)
        account = person.account
        if identity is None or identity not in account.identities:
            raise No("not_found")
        if self.ways(account) == ["provider"] and len(account.identities) == 1:
            raise No("last_way_in")
        self._unbind(identity)
        if everywhere:
            self.end_others(person, "unbound")

    def _unbind(self, identity: Identity) -> None:
        account = identity.account
        account.identities.remove(identity)
        account.waiting = None
        self.end(account, "unbound", since=identity)

    # ------------------------------------------------------------ the password and the mobile

    def change_password(
        self, person: Person, proof: Proof | None, old: str | None, password: str, browser: str
    ) -> Token:
        """A new session replaces all others. It does not count as a sign-in for step-up."""
        if old is None:
            self.step_up(person, proof, "sms", "provider")
        else:
            self.try_password(person.account, old, browser)
        if password in WEAK:
            raise No("invalid")
        identity = person.session.identity
        self._set_password(person.account, password)
        session = Session(person.account, "refresh", person.device, self._still(identity), self.now, self.now)
        self.sessions.append(session)
        return self.token(session)

    def _still(self, identity: Identity | None) -> Identity | None:
        return identity if identity and identity in identity.account.identities else None

    def change_mobile(self, person: Person, proof: Proof | None, mobile: str, text: str, browser: str) -> bool:
        """Returns whether the change happens at once: if the person has proved the old number, or has none. Otherwise
        it happens after three days.
        """
        account = person.account
        if mobile == account.mobile:
            return True
        at_once = self._shows_old_mobile(person, proof)
        code = self.check(mobile, "change_mobile", text, id(person.session), browser)
        if not at_once and account.waiting and account.waiting[0] != mobile:
            raise No("mobile_change_pending")
        if self.owner(mobile):
            raise No("mobile_taken")
        if at_once:
            self._once(code)
            self._take_mobile(person, mobile)
        elif not account.waiting:
            self._once(code)
            account.waiting = (mobile, self.now)
        self.use(code, id(person.session))
        return at_once

    def cancel(self, person: Person) -> None:
        person.account.waiting = None

    def carry_out(self, person: Person) -> None:
        """A change that is due is done first, whatever the request is for."""
        account = person.account
        if account.waiting is None or self.now < account.waiting[1] + MOBILE_CHANGE_DELAY:
            return
        mobile, asked = account.waiting
        account.waiting = None
        if self.owner(mobile) is None:
            self._take_mobile(person, mobile)
            account.proved_at = asked

    def _shows_old_mobile(self, person: Person, proof: Proof | None) -> bool:
        if not person.account.mobile:
            self.step_up(person, proof, "password", "provider")
            return True
        try:
            self.step_up(person, proof, "sms")
        except No:
            self.step_up(person, proof)
            return False
        return True

    def _take_mobile(self, person: Person, mobile: str) -> None:
        """All other sessions end."""
        account = person.account
        if account.mobile:
            self._lose(account, account.mobile, "changed")
        account.mobile, account.waiting = mobile, None
        self.prove(account)
        self.end_others(person, "mobile")

    # ------------------------------------------------------------ browsers, and the operator

    def empty(self, browser: str) -> None:
        """All cookies are deleted."""
        self.devices[browser] = ""
        self.resets.pop(browser, None)

    def enable(self, account: Account, enabled: bool) -> None:
        account.enabled = enabled
        if not enabled:
            account.waiting = None
            self.end(account, "disabled")

    # ------------------------------------------------------------ signatures

    def _is_own(self, ticket: Ticket, browser: str) -> bool:
        return ticket.browser == browser and self.now - ticket.at <= LIFE

    def _redeem(self, state: State, browser: str, intent: str, session: Session | None) -> None:
        """The state is for this browser, this intent and this session."""
        same = (state.browser, state.intent, state.session) == (browser, intent, session)
        if not same or self.now - state.at > LIFE:
            raise No("state_invalid")
