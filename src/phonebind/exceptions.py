"""Every error of phonebind, as one tree.

PhonebindError
├── Invalid                 400 invalid              the shape of the input is wrong
├── NextNotAllowed          400 next_not_allowed
├── StateInvalid            400 state_invalid
├── CodeInvalid             400 code_invalid         the provider's code, not the SMS code
├── SignInCancelled         400 sign_in_cancelled    the person cancelled at the provider
├── SnapshotUser            400 snapshot_user        WeChat shows the page as a snapshot; the person has not signed in
├── SmsRefused              400 sms_refused          no SMS reaches this number: wrong, blocked, unsubscribed
├── TicketInvalid           400 ticket_invalid
├── ImageCodeInvalid        400 image_code_invalid
├── HumanCheckInvalid       400 human_check_invalid
├── SmsCodeInvalid          400 sms_code_invalid
│   └── SmsCodeGone             sms_code_invalid     all codes of this person are expired or burnt
├── MobileProofInvalid      400 mobile_proof_invalid    expired, used, or of another person
├── MobileProofTooWeak      400 mobile_proof_too_weak   not enough for this; an SMS is
├── PasswordWrong           400 password_wrong
├── AlreadyBound            400 already_bound
├── CredentialsInvalid      401 credentials_invalid
├── TokenInvalid            401 token_invalid
├── AccountDisabled         403 account_disabled
├── OriginNotAllowed        403 origin_not_allowed   a page of another site sent the request
├── ProviderUnknown         404 provider_unknown
├── ReceiptUnknown          404 receipt_unknown      there is no SMS with this id, or it is too old
├── Limited                 429                      carries retry_after
│   ├── TooManyRequests         too_many_requests
│   ├── SmsTooFrequent          sms_too_frequent
│   ├── SmsQuota                sms_quota
│   │   └── SmsVendorLimit          sms_quota        the SMS vendor's own limit for this number
│   └── TooManyAttempts         too_many_attempts
├── SmsNotSent              502 sms_not_sent         nothing was sent, nothing counted
│   ├── SmsMisconfigured        sms_not_sent         only the operator can repair it
│   └── SmsUnconfirmed          sms_not_sent         it may be on its way, so it counts; carries retry_after
└── Unavailable             503                      carries retry_after
    ├── ProviderUnavailable     provider_unavailable
    ├── StorageUnavailable      storage_unavailable
    ├── HumanCheckUnavailable   human_check_unavailable
    ├── MobileProofUnavailable  mobile_proof_unavailable
    └── ServerBusy              server_busy          too many passwords, images or challenges to compute at once

``code`` is for programs and never changes; ``message`` is for people and is translated.
The domain raises errors. Only the edges (``api.errors``, ``pages.answers``) turn an error into an answer.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self, TypeAlias

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http.request import UnreadablePostError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

__all__ = [
    "AccountDisabled",
    "AlreadyBound",
    "CodeInvalid",
    "CredentialsInvalid",
    "HumanCheckInvalid",
    "HumanCheckUnavailable",
    "ImageCodeInvalid",
    "Invalid",
    "Limited",
    "MobileProofInvalid",
    "MobileProofTooWeak",
    "MobileProofUnavailable",
    "NextNotAllowed",
    "OriginNotAllowed",
    "PasswordWrong",
    "PhonebindError",
    "ProviderUnavailable",
    "ProviderUnknown",
    "ReceiptUnknown",
    "ServerBusy",
    "SignInCancelled",
    "SmsCodeGone",
    "SmsCodeInvalid",
    "SmsMisconfigured",
    "SmsNotSent",
    "SmsQuota",
    "SmsRefused",
    "SmsTooFrequent",
    "SmsUnconfirmed",
    "SmsVendorLimit",
    "SnapshotUser",
    "StateInvalid",
    "StorageUnavailable",
    "TicketInvalid",
    "TokenInvalid",
    "TooManyAttempts",
    "TooManyRequests",
    "Unavailable",
]

Text: TypeAlias = str | Promise


class PhonebindError(Exception):
    """An outcome that the person, or the program, at the other end sees.

    ``status`` is the HTTP status, ``field`` the input to blame, ``retry_after`` the seconds until a new try is right.
    """

    code: str
    status: int = 400
    message: Text
    field: str | None = None
    retry_after: int | None = None
    #: The server that was asked gave a whole answer: the answer is bad, but nothing is down.
    answered: bool = False
    #: More fields of the body, for programs.
    facts: Mapping[str, Any] = MappingProxyType({})
    #: Why, for the operator. No answer shows it.
    detail: str = ""
    #: Sets cookies on the answer.
    remember: Callable[[Any], None] | None = None

    def because(self, detail: str) -> Self:
        """The same error, with its ``detail``."""
        self.detail = detail
        return self

    @property
    def errors(self) -> Mapping[str, Sequence[Text]]:
        """Messages by field, or nothing if no field is to blame."""
        return {self.field: [self.message]} if self.field else {}

    @property
    def body(self) -> dict[str, Any]:
        """The JSON of the answer: ``{"code", "message", "errors"?, "retry_after"?}`` and the ``facts``."""
        optional = {"errors": self.errors or None, "retry_after": self.retry_after}
        told = {"code": self.code, "message": self.message} | {k: v for k, v in optional.items() if v is not None}
        return told | dict(self.facts)

    def finish(self, response: Any) -> None:
        """The last step of an edge, with the answer that it made."""
        if self.remember:
            self.remember(response)

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers of the response."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class Invalid(PhonebindError):
    code = "invalid"
    message: Text = _("Please check what you entered.")

    def __init__(self, errors: Mapping[str, Sequence[Text]] | None = None, *, status: int = 400) -> None:
        super().__init__()
        self._errors = errors or {}
        self.status = status
        if self._errors:
            # Existing front ends show `message` only, so it names the first field to correct.
            self.message = next(iter(self._errors.values()))[0]

    @property
    def errors(self) -> Mapping[str, Sequence[Text]]:
        return self._errors


class NextNotAllowed(PhonebindError):
    code = "next_not_allowed"
    message = _("This return address is not allowed.")
    field = "next"


class StateInvalid(PhonebindError):
    code = "state_invalid"
    message = _("This sign-in has expired or was started in another browser. Please start again.")


class CodeInvalid(PhonebindError):
    code = "code_invalid"
    message = _("This sign-in has expired or was already used. Please start again.")


class SignInCancelled(PhonebindError):
    code = "sign_in_cancelled"
    message = _("You cancelled the sign-in. Nothing was changed.")


class SnapshotUser(PhonebindError):
    code = "snapshot_user"
    message = _('WeChat shows a snapshot of this page. Tap "Use full service" and sign in again.')


class SmsRefused(PhonebindError):
    """The vendor never sends to this number, and other vendors do not either."""

    code = "sms_refused"
    message = _("No SMS can be sent to this number. Please check it, or use another.")
    field = "mobile"
    answered = True


class TicketInvalid(PhonebindError):
    code = "ticket_invalid"
    message = _("Invalid access_token")
    field = "access_token"


class ImageCodeInvalid(PhonebindError):
    code = "image_code_invalid"
    message = _("Wrong image code")
    field = "text"


class HumanCheckInvalid(PhonebindError):
    code = "human_check_invalid"
    message = _("It could not be checked that you are a person. Please try again.")
    field = "human_check"


class SmsCodeInvalid(PhonebindError):
    code = "sms_code_invalid"
    message = _("Wrong SMS code")
    field = "sms_code"


class SmsCodeGone(SmsCodeInvalid):
    """Raised only where it tells nothing about other people."""

    message = _("This SMS code is no longer valid. Please request a new one.")


class MobileProofInvalid(PhonebindError):
    """No field is to blame: nothing that a person types repairs it."""

    code = "mobile_proof_invalid"
    message = _("Your number could not be confirmed, or it was too long ago. Please verify it by SMS.")
    answered = True


class MobileProofTooWeak(PhonebindError):
    code = "mobile_proof_too_weak"
    message = _("Please verify your number by SMS to use it here.")


class PasswordWrong(PhonebindError):
    code = "password_wrong"
    message = _("Wrong password")
    field = "password"


class AlreadyBound(PhonebindError):
    code = "already_bound"
    message = _("This sign-in is already bound to another account.")


class CredentialsInvalid(PhonebindError):
    code = "credentials_invalid"
    status = 401
    message = _("Wrong username or password")


class TokenInvalid(PhonebindError):
    code = "token_invalid"
    status = 401
    message = _("Your session has expired. Please sign in again.")


class AccountDisabled(PhonebindError):
    code = "account_disabled"
    status = 403
    message = _("This account is disabled.")


class OriginNotAllowed(PhonebindError):
    code = "origin_not_allowed"
    status = 403
    message = _("A page of another site sent this request. That site is not allowed to.")


class ProviderUnknown(PhonebindError):
    code = "provider_unknown"
    status = 404
    message = _("This way to sign in does not exist.")


class ReceiptUnknown(PhonebindError):
    code = "receipt_unknown"
    status = 404
    message = _("Nothing is known about this SMS.")


class Limited(PhonebindError):
    """Too often. ``retry_after``: seconds until it is allowed again. ``limit``: a name of ``RULES``, or "vendor"."""

    status = 429
    limit = ""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class TooManyRequests(Limited):
    code = "too_many_requests"
    message = _("Too many requests. Please try again later.")


class SmsTooFrequent(Limited):
    code = "sms_too_frequent"
    message = _("An SMS code was sent a moment ago. Please wait before asking for another.")


class SmsQuota(Limited):
    code = "sms_quota"
    message = _("Too many SMS codes were requested. Please try again later.")


class SmsVendorLimit(SmsQuota):
    """The vendor's own limit for this number. Another gateway is not tried: that would defeat the limit."""

    limit = "vendor"
    answered = True


