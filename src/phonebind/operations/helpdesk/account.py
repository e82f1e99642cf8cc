"""What is known about an account besides the core's tables. With ``phonebind.lifecycle`` there is more."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from django.contrib.auth.base_user import AbstractBaseUser

from phonebind import accounts


class SessionSeen(NamedTuple):
    """A session that has not ended. ``device`` is a readable name."""

    method: str
    provider: str
    device: str
    address: str
    created_at: datetime
    last_seen_at: datetime


class ProofSeen(NamedTuple):
    """A proof that the person owns a mobile number. The number is masked."""

    mobile: str
    proved_by: str
    first_proved_at: datetime
    last_proved_at: datetime
    released_at: datetime | None
    reason: str


class Account(Protocol):
    """Access to the data of an account. Each method reads the primary database."""

    #: Whether sessions and proofs are stored, and a number can be released.
    keeps: bool

    def sessions(self, user: AbstractBaseUser) -> Sequence[SessionSeen]:
        """The sessions that have not ended, the most recent first; at most 100."""

    def proofs(self, user: AbstractBaseUser) -> Sequence[ProofSeen]:
        """The proofs, the most recent first; at most 100."""

    def has_another_way(self, user: AbstractBaseUser) -> bool:
        """Whether the person can sign in today without any identity."""

    def before_unbind(self, user: AbstractBaseUser) -> None:
        """Keep what the row of the identity proves about the account. Called inside the transaction that unbinds it."""

    def release(self, user: AbstractBaseUser, mobile: str, reason: str, *, end_sessions: bool) -> bool:
        """Remove the number from the account. Returns False if the account did not have it. Raises MobileKept."""


class Plain:
    """The implementation without ``phonebind.lifecycle``."""

    keeps = False

    def sessions(self, user: AbstractBaseUser) -> Sequence[SessionSeen]:
        return ()

    def proofs(self, user: AbstractBaseUser) -> Sequence[ProofSeen]:
        return ()

    def has_another_way(self, user: AbstractBaseUser) -> bool:
        return accounts.signs_in_by_password(user)

    def before_unbind(self, user: AbstractBaseUser) -> None:
        """Nothing to keep: without that app, the row of the identity is the only record."""

    def release(self, user: AbstractBaseUser, mobile: str, reason: str, *, end_sessions: bool) -> bool:
        return False


#: Replaced in ``AppConfig.ready`` if ``phonebind.lifecycle`` is installed.
known: Account = Plain()
