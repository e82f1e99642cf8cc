"""A Valkey Cluster of three masters with two replicas each, as the documents describe it, under a load of binds.

``make torture PARTS=cluster``; no other run collects it.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection
from redis.cluster import RedisCluster

from phonebind import limits, store
from server.users.models import User
from tests.support import clusters
from tests.support.clusters import Cluster, Node
from tests.torture import stores
from tests.torture.crowd import LIMITS, Site
from tests.torture.outside import Outside
from tests.torture.report import Note
from tests.torture.serving import serving

# redis-py 6.0 warns about its own code.
pytestmark = pytest.mark.filterwarnings("ignore:.*cluster_error_retry_attempts:DeprecationWarning")

LAG = 2
OPTIONS = ["--min-replicas-to-write", "1", "--min-replicas-max-lag", str(LAG), "--cluster-require-full-coverage", "no"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with clusters.cluster(tmp_path_factory.mktemp("cluster"), replicas=2, options=OPTIONS) as made:
        yield made


@pytest.fixture(scope="module")
def running(cluster: Cluster, django_db_setup: None, neighbours: Outside) -> Iterator[Site]:
    """It finds the nodes by asking one for the others, as the tests do."""
    environ = {
        "REDIS_CLUSTER": ",".join(node.address for node in cluster.nodes),
        "TORTURE_DB": str(connection.settings_dict["NAME"]),
    }
    client: Any = RedisCluster.from_url(cluster.urls[0], socket_timeout=1, socket_connect_timeout=1)
    with serving(neighbours, {"LIMITS": LIMITS}, **environ) as (port, pid):
        yield Site(port, neighbours, client, pid)
    client.close()


@pytest.fixture
def site(running: Site, transactional_db: None) -> Site:
    User.objects.all().delete()
    return running


def of_limits(cluster: Cluster) -> Node:
    """The master of all limits of SMS."""
    return cluster.master_of(limits.key("sms_site_hour", limits.SITE))


def of_codes(cluster: Cluster) -> Node:
    """A master that has codes, and none of those limits."""
    masters = [cluster.master_of(store.key("sms", f"1390000{number:04}")) for number in range(50)]
    return next(master for master in masters if master is not of_limits(cluster))


@pytest.mark.parametrize(("what", "which"), [("limits", of_limits), ("codes", of_codes)])
def test_threat_20_a_master_is_killed(
    cluster: Cluster, site: Site, note: Note, what: str, which: Callable[[Cluster], Node]
) -> None:
    master = which(cluster)
    people, struck = stores.strike(site, master.kill, master.start)
    assert which(cluster) is not master, "another has taken over"
    stores.report(note, f"cluster, 3 masters and 6 replicas: kill -9 of the master of the {what}", people, struck)


def test_threat_20_a_master_hangs(cluster: Cluster, site: Site, note: Note) -> None:
    master = of_limits(cluster)
    people, struck = stores.strike(
        site,
        lambda: os.kill(master.process.pid, signal.SIGSTOP),
        lambda: os.kill(master.process.pid, signal.SIGCONT),
    )
    assert of_limits(cluster) is not master
    stores.report(note, "cluster: SIGSTOP of the master of the limits, for 9 s", people, struck)


def test_threat_20_all_nodes_are_killed(cluster: Cluster, site: Site, note: Note) -> None:
    def kill() -> None:
        for node in cluster.nodes:
            node.kill()
        for node in cluster.nodes:
            node.start()

    people, struck = stores.strike(site, kill, lambda: None)
    stores.report(note, "cluster: kill -9 of all nine nodes, which start again at once", people, struck)


def test_one_replica_is_too_few(db: None, tmp_path: Path, note: Note) -> None:
    """``min-replicas-to-write`` counts the replicas of the new master, and it has none."""
    with clusters.cluster(tmp_path, replicas=1, options=OPTIONS) as cluster:
        dead = cluster.master_of("a")
        dead.kill()
        clusters.until(lambda: cluster.master_of("a") is not dead, "another has taken over")
        time.sleep(LAG + 2)
        with pytest.raises(redis.ResponseError, match="NOREPLICAS"):
            cluster.master_of("a").ask("SET", "a", 1)
        dead.start()
        started = time.monotonic()
        clusters.until(lambda: cluster.master_of("a").ask("SET", "a", 1), "it takes writes again")
        note(
            "cluster with one replica a master: kill -9 of a master",
            writes="refused until that node is back",
            taken_again_after=f"{time.monotonic() - started:.1f} s",
        )
