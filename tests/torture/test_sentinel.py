"""One Valkey, two replicas and three Sentinels, as the documents describe them, under a load of binds.

``make torture PARTS=sentinel``; no other run collects it.
"""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from django.db import connection
from redis.sentinel import Sentinel

from server.users.models import User
from tests.support import clusters
from tests.support.clusters import Node, Sentinels
from tests.torture import crowd, stores
from tests.torture.crowd import LIMITS, Site
from tests.torture.outside import Outside
from tests.torture.report import Note
from tests.torture.serving import serving

LAG = 2
OPTIONS = ["--min-replicas-to-write", "1", "--min-replicas-max-lag", str(LAG)]
#: Seconds. Valkey counts a lag in whole seconds, and a master checks it once a second.
COARSE = 2


@pytest.fixture(scope="module")
def sentinels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sentinels]:
    with clusters.sentinels(tmp_path_factory.mktemp("sentinels"), replicas=2, options=OPTIONS) as made:
        yield made


@pytest.fixture(scope="module")
def running(sentinels: Sentinels, django_db_setup: None, neighbours: Outside) -> Iterator[Site]:
    environ = {
        "REDIS_SENTINELS": ",".join(node.address for node in sentinels.sentinels),
        "REDIS_SENTINEL_MASTER": clusters.MASTER,
        "TORTURE_DB": str(connection.settings_dict["NAME"]),
    }
    watchers = [("127.0.0.1", node.port) for node in sentinels.sentinels]
    watch: Any = Sentinel
    client = watch(watchers, socket_timeout=1).master_for(clusters.MASTER, socket_timeout=1)
    # Without the account life, the store alone knows which refresh tokens were used.
    with serving(neighbours, {"LIMITS": LIMITS}, LIFECYCLE="0", **environ) as (port, pid):
        yield Site(port, neighbours, client, pid)


@pytest.fixture
def site(running: Site, sentinels: Sentinels, transactional_db: None) -> Site:
    clusters.until(lambda: replicas(sentinels.master) == 2, "both replicas follow the master")
    User.objects.all().delete()
    return running


def replicas(master: Node) -> int:
    with master.client() as client:
        return int(client.info("replication")["connected_slaves"])


def stop(*nodes: Node) -> None:
    for node in nodes:
        os.kill(node.process.pid, signal.SIGSTOP)


def go_on(*nodes: Node) -> None:
    for node in nodes:
        os.kill(node.process.pid, signal.SIGCONT)


def start_as_replicas(master: Node, others: Sequence[Node]) -> None:
    """Start them with the settings that their own configuration would have by then."""
    for node in others:
        follower = Node(node.directory, node.port, [*node.options, "--replicaof", "127.0.0.1", str(master.port)])
        follower.start()
        node.process = follower.process


def test_threat_20_the_master_is_killed(sentinels: Sentinels, site: Site, note: Note) -> None:
    master = sentinels.master
    people, struck = stores.strike(site, master.kill, master.start)
    assert sentinels.master is not master
    stores.report(note, "Sentinel, 1 master and 2 replicas, down-after 1 s: kill -9 of the master", people, struck)


def test_threat_20_the_master_hangs(sentinels: Sentinels, site: Site, note: Note) -> None:
    master = sentinels.master
    people, struck = stores.strike(site, partial(stop, master), partial(go_on, master))
    assert sentinels.master is not master
    stores.report(note, f"Sentinel: SIGSTOP of the master, for {stores.AFTER} s", people, struck)


def test_threat_20_what_a_fail_over_may_forget(sentinels: Sentinels, site: Site, note: Note) -> None:
    """The replicas hang, then all three are killed, and the replicas start again with the data that they had.

    The loss is limited by the time that the master continues without replicas. (If a process only hangs, the system
    keeps the data that it has not read yet.)
    """
    master = sentinels.master
    others = [node for node in sentinels.servers if node is not master]
    frozen = died = 0.0

    def worst() -> None:
        nonlocal frozen, died
        frozen = time.monotonic()
        stop(*others)
        time.sleep(LAG + COARSE + 2)
        died = time.monotonic()
        for node in [master, *others]:
            node.kill()
        start_as_replicas(master, others)

    people, struck = stores.strike(site, worst, master.start)
    assert sentinels.master is not master
    seen = crowd.told(people, struck)
    codes, tried = crowd.again(people, died, crowd.code_is_good)
    tokens, refreshed = crowd.again(people, died, crowd.token_is_good)
    forgotten = [used.bound - frozen for used in codes] + [used.refreshed - frozen for used in tokens]
    note(
        f"Sentinel, worst case: both replicas hang, {LAG + COARSE + 2} s later all are killed, and the replicas start",
        **seen,
        used_codes_good_again=f"{len(codes)} of {tried}, with the account's password",
        used_refresh_tokens_good_again=f"{len(tokens)} of {refreshed}",
        used_after_the_freeze=f"{min(forgotten, default=0):.1f} to {max(forgotten, default=0):.1f} s",
        SMS_beyond_a_limit=f"{people.beyond}, where {len(people.greedy)} mobiles asked for more",
    )
    assert all(0 < seconds <= LAG + COARSE for seconds in forgotten), forgotten
