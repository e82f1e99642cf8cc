"""Errors of the account life, in addition to those in ``phonebind.exceptions``.

PhonebindError
├── SessionEnded            401 session_ended           a TokenInvalid; carries reason
├── AuthenticationInsufficient  401 insufficient_user_authentication    carries max_age, methods
├── IdentityTaken           409 identity_taken          another account has it; nothing is moved
├── IdentityExists          409 identity_exists         the account has another one of this provider; carries choices
├── LastWayIn               409 last_way_in             without it the person could not sign in any more
├── MobileTaken             409 mobile_taken            told only to a person who has proved the number
├── MobileKept              409 mobile_kept             the account cannot exist without its number
├── MobileChangePending     409 mobile_change_pending   carries due_at
├── QuestionInvalid         400 ticket_invalid          a TicketInvalid: the question expired, or was answered
├── OwnerUnclear            409 owner_unclear           carries hint, choices, ticket
├── OwnerHeld               409 owner_held              the person's word alone is not accepted before due_at
├── OwnerRefused            403 owner_refused           never accepted: only the shop can help; or an operator's reset
├── NumberStateUnavailable  503 number_state_unavailable    only logged: the gate asks the person instead
├── ConsentMissing          400 consent_missing         only on pages: a new account needs an agreement
├── AccountUnknown          404 account_unknown         no account matches; rate limited
└── NotFound                404 not_found               the person has nothing with this id

AuthenticationInsufficient has the code and the ``max_age`` of RFC 9470.
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
    """``methods``: the methods of ``POST /account/verifications/`` that are accepted. ``max_age``: how many seconds the
    proof is good for.
    """

    code = "insufficient_user_authentication"
    status = 401
    message = _("Please confirm that it is you.")

    def __init__(self, max_age: int, methods: Sequence[str]) -> None:
        super().__init__()
        if not methods:
            # For example, the person has only a number that is on probation.
            self.message = _("There is no way yet to confirm that it is you. Please try again in some days.")
        self.facts = {"max_age": max_age, "methods": list(methods)}


class IdentityTaken(PhonebindError):
    code = "identity_taken"
    status = 409
    message = _("This sign-in is bound to another account. Sign in with it, or unbind it there first.")


class IdentityExists(PhonebindError):
    """``choices``: of "add", "replace", "other_number". A signed-in person gets none: they unbind the other identity
    first.
    """

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
    """The host's user model does not allow a user without a mobile."""

    code = "mobile_kept"
    status = 409
    message = _("This number cannot be taken from the account that has it. Please ask our support.")
    field = "mobile"


class MobileChangePending(PhonebindError):
    """``due_at``: ISO 8601, UTC, like all times in answers."""

    code = "mobile_change_pending"
    status = 409
    message = _("A change of the mobile number is waiting already. Cancel it first.")

    def __init__(self, due_at: datetime) -> None:
        super().__init__()
        self.facts = {"due_at": _said(due_at)}


class OwnerUnclear(PhonebindError):
    """``hint``: ``{"nickname", "last_used"}`` of the account, masked; ``choices``: of "mine", "not_mine"; ``ticket``:
    goes back with the choice.
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
    """The ticket for ``POST /ownership/`` belongs to another person, has expired, was answered, or its facts have
    changed.
    """

    message = _("This question has expired, or was answered already. Please start again.")
    field = "ticket"


class OwnerHeld(PhonebindError):
    """``due_at``: ISO 8601, UTC, like all times in answers."""

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
    """For a person who has proved a number that no account has."""

    code = "consent_missing"
    message = _("This number is new here. Please agree to the terms first.")


class NotFound(PhonebindError):
    code = "not_found"
    status = 404
    message = _("There is no such thing in your account.")


class AccountUnknown(PhonebindError):
    """400 for a person who has proved the number. 404 for the pages of the course, which need the answer; there it is
    rate limited.
    """

    code = "account_unknown"
    status = 404
    message = _("There is no account with this name or number.")

    def __init__(self, *, status: int = 404) -> None:
        super().__init__()
        self.status = status


def _said(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
