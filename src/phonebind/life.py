"""The one seam to ``phonebind.lifecycle``: what that app adds to the core where a host has installed it.

The core asks here, and is told nothing where the app is not installed: no import, no query, no table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # it is read before there are models
    from collections.abc import Collection

    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest, HttpResponse
    from rest_framework.request import Request

    from phonebind.exceptions import PhonebindError


@dataclass(frozen=True, slots=True)
class Turn:
    """One refresh token of a session. ``at``: when it was made, in seconds since 1970; so the same turn can be written
    again, letter for letter.
    """

    sid: str
    seq: int
    at: int
    #: The token's own id.
    jti: str


@dataclass(frozen=True, slots=True)
class Joining:
    """How an identity joins an account that exists. ``doubtful``: the number may have a new owner, for all that is
    known; ``replaced``: the keys of the rows of ``SocialAccount`` that go.
    """

    doubtful: bool = False
    replaced: Collection[Any] = ()


class Life(Protocol):
    """Each of them asks the database that decides."""

    def begin(
        self,
        request: HttpRequest | None,
        user: AbstractBaseUser,
        method: str,
        social_account: Any,
        since: float,
        ends: float,
    ) -> Turn:
        """A new session: somebody has signed in by ``method`` ("provider", "password", "sms"). ``since``: when the
        sign-in began; ``ends``: when the session's token does, unless it is refreshed; both in seconds since 1970.

        Raises TokenInvalid: the user or the identity has been deleted meanwhile.
        """

    def turn(self, sid: str, seq: int, user: AbstractBaseUser, ends: float) -> Turn:
        """The one after ``seq``: the same one within the grace. ``ends``: when it does. Raises TokenInvalid."""

    def is_live(self, user_pk: Any, sid: str, since: float | None) -> bool:
        """Whether the session, of a sign-in that began ``since``, has not been ended. Asks the store alone, and the
        database only where that has heard of an end. Raises StorageUnavailable.
        """

    def end(self, sid: str, reason: str) -> None:
        """End this one."""

    def end_all(self, user_pk: Any, reason: str, using: str | None = None) -> None:
        """End every session of this user; the rows in the transaction that is open on ``using``."""

    def intent(self, request: Request) -> str:
        """What the state is made for that somebody asks for; "" for a sign-in. Raises Invalid, TokenInvalid,
        StorageUnavailable.
        """

    def came_back(self, request: HttpRequest, provider: Any, state: str, code: str) -> HttpResponse | None:
        """The answer to who has come back from this WebProvider with a state that signs nobody in, and with a ``code``
        or "", where it was made for who is signed in here; None for any other. Raises StorageUnavailable.
        """

    def is_confirmed(self, request: HttpRequest) -> bool:
        """Whether who is signed in by Django's session has shown lately that it is them: before their account gets
        another way in. Raises TokenInvalid, StorageUnavailable.
        """

    def confirm(self, request: HttpRequest) -> HttpResponse:
        """The page, at the address of this request, on which they show it; and the answer to what they send of it,
        which leads back to that address. Raises AuthenticationInsufficient where the host has no such pages.
        """

    def ask_for_code(self, purpose: str, flow: str) -> tuple[str, str]:
        """Whom a code of this purpose is for who has no ticket, and the ``flow`` that they show that by: the same
        person, where they bring one that is still good. Raises Invalid: no such code is sent here.
        """

    def is_known_device(self, request: HttpRequest, mobile: str) -> bool:
        """Whether the account of this number, if it has one, has signed in from there."""

    def hold(self, user: AbstractBaseUser, mobile: str) -> None:
        """``user``, who was found by this mobile, keeps it until the transaction that is open ends. Raises
        IntegrityError: it has left them meanwhile, and the act begins anew.
        """

    def mobile_proved(self, user: AbstractBaseUser, mobile: str, proved_by: str, *, doubtful: bool = False) -> None:
        """Keep that ``user`` has just proved this mobile, in the transaction that is open."""

    def answer_owner(
        self, request: HttpRequest, ticket: str, choice: str, password: str | None, identity: Any | None
    ) -> str:
        """Whom the gate has asked by ``ticket`` whether an account is theirs says "mine" or "not_mine", on a page;
        ``identity``: of the bind that was asked about, and then what proves the mobile for it from now on; else "".

        Raises TicketInvalid, and as ``phonebind.lifecycle.owner_choices`` says.
        """

    def screen(self, error: PhonebindError) -> str:
        """The template that puts the question of this error to the person; "" for an error that asks nothing."""

    def known_owner(
        self,
        request: HttpRequest,
        user: AbstractBaseUser,
        identity: Any,
        mobile: Any,
        password: str | None,
        choice: str,
    ) -> Joining:
        """Whoever has proved ``mobile`` (a VerifiedMobile) for ``identity`` may bind it to ``user``, as
        ``KNOWN_MOBILE`` and ``SECOND_IDENTITY`` say. ``choice``: what the person has said of the account's other
        identity, "add" or "replace"; "" for nothing.

        Raises PasswordWrong, TooManyAttempts, ServerBusy, AccountDisabled; what
        ``phonebind.lifecycle.exceptions`` calls OwnerUnclear, IdentityExists, AuthenticationInsufficient.
        """

    def attaching(self, user: AbstractBaseUser, identity: Any) -> None:
        """Who is signed in as ``user`` binds ``identity`` too, in the transaction that is open. Raises what
        ``phonebind.lifecycle.exceptions`` calls IdentityExists, as ``SECOND_IDENTITY`` says.
        """


#: What a token and Django's session call the id of a session.
SID = "sid"

#: Set by the app when it is ready.
installed: Life | None = None
