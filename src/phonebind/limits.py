"""Every rate, quota and lockout, in one table.

A limit is *taken* before the act it guards: checking first and counting later lets a thousand concurrent requests
through the same gap. If the act turns out not to count it is *given back*. Where most acts do not, as with passwords,
it is taken *on trial*, which holds for seconds only, until the act *counts*. Windows are fixed; what counts starts one.
"""

import functools
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal, TypeAlias

from django.http import HttpRequest

from phonebind import signals, store
from phonebind.conf import conf
from phonebind.exceptions import Limited, SmsQuota, SmsTooFrequent, TooManyAttempts, TooManyRequests


@dataclass(frozen=True, slots=True)
class Rule:
    """At most ``limit`` times in ``seconds``."""

    limit: int
    seconds: int
    error: type[Limited]
    #: The operator must know when it is used up: nobody gets an SMS until it is free again.
    alarms: bool = False


RULES = {
    # name                      limit  seconds  what the person is told
    "image_address_hour": Rule(300, 3_600, TooManyRequests),
    "human_address_hour": Rule(300, 3_600, TooManyRequests),
    "human_answer_address_hour": Rule(100, 3_600, TooManyRequests),
    "sms_mobile_gap": Rule(1, 60, SmsTooFrequent),
    "sms_mobile_day": Rule(10, 86_400, SmsQuota),
    "sms_address_hour": Rule(20, 3_600, SmsQuota),
    "sms_site_hour": Rule(1_000, 3_600, SmsQuota, alarms=True),
    "sms_site_day": Rule(5_000, 86_400, SmsQuota, alarms=True),
    # SMS for those who cannot see an image, besides the limits above: few, since it is the cheaper way for a machine.
    "no_image_address_hour": Rule(5, 3_600, SmsQuota),
    "no_image_site_hour": Rule(200, 3_600, SmsQuota),
    "no_image_site_day": Rule(500, 86_400, SmsQuota),
    "password_account": Rule(5, 900, TooManyAttempts),
    "password_address": Rule(50, 900, TooManyAttempts),
}

#: Some proxies write the port too: "192.0.2.1:50000", "[2001:db8::1]:50000".
_WITH_PORT = re.compile(r"\A(?:([0-9.]+):\d+|\[([0-9A-Fa-f:.]+)\](?::\d+)?)\Z")

#: A rule's name and whom it counts: a mobile, an account, an address.
Claim: TypeAlias = tuple[str, str]

#: Seconds that something may be on trial: much longer than hashing a password takes.
TRIAL = 10
#: Seconds between two alarms about the same rule.
ALARM_SECONDS = 60
#: Whom the budgets of the whole site count.
SITE = "all"

logger = logging.getLogger(__name__)

# One hash for each: ``taken``, and ``counted`` once the window runs. All or none of the keys, and nothing in between.
# ARGV[1] is what is done with them: 'count', 'try' or 'look'.
_take = store.Script("""
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('HGET', key, 'taken') or '0') >= tonumber(ARGV[2 * i]) then
    return {i, math.max(redis.call('PTTL', key), 0)}
  end
end
if ARGV[1] == 'look' then
  return {0, 0}
end
for i, key in ipairs(KEYS) do
  redis.call('HINCRBY', key, 'taken', 1)
  if redis.call('HEXISTS', key, 'counted') == 0 then
    redis.call('PEXPIRE', key, ARGV[2 * i + 1])
    if ARGV[1] == 'count' then
      redis.call('HSET', key, 'counted', 1)
    end
  end
end
return {0, 0}
""")

_count = store.Script("""
for i, key in ipairs(KEYS) do
  if redis.call('HSETNX', key, 'counted', 1) == 1 then
    redis.call('HSETNX', key, 'taken', 1)
    redis.call('PEXPIRE', key, ARGV[i])
  end
end
""")

# The last one takes the window with it: what did not count has not started one either.
_give_back = store.Script("""
for _, key in ipairs(KEYS) do
  if tonumber(redis.call('HGET', key, 'taken') or '0') > 1 then
    redis.call('HINCRBY', key, 'taken', -1)
  else
    redis.call('DEL', key)
  end
end
""")


