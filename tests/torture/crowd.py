"""New people sign in, bind and refresh while servers are stopped. Afterwards, people try used codes and tokens again.

Others ask for one SMS after another. This shows whether a fail-over forgets a limit.
"""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import psutil
import redis
from redis.exceptions import RedisClusterException

from phonebind.models import SocialAccount
from tests.support.clusters import until
from tests.torture.people import STUBBORN, Person, Reply, Shop
from tests.torture.serving import WORKERS

#: New people a second, unless AT_ONCE of them are still on their way.
RATE = 14
AT_ONCE = 64
#: SMS an hour for one mobile. People who want more ask GREED times, once a second.
MOST = 8
GREED = 12
#: The seconds that a person needs to enter the code of an SMS.
READING = (0.2, 3)
#: Of each kind, how many are tried again: the last ones that were used before the fault.
TRIED = 80
MANY = (10**6, 3600)
#: The gap between two SMS is one second here, and the site's budget never runs out.
LIMITS = {
    "sms_mobile_gap": (1, 1),
    "sms_mobile_hour": (MOST, 3600),
    "sms_mobile_day": (1000, 86_400),
    **dict.fromkeys(("sms_mobile_open_hour", "sms_mobile_open_day", "sms_site_hour", "sms_site_day"), MANY),
}
_numbers = itertools.count(1)


@dataclass
class Site(Shop):
    """Records the times at which a request was refused because a neighbour was down, and at which a person was
    bound.
    """

    refused: list[float] = field(default_factory=list)
    bound: list[float] = field(default_factory=list)

    def count(self, reply: Reply) -> None:
        super().count(reply)
        if not reply.status or reply.outcome == "storage_unavailable":
            self.refused.append(time.monotonic())
        if reply.status == 201:
            self.bound.append(time.monotonic())

    def image_code(self) -> dict[str, str]:
        """Works however long Valkey's master is down."""
        end = time.monotonic() + STUBBORN
        while True:
            try:
                return super().image_code()
            except (redis.RedisError, RedisClusterException):
                assert time.monotonic() < end, "no master for an image"
                time.sleep(0.2)

    def processes(self) -> set[int]:
        """The process ids of all workers. They stay the same if no process was restarted."""
        until(lambda: len(psutil.Process(self.pid).children()) == WORKERS, "all workers run")
        return {child.pid for child in psutil.Process(self.pid).children()}


@dataclass(frozen=True)
class Used:
    """A code that has ``bound`` and a token that was ``refreshed``, with the times. Neither may work again."""

    person: Person
    code: str
    refresh: str
    bound: float
    refreshed: float


@dataclass
class Crowd:
    """The people who came."""

    site: Site
    used: list[Used] = field(default_factory=list)
    greedy: list[str] = field(default_factory=list)
    #: How many people lost the answer to a refresh, and were refused at their next attempt.
    signed_out: int = 0

    def come(self, number: int) -> None:
        """From the first click to the second pair of tokens. Raises AssertionError if repeating does not help."""
        person = Person(self.site, f"{number:032X}", f"139{number:08}")
        reply, code = _enter(person)
        bound = time.monotonic()
        token = reply.data["refresh"]
        fresh = person.persist(partial(_refresh, person, token))
        assert fresh.status in (200, 401), fresh
        self.signed_out += fresh.status == 401
        self.used.append(Used(person, code, token, bound, time.monotonic()))

    def want_more(self, number: int) -> None:
        """A person asks for more SMS than one mobile may get."""
        person = Person(self.site, "", f"137{number:08}")
        self.greedy.append(person.mobile)
        for _ in range(GREED):
            person.ask_for_sms()
            time.sleep(1)

    @property
    def beyond(self) -> int:
        """The number of SMS that were sent although the limit of their mobile was reached."""
        sent = Counter(self.site.outside.sent)
        return sum(max(0, sent[mobile] - MOST) for mobile in self.greedy)


