"""The SMS codes that prove a mobile: at most one SMS a minute, five guesses, and each code is used once.

The last three codes of a mobile are valid, each for five minutes. So a new code does not end the one that is already on
the phone. A code that was requested with a binding token is only for the identity of that token, its *holder*: other
people can neither guess it nor use up its guesses. The codes of one holder share three places and five guesses. The
codes without a holder share three places and five guesses too.

A code has one purpose: its key, its hash and its text depend on the purpose, and it is invalid for any other. The
limits count a mobile over all purposes.

What happens to a correct code: ``phonebind.verified``.
"""

import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypedDict, Unpack

from django.utils import translation

from phonebind import keyed, limits, signals, slots, sms, sms_texts, store
from phonebind import sms_code_scripts as scripts
from phonebind.conf import conf
from phonebind.exceptions import (
    Limited,
    PhonebindError,
    SmsCodeGone,
    SmsCodeInvalid,
    SmsNotSent,
    SmsRefused,
    SmsUnconfirmed,
    SmsVendorLimit,
    StorageUnavailable,
)
from phonebind.sms import registry
from phonebind.verified import VerifiedMobile

#: Seconds that a code is valid.
EXPIRES_IN = 300
#: Seconds that we remember that a code was sent to a holder: a binding token lives no longer.
REMEMBERED = 600
#: Wrong guesses at all live codes of a mobile, by holder: MAX_GUESSES to bind, which needs a token; FEW_GUESSES for all
#: other purposes.
MAX_GUESSES = 5
FEW_GUESSES = 3
#: Live codes of a mobile, by holder.
MAX_LIVE = 3

#: Limits for people without a binding token. The rest of a mobile's quota is reserved for people who hold one.
_OPEN = ("sms_mobile_open_hour", "sms_mobile_open_day")
_RESERVED = ("sms_identity_hour", "sms_identity_day", "sms_identity_month")
#: Errors that the vendor returns because of the number. Nothing was sent, and asking the vendor again is useless.
_NUMBER = (SmsRefused, SmsVendorLimit)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ByCode(VerifiedMobile):
    """A mobile whose owner has just given the right code for ``claimant``. Only :func:`check` makes it."""

    invalid: ClassVar[type[PhonebindError]] = SmsCodeInvalid

    digests: tuple[str, ...] = field(repr=False)
    purpose: str = field(default="bind", kw_only=True)

    def claim(self) -> bool:
        state = scripts.claim(_key(self.number, self.purpose), _now(), self.claimant, *self.digests)
        if not state:
            raise SmsCodeInvalid
        return bool(state == 1)

    def settle(self) -> None:
        """Also end the other codes of this mobile and purpose that the claimant could use."""
        scripts.settle(_key(self.number, self.purpose), _now(), self.claimant, *self.digests)


@dataclass(frozen=True, slots=True)
class Sent:
    """``resend_after``: seconds until another code may be requested. ``expires_in``: seconds that this code is valid.

    ``receipt``: the id to ask for the receipt of this SMS; "" where receipts are off.
    """

    resend_after: int
    expires_in: int
    receipt: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """The body of every JSON answer."""
        told = {"message": "OK", "resend_after": self.resend_after, "expires_in": self.expires_in}
        return told | ({"receipt": self.receipt} if self.receipt else {})


class How(TypedDict, total=False):
    """Who a code is for, and its purpose."""

    #: The key of the identity whose binding token the person holds, or another key for that person: then only this
    #: holder can use the code. "" for a code without a holder. Default: "".
    holder: str
    #: One of ``sms.PURPOSES``. Default: "bind".
    purpose: str
    #: Whether the holder may use the reserved part of a mobile's quota. Default: True.
    reserved: bool
    #: The wording of the SMS, if it is not that of the purpose: ``sms.NO_ACCOUNT``, a text without a code.
    worded: str


def issue(mobile: str, address: str, *also: limits.Claim, **how: Unpack[How]) -> Sent:
    """Send a new code. It also counts against the limits in ``also``.

    Raises SmsTooFrequent or SmsQuota (nothing was sent), SmsNotSent (nothing was counted), SmsRefused or SmsVendorLimit
    (counted for the person, but not for the site), SmsUnconfirmed (the SMS may arrive, and then the code is valid),
    StorageUnavailable (nothing was sent).
    """
    holder, purpose = how.get("holder", ""), how.get("purpose", "bind")
    sent = Sent(limits.rule("sms_mobile_gap").seconds, EXPIRES_IN)
    with slots.SMS.take(conf.sms_slots), _taken(mobile, address, also, holder if how.get("reserved", True) else ""):
        # Stored before it is sent: an SMS whose code is not stored costs money and is useless.
        code = _new_code(mobile, holder, purpose)
        message = _message(mobile, code, how.get("worded", purpose))
        try:
            sms.send(message)
        except SmsUnconfirmed as error:
            error.retry_after = sent.resend_after
            raise
        except (SmsNotSent, *_NUMBER):
            withdraw(mobile, code, purpose)
            raise
    # Only after the SMS was sent: a failed SMS must not end a code that is already on the phone.
    with _at_best("A mobile has one code more than it should"):
        scripts.keep_newest(_key(mobile, purpose), _now(), holder, MAX_LIVE)
    return replace(sent, receipt=message.id) if registry.brings_receipts() else sent


def withdraw(mobile: str, code: str, purpose: str = "bind") -> None:
    """Delete a code that was not sent and never will be."""
    with _at_best("A code that was not sent stays valid until it expires"):
        for digest in _digests(mobile, code, purpose):
            scripts.drop(_key(mobile, purpose), _now(), digest)


