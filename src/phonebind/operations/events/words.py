"""Which outcomes of the audit trail become rows, and how: a closed list, held to the words of ``phonebind.audit``."""

from typing import Literal, TypeAlias

How: TypeAlias = Literal["each", "together", "not"]

#: A row each. All of them took an SMS, a password or a provider's word, so nobody gets thousands of them for nothing.
EACH = frozenset(
    {
        *("sent", "proved", "bound", "signed_in", "password_set"),
        *("unbound", "ended", "changed", "pending", "mine", "not_mine"),
    }
)
#: One row for many that are alike, as with every error's code: anybody can have them as often as they like.
TOGETHER = frozenset({"cancelled", "signed_out", "kept", "failed"})
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

#: Of SMS that were given to a gateway, besides "sent": those of ``signals.sms_attempted``.
OF_ATTEMPTS = ("not_now", "operator", "number", "limit", "unknown")

#: The type of a row that stands for SMS given to a gateway, and of one that stands for an act of an operator.
SMS_ATTEMPT = "sms_attempt"
OPERATOR = "operator"
#: All types: the actions of the audit trail, and that.
TYPES = (
    *("ways", "authorize", "callback", "native", "image_code", "human_check", "sms_code", "sms_receipt"),
    *("vendor_receipts", "mobile_proof", "bind", "password", "refresh", "sign_out", "login", "done"),
    *("account", "own_password", "own_mobile", "verification", "identities", "identity", "sessions", "session"),
    *("revoke", "sms_sign_in", "sign_up", "password_reset", "ownership", "account_count", "reset_account"),
    *("reset_code", "reset_proof", "reset_password", "user", SMS_ATTEMPT, OPERATOR),
)


def how(outcome: str) -> How:
    """What becomes of an outcome; an error's code is in none of the lists."""
    if outcome in EACH:
        return "each"
    return "not" if outcome in NOT else "together"
