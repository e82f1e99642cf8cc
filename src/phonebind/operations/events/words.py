"""The words of the audit trail, and which of its outcomes become rows, and how: closed lists, which are held to
``phonebind.audit``.
"""

from collections.abc import Iterator
from typing import Literal, TypeAlias

from phonebind.exceptions import PhonebindError

How: TypeAlias = Literal["each", "together", "not"]

#: A row each. All of them took an SMS, a password or a provider's word, so nobody gets thousands of them for nothing.
EACH = frozenset(
    {
        *("sent", "proved", "bound", "signed_in", "password_set"),
        *("unbound", "pending", "mine", "not_mine"),
    }
)
#: One row for many that are alike, as with every error's code: anybody can have them as often as they like. "ended" and
#: "changed" are also what somebody is told for whom there was nothing to end or to change: with any token, or none.
TOGETHER = frozenset({"cancelled", "signed_out", "kept", "failed", "ended", "changed"})
#: No row. They are steps of what has an outcome of its own, or questions that change nothing. A refresh comes every
#: hour from each device; the session that it belongs to says when it was seen last.
NOT = frozenset(
    {
        *("started", "not_bound", "drawn", "asked", "waiting", "delivered"),
        *("refreshed", "listed", "shown", "counted"),
    }
)
#: Of an operator's act: a row that is written with the act, in its transaction.
BY_OPERATORS = (
    *("sessions_ended", "identity_unbound", "identity_unbound_by_force"),
    *("limit_lifted", "number_released"),
)
#: All outcomes of the audit trail that are no errors.
OUTCOMES = EACH | TOGETHER | NOT | frozenset(BY_OPERATORS)

#: Of SMS that were given to a gateway, besides "sent": those of ``signals.sms_attempted``.
OF_ATTEMPTS = ("not_now", "operator", "number", "limit", "unknown")

#: The type of a row that stands for SMS given to a gateway, and of one that stands for an act of an operator.
SMS_ATTEMPT = "sms_attempt"
OPERATOR = "operator"
#: The actions of the audit trail.
ACTIONS = (
    *("ways", "authorize", "callback", "native", "image_code", "human_check", "sms_code", "sms_receipt"),
    *("vendor_receipts", "mobile_proof", "bind", "password", "refresh", "sign_out", "login", "done"),
    *("account", "own_password", "own_mobile", "verification", "identities", "identity", "sessions", "session"),
    *("revoke", "sms_sign_in", "sign_up", "password_reset", "ownership", "account_count", "reset_account"),
    *("reset_code", "reset_proof", "reset_password", "user", OPERATOR),
)
#: All types of rows.
TYPES = (*ACTIONS, SMS_ATTEMPT)


def how(outcome: str) -> How:
    """What becomes of an outcome; an error's code is in none of the lists."""
    if outcome in EACH:
        return "each"
    return "not" if outcome in NOT else "together"


def error_codes() -> frozenset[str]:
    """The outcomes that are errors: of all that there are when this is called, a host's own among them."""
    return frozenset(error.code for error in _all_below(PhonebindError) if hasattr(error, "code"))


def _all_below(kind: type[PhonebindError]) -> Iterator[type[PhonebindError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _all_below(each)
