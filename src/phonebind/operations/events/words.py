"""The words of the audit trail, and how each outcome is stored. The lists are closed; a test compares them with
``phonebind.audit``.
"""

from collections.abc import Iterator
from typing import Literal, TypeAlias

from phonebind.exceptions import PhonebindError

How: TypeAlias = Literal["each", "together", "not"]

#: One row for each event. Each of these outcomes needs an SMS, a password or a provider's answer. So an attacker cannot
#: cause thousands of rows without cost.
EACH = frozenset(
    {
        *("sent", "proved", "bound", "signed_in", "password_set"),
        *("unbound", "pending", "mine", "not_mine"),
    }
)
#: One row for many similar events, as for every error code: any client can cause these outcomes as often as it wants.
#: "ended" and "changed" are also the answer when there was nothing to end or to change: with any token, or with none.
TOGETHER = frozenset({"cancelled", "signed_out", "kept", "failed", "ended", "changed"})
#: No row. These are steps of a process that has its own outcome, or requests that change nothing. Each device refreshes
#: once an hour; its session row already says when it was last seen.
NOT = frozenset(
    {
        *("started", "not_bound", "drawn", "asked", "waiting", "delivered"),
        *("refreshed", "listed", "shown", "counted"),
    }
)
#: Outcomes of operators' acts. The row is written together with the act, in the same transaction.
BY_OPERATORS = (
    *("sessions_ended", "identity_unbound", "identity_unbound_by_force"),
    *("limit_lifted", "number_released"),
)
#: All outcomes of the audit trail except error codes.
OUTCOMES = EACH | TOGETHER | NOT | frozenset(BY_OPERATORS)

#: The outcomes of ``signals.sms_attempted`` besides "sent".
OF_ATTEMPTS = ("not_now", "operator", "number", "limit", "unknown")

#: The type of a row for an SMS given to a gateway, and of a row for an act of an operator.
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
    """How an outcome is stored. Error codes are in none of the lists: they are counted together."""
    if outcome in EACH:
        return "each"
    return "not" if outcome in NOT else "together"


def error_codes() -> frozenset[str]:
    """All outcomes that are error codes, at the time of the call. Errors that the host defines are included."""
    return frozenset(error.code for error in _all_below(PhonebindError) if hasattr(error, "code"))


def _all_below(kind: type[PhonebindError]) -> Iterator[type[PhonebindError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _all_below(each)
