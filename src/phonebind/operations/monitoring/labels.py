"""What may stand in a label: closed sets, so that nothing that a request says makes a series.

The names of providers, gateways and steps come from the settings and from classes, and are as good as closed; what is
neither has a bound (``MOST``).
"""

from collections.abc import Collection, Iterator

from phonebind import limits
from phonebind.exceptions import PhonebindError
from phonebind.sms import NO_ACCOUNT, NOTICES, PURPOSES

#: What stands for all that is in no set.
OTHER = "other"

#: The actions of ``phonebind.audit``.
TYPES = frozenset({
    "ways", "authorize", "callback", "native", "image_code", "human_check", "sms_code", "sms_receipt",
    "vendor_receipts", "mobile_proof", "bind", "password", "refresh", "sign_out", "login", "done", "account",
    "own_password", "own_mobile", "verification", "identities", "identity", "sessions", "session", "revoke",
    "sms_sign_in", "sign_up", "password_reset", "ownership", "account_count", "reset_account", "reset_code",
    "reset_proof", "reset_password", "user",
})  # fmt: skip
#: Its outcomes that are no errors.
OUTCOMES = frozenset({
    "started", "not_bound", "drawn", "asked", "sent", "waiting", "delivered", "failed", "proved", "bound",
    "signed_in", "refreshed", "signed_out", "cancelled", "listed", "shown", "kept", "unbound", "ended", "changed",
    "pending", "mine", "not_mine", "counted", "password_set",
})  # fmt: skip
#: What an SMS is for.
SMS_PURPOSES = frozenset({*PURPOSES, NO_ACCOUNT, *NOTICES})
#: What ends a session.
REASONS = frozenset({"signed_out", "revoked", "reuse", "password", "mobile", "unbound", "disabled", "host"})
#: What a limit is called in the audit trail: "vendor" is the SMS vendor's own.
RULES = frozenset({*limits.RULES, "vendor"})
#: The windows of the site's SMS budget, by their rules.
WINDOWS = {"hour": "sms_site_hour", "day": "sms_site_day"}


def known(value: str, words: Collection[str]) -> str:
    """The value, "" for none, or OTHER."""
    return value if not value or value in words else OTHER


def outcomes() -> frozenset[str]:
    """Those of the audit trail: its own, and the codes of all errors that there are when this is called."""
    return OUTCOMES.union(error.code for error in _all_below(PhonebindError) if hasattr(error, "code"))


def _all_below(kind: type[PhonebindError]) -> Iterator[type[PhonebindError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _all_below(each)
