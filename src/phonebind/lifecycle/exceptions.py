"""What can go wrong in the account life besides what ``phonebind.exceptions`` lists.

PhonebindError
├── SessionEnded            401 session_ended           a TokenInvalid; carries reason
├── AuthenticationInsufficient  401 insufficient_user_authentication    carries max_age, methods
├── IdentityTaken           409 identity_taken          another account has it; nothing is moved
├── IdentityExists          409 identity_exists         the account has another one of this provider; carries choices
├── LastWayIn               409 last_way_in             without it nobody could sign in any more
├── MobileTaken             409 mobile_taken            told only to who has proved the number
├── MobileKept              409 mobile_kept             the account cannot be without its number
├── MobileChangePending     409 mobile_change_pending   carries due_at
├── QuestionInvalid         400 ticket_invalid          a TicketInvalid: what was asked expired, or was answered
├── OwnerUnclear            409 owner_unclear           carries hint, choices, ticket
├── OwnerHeld               409 owner_held              their word is not taken before due_at
├── OwnerRefused            403 owner_refused           nor ever: only the shop can help; so for an operator's reset
├── NumberStateUnavailable  503 number_state_unavailable    logged only: the gate asks instead
├── ConsentMissing          400 consent_missing         on pages alone: a new account takes an agreement
├── AccountUnknown          404 account_unknown         there is none that could be meant; limited
└── NotFound                404 not_found               nothing of that id is yours

The words of the first are RFC 9470's.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _

from phonebind.exceptions import PhonebindError, TicketInvalid, TokenInvalid, Unavailable

__all__ = [
    "AccountUnknown",
    "AuthenticationInsufficient",
    "ConsentMissing",
    "IdentityExists",
    "IdentityTaken",
    "LastWayIn",
    "MobileChangePending",
    "MobileKept",
    "MobileTaken",
    "NotFound",
    "NumberStateUnavailable",
    "OwnerHeld",
    "OwnerRefused",
    "OwnerUnclear",
    "QuestionInvalid",
    "SessionEnded",
]


class SessionEnded(TokenInvalid):
    """``reason``: "signed_out", "revoked", "reuse", "password", "mobile", "unbound", "disabled", "host"."""

    code = "session_ended"
    message = _("You have been signed out on this device. Please sign in again.")

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.facts = {"reason": reason}


class AuthenticationInsufficient(PhonebindError):
    """``methods``: which ways of ``POST /account/verifications/`` would do; ``max_age``: for how many seconds."""

    code = "insufficient_user_authentication"
    status = 401
    message = _("Please confirm that it is you.")

    def __init__(self, max_age: int, methods: Sequence[str]) -> None:
        super().__init__()
        if not methods:
            # A number on probation, say, and nothing else.
            self.message = _("There is no way yet to confirm that it is you. Please try again in some days.")
        self.facts = {"max_age": max_age, "methods": list(methods)}


class IdentityTaken(PhonebindError):
    code = "identity_taken"
    status = 409
    message = _("This sign-in is bound to another account. Sign in with it, or unbind it there first.")


class IdentityExists(PhonebindError):
    """``choices``: of "add", "replace", "other_number"; none for who is signed in, and unbinds the other one first."""

    code = "identity_exists"
    status = 409
    message = _("Another sign-in of this kind is bound to this account.")

    def __init__(self, choices: Sequence[str], hint: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.facts = {"choices": list(choices), "hint": dict(hint or {})}


class LastWayIn(PhonebindError):
    code = "last_way_in"
    status = 409
    message = _("This is the last way to sign in to your account. Set a password or bind another first.")


class MobileTaken(PhonebindError):
    code = "mobile_taken"
    status = 409
    message = _("Another account has this mobile number. Sign in to that one, or use another number.")
    field = "mobile"

    def __init__(self, *, status: int = 409) -> None:
        super().__init__()
        self.status = status


class MobileKept(PhonebindError):
    """The host's user model has no room for somebody without a mobile."""

    code = "mobile_kept"
    status = 409
    message = _("This number cannot be taken from the account that has it. Please ask our support.")
    field = "mobile"


class MobileChangePending(PhonebindError):
    """``due_at``: ISO 8601, UTC, as answers write it."""

    code = "mobile_change_pending"
    status = 409
    message = _("A change of the mobile number is waiting already. Cancel it first.")

    def __init__(self, due_at: datetime) -> None:
        super().__init__()
        self.facts = {"due_at": _said(due_at)}


class OwnerUnclear(PhonebindError):
    """``hint``: ``{"nickname", "last_used"}`` of the account, masked; ``choices``: of "mine", "not_mine"; ``ticket``
    takes the choice.
    """

    code = "owner_unclear"
    status = 409
    message = _("An account has had this number for a long time. Is it yours?")

    def __init__(
        self,
        hint: Mapping[str, Any],
        choices: Sequence[str],
        ticket: str,
        remember: Callable[[HttpResponseBase], None] | None = None,
    ) -> None:
        super().__init__()
        self.facts = {"hint": dict(hint), "choices": list(choices), "ticket": ticket}
        self.remember = remember


class QuestionInvalid(TicketInvalid):
    """Of ``POST /ownership/``: put to somebody else, expired, answered, or about what has changed since."""

    message = _("This question has expired, or was answered already. Please start again.")
    field = "ticket"


class OwnerHeld(PhonebindError):
    """``due_at``: ISO 8601, UTC, as answers write it."""

    code = "owner_held"
    status = 409
    message = _("The account cannot be used by this number alone yet. Please come back later.")

    def __init__(self, due_at: datetime) -> None:
        super().__init__()
        self.facts = {"due_at": _said(due_at)}


class OwnerRefused(PhonebindError):
    code = "owner_refused"
    status = 403
    message = _("The account cannot be used by this number alone. Please contact us.")


class NumberStateUnavailable(Unavailable):
    code = "number_state_unavailable"
    message = _("The number cannot be looked up at the moment.")


class ConsentMissing(PhonebindError):
    """Told to who has proved a number that no account has."""

    code = "consent_missing"
    message = _("This number is new here. Please agree to the terms first.")


class NotFound(PhonebindError):
    code = "not_found"
    status = 404
    message = _("There is no such thing in your account.")


class AccountUnknown(PhonebindError):
    """400 for who has proved the number; 404 where the pages of the course must be told, and limited there."""

    code = "account_unknown"
    status = 404
    message = _("There is no account with this name or number.")

    def __init__(self, *, status: int = 404) -> None:
        super().__init__()
        self.status = status


def _said(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
