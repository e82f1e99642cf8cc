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
    """Those of ``PURPOSES`` that this site sends codes for. A gateway that sends by template needs one for each."""
    return PURPOSES if life.installed else PURPOSES[:1]


def new_id() -> str:
    """20 of ``[0-9a-z]``, 103 random bits: every vendor's field for a caller's id takes that."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(20))


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """One SMS code on its way. Gateways that send free text take ``text``; those with templates fill in the parts."""

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
        """``+8613800000001``."""
        return f"+86{self.mobile}"


class Gateway(Protocol):
    """Constructed for each message, with the options of ``PHONEBIND["SMS"]`` as keyword arguments.

    It may have a ``name`` for metrics; the name of its class is used otherwise. One that hands each message to other
    gateways has ``composite = True``, and ``inner``: a list of their options. One that can say more than codes has
    ``notices``: those of ``NOTICES`` that it sends.

    One whose vendor tells what became of an SMS is a ``Pushes`` or a ``Tells`` of ``phonebind.sms.receipts`` too.
    """

    def check(self) -> list[str]:
        """What is wrong with the options, for the system checks; nothing is sent."""

    def send(self, message: Message) -> str | None:
        """Hand the message over, and return the vendor's id for it where there is one.

        Raises SmsNotSent when the gateway was not reached or is too busy, and SmsMisconfigured when only the operator
        can repair it: another gateway may be tried, the person asks again at once, and it costs no quota.
        Raises SmsRefused when this number gets no SMS, and SmsVendorLimit when the vendor's own limit for it is used
        up: no other gateway is tried, and it costs the person's quota.
        Raises SmsUnconfirmed when the gateway was reached and nobody knows: that costs quota, or a slow gateway is a
        way to unlimited SMS; and never another gateway, or the person gets two.
        """
