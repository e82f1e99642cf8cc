"""The product's rules as one would tell them: what every act must come to, and nothing of how that is done.

Written from the contract, docs/threats.md and the table of limits; it imports nothing of what it judges. ``text`` is
what a thing looks like on the wire, filled in by whoever drives the model; the rules read only those that are typed in.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

HOUR, DAY = 3_600, 86_400

#: Seconds; a signed thing is good through its last second, a stored one until then.
SIGN_IN_LIFE = 600
CODE_LIFE = 300
REFRESH_LIFE = 14 * DAY

GUESSES = 5
#: Sign-ins that one browser can have open; the same again of tickets.
MAX_OPEN = 8
#: Passwords that no new account may have.
WEAK = frozenset({"12345678", "password"})

#: At most so often, in so many seconds from the first that counts.
Limits = dict[str, tuple[int, int, str]]
LIMITS: Limits = {
    "image_address_hour": (300, HOUR, "too_many_requests"),
    "sms_address_hour": (20, HOUR, "sms_quota"),
    "sms_mobile_gap": (1, 60, "sms_too_frequent"),
    "sms_mobile_day": (10, DAY, "sms_quota"),
    "sms_site_hour": (1_000, HOUR, "sms_quota"),
    "sms_site_day": (5_000, DAY, "sms_quota"),
    "password_address": (50, 900, "too_many_attempts"),
    "password_account": (5, 900, "too_many_attempts"),
}
#: In this order: the first that is used up decides, and then nothing is counted.
SMS_LIMITS = (
    ("sms_address_hour", "address"),
    ("sms_mobile_gap", "mobile"),
    ("sms_mobile_day", "mobile"),
    ("sms_site_hour", "site"),
    ("sms_site_day", "site"),
)

#: What an act came to, as the contract says it in status and code; the first four are told by the answer's fields.
STATUS = {
    "ok": 200,
    "signed_in": 200,
    "ticket": 200,
    "bound": 201,
    "bound_again": 201,
    "invalid": 400,
    "state_invalid": 400,
    "code_invalid": 400,
    "ticket_invalid": 400,
    "image_code_invalid": 400,
    "sms_code_invalid": 400,
    "password_wrong": 400,
    "already_bound": 400,
    "credentials_invalid": 401,
    "token_invalid": 401,
    "account_disabled": 403,
    "too_many_requests": 429,
    "sms_too_frequent": 429,
    "sms_quota": 429,
    "too_many_attempts": 429,
    "sms_not_sent": 502,
    "provider_unavailable": 503,
}


@dataclass(eq=False)
class Account:
    """``id`` and ``username`` are told by the answer that made it."""

    mobile: str | None
    password: str
    id: int = 0
    username: str = ""
    enabled: bool = True


@dataclass(eq=False, kw_only=True)
class Signed:
    """Something that carries a signature and the time of it."""

    key: int
    at: int
    text: str = ""


@dataclass(eq=False, kw_only=True)
class State(Signed):
    browser: str


@dataclass(eq=False, kw_only=True)
class Ticket(Signed):
    browser: str
    openid: str


@dataclass(eq=False, kw_only=True)
class Refresh(Signed):
    """Good for the password it was issued under."""

    account: Account
    password: str


@dataclass(eq=False)
class Image:
    at: int
    id: str = ""
    text: str = ""
    tried: bool = False


@dataclass(eq=False)
class Code:
    """An SMS. ``used_by`` is the identity it has bound, or confirmed."""

    mobile: str
    key: int
    at: int
    text: str = ""
    guesses: int = 0
    used_by: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What an act must come to. ``made`` is what comes of it, for the caller to fill in from the answer."""

    code: str
    retry_after: int | None = None
    account: Account | None = None
    made: State | Ticket | Code | None = None


Claim = tuple[str, str]


