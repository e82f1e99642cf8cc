"""The codes that prove a mobile: sent once a minute at most, five guesses, used once.

The last three codes of a mobile are valid, each for five minutes: a new one does not take away the one that is on the
phone already. A code that was asked for with a bind ticket is for the identity of that ticket alone, its *holder*: the
others can neither guess it nor burn it. The codes of one holder share three places and five guesses, and so do the
codes that have none.

A code is for one purpose: it is kept, hashed and worded by it, and worth nothing for another. The limits count a mobile
over all purposes.

What becomes of a code that was right: ``phonebind.verified``.
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

#: Seconds a code lives.
EXPIRES_IN = 300
#: Seconds that a holder's having been sent one is known: a bind ticket lives no longer.
REMEMBERED = 600
#: Wrong ones, over all codes of a mobile that are alive, by holder: to bind, which takes a ticket; and for all else.
MAX_GUESSES = 5
FEW_GUESSES = 3
#: Codes of a mobile that are alive, by holder.
MAX_LIVE = 3

#: Limits for those who hold no ticket; what they leave of a mobile's quota is for those who do.
_OPEN = ("sms_mobile_open_hour", "sms_mobile_open_day")
_RESERVED = ("sms_identity_hour", "sms_identity_day", "sms_identity_month")
#: What vendors refuse for the number's sake: nothing was sent, and it is no reason to ask the vendor again.
_NUMBER = (SmsRefused, SmsVendorLimit)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ByCode(VerifiedMobile):
    """A mobile whose owner has just given the right code for ``claimant``. Made by :func:`check` alone."""

    invalid: ClassVar[type[PhonebindError]] = SmsCodeInvalid

    digests: tuple[str, ...] = field(repr=False)
    purpose: str = field(default="bind", kw_only=True)

    def claim(self) -> bool:
        state = scripts.claim(_key(self.number, self.purpose), _now(), self.claimant, *self.digests)
        if not state:
            raise SmsCodeInvalid
        return bool(state == 1)

    def settle(self) -> None:
        """No other code of the mobile is valid for it either."""
        scripts.settle(_key(self.number, self.purpose), _now(), self.claimant, *self.digests)


@dataclass(frozen=True, slots=True)
class Sent:
    """Seconds until another code may be asked for, and for which this one is good; and where receipts are on, what to
    ask for this SMS's by.
    """

    resend_after: int
    expires_in: int
    receipt: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """As every JSON answer says it."""
        told = {"message": "OK", "resend_after": self.resend_after, "expires_in": self.expires_in}
        return told | ({"receipt": self.receipt} if self.receipt else {})


class How(TypedDict, total=False):
    """Whom a code is for, and for what."""

    #: "" for nobody in particular: the key of the identity whose bind ticket the person holds, or whatever else stands
    #: for them; then nobody else can use it.
    holder: str
    #: One of ``sms.PURPOSES``; "bind".
    purpose: str
    #: Whether the holder may have of what is kept back of a mobile's quota. True.
    reserved: bool
    #: What the SMS says, where it is not the purpose: ``sms.NO_ACCOUNT``, which tells no code.
    worded: str


def issue(mobile: str, address: str, *also: limits.Claim, **how: Unpack[How]) -> Sent:
    """Send a new code. ``also`` are limits that it counts against besides its own.

    Raises SmsTooFrequent or SmsQuota (nothing was sent), SmsNotSent (nothing was counted), SmsRefused or SmsVendorLimit
    (counted for the person, and not for the site), SmsUnconfirmed (the code is good, should it arrive),
    StorageUnavailable (nothing was sent).
    """
    holder, purpose = how.get("holder", ""), how.get("purpose", "bind")
    sent = Sent(limits.rule("sms_mobile_gap").seconds, EXPIRES_IN)
    with slots.SMS.take(conf.sms_slots), _taken(mobile, address, also, holder if how.get("reserved", True) else ""):
        # Written before it is sent: a code that was sent and is not known is paid for and good for nothing.
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
    # Only now: what could not be sent must not take away a code that is on the phone already.
    with _at_best("A mobile has one code more than it should"):
        scripts.keep_newest(_key(mobile, purpose), _now(), holder, MAX_LIVE)
    return replace(sent, receipt=message.id) if registry.brings_receipts() else sent


def withdraw(mobile: str, code: str, purpose: str = "bind") -> None:
    """Take away a code that was not sent, and never will be."""
    with _at_best("A code that was not sent stays valid until it expires"):
        for digest in _digests(mobile, code, purpose):
            scripts.drop(_key(mobile, purpose), _now(), digest)


def void(mobile: str, *, but: str = "") -> None:
    """No code of this mobile is good any more, for any purpose ``but`` this one. Raises StorageUnavailable."""
    with store.connection() as client:
        client.delete(*(_key(mobile, purpose) for purpose in sms.PURPOSES if purpose != but))


@contextmanager
def _taken(mobile: str, address: str, also: tuple[limits.Claim, ...], holder: str) -> Iterator[None]:
    """The limits of one SMS; given back where the block ends with nothing sent.

    Where that is for the number's sake only the site's are, or a blocked number would be a free way to call the vendor.
    """
    # From the narrow to the wide: who has used up their own never touches what belongs to others.
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
            # Whichever part is free again sooner will do.
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
    """What the person's answer does not hang on."""
    try:
        yield
    except StorageUnavailable:
        logger.warning("%s: the store is unavailable", otherwise)


def check(mobile: str, code: str, *, claimant: str, address: str, purpose: str = "bind", counted: str = "") -> ByCode:
    """Check an SMS code. Returns the mobile, verified for ``claimant``. The code can be used until it is claimed.

    ``mobile`` has 11 digits. ``claimant`` is ``Identity.key``, or another text that stands for the person. ``address``
    is whom the limits count, as ``limits.client_address`` returns it. ``counted`` is who gets the blame for wrong
    codes, if not the claimant.

    Raises SmsCodeInvalid: the code is wrong, for another purpose, expired, never sent, ended by wrong guesses, or
    claimed by somebody else. Raises SmsCodeGone if the claimant was sent codes and none of them is valid any more;
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

    Returns True the first time, and False where the same bind was committed before. Raises SmsCodeInvalid if somebody
    else was faster.
    """
    return mobile.claim()


def settle(mobile: ByCode) -> None:
    """After the commit: the code, and all other codes of this mobile, are no longer valid. The same as
    ``mobile.settle()``.
    """
    mobile.settle()


def _new_code(mobile: str, holder: str, purpose: str) -> str:
    """Six digits that no other live code of this mobile and purpose has, valid from now on."""
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
    """The codes, and who was sent one lately."""
    return _key(mobile, purpose), store.key("sms_sent" if purpose == "bind" else f"sms_sent_{purpose}", mobile)


def _digests(mobile: str, code: str, purpose: str) -> tuple[str, ...]:
    return keyed.digests(f"phonebind.sms.{purpose}", f"{mobile}:{code}")


def _message(mobile: str, code: str, purpose: str) -> sms.Message:
    minutes = EXPIRES_IN // 60
    text = sms_texts.code_text(purpose, conf.site_name, code, minutes)
    language = translation.get_language() or sms.LANGUAGE
    return sms.Message(mobile=mobile, code=code, minutes=minutes, text=text, purpose=purpose, language=language)
