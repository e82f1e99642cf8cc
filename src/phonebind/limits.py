"""Every rate, quota and lockout, in one table.

A limit is *taken* before the act it guards and given back if the act turns out not to count: checking first and
counting later lets a thousand concurrent requests through the same gap. Windows are fixed; a request starts one.
"""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TypeAlias

from django.http import HttpRequest

from phonebind import store
from phonebind.conf import conf
from phonebind.exceptions import Limited, SmsQuota, SmsTooFrequent, TooManyAttempts


@dataclass(frozen=True, slots=True)
class Rule:
    """At most ``limit`` times in ``seconds``."""

    limit: int
    seconds: int
    error: type[Limited]


RULES = {
    # name                      limit  seconds  what the person is told
    "sms_mobile_gap": Rule(1, 60, SmsTooFrequent),
    "sms_mobile_day": Rule(10, 86_400, SmsQuota),
    "sms_address_hour": Rule(20, 3_600, SmsQuota),
    "password_account": Rule(5, 900, TooManyAttempts),
    "password_address": Rule(50, 900, TooManyAttempts),
}

#: A rule's name and whom it counts: a mobile, an account, an address.
Claim: TypeAlias = tuple[str, str]

_take = store.Script("""
local count = tonumber(redis.call('GET', KEYS[1]) or '0')
if count >= tonumber(ARGV[1]) then
  return math.max(redis.call('PTTL', KEYS[1]), 0)
end
if redis.call('INCR', KEYS[1]) == 1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return -1
""")

_give_back = store.Script("""
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then
  redis.call('DECR', KEYS[1])
end
""")


def rule(name: str) -> Rule:
    """The rule as the host has set it."""
    default = RULES[name]
    limit, seconds = conf.limits.get(name, (default.limit, default.seconds))
    return Rule(limit, seconds, default.error)


def take(*claims: Claim) -> None:
    """Count one of each; where one is used up nothing is counted, and its error says when it will be free again."""
    for taken, (name, subject) in enumerate(claims):
        current = rule(name)
        wait = _take(store.key(name, subject), current.limit, current.seconds * 1000)
        if wait >= 0:
            give_back(*claims[:taken])
            raise current.error(retry_after=max(1, -(-wait // 1000)))


def give_back(*claims: Claim) -> None:
    """Undo :func:`take`: what was counted did not count after all."""
    for name, subject in claims:
        _give_back(store.key(name, subject))


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
        ip = ip_address(address)
    except ValueError:
        # A Unix socket has no address; a proxy that writes something else is misconfigured. All of it is one client.
        return "unknown"
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is None:
            return str(ip_network((int(ip), 64), strict=False))
        ip = ip.ipv4_mapped
    return str(ip)
