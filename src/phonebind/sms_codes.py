"""The codes that prove a mobile: sent once a minute at most, five guesses, used once.

The last three codes of a mobile are valid, each for five minutes: a new one does not take away the one that is on the
phone already. A code that was asked for with a bind ticket is for the identity of that ticket alone, its *holder*: the
others can neither guess it nor burn it. The codes of one holder share three places and five guesses, and so do the
codes that have none.

All codes of a mobile are one hash in the store. A code is known by its digest, and has ``until:…`` (milliseconds since
1970), ``for:…`` (the holder), ``by:…`` and ``done:…``; ``tries:…`` are the wrong guesses by holder. A code is not
deleted by use but *claimed* for one identity, inside the transaction that binds it, and *settled* after the commit. So
two binds never share a code; a process that dies between claim and commit leaves a person who can send the same form
again; and a double click after the commit is recognised, but can no longer change anything.
"""

import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from phonebind import limits, slots, sms, store
from phonebind.conf import conf
from phonebind.exceptions import Limited, SmsCodeInvalid, SmsNotSent, SmsUnconfirmed, StorageUnavailable

#: Seconds a code lives.
EXPIRES_IN = 300
#: Wrong ones, over all codes of a mobile that are alive, by holder.
MAX_GUESSES = 5
#: Codes of a mobile that are alive, by holder.
MAX_LIVE = 3

#: Limits for those who hold no ticket; what they leave of a mobile's quota is for those who do.
_OPEN = ("sms_mobile_open_hour", "sms_mobile_open_day")
_RESERVED = ("sms_identity_hour", "sms_identity_day", "sms_identity_month")

logger = logging.getLogger(__name__)

# Every script is given the time as ARGV[1]. A holder is "" for codes that are nobody's.
_CODES = """
local now = tonumber(ARGV[1])
local function get(name, digest)
  return redis.call('HGET', KEYS[1], name .. ':' .. digest) or ''
end
local function is_live(digest)
  local ends = tonumber(get('until', digest))
  return ends ~= nil and ends > now
end
local function is_for(digest, claimant)
  local holder = get('for', digest)
  return holder == '' or holder == claimant
end
local function drop(digest)
  redis.call('HDEL', KEYS[1], 'until:' .. digest, 'for:' .. digest, 'by:' .. digest, 'done:' .. digest)
end
-- The live codes of a holder, the newest first; those that have expired are dropped.
local function codes_of(holder)
  local found, fields = {}, redis.call('HGETALL', KEYS[1])
  for i = 1, #fields, 2 do
    local digest = string.match(fields[i], '^until:(.*)$')
    if digest and not is_live(digest) then
      drop(digest)
    elseif digest and get('for', digest) == holder then
      found[#found + 1] = {tonumber(fields[i + 1]), digest}
    end
  end
  table.sort(found, function(a, b) return a[1] > b[1] end)
  return found
end
"""

