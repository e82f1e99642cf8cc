"""What is known of an account besides the core's tables: more where ``phonebind.lifecycle`` is installed."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from django.contrib.auth.base_user import AbstractBaseUser

from phonebind import accounts


class SessionSeen(NamedTuple):
    """A sign-in that has not ended. ``device``: in plain words."""

    method: str
    provider: str
    device: str
    address: str
    created_at: datetime
    last_seen_at: datetime


class ProofSeen(NamedTuple):
    """That the person has proved a mobile, which is masked."""

    mobile: str
    proved_by: str
    first_proved_at: datetime
    last_proved_at: datetime
    released_at: datetime | None
    reason: str


class Account(Protocol):
    """Each of them asks the database that decides."""

    #: Whether there are sessions and proofs, and a number can be released.
    keeps: bool

    def sessions(self, user: AbstractBaseUser) -> Sequence[SessionSeen]:
        """Those that go on, the latest first; a hundred at most."""

    def proofs(self, user: AbstractBaseUser) -> Sequence[ProofSeen]:
        """The latest first; a hundred at most."""

    def has_another_way(self, user: AbstractBaseUser) -> bool:
        """Whether they can come in today without any identity."""

    def before_unbind(self, user: AbstractBaseUser) -> None:
        """Keep what an identity tells of the account. Within the transaction that unbinds it."""

    def release(self, user: AbstractBaseUser, mobile: str, reason: str, *, end_sessions: bool) -> bool:
        """The number is theirs no more. False where it was not theirs. Raises MobileKept."""


class Plain:
    """Without ``phonebind.lifecycle``."""

    keeps = False

    def sessions(self, user: AbstractBaseUser) -> Sequence[SessionSeen]:
        return ()

    def proofs(self, user: AbstractBaseUser) -> Sequence[ProofSeen]:
        return ()

    def has_another_way(self, user: AbstractBaseUser) -> bool:
        return accounts.signs_in_by_password(user)

    def before_unbind(self, user: AbstractBaseUser) -> None:
        """The row of the identity is all that there is."""

    def release(self, user: AbstractBaseUser, mobile: str, reason: str, *, end_sessions: bool) -> bool:
        return False


#: Replaced when the apps are ready.
known: Account = Plain()