class TooManyAttempts(Limited):
    code = "too_many_attempts"
    message = _("Too many wrong attempts. Please try again later.")


class SmsNotSent(PhonebindError):
    code = "sms_not_sent"
    status = 502
    message = _("The SMS could not be sent. Please try again.")

    def __init__(self, *, answered: bool = False) -> None:
        super().__init__()
        self.answered = answered


class SmsMisconfigured(SmsNotSent):
    """Only the operator can repair it: the balance, a template, the keys."""

    message = _("No SMS can be sent at the moment. Please try again later.")

    def __init__(self) -> None:
        super().__init__(answered=True)


class SmsUnconfirmed(SmsNotSent):
    """The gateway did not say whether it sent. It counts, or a slow gateway would be a way to unlimited SMS."""

    message = _("The SMS may be on its way. If it does not arrive, ask for another in a minute.")


class Unavailable(PhonebindError):
    """A server that we need is down, or we are too busy. Nothing was changed, and a new try is right."""

    status = 503
    retry_after = 5


class ProviderUnavailable(Unavailable):
    code = "provider_unavailable"
    message = _("This way to sign in is not available at the moment. Please try again later.")


class StorageUnavailable(Unavailable):
    code = "storage_unavailable"
    message = _("The service is not available at the moment. Please try again in a few seconds.")


class HumanCheckUnavailable(Unavailable):
    code = "human_check_unavailable"
    message = _("It cannot be checked at the moment that you are a person. Please try again in a few seconds.")


class MobileProofUnavailable(Unavailable):
    code = "mobile_proof_unavailable"
    message = _("Your number cannot be confirmed at the moment. Please verify it by SMS.")


class ServerBusy(Unavailable):
    code = "server_busy"
    message = _("Very many people are signing in right now. Please try again in a moment.")


#: What Django raises for a request that cannot be read (RecursionError: JSON that is nested too deep), and for a
#: database that cannot be reached. The edges turn them into Invalid and StorageUnavailable.
UNREADABLE = (BadRequest, RecursionError, SuspiciousOperation, UnreadablePostError)
DATABASE_DOWN = (InterfaceError, OperationalError)
