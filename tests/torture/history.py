"""A check of what really happened, from observed facts alone: was every bind proved, and was every limit kept?

It uses neither the product nor the model. A binding is right because of an SMS and a ticket, not because both agree.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.torture.model import CODE_LIFE, GUESSES, SIGN_IN_LIFE, SMS_LIMITS, Limits, Ticket


@dataclass(eq=False)
class Sms:
    mobile: str
    text: str
    at: int
    wrong_guesses: int = 0
    #: The identities that it has proved the mobile for, and the number of bindings made from it.
    proved: set[str] = field(default_factory=set)
    made: int = 0


@dataclass(frozen=True)
class Rows:
    """The rows of the database that matter."""

    #: (id, username, mobile, active) and (openid, account's id), sorted.
    accounts: list[tuple[int, str, str | None, bool]]
    bindings: list[tuple[str, int]]


class History:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.rows = Rows([], [])
        self.sms: list[Sms] = []
        self._counted: dict[tuple[str, str], list[int]] = defaultdict(list)

    def sent(self, mobile: str, text: str, address: str, now: int) -> None:
        self.sms.append(Sms(mobile, text, now))
        subjects = {"mobile": mobile, "address": address, "site": "site"}
        self._count(now, {name: subjects[kind] for name, kind in SMS_LIMITS})

    def wrong_password(self, username: str, address: str, now: int) -> None:
        """A wrong password that was compared. The answer gave information, so it counts."""
        owners = [str(pk) for pk, _, mobile, _ in self.rows.accounts if mobile == username]
        named = [str(pk) for pk, name, _, _ in self.rows.accounts if name == username]
        account = [*owners, *named, f"-{username}"][0]
        self._count(now, {"password_account": account, "password_address": address})

    def _count(self, now: int, subjects: dict[str, str]) -> None:
        """Count one in each limit, for its subject. No window may ever contain more than its limit."""
        for name, subject in subjects.items():
            times = self._counted[name, subject]
            times.append(now)
            limit, seconds, _ = self._limits[name]
            assert fullest(times, seconds) <= limit, f"{name} of {subject}: {times}"

    def typed(self, mobile: str, text: str) -> None:
        """A code that was not accepted."""
        sms = self._last(mobile)
        if sms and sms.text != text:
            sms.wrong_guesses += 1

    def proved(self, browser: str, ticket: Ticket, mobile: str, text: str, now: int) -> None:
        """A bind succeeded."""
        sms = self._last(mobile)
        assert sms
        assert sms.text == text
        assert now - sms.at < CODE_LIFE
        assert sms.wrong_guesses < GUESSES
        sms.proved.add(ticket.openid)
        assert len(sms.proved) == 1, "one code, two people"
        assert ticket.browser == browser
        assert now - ticket.at <= SIGN_IN_LIFE

    def see(self, rows: Rows, *, proven: tuple[str, str] | None = None, by_operator: bool = False) -> None:
        """Compare the database after an act with that before. ``proven``: openid and mobile of a bind that
        succeeded.
        """
        assert unique(openid for openid, _ in rows.bindings)
        assert unique(mobile for _, _, mobile, _ in rows.accounts if mobile)
        before, self.rows = self.rows, rows
        new = [binding for binding in rows.bindings if binding not in before.bindings]
        born = {pk for pk, *_ in rows.accounts} - {pk for pk, *_ in before.accounts}
        assert not (by_operator and (new or born))
        assert len(new) <= 1
        assert born <= {owner for _, owner in new}, "an account without a binding"
        for openid, owner in new:
            assert proven == (openid, dict(self._mobiles())[owner]), "a binding without proof"
            sms = self._last(proven[1])
            assert sms
            sms.made += 1
            assert sms.made == 1, "one code, two bindings"

    def _mobiles(self) -> Iterable[tuple[int, str | None]]:
        return ((pk, mobile) for pk, _, mobile, _ in self.rows.accounts)

    def _last(self, mobile: str) -> Sms | None:
        return next((sms for sms in reversed(self.sms) if sms.mobile == mobile), None)


def fullest(times: Iterable[int], seconds: int) -> int:
    """The most that any window contains. A window begins with the first time that is not in the window before."""
    counts: list[int] = []
    end = 0
    for time in times:
        if time >= end:
            counts.append(0)
            end = time + seconds
        counts[-1] += 1
    return max(counts)


def unique(values: Iterable[object]) -> bool:
    found = list(values)
    return len(found) == len(set(found))
