"""The values that a label may have. They are closed sets, so that no text from a request creates a series.

The names of providers, gateways and steps come from the settings and from classes, so their number is limited too.
``MOST`` limits all other values.
"""

from collections.abc import Collection

from phonebind import limits
from phonebind.sms import NO_ACCOUNT, NOTICES, PURPOSES

#: Replaces every value that is in no set.
OTHER = "other"

#: The purposes of an SMS.
SMS_PURPOSES = frozenset({*PURPOSES, NO_ACCOUNT, *NOTICES})
#: The reasons why a session ends.
REASONS = frozenset({"signed_out", "revoked", "reuse", "password", "mobile", "unbound", "disabled", "host"})
#: The names of limits in the audit trail. "vendor" is the SMS vendor's own limit.
RULES = frozenset({*limits.RULES, "vendor"})
#: The windows of the site's SMS budget: name and limit.
WINDOWS = {"hour": "sms_site_hour", "day": "sms_site_day"}


def known(value: str, words: Collection[str]) -> str:
    """The value if it is known, "" for none, else OTHER."""
    return value if not value or value in words else OTHER
