"""The protocol of SMS gateways, and the message that they send."""

import secrets
from dataclasses import dataclass, field
from string import ascii_lowercase, digits
from typing import Protocol

from phonebind import life

#: What a code can be sent for: to bind an identity. And where ``phonebind.lifecycle`` is installed: to sign in without
#: an identity, to reset a password, to verify a new number, and to verify their own number again.
PURPOSES = ("bind", "sign_in", "reset_password", "change_mobile", "verify")
#: The purpose in place of "reset_password" for a number without an account: the client sees the same answer, and the
#: SMS contains no code. If a vendor has no template for it, the one for "reset_password" is sent with an invalid code.
NO_ACCOUNT = "no_account"
#: A notice without a code to the owner of a number: their account will get another number. Only gateways that list it
#: in ``notices`` send it: others would send an empty code.
MOBILE_CHANGE = "mobile_change"
NOTICES = (MOBILE_CHANGE,)
#: The fallback, if a gateway has nothing in the person's language.
LANGUAGE = "zh-hans"

_ALPHABET = digits + ascii_lowercase


def purposes() -> tuple[str, ...]:
    """The purposes for which this site sends codes. A gateway that sends templates needs one for each."""
    return PURPOSES if life.installed else PURPOSES[:1]


def new_id() -> str:
    """20 characters of ``[0-9a-z]``, 103 random bits. Every vendor's field for a caller's id accepts that."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(20))


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """One SMS. A gateway that sends free text uses ``text``; a gateway with templates fills in the other fields.

    ``mobile`` has 11 digits without country code. ``code`` has six digits, or is "" in a notice. ``minutes`` says how
    long the code is valid. ``purpose`` is one of ``PURPOSES``, ``NO_ACCOUNT``, or one of ``NOTICES``. ``language`` is
    the person's, as Django writes it: "zh-hans" or "en". ``id`` stays the same through retries and queues; vendors give
    it back in receipts.
    """

    #: 11 digits, without a country code.
    mobile: str
    code: str
    #: For how long the code is valid.
    minutes: int
    text: str
    #: One of ``PURPOSES``, ``NO_ACCOUNT``, or one of ``NOTICES``: then ``code`` is "".
    purpose: str = "bind"
    #: The person's language, as Django writes it: "zh-hans", "en".
    language: str = LANGUAGE
    #: It stays the same through every retry and queue. Vendors return it in receipts, and some send only one SMS for
    #: it.
    id: str = field(default_factory=new_id)

    @property
    def e164(self) -> str:
        """The number with country code: ``+8613800000001``."""
        return f"+86{self.mobile}"


class Gateway(Protocol):
    """Made for each message, with the options of ``PHONEBIND["SMS"]`` as keyword arguments.

    A gateway may also have these attributes. ``name`` is for metrics; the default is the name of the class. ``notices``
    lists those of ``NOTICES`` that it can send. ``composite = True`` and ``inner`` (a list of options) belong to a
    gateway that passes each message to other gateways.

    A gateway whose vendor has receipts is also a ``Pushes`` or a ``Tells`` of ``phonebind.sms.receipts``.
    """

    def check(self) -> list[str]:
        """A list of problems with the options, for the system checks. It sends nothing."""

    def send(self, message: Message) -> str | None:
        """Send the message. Returns the vendor's id for it, or None.

        Raises SmsNotSent if the gateway was not reached or is too busy, and SmsMisconfigured if only the operator can
        repair it. Another gateway may be tried, the person may ask again at once, and no limit counts.

        Raises SmsRefused if this number gets no SMS, and SmsVendorLimit if the vendor's own limit for it is used up. No
        other gateway is tried, and the person's limits count.

        Raises SmsUnconfirmed if the gateway was reached and it is unknown whether it sent. Limits count, or a slow
        gateway would be a way to unlimited SMS. No other gateway is tried, or the person would get two SMS.
        """
