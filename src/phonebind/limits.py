"""All rate limits, quotas and lockouts, in one table.

A limit is *taken* before the act that it guards. Checking first and counting later would let a thousand concurrent
requests through. If the act turns out not to count, it is *given back*. Most passwords are right and do not count:
there the limit is taken *on trial*, which holds only for seconds, until a wrong one *counts*.

What costs money is counted in a sliding window: never more than ``limit`` in any ``seconds``. The window is kept as
``BUCKETS`` counters and one more. A counter is dropped only when everything that it counted is outside the window, so a
place becomes free at most a twelfth of the window late. (The usual way, two counters that are weighed by time, lets
nearly twice the limit through.) All other limits have a fixed window, which begins with the first act that counts.
"""

import functools
import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal, TypeAlias

from django.dispatch import Signal
from django.http import HttpRequest

from phonebind import alarms, limit_scripts, signals, store
from phonebind.conf import conf
from phonebind.exceptions import Limited, PhonebindError, SmsQuota, SmsTooFrequent, TooManyAttempts, TooManyRequests


@dataclass(frozen=True, slots=True)
class Alarm:
    """What the log says when the limit is used up, the page that explains it, and the signal to send."""

    consequence: str
    document: str
    signal: Signal


@dataclass(frozen=True, slots=True)
class Rule:
    """At most ``limit`` times in ``seconds``."""

    limit: int
    seconds: int
    error: type[Limited]
    #: Whether it holds for any ``seconds``, or only for a window that begins with the first act.
    sliding: bool = False
    #: The hash tag of its keys, which decides the shard of a cluster. Rules that are taken in one step need the same
    #: tag. OWN is for a rule that is always taken alone: its keys are spread over all shards.
    tag: str = "limits"
    #: For a limit of which the operator must know when it runs low, or is used up: what that means for people.
    alarms: Alarm | None = None

    @property
    def milliseconds(self) -> int:
        return self.seconds * 1000

    @property
    def width(self) -> int:
        """Milliseconds that one counter of a sliding window spans; 0 for a fixed window."""
        return -(-self.milliseconds // BUCKETS) if self.sliding else 0


_NO_SMS = Alarm("no SMS is sent", "docs/en/how-to/sms-pumping.md", signals.sms_budget_exhausted)
_NO_PROOF = Alarm("no mobile is proved without SMS", "docs/en/how-to/one-tap.md", signals.proof_budget_exhausted)
_NO_NUMBER_STATE = Alarm(
    "no number is looked up", "docs/en/how-to/account-life.md", signals.number_state_budget_exhausted
)

#: Counters in a sliding window.
BUCKETS = 12
#: Each key is its own tag: the address, the mobile, or whatever it counts.
OWN = ""

RULES = {
    # name                      limit  seconds  the error
    "image_address_hour": Rule(300, 3_600, TooManyRequests, tag=OWN),
    "human_address_hour": Rule(300, 3_600, TooManyRequests, tag=OWN),
    "human_answer_address_hour": Rule(100, 3_600, TooManyRequests, sliding=True, tag=OWN),
    # Questions about receipts: each may ask the vendor.
    "receipt_address_hour": Rule(300, 3_600, TooManyRequests, tag=OWN),
    "sms_mobile_gap": Rule(1, 60, SmsTooFrequent),
    # Vendors refuse more.
    "sms_mobile_hour": Rule(5, 3_600, SmsQuota, sliding=True),
    "sms_mobile_day": Rule(10, 86_400, SmsQuota, sliding=True),
    # How much of these two is for everybody. The rest is for people with a binding token. So a person who only knows a
    # mobile cannot keep its owner from the first bind. One identity gets this much of the rest, for all mobiles
    # together.
    "sms_mobile_open_hour": Rule(3, 3_600, SmsQuota, sliding=True),
    "sms_mobile_open_day": Rule(6, 86_400, SmsQuota, sliding=True),
    "sms_identity_hour": Rule(1, 3_600, SmsQuota, sliding=True),
    "sms_identity_day": Rule(2, 86_400, SmsQuota, sliding=True),
    "sms_identity_month": Rule(3, 30 * 86_400, SmsQuota, sliding=True),
    "sms_address_hour": Rule(20, 3_600, SmsQuota, sliding=True),
    "sms_site_hour": Rule(1_000, 3_600, SmsQuota, sliding=True, alarms=_NO_SMS),
    "sms_site_day": Rule(5_000, 86_400, SmsQuota, sliding=True, alarms=_NO_SMS),
    # Forgotten passwords. Counted whether or not the number has an account.
    "reset_mobile_day": Rule(5, 86_400, SmsQuota, sliding=True),
    # SMS to a number that will be given up. They do not count for the site: the code before each of them did.
    "notice_mobile_day": Rule(3, 86_400, SmsQuota, sliding=True, tag=OWN),
    # Registrations by people who have proved the number: each attempt tells whether a username is taken.
    "sign_up_mobile_hour": Rule(20, 3_600, TooManyAttempts, sliding=True, tag=OWN),
    # SMS for people who cannot see an image, besides the limits above. They are few, since this way is cheaper for a
    # script.
    "no_image_address_hour": Rule(5, 3_600, SmsQuota, sliding=True),
    "no_image_site_hour": Rule(200, 3_600, SmsQuota, sliding=True),
    "no_image_site_day": Rule(500, 86_400, SmsQuota, sliding=True),
    # Mobile proofs: each asks a vendor, and costs as much as an SMS if it succeeds.
    "proof_identity_hour": Rule(5, 3_600, TooManyRequests, sliding=True, tag="proofs"),
    "proof_address_hour": Rule(300, 3_600, TooManyRequests, sliding=True, tag="proofs"),
    "proof_site_day": Rule(5_000, 86_400, TooManyRequests, sliding=True, alarms=_NO_PROOF, tag="proofs"),
    # Questions about the owner of a number, which cost money, and answers of people where no vendor knows.
    "number_state_site_day": Rule(1_000, 86_400, TooManyRequests, sliding=True, alarms=_NO_NUMBER_STATE, tag=OWN),
    "owner_choice_address_hour": Rule(100, 3_600, TooManyRequests, sliding=True, tag=OWN),
    # Sign-ins of apps; each asks the provider. All of them, and those that the provider refuses. A carrier has
    # thousands of phones behind one address.
    "native_address_minute": Rule(60, 60, TooManyRequests, tag=OWN),
    "native_wrong_address_hour": Rule(100, 3_600, TooManyAttempts, tag=OWN),
    # The course's pages ask whether there is an account (``phonebind.lifecycle``): at a registration, about six times;
    # and at a forgotten password, which needs an image too.
    "account_count_address_hour": Rule(20, 3_600, TooManyRequests, tag=OWN),
    "reset_account_address_hour": Rule(20, 3_600, TooManyRequests, tag=OWN),
    # Searches for whole numbers by an operator who sees them masked: a masked number may be any of ten thousand.
    "operator_search_hour": Rule(100, 3_600, TooManyRequests, tag=OWN),
    # Wrong SMS codes, over all mobiles.
    "sms_code_identity_hour": Rule(10, 3_600, TooManyAttempts, tag="sms_codes"),
    "sms_code_address_hour": Rule(100, 3_600, TooManyAttempts, tag="sms_codes"),
    # Wrong passwords, by the typed name and by the account. An account has two names, and two windows of a name may
    # touch. So the account's limit is 20 (2 × 2 × 5), and never met before those of its names: that would tell whose
    # they are.
    "password_name": Rule(5, 900, TooManyAttempts, tag="passwords"),
    "password_account": Rule(20, 900, TooManyAttempts, tag="passwords"),
    "password_address": Rule(50, 900, TooManyAttempts, tag="passwords"),
    # Of people who have already proved the mobile. Strangers cannot use it up.
    "password_bind": Rule(5, 900, TooManyAttempts, tag="passwords"),
    # Step-up of people who are signed in: codes that were sent to them, and wrong passwords. Separate from the others:
    # otherwise a stolen token could use up the limits that its owner needs to sign in and bind.
    "verify_user_hour": Rule(10, 3_600, SmsQuota, sliding=True),
    "password_verify": Rule(5, 900, TooManyAttempts, tag="passwords"),
}

#: Some proxies also write the port: "192.0.2.1:50000", "[2001:db8::1]:50000".
_WITH_PORT = re.compile(r"\A(?:([0-9.]+):\d+|\[([0-9A-Fa-f:.]+)\](?::\d+)?)\Z")

#: A rule's name and its subject: a mobile, an account, an address.
Claim: TypeAlias = tuple[str, str]

#: Seconds that a limit may be taken on trial: much longer than hashing a password takes.
TRIAL = 10
#: The part of a budget after which the operator is told that it runs low.
LOW = 0.8
#: What the budgets of the whole site count.
SITE = "all"

logger = logging.getLogger(__name__)


def rule(name: str) -> Rule:
    """The rule with the host's ``LIMITS``."""
    if name not in conf.limits:
        return RULES[name]
    limit, seconds = conf.limits[name]
    return replace(RULES[name], limit=limit, seconds=seconds)


def key(name: str, subject: str) -> str:
    """The store's key that counts a claim.

    The counters of a sliding window depend on its length, so the length is a part of the key.
    """
    counted = rule(name)
    length = f":{counted.seconds}s" if counted.sliding else ""
    if counted.tag == OWN:
        return f"{store.key(name, subject)}{length}"
    return f"{store.key(name, counted.tag)}{length}:{subject}"


def take(*claims: Claim) -> int:
    """Count one of each claim. If one is used up, count none and raise its error, with the seconds until it is free.

    Returns the time in milliseconds, for :func:`give_back`.
    """
    return _take_each(claims, "count")


def check(*claims: Claim) -> None:
    """Raise what :func:`take` would raise now, but count nothing: the person is refused before the first step."""
    _take_each(claims, "look")


def give_back(*claims: Claim, at: int) -> None:
    """Undo the :func:`take` of that time: the act did not count."""
    limit_scripts.give_back(len(claims))(_keys(claims), at, *(rule(name).width for name, _ in claims))


@contextmanager
def taken(claim: Claim, *, unless: type[Exception]) -> Iterator[None]:
    """:func:`take`, and :func:`give_back` if the block raises this error."""
    at = take(claim)
    try:
        yield
    except unless:
        give_back(claim, at=at)
        raise


def attempt(act: Callable[[], bool], *claims: Claim) -> bool:
    """Whether ``act`` returns True: the person is right. A wrong attempt counts; an attempt that raises does not.

    For fixed windows only. While the act runs, each limit is taken on trial.
    """
    at = _take_each(claims, "try")
    try:
        right = act()
    except PhonebindError:
        give_back(*claims, at=at)
        raise
    if right:
        give_back(*claims, at=at)
    else:
        limit_scripts.count(len(claims))(_keys(claims), *(rule(name).milliseconds for name, _ in claims))
    return right


def spent(name: str, subject: str) -> tuple[int, int]:
    """How many were counted in the sliding window that ends now, and how many of them in its newest counter."""
    counted = rule(name)
    total, newest = limit_scripts.read(key(name, subject), _now(), counted.milliseconds, counted.width)
    return total, newest


def state(name: str, subject: str) -> tuple[int, int]:
    """The current count, of either kind of window, and the seconds until it is lower. Counts nothing."""
    counted = rule(name)
    total, wait = limit_scripts.state(key(name, subject), _now(), counted.milliseconds, counted.width)
    return total, -(-wait // 1000)


def lift(name: str, subject: str) -> None:
    """Delete the count: the subject has the whole limit again."""
    with store.connection() as client:
        client.delete(key(name, subject))


def _now() -> int:
    return int(time.time() * 1000)


def _keys(claims: Sequence[Claim]) -> list[str]:
    return [key(*claim) for claim in claims]


def _take_each(claims: Sequence[Claim], what: Literal["count", "try", "look"]) -> int:
    rules = [rule(name) for name, _ in claims]
    bounds = [number for r in rules for number in (r.limit, r.milliseconds, r.width)]
    now = _now()
    refused, wait, *taken = limit_scripts.take(len(claims))(_keys(claims), now, what, TRIAL * 1000, *bounds)
    for (name, _), counted, used in zip(claims, rules, taken, strict=False):
        if counted.alarms and used >= counted.limit * LOW:
            _warn(name, counted, counted.alarms, used)
    if refused:
        used_up = rules[refused - 1]
        # A limit of 0 has no window that ends.
        error = used_up.error(-(-wait // 1000) or used_up.seconds)
        error.limit = claims[refused - 1][0]
        if used_up.alarms:
            _alarm(used_up, used_up.alarms, error)
        raise error
    return now


def _alarm(used_up: Rule, alarm: Alarm, error: Limited) -> None:
    if alarms.is_due(error.limit):
        logger.error(
            "%s is used up (%s in %s s): %s for %s s. An attack, or a good day: see %s.",
            error.limit,
            used_up.limit,
            used_up.seconds,
            alarm.consequence,
            error.retry_after,
            alarm.document,
        )
        alarm.signal.send_robust(
            sender=None, rule=error.limit, limit=used_up.limit, seconds=used_up.seconds, retry_after=error.retry_after
        )


def _warn(name: str, counted: Rule, alarm: Alarm, used: int) -> None:
    if alarms.is_due(f"low:{name}", counted.seconds):
        logger.error(
            "%s is nearly used up: %s of %s in %s s. When it is, %s. If this is a good day, raise it in LIMITS now. If "
            "it may be an attack, see %s.",
            name,
            used,
            counted.limit,
            counted.seconds,
            alarm.consequence,
            alarm.document,
        )
        signals.budget_low.send_robust(sender=None, rule=name, limit=counted.limit, seconds=counted.seconds, used=used)


def client_address(request: HttpRequest) -> str:
    """The address that limits count: an IPv4 address, an IPv6 /64 network, or "unknown".

    One household or server has a whole /64 to choose addresses from. Each trusted proxy appends the address that it saw
    to ``X-Forwarded-For``. So the last ``TRUSTED_PROXIES`` entries are true; a client can invent all others.
    """
    address = request.META.get("REMOTE_ADDR", "")
    forwarded = request.headers.get("X-Forwarded-For")
    hops = [hop.strip() for hop in forwarded.split(",")] if forwarded else []
    if 0 < conf.trusted_proxies <= len(hops):
        address = hops[-conf.trusted_proxies]
    return counted_as(address)


@functools.lru_cache(4096)
def counted_as(address: str) -> str:
    """The form of a client's address that limits count and the audit trail records."""
    try:
        ip = ip_address(_WITH_PORT.sub(r"\1\2", address))
    except ValueError:
        # A Unix socket has no address. A proxy that writes anything else is misconfigured. All of these count as one.
        return "unknown"
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is None:
            return str(ip_network((int(ip), 64), strict=False))
        ip = ip.ipv4_mapped
    return str(ip)
