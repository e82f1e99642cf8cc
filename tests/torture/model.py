"""The product's rules in plain form: what the result of every act must be, and nothing about how it is done.

They are written from the contract, docs/en/explanation/threats.md and the table of limits. This module imports nothing
of the code that it judges. ``text`` is how a thing looks on the wire; the driver of the model fills it in. The rules
read only texts that a person types.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

HOUR, DAY = 3_600, 86_400

#: Seconds. A signed thing is still valid in the second in which its life ends; a stored one is not.
SIGN_IN_LIFE = 600
CODE_LIFE = 300
REFRESH_LIFE = 14 * DAY
#: From a sign-in until its last refresh token ends.
CHAIN_LIFE = 90 * DAY

#: Wrong guesses, and valid codes, for one mobile and one holder.
GUESSES = 5
MAX_LIVE = 3
#: The sign-ins that one browser can have open. The same number holds for tickets.
MAX_OPEN = 8
#: Passwords that no new account may have.
WEAK = frozenset({"12345678", "password"})

#: By name of the limit: how often, in how many seconds, and the error code.
Limits = dict[str, tuple[int, int, str]]
LIMITS: Limits = {
    "image_address_hour": (300, HOUR, "too_many_requests"),
    "sms_address_hour": (20, HOUR, "sms_quota"),
    "sms_mobile_gap": (1, 60, "sms_too_frequent"),
    "sms_mobile_hour": (5, HOUR, "sms_quota"),
    "sms_mobile_day": (10, DAY, "sms_quota"),
    "sms_mobile_open_hour": (3, HOUR, "sms_quota"),
    "sms_mobile_open_day": (6, DAY, "sms_quota"),
    "sms_identity_hour": (1, HOUR, "sms_quota"),
    "sms_identity_day": (2, DAY, "sms_quota"),
    "sms_identity_month": (3, 30 * DAY, "sms_quota"),
    "sms_site_hour": (1_000, HOUR, "sms_quota"),
    "sms_site_day": (5_000, DAY, "sms_quota"),
    "sms_code_identity_hour": (10, HOUR, "too_many_attempts"),
    "sms_code_address_hour": (100, HOUR, "too_many_attempts"),
    "password_address": (50, 900, "too_many_attempts"),
    "password_name": (5, 900, "too_many_attempts"),
    "password_account": (20, 900, "too_many_attempts"),
    "password_bind": (5, 900, "too_many_attempts"),
}
#: In this order: the first limit that is used up decides, and then none is counted.
_OWN = (
    ("sms_address_hour", "address"),
    ("sms_mobile_gap", "mobile"),
    ("sms_mobile_hour", "mobile"),
    ("sms_mobile_day", "mobile"),
)
_OPEN = (("sms_mobile_open_hour", "mobile"), ("sms_mobile_open_day", "mobile"))
_KEPT = (("sms_identity_hour", "holder"), ("sms_identity_day", "holder"), ("sms_identity_month", "holder"))
_SITE = (("sms_site_hour", "site"), ("sms_site_day", "site"))
#: For everyone; and for a person with a ticket when only the open part is used up.
SMS_LIMITS = (*_OWN, *_OPEN, *_SITE)
SMS_LIMITS_OF_HOLDERS = (*_OWN, *_KEPT, *_SITE)
#: In these, an act counts until the window, and then the rest of a twelfth of it, have passed. In the other limits, all
#: acts end together: the window begins with the first.
SLIDING = {name for name, _ in (*_OWN, *_OPEN, *_KEPT, *_SITE)} - {"sms_mobile_gap"}
SLIDING |= {"reset_mobile_day", "sign_up_mobile_hour", "verify_user_hour", "owner_choice_address_hour"}

#: The outcomes of an act, with the status that the contract gives them. The fields of the answer tell the first four
#: apart; all others are error codes.
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
    """``id`` and ``username`` come from the answer that created the account."""

    mobile: str | None
    password: str
    id: int = 0
    username: str = ""
    enabled: bool = True
    #: All sign-ins up to this time have ended.
    ended: int = -1


@dataclass(eq=False, kw_only=True)
class Signed:
    """A thing that carries a signature and the time of the signature."""

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
    """Valid once. ``began``: when the person signed in. It is kept when a token is exchanged for the next one."""

    account: Account
    began: int
    used: bool = False


@dataclass(eq=False)
class Image:
    at: int
    id: str = ""
    text: str = ""
    tried: bool = False


@dataclass(eq=False)
class Code:
    """An SMS. ``holder`` is the identity that it is for, "" for anyone; ``used_by`` is the identity that it has
    bound.
    """

    mobile: str
    holder: str
    key: int
    at: int
    text: str = ""
    used_by: str | None = None


@dataclass(frozen=True)
class Outcome:
    """The required result of an act. ``made`` is what it creates; the caller fills it in from the answer."""

    code: str
    retry_after: int | None = None
    account: Account | None = None
    made: State | Ticket | Code | Refresh | None = None
    #: The limit that was used up.
    limit: str = ""


Claim = tuple[str, str]


@dataclass
class Counts:
    """The limits, and how much of each is used up."""

    now: int
    limits: Limits = field(default_factory=lambda: LIMITS)
    #: By limit and subject: the times in milliseconds until which each counted act counts, the earliest first.
    counted: dict[Claim, list[int]] = field(default_factory=dict)

    def first_used_up(self, claims: Iterable[Claim]) -> Claim | None:
        return next((claim for claim in claims if len(self._ends(claim)) >= self.limits[claim[0]][0]), None)

    def limited(self, used_up: Claim) -> Outcome:
        wait = self._ends(used_up)[0] - self.now * 1000
        return Outcome(self.limits[used_up[0]][2], retry_after=-(-wait // 1000), limit=used_up[0])

    def count(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            now, window = self.now * 1000, self.limits[claim[0]][1] * 1000
            ends = self._ends(claim)
            if claim[0] in SLIDING:
                width = -(-window // 12)
                end = (now // width + 1) * width + window
            else:
                end = ends[0] if ends else now + window
            self.counted[claim] = [*ends, end]

    def _ends(self, claim: Claim) -> list[int]:
        """The times of the acts that count now."""
        return [end for end in self.counted.get(claim, []) if end > self.now * 1000]


@dataclass
class Model(Counts):
    #: The current key first, then those that are being replaced.
    keys: list[int] = field(default_factory=lambda: [0])
    accounts: list[Account] = field(default_factory=list)
    bindings: dict[str, Account] = field(default_factory=dict)
    #: The same people, by their openid here, in another app of the same shop.
    elsewhere: dict[str, Account] = field(default_factory=dict)
    #: All codes that are still valid, oldest first.
    codes: list[Code] = field(default_factory=list)
    #: Wrong guesses by mobile and holder.
    guesses: dict[tuple[str, str], int] = field(default_factory=dict)
    #: By browser: its open states, oldest first.
    states: dict[str, list[State]] = field(default_factory=dict)
    tickets: dict[str, list[Ticket]] = field(default_factory=dict)

    # ------------------------------------------------------------ signing in at the provider

    def start(self, browser: str) -> Outcome:
        state = State(browser=browser, key=self.keys[0], at=self.now)
        self.states[browser] = [*self.states.get(browser, []), state][-MAX_OPEN:]
        return Outcome("ok", made=state)

    def come_back(self, browser: str, state: State, openid: str, provider: str) -> Outcome:
        """``provider``: "well", or the error that it answers instead of naming the person."""
        if not self._is_signed(state, SIGN_IN_LIFE) or state not in self.states.get(browser, []):
            return Outcome("state_invalid")
        if provider != "well":
            return Outcome(provider, retry_after=5 if provider == "provider_unavailable" else None)
        account = self.bindings.get(openid) or self.elsewhere.get(openid)
        if account and not account.enabled:
            return Outcome("account_disabled")
        self.states[browser].remove(state)
        if account:
            # A person who is known in another app is known here from now on.
            self.bindings[openid] = account
            return Outcome("signed_in", account=account)
        ticket = Ticket(browser=browser, openid=openid, key=self.keys[0], at=self.now)
        self.tickets[browser] = [*self.tickets.get(browser, []), ticket][-MAX_OPEN:]
        return Outcome("ticket", made=ticket)

    # ------------------------------------------------------------ proving a mobile

    def look(self, address: str) -> Outcome:
        claims = [("image_address_hour", address)]
        if used_up := self.first_used_up(claims):
            return self.limited(used_up)
        self.count(claims)
        return Outcome("ok")

    def ask(
        self, sender: str, ticket: Ticket | None, mobile: str, address: str, image: Image, text: str, gateway: str
    ) -> Outcome:
        """``gateway``: "well", "refuses", or "mute" (it may have sent)."""
        if ticket and not self._is_own(sender, ticket):
            return Outcome("ticket_invalid")
        tried, image.tried = image.tried, True
        if tried or text.upper() != image.text or self.now >= image.at + CODE_LIFE:
            return Outcome("image_code_invalid")
        holder = ticket.openid if ticket else ""
        subjects = {"mobile": mobile, "address": address, "site": "site", "holder": holder}
        claims, used_up = self._sms_claims(subjects, is_holder=bool(holder))
        if used_up:
            return self.limited(used_up)
        if gateway == "refuses":
            return Outcome("sms_not_sent")
        self.count(claims)
        if not self._live(mobile, holder):
            self.guesses[mobile, holder] = 0
        code = Code(mobile, holder, self.keys[0], self.now)
        self.codes.append(code)
        if gateway == "mute":
            return Outcome("sms_not_sent", retry_after=60, made=code)
        # An SMS that may not arrive takes no code away. After one that was sent, three are left.
        self._drop(self._live(mobile, holder)[:-MAX_LIVE])
        return Outcome("ok", made=code)

    def _sms_claims(self, subjects: dict[str, str], *, is_holder: bool) -> tuple[list[Claim], Claim | None]:
        """The limits that an SMS counts against, and the one that is used up."""
        claims = [(name, subjects[kind]) for name, kind in SMS_LIMITS]
        used_up = self.first_used_up(claims)
        if not (used_up and is_holder and used_up[0] in dict(_OPEN)):
            return claims, used_up
        claims = [(name, subjects[kind]) for name, kind in SMS_LIMITS_OF_HOLDERS]
        rest = self.first_used_up(claims)
        if rest and rest[0] in dict(_KEPT):
            # The SMS may be sent as soon as one of the two parts has room.
            rest = min(rest, used_up, key=lambda claim: self.limited(claim).retry_after or 0)
        return claims, rest

    # ------------------------------------------------------------ binding

    def bind(self, browser: str, ticket: Ticket, mobile: str, sms_code: str, password: str, address: str) -> Outcome:
        if not self._is_own(browser, ticket):
            return Outcome("ticket_invalid")
        claims = [("sms_code_identity_hour", ticket.openid), ("sms_code_address_hour", address)]
        if used_up := self.first_used_up(claims):
            return self.limited(used_up)
        code = self._guess(mobile, sms_code, ticket.openid)
        if code is None:
            self.count(claims)
            return Outcome("sms_code_invalid")
        if account := self.bindings.get(ticket.openid):
            return self._bind_again(account, code, ticket.openid)
        return self._bind_new(code, ticket.openid, password, address)

    def _bind_new(self, code: Code, openid: str, password: str, address: str) -> Outcome:
        owner = self._owner(code.mobile)
        if owner is None and password in WEAK:
            return Outcome("invalid")
        if owner:
            claims = [("password_address", address), ("password_bind", str(owner.id))]
            if refused := self._try_password(owner, password, claims, wrong="password_wrong"):
                return refused
        if code.used_by:
            # The code may confirm the binding that it made. It may not make another one.
            return Outcome("sms_code_invalid")
        if owner is None:
            owner = Account(code.mobile, password)
            self.accounts.append(owner)
        self.bindings[openid] = owner
        self._use(code, openid)
        return Outcome("bound", account=owner)

    def _bind_again(self, account: Account, code: Code, openid: str) -> Outcome:
        """The ticket alone would sign them in by now, so no password is needed."""
        if account.mobile != code.mobile:
            return Outcome("already_bound")
        self._use(code, openid)
        return Outcome("bound_again", account=account) if account.enabled else Outcome("account_disabled")

    def _guess(self, mobile: str, text: str, openid: str) -> Code | None:
        """A wrong guess counts for all codes that it could have matched: those for anyone, and those for this
        identity.
        """
        mine = [(holder, self._live(mobile, holder)) for holder in ("", openid)]
        for _, codes in mine:
            for code in codes:
                if text == code.text and code.key in self.keys:
                    return code if code.used_by in (None, openid) else None
        for holder, codes in mine:
            if codes:
                self.guesses[mobile, holder] += 1
                if self.guesses[mobile, holder] == GUESSES:
                    self._drop(codes)
        return None

    def _use(self, code: Code, openid: str) -> None:
        """The mobile is proved. The other codes that this identity could have used are gone."""
        code.used_by = openid
        others = [*self._live(code.mobile, ""), *self._live(code.mobile, openid)]
        self._drop([other for other in others if other is not code])

    def _live(self, mobile: str, holder: str) -> list[Code]:
        return [
            code
            for code in self.codes
            if (code.mobile, code.holder) == (mobile, holder) and self.now < code.at + CODE_LIFE
        ]

    def _drop(self, codes: list[Code]) -> None:
        self.codes = [code for code in self.codes if code not in codes]

    # ------------------------------------------------------------ signing in here

    def sign_in(self, username: str, password: str, address: str) -> Outcome:
        """The limit counts the name that was typed, whether it has an owner or not. So a lock does not show who has an
        account.
        """
        account = self._login(username)
        claims = [("password_address", address), ("password_name", username)]
        claims += [("password_account", str(account.id) if account else f"-{username}")]
        refused = self._try_password(account, password, claims, wrong="credentials_invalid")
        return refused or Outcome("signed_in", account=account)

    def refresh(self, token: Refresh) -> Outcome:
        life = min(token.at + REFRESH_LIFE, token.began + CHAIN_LIFE)
        if token.key not in self.keys or self.now >= life or token.account not in self.accounts:
            return Outcome("token_invalid")
        if not token.account.enabled:
            return Outcome("account_disabled")
        if token.used or token.began <= token.account.ended:
            return Outcome("token_invalid")
        token.used = True
        return Outcome("signed_in", account=token.account, made=self.token(token.account, token.began))

    def token(self, account: Account, began: int | None = None) -> Refresh:
        """The refresh token of every success."""
        return Refresh(key=self.keys[0], at=self.now, account=account, began=self.now if began is None else began)

    def _try_password(
        self, account: Account | None, password: str, claims: list[Claim], *, wrong: str
    ) -> Outcome | None:
        """Only wrong passwords count. The check whether the account is disabled comes last."""
        if used_up := self.first_used_up(claims):
            return self.limited(used_up)
        if account is None or password != account.password:
            self.count(claims)
            return Outcome(wrong)
        return None if account.enabled else Outcome("account_disabled")

    def _login(self, username: str) -> Account | None:
        """The owner of a mobile comes before an account whose username is that mobile."""
        named = (account for account in self.accounts if account.username == username)
        return self._owner(username) or next(named, None)

    def _owner(self, mobile: str) -> Account | None:
        return next((account for account in self.accounts if account.mobile == mobile), None)

    # ------------------------------------------------------------ the operator

    def unbind(self, openid: str) -> None:
        """In each app where it is bound to the same account."""
        account = self.bindings.get(openid) or self.elsewhere[openid]
        for rows in (self.bindings, self.elsewhere):
            if rows.get(openid) is account:
                del rows[openid]
        self.end(account)

    def end(self, account: Account) -> None:
        """Ends all sign-ins until now: the password changed, the account was disabled, or an identity was released."""
        account.ended = self.now

    def delete(self, account: Account) -> None:
        self.accounts.remove(account)
        for rows in (self.bindings, self.elsewhere):
            for openid in [openid for openid, owner in rows.items() if owner is account]:
                del rows[openid]

    def rotate(self, key: int) -> None:
        self.keys.insert(0, key)

    def drop_old_keys(self) -> None:
        del self.keys[1:]

    # ------------------------------------------------------------ signatures

    def _is_own(self, browser: str, ticket: Ticket) -> bool:
        return self._is_signed(ticket, SIGN_IN_LIFE) and ticket in self.tickets.get(browser, [])

    def _is_signed(self, thing: Signed, life: int) -> bool:
        return thing.key in self.keys and self.now - thing.at <= life