@dataclass
class Model:
    now: int
    limits: Limits = field(default_factory=lambda: LIMITS)
    #: The current one first, then those that are being rotated out.
    keys: list[int] = field(default_factory=lambda: [0])
    accounts: list[Account] = field(default_factory=list)
    bindings: dict[str, Account] = field(default_factory=dict)
    #: The last one sent to each mobile.
    codes: dict[str, Code] = field(default_factory=dict)
    #: Of each browser: what it has open, oldest first.
    states: dict[str, list[State]] = field(default_factory=dict)
    tickets: dict[str, list[Ticket]] = field(default_factory=dict)
    #: Of each limit and whom it counts: when its window ends, and how often it was in it.
    windows: dict[Claim, tuple[int, int]] = field(default_factory=dict)

    # ------------------------------------------------------------ signing in at the provider

    def start(self, browser: str) -> Outcome:
        state = State(browser=browser, key=self.keys[0], at=self.now)
        self.states[browser] = [*self.states.get(browser, []), state][-MAX_OPEN:]
        return Outcome("ok", made=state)

    def come_back(self, browser: str, state: State, openid: str, provider: str) -> Outcome:
        """``provider``: "well", or what it answers instead of telling who that is."""
        if not self._is_signed(state, SIGN_IN_LIFE) or state not in self.states.get(browser, []):
            return Outcome("state_invalid")
        if provider != "well":
            return Outcome(provider, retry_after=5 if provider == "provider_unavailable" else None)
        account = self.bindings.get(openid)
        if account and not account.enabled:
            return Outcome("account_disabled")
        self.states[browser].remove(state)
        if account:
            return Outcome("signed_in", account=account)
        ticket = Ticket(browser=browser, openid=openid, key=self.keys[0], at=self.now)
        self.tickets[browser] = [*self.tickets.get(browser, []), ticket][-MAX_OPEN:]
        return Outcome("ticket", made=ticket)

    # ------------------------------------------------------------ proving a mobile

    def look(self, address: str) -> Outcome:
        return self._limited([("image_address_hour", address)]) or Outcome("ok")

    def ask(self, mobile: str, address: str, image: Image, text: str, gateway: str) -> Outcome:
        """``gateway``: "well", "refuses", or "mute" (it may have sent)."""
        tried, image.tried = image.tried, True
        if tried or text.upper() != image.text or self.now >= image.at + CODE_LIFE:
            return Outcome("image_code_invalid")
        subjects = {"mobile": mobile, "address": address, "site": "site"}
        claims = [(name, subjects[kind]) for name, kind in SMS_LIMITS]
        if limited := self._used_up(claims):
            return limited
        # A refusal takes no code away; whatever may arrive takes the place of the one before.
        if gateway == "refuses":
            return Outcome("sms_not_sent")
        self._count(claims)
        code = self.codes[mobile] = Code(mobile, self.keys[0], self.now)
        return Outcome("ok", made=code) if gateway == "well" else Outcome("sms_not_sent", retry_after=60, made=code)

    # ------------------------------------------------------------ binding

    def bind(self, browser: str, ticket: Ticket, mobile: str, sms_code: str, password: str, address: str) -> Outcome:
        if not self._is_signed(ticket, SIGN_IN_LIFE) or ticket not in self.tickets.get(browser, []):
            return Outcome("ticket_invalid")
        code = self._guess(mobile, sms_code, ticket.openid)
        if code is None:
            return Outcome("sms_code_invalid")
        if account := self.bindings.get(ticket.openid):
            return self._bind_again(account, code, ticket.openid)
        return self._bind_new(code, ticket.openid, password, address)

    def _bind_new(self, code: Code, openid: str, password: str, address: str) -> Outcome:
        owner = self._owner(code.mobile)
        if owner is None and password in WEAK:
            return Outcome("invalid")
        if owner and (refused := self._try_password(owner, password, address, wrong="password_wrong")):
            return refused
        if code.used_by:
            # It may confirm what it has made, not make it once more.
            return Outcome("sms_code_invalid")
        if owner is None:
            owner = Account(code.mobile, password)
            self.accounts.append(owner)
        self.bindings[openid], code.used_by = owner, openid
        return Outcome("bound", account=owner)

    def _bind_again(self, account: Account, code: Code, openid: str) -> Outcome:
        """The ticket alone would sign them in by now, so no password is asked for."""
        if account.mobile != code.mobile:
            return Outcome("already_bound")
        code.used_by = openid
        return Outcome("bound_again", account=account) if account.enabled else Outcome("account_disabled")

    def _guess(self, mobile: str, text: str, openid: str) -> Code | None:
        code = self.codes.get(mobile)
        if code is None or self.now >= code.at + CODE_LIFE:
            return None
        if text != code.text or code.key not in self.keys:
            code.guesses += 1
            if code.guesses == GUESSES:
                del self.codes[mobile]
            return None
        return code if code.used_by in (None, openid) else None

    # ------------------------------------------------------------ signing in here

    def sign_in(self, username: str, password: str, address: str) -> Outcome:
        account = self._login(username)
        if account is None:
            # Limited like any other, so that a lock does not tell who has an account.
            claims = [("password_address", address), ("password_account", f"-{username}")]
            return self._limited(claims) or Outcome("credentials_invalid")
        refused = self._try_password(account, password, address, wrong="credentials_invalid")
        return refused or Outcome("signed_in", account=account)

    def refresh(self, token: Refresh) -> Outcome:
        signed = token.key == self.keys[0] and self.now < token.at + REFRESH_LIFE
        if not signed or token.account not in self.accounts:
            return Outcome("token_invalid")
        if not token.account.enabled:
            return Outcome("account_disabled")
        if token.password != token.account.password:
            return Outcome("token_invalid")
        return Outcome("signed_in", account=token.account)

    def token(self, account: Account) -> Refresh:
        """What comes with every success."""
        return Refresh(key=self.keys[0], at=self.now, account=account, password=account.password)

    def _try_password(self, account: Account, password: str, address: str, *, wrong: str) -> Outcome | None:
        """Only wrong ones count; the gate for the disabled comes last."""
        claims = [("password_address", address), ("password_account", str(account.id))]
        if limited := self._used_up(claims):
            return limited
        if password != account.password:
            self._count(claims)
            return Outcome(wrong)
        return None if account.enabled else Outcome("account_disabled")

    def _login(self, username: str) -> Account | None:
        """A mobile's owner comes before someone who was once named after it."""
        named = (account for account in self.accounts if account.username == username)
        return self._owner(username) or next(named, None)

    def _owner(self, mobile: str) -> Account | None:
        return next((account for account in self.accounts if account.mobile == mobile), None)

    # ------------------------------------------------------------ the operator

    def unbind(self, openid: str) -> None:
        del self.bindings[openid]

    def delete(self, account: Account) -> None:
        self.accounts.remove(account)
        self.bindings = {openid: owner for openid, owner in self.bindings.items() if owner is not account}

    def rotate(self, key: int) -> None:
        self.keys.insert(0, key)

    def drop_old_keys(self) -> None:
        del self.keys[1:]

    # ------------------------------------------------------------ signatures, limits

    def _is_signed(self, thing: Signed, life: int) -> bool:
        return thing.key in self.keys and self.now - thing.at <= life

    def _limited(self, claims: Iterable[Claim]) -> Outcome | None:
        if limited := self._used_up(claims):
            return limited
        self._count(claims)
        return None

    def _used_up(self, claims: Iterable[Claim]) -> Outcome | None:
        for claim in claims:
            limit, _, error = self.limits[claim[0]]
            end, count = self._window(claim)
            if count >= limit:
                return Outcome(error, retry_after=end - self.now)
        return None

    def _count(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            end, count = self._window(claim)
            self.windows[claim] = end, count + 1

    def _window(self, claim: Claim) -> tuple[int, int]:
        """The one that runs, or else the one that would begin now."""
        end, count = self.windows.get(claim, (0, 0))
        return (end, count) if self.now < end else (self.now + self.limits[claim[0]][1], 0)
