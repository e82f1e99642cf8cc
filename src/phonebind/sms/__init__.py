"""SMS gateways: one file each. ``PHONEBIND["SMS"]["gateway"]`` names one by a short name or a dotted path."""

from phonebind.conf import conf
from phonebind.sms.base import LANGUAGE, MOBILE_CHANGE, NO_ACCOUNT, NOTICES, PURPOSES, Gateway, Message, purposes
from phonebind.sms.registry import GATEWAYS, attempt, make

__all__ = [
    "GATEWAYS",
    "LANGUAGE",
    "MOBILE_CHANGE",
    "NOTICES",
    "NO_ACCOUNT",
    "PURPOSES",
    "Gateway",
    "Message",
    "get",
    "purposes",
    "send",
]


def get() -> Gateway:
    """The configured gateway. Raises what its constructor raises, and ImportError for a wrong name."""
    return make(conf.sms)


def send(message: Message) -> str | None:
    """Send by the configured gateway. Returns the vendor's id or None, and raises what ``Gateway.send`` raises."""
    return attempt(get(), message)
