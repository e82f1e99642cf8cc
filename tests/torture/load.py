"""Load from another process, with a fixed rate whatever the outcome, and what other clients notice of it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from statistics import quantiles
from typing import TypeAlias

import redis

from tests.support.site import ROOT
from tests.support.torture import scale
from tests.torture.outside import Outside
from tests.torture.people import Person, Reply, Shop

SECONDS = scale(8, 2)
#: Requests a second. This is far more than the threads of all workers can hold until a deadline ends.
RATE = 40
#: Requests a second by clients that need no neighbour.
PROBES = 50

Seen: TypeAlias = list[tuple[str, float]]
Crowd: TypeAlias = Callable[[Shop, int], Reply]


def sign_ins(shop: Shop, number: int) -> Reply:
    """A person comes back from QQ for the first time."""
    person = Person(shop, f"F{number:031X}", f"138{number:08}")
    started = person.authorize()
    return person.call_back(started.data["login_url"]) if started.status == 200 else started


def sms_requests(shop: Shop, number: int) -> Reply:
    """A person asks for their first SMS."""
    return Person(shop, f"F{number:031X}", f"138{number:08}").ask_for_sms()


@contextmanager
def flood(shop: Shop, crowd: Crowd) -> Iterator[Seen]:
    """Runs the load while the block runs. The outcomes are in the list when the block has ended."""
    seen: Seen = []
    command = [sys.executable, "-m", "tests.torture.load", str(shop.port), crowd.__name__]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()  # the load has begun
        time.sleep(0.5)
        yield seen
        told, _ = process.communicate("over\n", timeout=120)
    assert process.returncode == 0
    seen += [(outcome, float(seconds)) for outcome, seconds in (line.split() for line in told.splitlines())]


def probe(shop: Shop) -> Seen:
    """For some seconds, one request after the other that needs no neighbour."""
    person = Person(shop, "", "13700000001")
    seen: Seen = []
    end = time.monotonic() + SECONDS
    for path in cycle(["/login/", "/oauth/qq/authorization/", "/login/"]):
        if time.monotonic() > end:
            return seen
        person.cookies.clear()
        reply = person.request("GET", path)
        seen.append((reply.outcome, reply.seconds))
        time.sleep(max(0, 1 / PROBES - reply.seconds))
    raise AssertionError


def p99(seen: Seen) -> float:
    """Milliseconds."""
    return quantiles([seconds * 1000 for _, seconds in seen], n=100)[98]


def main(port: int, crowd: Crowd) -> None:
    """Run until stdin gets a line."""
    with redis.Redis.from_url(os.environ["REDIS_URL"], max_connections=2000) as valkey:
        shop = Shop(port, Outside(), valkey, 0)
        over = ThreadPoolExecutor(1).submit(sys.stdin.readline)
        sys.stdout.write("under way\n")
        sys.stdout.flush()
        numbers = time.time_ns() // 10**6 % 10**7
        with ThreadPoolExecutor(512) as threads:
            under_way = []
            while not over.done():
                numbers += 1
                under_way.append(threads.submit(crowd, shop, numbers))
                time.sleep(1 / RATE)
        replies = [one.result() for one in under_way]
    sys.stdout.write("".join(f"{reply.outcome} {reply.seconds:.6f}\n" for reply in replies))


if __name__ == "__main__":
    main(int(sys.argv[1]), {"sign_ins": sign_ins, "sms_requests": sms_requests}[sys.argv[2]])
