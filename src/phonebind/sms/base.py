"""What every SMS gateway is, and what it is given."""

import secrets
from dataclasses import dataclass, field
from string import ascii_lowercase, digits
from typing import Protocol

from phonebind import life

#: What a person can be sent a code for: to bind an identity; and where ``phonebind.lifecycle`` is installed, to sign in
#: without one, to reset a password, to prove a new number, and to prove once more their own.
PURPOSES = ("bind", "sign_in", "reset_password", "change_mobile", "verify")
#: In place of "reset_password", for a number that nobody has: who asks sees the same, and the phone is told no code.
#: Where a vendor has no template for it, the one for "reset_password" tells a code that is worth nothing.
NO_ACCOUNT = "no_account"
#: What the owner of a number is told without a code: that their account is to get another one. Sent by those gateways
#: alone that say so, in ``notices``: others would send an empty code.
MOBILE_CHANGE = "mobile_change"
NOTICES = (MOBILE_CHANGE,)
#: The language of those for whom a gateway has nothing in their own.
LANGUAGE = "zh-hans"

_ALPHABET = digits + ascii_lowercase


def purposes() -> tuple[str, ...]:
    """The purposes for which this site sends codes. A gateway that sends templates needs one for each."""
    return PURPOSES if life.installed else PURPOSES[:1]


def new_id() -> str:
    """20 of ``[0-9a-z]``, 103 random bits: every vendor's field for a caller's id takes that."""
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
    #: For which the code is good.
    minutes: int
    text: str
    #: One of ``PURPOSES``, ``NO_ACCOUNT``, or one of ``NOTICES``: then ``code`` is "".
    purpose: str = "bind"
    #: That of the person, as Django writes it: "zh-hans", "en".
    language: str = LANGUAGE
    #: The same through every retry and queue: vendors give it back in receipts, and some send only once for it.
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

        Raises SmsUnconfirmed if the gateway was reached and nobody knows whether it sent. Limits count, or a slow
        gateway would be a way to unlimited SMS. No other gateway is tried, or the person would get two SMS.
        """