_read = store.Script("""
return {tonumber(redis.call('HGET', KEYS[1], 'taken') or '0'), math.max(redis.call('PTTL', KEYS[1]), 0)}
""")


def rule(name: str) -> Rule:
    """The rule as the host has set it."""
    default = RULES[name]
    limit, seconds = conf.limits.get(name, (default.limit, default.seconds))
    return replace(default, limit=limit, seconds=seconds)


def key(name: str, subject: str) -> str:
    """Where a claim is counted. One hash tag for all, so that a cluster too takes several in one step."""
    return f"{store.key(name, 'limits')}:{subject}"


def take(*claims: Claim) -> None:
    """Count one of each; where one is used up none is counted, and its error says when it will be free again."""
    _take_each(claims, "count")


def check(*claims: Claim) -> None:
    """Raise what :func:`take` would raise now, and count nothing: to spare somebody a way that ends there."""
    _take_each(claims, "look")


@contextmanager
def taken(claim: Claim, *, unless: type[Exception]) -> Iterator[None]:
    """:func:`take`, and :func:`give_back` where the block ends with this error."""
    take(claim)
    try:
        yield
    except unless:
        give_back(claim)
        raise


def try_out(*claims: Claim) -> None:
    """:func:`take` on trial: to be followed by :func:`count` or :func:`give_back`."""
    _take_each(claims, "try")


def count(*claims: Claim) -> None:
    """What was taken on trial counts: the window begins, unless it runs already."""
    _count(_keys(claims), *(rule(name).seconds * 1000 for name, _ in claims))


def give_back(*claims: Claim) -> None:
    """Undo :func:`take`: what was counted did not count after all."""
    _give_back(_keys(claims))


def _keys(claims: Sequence[Claim]) -> list[str]:
    return [key(*claim) for claim in claims]


def _take_each(claims: Sequence[Claim], what: Literal["count", "try", "look"]) -> None:
    rules = [rule(name) for name, _ in claims]
    bounds = [number for r in rules for number in (r.limit, (TRIAL if what == "try" else r.seconds) * 1000)]
    refused, wait = _take(_keys(claims), what, *bounds)
    if refused:
        used_up = rules[refused - 1]
        # A limit of 0 has no window to end.
        error = used_up.error(-(-wait // 1000) or used_up.seconds)
        error.limit = claims[refused - 1][0]
        if used_up.alarms:
            _alarm(used_up, error)
        raise error


def _alarm(used_up: Rule, error: Limited) -> None:
    if store.first(store.key("alarm", error.limit), ALARM_SECONDS):
        logger.error(
            "%s is used up (%s in %s s): no SMS is sent for %s s. An attack, or a good day: see docs/sms.md.",
            error.limit,
            used_up.limit,
            used_up.seconds,
            error.retry_after,
        )
        signals.sms_budget_exhausted.send_robust(
            sender=None, rule=error.limit, limit=used_up.limit, seconds=used_up.seconds, retry_after=error.retry_after
        )


def spent(name: str, subject: str) -> tuple[int, float]:
    """How many were counted in the window that runs, and how much of it is over: from 0 to 1."""
    number, left = _read(key(name, subject))
    return number, 1 - left / 1000 / rule(name).seconds if number else 0.0


def client_address(request: HttpRequest) -> str:
    """Whom to count: an IPv4 address, or an IPv6 /64, since one household or server has a whole /64 to rotate through.

    Each trusted proxy appends the address it saw, so the last ``TRUSTED_PROXIES`` entries are true and everything
    before them is whatever the client cares to claim.
    """
    address = request.META.get("REMOTE_ADDR", "")
    forwarded = request.headers.get("X-Forwarded-For")
    hops = [hop.strip() for hop in forwarded.split(",")] if forwarded else []
    if 0 < conf.trusted_proxies <= len(hops):
        address = hops[-conf.trusted_proxies]
    return _counted(address)


@functools.lru_cache(4096)
def _counted(address: str) -> str:
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
