"""What may stand in a label: closed sets, so that nothing that a request says makes a series.

The names of providers, gateways and steps come from the settings and from classes, and are as good as closed; what is
neither has a bound (``MOST``).
"""

from collections.abc import Collection

from phonebind import limits
from phonebind.sms import NO_ACCOUNT, NOTICES, PURPOSES

#: What stands for all that is in no set.
OTHER = "other"

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