def void(mobile: str, *, but: str = "") -> None:
    """End all codes of this mobile, for all purposes ``but`` this one. Raises StorageUnavailable."""
    with store.connection() as client:
        client.delete(*(_key(mobile, purpose) for purpose in sms.PURPOSES if purpose != but))


@contextmanager
def _taken(mobile: str, address: str, also: tuple[limits.Claim, ...], holder: str) -> Iterator[None]:
    """Take the limits of one SMS; give them back if the block ends and nothing was sent.

    If the vendor refused the number, only the site's limits are given back. Otherwise a blocked number would be a free
    way to make us call the vendor.
    """
    # From the person's own limits to the site's: a person who has used up their own limits never takes from others'.
    own = [("sms_address_hour", address), ("sms_mobile_gap", mobile)]
    own += [(name, mobile) for name in ("sms_mobile_hour", "sms_mobile_day")]
    site = [("sms_site_hour", limits.SITE), ("sms_site_day", limits.SITE)]
    claims = [*own, *((name, mobile) for name in _OPEN), *also, *site]
    try:
        at = limits.take(*claims)
    except Limited as used_up:
        if not holder or used_up.limit not in _OPEN:
            raise
        claims = [*own, *((name, holder) for name in _RESERVED), *also, *site]
        try:
            at = limits.take(*claims)
        except Limited as rest:
            # Report the limit that is free again first.
            sooner = rest.limit in _RESERVED and (used_up.retry_after or 0) < (rest.retry_after or 0)
            raise (used_up if sooner else rest) from None
    try:
        yield
    except SmsUnconfirmed:
        raise
    except (SmsNotSent, StorageUnavailable, *_NUMBER) as error:
        if isinstance(error, _NUMBER):
            claims = [claim for claim in claims if claim[1] == limits.SITE]
        with _at_best("An SMS that was not sent is counted"):
            limits.give_back(*claims, at=at)
        raise


@contextmanager
def _at_best(otherwise: str) -> Iterator[None]:
    """For a step that the person's answer does not depend on: an unavailable store is only logged."""
    try:
        yield
    except StorageUnavailable:
        logger.warning("%s: the store is unavailable", otherwise)


def check(mobile: str, code: str, *, claimant: str, address: str, purpose: str = "bind", counted: str = "") -> ByCode:
    """Check an SMS code. Returns the mobile, verified for ``claimant``. The code can be used until it is claimed.

    ``mobile`` has 11 digits. ``claimant`` is ``Identity.key``, or another text that stands for the person. ``address``
    is counted by the limits, as ``limits.client_address`` returns it. Wrong codes count for ``counted``, if it is not
    the claimant.

    Raises SmsCodeInvalid: the code is wrong, for another purpose, expired, never sent, ended by wrong guesses, or
    claimed by another person. Raises SmsCodeGone if the claimant was sent codes and none of them is valid any more;
    codes of other people make no difference. Raises TooManyAttempts after many wrong codes of this claimant or
    this address, for all mobiles together.
    """
    digests = _digests(mobile, code, purpose)
    guesses = MAX_GUESSES if purpose == "bind" else FEW_GUESSES
    claims = (("sms_code_identity_hour", counted or claimant), ("sms_code_address_hour", address))
    found = scripts.WRONG

    def is_right() -> bool:
        nonlocal found
        found, ended = scripts.check(_keys(mobile, purpose), _now(), claimant, guesses, *digests)
        signals.sms_code_checked.send_robust(sender=None, purpose=purpose, outcome=scripts.ENDS[ended])
        return bool(found == scripts.RIGHT)

    if not limits.attempt(is_right, *claims):
        raise SmsCodeGone if found == scripts.GONE else SmsCodeInvalid
    return ByCode(mobile, claimant, digests, purpose=purpose)


def claim(mobile: ByCode) -> bool:
    """Use the proof for its claimant: the last act before a commit. The same as ``mobile.claim()``.

    Returns True the first time, and False where the same bind was committed before. Raises SmsCodeInvalid if another
    bind was faster.
    """
    return mobile.claim()


def settle(mobile: ByCode) -> None:
    """After the commit: the code can only repeat the committed bind, and the other codes that this person could use
    end. The same as ``mobile.settle()``.
    """
    mobile.settle()


def _new_code(mobile: str, holder: str, purpose: str) -> str:
    """Six digits that no other live code of this mobile and purpose has. The code is valid from now on."""
    while True:
        code = f"{secrets.randbelow(10**6):06}"
        digest, lifetime, remembered = _digests(mobile, code, purpose)[0], EXPIRES_IN * 1000, REMEMBERED * 1000
        if scripts.add(_keys(mobile, purpose), _now(), digest, lifetime, holder, remembered):
            return code


def _now() -> int:
    return int(time.time() * 1000)


def _key(mobile: str, purpose: str) -> str:
    return store.key("sms" if purpose == "bind" else f"sms_{purpose}", mobile)


def _keys(mobile: str, purpose: str) -> tuple[str, str]:
    """The keys of the codes, and of the holders that were sent a code lately."""
    return _key(mobile, purpose), store.key("sms_sent" if purpose == "bind" else f"sms_sent_{purpose}", mobile)


def _digests(mobile: str, code: str, purpose: str) -> tuple[str, ...]:
    return keyed.digests(f"phonebind.sms.{purpose}", f"{mobile}:{code}")


def _message(mobile: str, code: str, purpose: str) -> sms.Message:
    minutes = EXPIRES_IN // 60
    text = sms_texts.code_text(purpose, conf.site_name, code, minutes)
    language = translation.get_language() or sms.LANGUAGE
    return sms.Message(mobile=mobile, code=code, minutes=minutes, text=text, purpose=purpose, language=language)
