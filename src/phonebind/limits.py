"""Every rate, quota and lockout, in one table.

A limit is *taken* before the act it guards: checking first and counting later lets a thousand concurrent requests
through the same gap. If the act turns out not to count it is *given back*. Where most acts do not, as with passwords,
it is taken *on trial*, which holds for seconds only, until the act *counts*. Windows are fixed; what counts starts one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeAlias

from django.http import HttpRequest

from phonebind import store
from phonebind.conf import conf
from phonebind.exceptions import Limited, SmsQuota, SmsTooFrequent, TooManyAttempts, TooManyRequests


@dataclass(frozen=True, slots=True)
class Rule:
    """At most ``limit`` times in ``seconds``."""

    limit: int
    seconds: int
    error: type[Limited]


RULES = {
    # name                      limit  seconds  what the person is told
    "image_address_hour": Rule(300, 3_600, TooManyRequests),
    "sms_mobile_gap": Rule(1, 60, SmsTooFrequent),
    "sms_mobile_day": Rule(10, 86_400, SmsQuota),
    "sms_address_hour": Rule(20, 3_600, SmsQuota),
    "password_account": Rule(5, 900, TooManyAttempts),
    "password_address": Rule(50, 900, TooManyAttempts),
}

#: Some proxies write the port too: "192.0.2.1:50000", "[2001:db8::1]:50000".
_WITH_PORT = re.compile(r"\A(?:([0-9.]+):\d+|\[([0-9A-Fa-f:.]+)\](?::\d+)?)\Z")

#: A rule's name and whom it counts: a mobile, an account, an address.
Claim: TypeAlias = tuple[str, str]

#: Seconds that something may be on trial: much longer than hashing a password takes.
TRIAL = 10

# One hash for each: ``taken``, and ``counted`` once the window runs.
_take = store.Script("""
if tonumber(redis.call('HGET', KEYS[1], 'taken') or '0') >= tonumber(ARGV[1]) then
  return math.max(redis.call('PTTL', KEYS[1]), 0)
end
redis.call('HINCRBY', KEYS[1], 'taken', 1)
if redis.call('HEXISTS', KEYS[1], 'counted') == 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  if ARGV[3] == '1' then
    redis.call('HSET', KEYS[1], 'counted', 1)
  end
end
return -1
""")

_count = store.Script("""
if redis.call('HSETNX', KEYS[1], 'counted', 1) == 1 then
  redis.call('HSETNX', KEYS[1], 'taken', 1)
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
""")

_give_back = store.Script("""
if tonumber(redis.call('HGET', KEYS[1], 'taken') or '0') > 0 then
  redis.call('HINCRBY', KEYS[1], 'taken', -1)
end
""")


def rule(name: str) -> Rule:
    """The rule as the host has set it."""
    default = RULES[name]
    limit, seconds = conf.limits.get(name, (default.limit, default.seconds))
    return Rule(limit, seconds, default.error)


def take(*claims: Claim) -> None:
    """Count one of each; where one is used up nothing is counted, and its error says when it will be free again."""
    _take_each(claims, counts=True)


def try_out(*claims: Claim) -> None:
    """:func:`take` on trial: to be followed by :func:`count` or :func:`give_back`."""
    _take_each(claims, counts=False)


def count(*claims: Claim) -> None:
    """What was taken on trial counts: the window begins, unless it runs already."""
    for name, subject in claims:
        _count(store.key(name, subject), rule(name).seconds * 1000)


def give_back(*claims: Claim) -> None:
    """Undo :func:`take`: what was counted did not count after all."""
    for name, subject in claims:
        _give_back(store.key(name, subject))


def _take_each(claims: Sequence[Claim], *, counts: bool) -> None:
    for taken, (name, subject) in enumerate(claims):
        current = rule(name)
        seconds = current.seconds if counts else TRIAL
        wait = _take(store.key(name, subject), current.limit, seconds * 1000, int(counts))
        if wait >= 0:
            give_back(*claims[:taken])
            raise current.error(retry_after=max(1, -(-wait // 1000)))


def client_address(request: HttpRequest) -> str:
    """Whom to count: an IPv4 address, or an IPv6 /64, since one household or server has a whole /64 to rotate through.

    Each trusted proxy appends the address it saw, so the last ``TRUSTED_PROXIES`` entries are true and everything
    before them is whatever the client cares to claim.
    """
    address = request.META.get("REMOTE_ADDR", "")
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    if 0 < conf.trusted_proxies <= len(hops):
        address = hops[-conf.trusted_proxies]
    try:
        ip = ip_address(_WITH_PORT.sub(r"\1\2", address))
    except ValueError:
        # A Unix socket has no address; a proxy that writes something else is misconfigured. All of it is one client.
        return "unknown"
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is None:
            return str(ip_network((int(ip), 64), strict=False))
        ip = ip.ipv4_mapped
    return str(ip)