def _enter(person: Person) -> tuple[Reply, str]:
    """The code is asked for without a ticket, so anyone could use it. It is "" if the answer to the bind was lost."""
    reply, code = person.persist(lambda: person.call_back(person.persist(person.authorize).data["login_url"])), ""
    while "token" not in reply.data:
        code = person.sms_code("")
        time.sleep(random.uniform(*READING))
        bound = person.persist(partial(person.bind, reply.data["access_token"], code))
        if bound.outcome == "ticket_invalid":
            return _enter(person)
        if bound.outcome != "sms_code_invalid":
            assert bound.status == 201, bound
            reply = bound
    return reply, code


def _refresh(person: Person, token: str) -> Reply:
    return person.request("POST", "/authorizations/refresh/", {"refresh": token})


@contextmanager
def crowd(site: Site) -> Iterator[Crowd]:
    """People come as long as the block runs, and each gets in. At the end no one is on their way."""
    made, over = Crowd(site), threading.Event()
    site.refused.clear()
    site.bound.clear()
    site.outcomes.clear()
    under_way: list[Future[None]] = []

    def open_the_doors(threads: ThreadPoolExecutor) -> None:
        start = time.monotonic()
        for turn in itertools.count(1):
            if sum(not one.done() for one in under_way) < AT_ONCE:
                under_way.append(threads.submit(made.come, next(_numbers)))
            if turn % RATE == 0:
                under_way.append(threads.submit(made.want_more, next(_numbers)))
            if over.wait(max(0, start + turn / RATE - time.monotonic())):
                return

    with ThreadPoolExecutor(2 * AT_ONCE) as threads:
        doors = threads.submit(open_the_doors, threads)
        try:
            yield made
        finally:
            over.set()
            doors.result()
        for one in under_way:
            one.result()


def rows() -> list[tuple[str, str]]:
    """Each identity and the account that it is bound to, from the tests' own database."""
    return list(SocialAccount.objects.values_list("openid", "user__username"))


def nothing_is_lost(crowd: Crowd, found: Sequence[tuple[str, str]], users: int) -> None:
    """Every person is bound, exactly once; nothing is left half done; and no answer was a 500."""
    came = Counter((used.person.openid, used.person.mobile) for used in crowd.used)
    assert Counter(found) == came
    assert users == len(came)
    bad = {"500", "400 invalid", "400 password_wrong", "400 already_bound"}
    assert not [name for name in crowd.site.outcomes if name in bad or name.startswith("500")], crowd.site.outcomes


def again(crowd: Crowd, before: float, act: Callable[[Used], bool]) -> tuple[list[Used], int]:
    """The used items for which ``act`` succeeds again, and how many were tried."""
    tried = sorted(
        (used for used in crowd.used if used.code and used.refreshed < before), key=lambda used: used.refreshed
    )[-TRIED:]
    with ThreadPoolExecutor(16) as threads:
        succeeded = list(threads.map(act, tried))
    return [used for used, good in zip(tried, succeeded, strict=True) if good], len(tried)


def code_is_good(used: Used) -> bool:
    """Whether another person can still bind with the code. They have read it, and know the account's password too."""
    number = next(_numbers)
    thief = Person(
        used.person.shop, f"E{number:031X}", used.person.mobile, f"10.250.{number >> 8 & 255}.{number & 255}"
    )
    ticket = thief.ticket()
    reply = thief.persist(partial(thief.bind, ticket, used.code))
    assert reply.outcome in ("201", "sms_code_invalid"), reply
    return reply.status == 201


def token_is_good(used: Used) -> bool:
    reply = used.person.persist(partial(_refresh, used.person, used.refresh))
    assert reply.status in (200, 401), reply
    return reply.status == 200


def told(crowd: Crowd, fault: float) -> dict[str, object]:
    """Fields for the report. "last refusal after" counts from the fault. "longest without a bind" is the longest time
    between two binds that ends after the fault.
    """
    late = [when - fault for when in crowd.site.refused if when > fault]
    words = [f"{number} × {name}" for name, number in sorted(crowd.site.outcomes.items()) if name[0] in "5b"]
    gaps = [later - sooner for sooner, later in pairwise(sorted(crowd.site.bound)) if later > fault]
    return {
        "people": len(crowd.used),
        "bound": len(crowd.used),
        "lost": 0,
        "doubled": 0,
        "refused": ", ".join(words) or "nobody",
        "last refusal after": f"{max(late):.1f} s" if late else "none",
        "longest without a bind": f"{max(gaps):.1f} s",
    }
