"""The outcome of an SMS as a sentence for the operator: its meaning, its cause, and what to do."""

from phonebind.exceptions import (
    PhonebindError,
    SmsMisconfigured,
    SmsNotSent,
    SmsRefused,
    SmsUnconfirmed,
    SmsVendorLimit,
    StorageUnavailable,
)

_OPERATORS = "Not sent. You must repair this: {detail}."
_NOBODY_KNOWS = (
    "Nobody knows whether it was sent: {detail}. The cause is the vendor or the network. Before you send another, look "
    "at the phone, and look for the id {id} in the vendor's console."
)
_NOT_NOW = (
    "Not sent: {detail}. The cause is the vendor or the network: try again later. "
    "manage.py phonebind_sms check --online tells more."
)
_NUMBER = (
    "Not sent: the vendor sends nothing to this number ({detail}). The number is wrong, blocked or "
    "unsubscribed. Try another one; the vendor's support can unblock it."
)
_LIMIT = (
    "Not sent: the vendor's own limit for this number is used up ({detail}). Try again in {retry_after} s, or with "
    "another number; you may find the limit in the vendor's console."
)
_STORE = "Not sent: Valkey or Redis does not answer. Start it, or repair its address in CACHES."
_BUG = "Nobody knows whether it was sent: the gateway raised {kind}, which is a mistake in its code. Look at the phone."

#: Subclasses come before their base classes.
_WORDS = {
    SmsMisconfigured: _OPERATORS,
    SmsUnconfirmed: _NOBODY_KNOWS,
    SmsNotSent: _NOT_NOW,
    SmsRefused: _NUMBER,
    SmsVendorLimit: _LIMIT,
    StorageUnavailable: _STORE,
    Exception: _BUG,
}


def words(error: Exception, message_id: str) -> str:
    """The sentence. It never contains the text of the error itself, which may come from outside."""
    told = next(words for kind, words in _WORDS.items() if isinstance(error, kind))
    detail = (error.detail if isinstance(error, PhonebindError) else "") or "the gateway gives no reason"
    retry_after = getattr(error, "retry_after", None)
    return told.format(detail=detail, id=message_id, retry_after=retry_after, kind=type(error).__name__)
