"""The hook for ``phonebind.lifecycle``: what that app adds to the core, if the host has installed it.

The core calls it here. Without the app it costs nothing: no import, no query, no table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # this module is imported before there are models
    from collections.abc import Collection

    from django.contrib.auth.base_user import AbstractBaseUser
    from django.http import HttpRequest, HttpResponse
    from rest_framework.request import Request

    from phonebind.exceptions import PhonebindError


@dataclass(frozen=True, slots=True)
class Turn:
    """One refresh token of a session. ``at``: when it was made, in seconds since 1970. With it the same token can be
    written again, character for character.
    """

    sid: str
    seq: int
    at: int
    #: The token's id (``jti``).
    jti: str


@dataclass(frozen=True, slots=True)
class Joining:
    """How an identity joins an existing account. ``doubtful``: the number may have a new owner, as far as we know.
    ``replaced``: primary keys of the ``SocialAccount`` rows to delete.
    """

    doubtful: bool = False
    replaced: Collection[Any] = ()


class Life(Protocol):
    """All methods read the primary database."""

    def begin(
        self,
        request: HttpRequest | None,
        user: AbstractBaseUser,
        method: str,
        social_account: Any,
        since: float,
        ends: float,
    ) -> Turn:
        """Start a session: a person has signed in by ``method`` ("provider", "password", "sms"). ``since``: when the
        sign-in began. ``ends``: when the session's token expires unless it is refreshed. Both in seconds since 1970.

        Raises TokenInvalid: the user or the identity was deleted meanwhile.
        """

    def turn(self, sid: str, seq: int, user: AbstractBaseUser, ends: float) -> Turn:
        """The turn after ``seq``: within the grace, the same one again. ``ends``: its expiry. Raises TokenInvalid."""

    def is_live(self, user_pk: Any, sid: str, since: float | None) -> bool:
        """Whether the session, of a sign-in that began ``since``, has not been ended. Reads only the store, and the
        database only if the store knows of an end. Raises StorageUnavailable.
        """

    def end(self, sid: str, reason: str) -> None:
        """End this session."""

    def end_all(self, user_pk: Any, reason: str, using: str | None = None) -> None:
        """End every session of this user. The rows are written in the open transaction of ``using``."""

    def intent(self, request: Request) -> str:
        """What the requested state is for, besides a sign-in; "" for a sign-in. Raises Invalid, TokenInvalid,
        StorageUnavailable.
        """

    def came_back(self, request: HttpRequest, provider: Any, state: str, code: str) -> HttpResponse | None:
        """The answer to a person who has come back from this WebProvider with a state that is not for a sign-in, and
        with a ``code`` or "". None if the state was not made for the person who is signed in here. Raises
        StorageUnavailable.
        """

    def is_confirmed(self, request: HttpRequest) -> bool:
        """Whether the person who is signed in by Django's session has passed a step-up lately. It is needed before
        their account gets another way to sign in. Raises TokenInvalid, StorageUnavailable.
        """

    def confirm(self, request: HttpRequest) -> HttpResponse:
        """The page for the step-up, at the address of this request, and the answer to its form, which redirects back to
        that address. Raises AuthenticationInsufficient if the host has no such pages.
        """

    def ask_for_code(self, purpose: str, flow: str) -> tuple[str, str]:
        """The holder of a code of this purpose, for a person without a binding token, and the ``flow`` by which they
        prove to be that holder. A ``flow`` that is still valid gives the same holder again. Raises Invalid: no such
        code is sent here.
        """

    def is_known_device(self, request: HttpRequest, mobile: str) -> bool:
        """Whether the account of this number, if there is one, has signed in from the device of this request."""

    def hold(self, user: AbstractBaseUser, mobile: str) -> None:
        """Make sure that ``user``, who was found by this mobile, keeps it until the open transaction ends. Raises
        IntegrityError: the mobile has moved to another account meanwhile, and the caller starts again.
        """

    def mobile_proved(self, user: AbstractBaseUser, mobile: str, proved_by: str, *, doubtful: bool = False) -> None:
        """Write, in the open transaction, that ``user`` has just proved this mobile."""

    def answer_owner(
        self, request: HttpRequest, ticket: str, choice: str, password: str | None, identity: Any | None
    ) -> str:
        """The answer on a page of a person who was asked, by ``ticket``, whether an account is theirs: "mine" or
        "not_mine". ``identity``: the one of the bind that was asked about. With it, the result is what proves the
        mobile for this identity from now on; otherwise the result is "".

        Raises TicketInvalid, and the errors of ``phonebind.lifecycle.owner_choices``.
        """

    def screen(self, error: PhonebindError) -> str:
        """The template that shows this error's question to the person; "" for an error without a question."""

    def known_owner(
        self,
        request: HttpRequest,
        user: AbstractBaseUser,
        identity: Any,
        mobile: Any,
        password: str | None,
        choice: str,
    ) -> Joining:
        """Decide whether a person who has proved ``mobile`` (a VerifiedMobile) for ``identity`` may bind it to
        ``user``, by ``KNOWN_MOBILE`` and ``SECOND_IDENTITY``. ``choice``: the person's answer about the account's other
        identity, "add" or "replace"; "" for no answer.

        Raises PasswordWrong, TooManyAttempts, ServerBusy, AccountDisabled; and of ``phonebind.lifecycle.exceptions``
        OwnerUnclear, IdentityExists, AuthenticationInsufficient.
        """

    def attaching(self, user: AbstractBaseUser, identity: Any) -> None:
        """A person who is signed in as ``user`` binds ``identity`` too, in the open transaction. Raises IdentityExists
        of ``phonebind.lifecycle.exceptions``, by ``SECOND_IDENTITY``.
        """


#: The name of the session's id in a token and in Django's session.
SID = "sid"

#: Set by the app when it is ready.
installed: Life | None = None