# ARGV: now, digest, milliseconds, holder. 0 where a code that is alive has the same digits.
_add = store.Script(
    _CODES
    + """
if is_live(ARGV[2]) then
  return 0
end
drop(ARGV[2])
if #codes_of(ARGV[4]) == 0 then
  redis.call('HDEL', KEYS[1], 'tries:' .. ARGV[4])
end
local ends = string.format('%d', now + tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 'until:' .. ARGV[2], ends, 'for:' .. ARGV[2], ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
)

# ARGV: now, holder, how many may stay.
_keep_newest = store.Script(
    _CODES
    + """
for i, code in ipairs(codes_of(ARGV[2])) do
  if i > tonumber(ARGV[3]) then
    drop(code[2])
  end
end
"""
)

# ARGV: now, digest.
_drop = store.Script(_CODES + "drop(ARGV[2])")

# ARGV: now, claimant, guesses, digests. Whoever guesses right gets in with a live code, or with one that was claimed
# for the same identity before. A wrong guess is one at each code that it might have been right for.
_check = store.Script(
    _CODES
    + """
for i = 4, #ARGV do
  if is_live(ARGV[i]) and is_for(ARGV[i], ARGV[2]) then
    local owner = get('by', ARGV[i])
    return (owner == '' or owner == ARGV[2]) and 1 or 0
  end
end
for _, holder in ipairs({'', ARGV[2]}) do
  local codes = codes_of(holder)
  if #codes > 0 and redis.call('HINCRBY', KEYS[1], 'tries:' .. holder, 1) >= tonumber(ARGV[3]) then
    for _, code in ipairs(codes) do
      drop(code[2])
    end
  end
end
return 0
"""
)

# ARGV: now, claimant, digests. 0: gone or claimed by another. 1: ours, open. 2: ours, and settled by an earlier commit.
_claim = store.Script(
    _CODES
    + """
for i = 3, #ARGV do
  if is_live(ARGV[i]) and is_for(ARGV[i], ARGV[2]) then
    local owner = get('by', ARGV[i])
    if owner == '' or owner == ARGV[2] then
      redis.call('HSET', KEYS[1], 'by:' .. ARGV[i], ARGV[2])
      return get('done', ARGV[i]) == '' and 1 or 2
    end
  end
end
return 0
"""
)

# ARGV: now, claimant, digests. The mobile is proved, so the codes beside this one have nothing left to do.
_settle = store.Script(
    _CODES
    + """
for i = 3, #ARGV do
  if get('by', ARGV[i]) == ARGV[2] then
    redis.call('HSET', KEYS[1], 'done:' .. ARGV[i], 1)
    for _, holder in ipairs({'', ARGV[2]}) do
      for _, code in ipairs(codes_of(holder)) do
        if code[2] ~= ARGV[i] then
          drop(code[2])
        end
      end
    end
  end
end
"""
)


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


def issue(mobile: str, address: str, *also: limits.Claim, holder: str = "") -> Sent:
    """Send a new code. ``also`` are limits that it counts against besides its own; ``holder`` is the key of the
    identity whose bind ticket the person holds, "" for none; then nobody else can use the code.

    Raises SmsTooFrequent or SmsQuota (nothing was sent), SmsNotSent (nothing was counted), SmsUnconfirmed (the code is
    good, should it arrive), StorageUnavailable (nothing was sent).
    """
    sent = Sent(limits.rule("sms_mobile_gap").seconds, EXPIRES_IN)
    with slots.SMS.take(conf.sms_slots), _taken(mobile, address, also, holder):
        # Written before it is sent: a code that was sent and is not known is paid for and good for nothing.
        code = _new_code(mobile, holder)
        try:
            sms.get().send(_message(mobile, code))
        except SmsUnconfirmed as error:
            error.retry_after = sent.resend_after
            raise
        except SmsNotSent:
            with _at_best("A code that was not sent stays valid until it expires"):
                _drop(_key(mobile), _now(), _digests(mobile, code)[0])
            raise
    # Only now: what could not be sent must not take away a code that is on the phone already.
    with _at_best("A mobile has one code more than it should"):
        _keep_newest(_key(mobile), _now(), holder, MAX_LIVE)
    return sent


@contextmanager
def _taken(mobile: str, address: str, also: tuple[limits.Claim, ...], holder: str) -> Iterator[None]:
    """The limits of one SMS; given back where the block ends with nothing sent."""
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
    except (SmsNotSent, StorageUnavailable):
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


def check(mobile: str, code: str, *, claimant: str, address: str) -> VerifiedMobile:
    """The mobile, verified for ``claimant``; the code stays usable until :func:`claim`.

    Raises SmsCodeInvalid: wrong, expired, never sent, burnt by five wrong guesses, or claimed by another. Raises
    TooManyAttempts after many wrong ones by this claimant or from this address, for whichever mobiles.
    """
    digests = _digests(mobile, code)
    claims = (("sms_code_identity_hour", claimant), ("sms_code_address_hour", address))
    if not limits.attempt(lambda: bool(_check(_key(mobile), _now(), claimant, MAX_GUESSES, *digests)), *claims):
        raise SmsCodeInvalid
    return VerifiedMobile(mobile, claimant, digests)


def claim(mobile: VerifiedMobile) -> bool:
    """Take the code for its claimant, as the last act before a commit. True the first time, False on a repeat of a
    bind that was committed already. Raises SmsCodeInvalid where another was faster.
    """
    state = _claim(_key(mobile.number), _now(), mobile.claimant, *mobile.digests)
    if not state:
        raise SmsCodeInvalid
    return bool(state == 1)


def settle(mobile: VerifiedMobile) -> None:
    """What the code was claimed for is committed; from now on it creates nothing, and no other code is valid."""
    _settle(_key(mobile.number), _now(), mobile.claimant, *mobile.digests)


def _new_code(mobile: str, holder: str) -> str:
    """Six digits that no other live code of this mobile has, valid from now on."""
    while True:
        code = f"{secrets.randbelow(10**6):06}"
        if _add(_key(mobile), _now(), _digests(mobile, code)[0], EXPIRES_IN * 1000, holder):
            return code


def _now() -> int:
    return int(time.time() * 1000)


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
