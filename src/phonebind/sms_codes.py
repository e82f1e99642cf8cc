"""The code that proves a mobile: issued once a minute, five guesses, used once.

A code's life is one hash in the store: ``digest``, ``tries``, ``claimed_by``, ``settled``. It is not deleted by use
but *claimed* for one identity, inside the transaction that binds it, and *settled* after the commit. So two binds never
share a code; a process that dies between claim and commit leaves a person who can send the same form again; and a
double click after the commit is recognised, but can no longer change anything.
"""

import secrets
from dataclasses import dataclass, field

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from phonebind import limits, slots, sms, store
from phonebind.conf import conf
from phonebind.exceptions import SmsCodeInvalid, SmsNotSent, SmsUnconfirmed

#: Seconds a code lives.
EXPIRES_IN = 300
MAX_GUESSES = 5

_put = store.Script("""
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'digest', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
""")

# Whoever guesses right gets in with a live code, or with the one that was claimed for the same identity before.
_check = store.Script("""
local digest, owner = unpack(redis.call('HMGET', KEYS[1], 'digest', 'claimed_by'))
if not digest then
  return 0
end
for i = 3, #ARGV do
  if ARGV[i] == digest then
    return (not owner or owner == ARGV[1]) and 1 or 0
  end
end
if redis.call('HINCRBY', KEYS[1], 'tries', 1) >= tonumber(ARGV[2]) then
  redis.call('DEL', KEYS[1])
end
return 0
""")

# 0: gone, replaced or claimed by another. 1: ours, open. 2: ours, and settled by an earlier commit.
_claim = store.Script("""
local digest, owner, settled = unpack(redis.call('HMGET', KEYS[1], 'digest', 'claimed_by', 'settled'))
for i = 2, #ARGV do
  if ARGV[i] == digest and (not owner or owner == ARGV[1]) then
    redis.call('HSET', KEYS[1], 'claimed_by', ARGV[1])
    return settled and 2 or 1
  end
end
return 0
""")

_settle = store.Script("""
if redis.call('HGET', KEYS[1], 'claimed_by') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'settled', 1)
end
""")


@dataclass(frozen=True, slots=True)
class VerifiedMobile:
    """A mobile whose owner has just given the right code for ``claimant``. Made by :func:`check` alone."""

    number: str
    claimant: str
    digests: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """Seconds until another code may be asked for, and for which this one is good."""

    resend_after: int
    expires_in: int


def issue(mobile: str, address: str, *also: limits.Claim) -> Sent:
    """Send a new code; the one before it stops being valid. ``also`` are limits that it counts against besides its own.

    Raises SmsTooFrequent or SmsQuota (nothing was sent), SmsNotSent (nothing was counted, and the code before it stays
    good), SmsUnconfirmed (the code is good, should it arrive), StorageUnavailable.
    """
    claims = (
        # From the narrow to the wide: who has used up their own never touches what belongs to others.
        ("sms_address_hour", address),
        ("sms_mobile_gap", mobile),
        ("sms_mobile_day", mobile),
        *also,
        ("sms_site_hour", limits.SITE),
        ("sms_site_day", limits.SITE),
    )
    sent = Sent(limits.rule("sms_mobile_gap").seconds, EXPIRES_IN)
    code = f"{secrets.randbelow(10**6):06}"
    digest = _digests(mobile, code)[0]
    with slots.SMS.take(conf.sms_slots):
        limits.take(*claims)
        try:
            sms.get().send(_message(mobile, code))
        except SmsUnconfirmed as error:
            _put(_key(mobile), digest, EXPIRES_IN)
            error.retry_after = sent.resend_after
            raise
        except SmsNotSent:
            limits.give_back(*claims)
            raise
    # Only now: what could not be sent must not take away the code that is on the phone already.
    _put(_key(mobile), digest, EXPIRES_IN)
    return sent


def check(mobile: str, code: str, *, claimant: str) -> VerifiedMobile:
    """The mobile, verified for ``claimant``; the code stays usable until :func:`claim`.

    Raises SmsCodeInvalid: wrong, expired, never sent, burnt by five wrong guesses, or claimed by another.
    """
    digests = _digests(mobile, code)
    if not _check(_key(mobile), claimant, MAX_GUESSES, *digests):
        raise SmsCodeInvalid
    return VerifiedMobile(mobile, claimant, digests)


def claim(mobile: VerifiedMobile) -> bool:
    """Take the code for its claimant, as the last act before a commit. True the first time, False on a repeat of a
    bind that was committed already. Raises SmsCodeInvalid where another was faster.
    """
    state = _claim(_key(mobile.number), mobile.claimant, *mobile.digests)
    if not state:
        raise SmsCodeInvalid
    return bool(state == 1)


def settle(mobile: VerifiedMobile) -> None:
    """What the code was claimed for is committed; from now on it creates nothing."""
    _settle(_key(mobile.number), mobile.claimant)


def _key(mobile: str) -> str:
    return store.key("sms", mobile)


def _digests(mobile: str, code: str) -> tuple[str, ...]:
    """With the current key first, then with each that is being rotated out."""
    return tuple(
        salted_hmac("phonebind.sms.bind", f"{mobile}:{code}", secret=secret, algorithm="sha256").hexdigest()
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )


def _message(mobile: str, code: str) -> sms.Message:
    minutes = EXPIRES_IN // 60
    text = _(
        "[%(site)s] %(code)s is your code to bind your sign-in to this mobile number. "
        "Valid for %(minutes)s minutes. Never tell it to anyone."
    ) % {"site": conf.site_name, "code": code, "minutes": minutes}
    return sms.Message(mobile=mobile, code=code, minutes=minutes, text=text)
