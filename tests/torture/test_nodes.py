"""Three nodes behind HAProxy, with one PostgreSQL and one Valkey, under a load of binds: killed, and restarted in turn.

``make torture PARTS=nodes``; no other run collects it.
"""

import itertools
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import redis
from django.db import connection

from phonebind.models import SocialAccount
from server import demo
from server.users.models import User
from tests.support import haproxy, nodes
from tests.support.nodes import Node
from tests.support.ports import free_port
from tests.support.torture import scale
from tests.torture.conftest import PATIENT
from tests.torture.outside import Outside
from tests.torture.people import Person, Reply, Shop
from tests.torture.report import Note
from tests.torture.test_faults import SETTINGS

MANY = 3
KILLS = scale(6, 2)
#: How many people are on their way at once. They rest between two sign-ins: otherwise the run tests the machine's
#: cores.
AT_ONCE = 8
REST = 0.3
#: Answers of the proxy itself, and a broken connection. A refusal by a node has an error code of ours.
REFUSED = ("broken off", "502 502", "503 503", "504 504")


@dataclass
class Site(Shop):
    """A site behind a proxy. It records the times of refusals."""

    refused: list[float] = field(default_factory=list)

    def count(self, reply: Reply) -> None:
        super().count(reply)
        if not reply.status or (reply.status >= 502 and reply.data is None):
            self.refused.append(time.monotonic())


class Cluster:
    """The nodes. Each starts again at its own port."""

    def __init__(self, directory: Path, environ: dict[str, str], stack: ExitStack) -> None:
        self._directory, self._environ, self._stack = directory, environ, stack
        self.nodes = [self._start(free_port()) for _ in range(MANY)]
        for node in self.nodes:
            node.wait_until_ready()

    def _start(self, port: int) -> Node:
        node = nodes.start(self._directory / str(port), port, **self._environ)
        self._stack.callback(nodes.end, node)
        return node

    def begin_again(self, number: int) -> None:
        """Start it again, and wait until the proxy has noticed too."""
        self.nodes[number] = self._start(self.nodes[number].port).wait_until_ready()
        time.sleep(3)

    def kill(self, number: int) -> None:
        """Kill it, like a machine that fails."""
        master = psutil.Process(self.nodes[number].process.pid)
        for process in [master, *master.children(recursive=True)]:
            process.kill()
        self.nodes[number].process.wait()

    def tell_to_end(self, number: int) -> None:
        """Ask it to end, as an upgrade does."""
        self.nodes[number].process.send_signal(signal.SIGTERM)
        assert self.nodes[number].process.wait(60) == 0


@pytest.fixture
def cluster(tmp_path: Path, transactional_db: None, neighbours: Outside) -> Iterator[Cluster]:
    if connection.vendor != "postgresql":
        pytest.skip("PHONEBIND_TEST_DB=postgres")
    haproxy.program()
    User.objects.all().delete()
    environ = {
        "DJANGO_SETTINGS_MODULE": "tests.torture.settings",
        "DATABASE_URL": os.environ["DATABASE_URL"],
        "TORTURE_DB": str(connection.settings_dict["NAME"]),
        "TORTURE_OUTSIDE": neighbours.url,
        "TORTURE_SETTINGS": json.dumps(SETTINGS),
        "LIFECYCLE": os.environ["LIFECYCLE"],
        "OPERATIONS": os.environ["OPERATIONS"],
        "DRAIN": "8",
        "LOG_LEVEL": "ERROR",
    }
    with ExitStack() as stack:
        yield Cluster(tmp_path, environ, stack)


@pytest.fixture
def site(cluster: Cluster, neighbours: Outside, tmp_path: Path) -> Iterator[Site]:
    ports = [node.port for node in cluster.nodes]
    valkey = redis.Redis.from_url(os.environ["REDIS_URL"], max_connections=2000, retry=PATIENT)
    with haproxy.in_front_of(ports, tmp_path) as port, valkey:
        site = Site(port, neighbours, valkey, 0)
        time.sleep(3)  # the proxy has checked each node twice by then
        assert Person(site, "", "13900000000").request("GET", "/login/").status == 200
        site.outcomes.clear()
        yield site


@contextmanager
def people(site: Site) -> Iterator[list[int]]:
    """People come as long as the block runs, and each gets in. Afterwards the list has their numbers."""
    numbers, over = itertools.count(), threading.Event()
    came: list[int] = []

    def come() -> None:
        while not over.is_set():
            number = next(numbers)
            came.append(number)
            assert Person(site, f"{number:032X}", f"139{number:08}").arrive_and_bind().status in (200, 201)
            over.wait(REST)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        lanes = [threads.submit(come) for _ in range(AT_ONCE)]
        try:
            yield came
        finally:
            over.set()
        for lane in lanes:
            lane.result()


def nothing_is_lost(site: Site, came: list[int]) -> None:
    """Each person who came is bound, exactly once; nothing is left half done; and no answer was a 500."""
    accounts = SocialAccount.objects.select_related("user")
    found = Counter((account.openid, account.user.get_username()) for account in accounts)
    assert found == Counter((f"{number:032X}", f"139{number:08}") for number in came)
    assert User.objects.exclude(mobile=demo.MOBILE).count() == len(came)
    assert {outcome.split()[0] for outcome in site.outcomes} <= {"200", "201", "400", "429", "502", "503", "broken"}
    assert site.outcomes.keys() & {"400 invalid", "400 password_wrong", "400 already_bound"} == set()


def told(site: Site, came: list[int]) -> dict[str, object]:
    refused = {name: number for name, number in sorted(site.outcomes.items()) if name in REFUSED}
    words = ", ".join(f"{number} × {name}" for name, number in refused.items()) or "nobody"
    requests = f"{site.outcomes.total()}, {site.outcomes['503 server_busy']} of them server_busy"
    return {"people": len(came), "bound": len(came), "lost": 0, "double": 0, "requests": requests, "refused": words}


def slowest(refused: list[float], began: list[float]) -> str:
    """The longest time from a kill to the last refusal before the next kill."""
    gaps = [0.0]
    for start, end in zip(began, [*began[1:], float("inf")], strict=True):
        gaps.append(max([when - start for when in refused if start <= when < end], default=0))
    return f"{max(gaps):.1f} s"


def in_turn(cluster: Cluster, many: int, end: Callable[[int], None]) -> list[float]:
    began = []
    for number in range(many):
        time.sleep(1)
        began.append(time.monotonic())
        end(number % MANY)
        cluster.begin_again(number % MANY)
    return began


def test_threat_6_nodes_are_killed(cluster: Cluster, site: Site, note: Note) -> None:
    with people(site) as came:
        began = in_turn(cluster, KILLS, cluster.kill)
    nothing_is_lost(site, came)
    last = slowest(site.refused, began)
    note(f"kill -9 of a node of {MANY} under binds", kills=KILLS, **told(site, came), last_refusal_after=last)


def test_a_rolling_restart_refuses_nobody(cluster: Cluster, site: Site, note: Note) -> None:
    with people(site) as came:
        in_turn(cluster, MANY, cluster.tell_to_end)
    nothing_is_lost(site, came)
    assert site.refused == []
    note(f"SIGTERM and a new start of {MANY} nodes in turn under binds", restarts=MANY, **told(site, came))
