"""More than one Valkey: a real cluster of three masters, and a master whose Sentinels name another when it dies."""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache, caches
from pytest_django import Settings

from phonebind import checks, limits, store
from phonebind.exceptions import ImageCodeInvalid, Limited, SmsCodeInvalid, StorageUnavailable
from server import prepare
from tests.support import clusters, documents
from tests.support.clusters import Cluster, Sentinels, until
from tests.support.edge import Configure, Outbox
from tests.support.ports import free_ports
from tests.support.site import serve
from tests.support.visitor import Visitor
from tests.test_store import EVERYTHING

# redis-py 6.0 warns about its own code.
pytestmark = pytest.mark.filterwarnings("ignore:.*cluster_error_retry_attempts:DeprecationWarning")

PASSWORD = "correct-horse-8"
DJANGOS = "django.core.cache.backends.redis.RedisCache"
NewMobile = Callable[[], str]


def live(site: str, mobile: str, person: str) -> dict[str, Any]:
    """All that a person does, from the first sign-in to a new pair of tokens. Returns the pair."""
    visitor = Visitor(site)
    arrived = visitor.arrive(person)
    bound = visitor.bind(mobile, PASSWORD, ticket=arrived.data["access_token"])
    assert bound.status == 201, bound
    pair = visitor.arrive(person).data
    fresh = visitor.post("/authorizations/refresh/", refresh=pair["refresh"])
    assert fresh.status == 200, fresh
    assert visitor.ask_for_sms(mobile).data["code"] == "sms_too_frequent"
    assert visitor.post("/authorizations/", username=mobile, password="wrong-horse-8").status == 401
    assert visitor.post("/authorizations/", username=mobile, password=PASSWORD).status == 200
    return dict(fresh.data)


# ---------------------------------------------------------------- a cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with clusters.cluster(tmp_path_factory.mktemp("cluster"), options=["--requirepass", "s3cret"]) as made:
        yield made


@pytest.fixture
def cached(cluster: Cluster, settings: Settings) -> None:
    """Codes and limits are in the cluster."""
    options = {"socket_connect_timeout": 1, "socket_timeout": 1, "max_connections": 20, "password": "s3cret"}
    settings.CACHES = {
        "default": {"BACKEND": "phonebind.clusters.ClusterCache", "LOCATION": cluster.urls, "OPTIONS": options}
    }
    caches["default"].clear()


def test_the_whole_journey(cluster: Cluster, tmp_path: Path, new_mobile: NewMobile) -> None:
    """One address contains the password. Any node names the others."""
    first, second, _ = (node.address for node in cluster.nodes)
    with serve(tmp_path / "data", REDIS_CLUSTER=f"redis://:s3cret@{first}, {second}") as site:
        live(site, new_mobile(), "xiaolan")
        for node in cluster.nodes:
            assert node.ask("DBSIZE"), "a node that has nothing is not used"
            node.ask("SCRIPT", "FLUSH")
        live(site, new_mobile(), "fox")


def test_a_cluster_serves_every_decision(cached: None, phonebind: Configure) -> None:
    assert checks.check_cache() == checks.check_cluster() == []
    for act in EVERYTHING:
        with suppress(Limited, ImageCodeInvalid, SmsCodeInvalid):
            act()
    assert len(Outbox.sent) == 1


def test_people_who_are_counted_alone_are_spread(cluster: Cluster, cached: None) -> None:
    for number in range(20):
        limits.take(("image_address_hour", f"192.0.2.{number}"))
    keys = [limits.key("image_address_hour", f"192.0.2.{number}") for number in range(20)]
    assert len({cluster.master_of(key).port for key in keys}) == 3


def test_it_is_a_whole_cache_of_djangos(cached: None) -> None:
    numbers = {f"number:{number}": number for number in range(20)}
    cache.set_many(numbers, 30)
    assert cache.get_many([*numbers, "none"]) == numbers
    assert cache.incr("number:1") == 2
    assert cache.add("number:2", 0) is False
    cache.delete_many(numbers)
    assert cache.get("number:3") is None
    assert cache.get_or_set("made", lambda: ["once"], None) == ["once"]
    assert cache.touch("made", 30)
    assert cache.has_key("made")
    cache.clear()
    assert not cache.has_key("made")


def test_a_process_has_one_client(cached: None) -> None:
    one = caches["default"]._cache.get_client()  # type: ignore[attr-defined]
    caches["default"].close()
    del caches["default"]  # as in another thread
    assert caches["default"]._cache.get_client() is one  # type: ignore[attr-defined]


def test_a_master_that_was_killed_and_is_there_again(cluster: Cluster, cached: None) -> None:
    claim = ("image_address_hour", "192.0.2.1")
    limits.take(claim)
    master = cluster.master_of(limits.key(*claim))
    master.kill()
    with pytest.raises(StorageUnavailable):
        limits.take(claim)
    master.start()
    until(cluster.is_ok, "the cluster serves every slot again")
    # Its connections are broken, and the process is not restarted for that.
    limits.take(claim)
    with store.connection() as client:
        assert client.hget(limits.key(*claim), "taken") == b"2"


def test_a_cluster_that_is_away_altogether(settings: Settings, cached: None) -> None:
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1,redis://127.0.0.1:2"}}
    with pytest.raises(StorageUnavailable):
        limits.take(("image_address_hour", "192.0.2.1"))


# ---------------------------------------------------------------- a client that does not support clusters


@pytest.mark.parametrize("backend", [DJANGOS, "django_redis.cache.RedisCache"])
def test_e020_a_plain_client_is_refused_at_a_cluster(cluster: Cluster, settings: Settings, backend: str) -> None:
    location = cluster.urls[0].replace("//", "//:s3cret@")
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": location}}
    [error] = checks.check_cluster()
    assert error.id == "phonebind.E020"
    assert "ClusterCache" in str(error.hint)


def test_e020_what_cannot_be_asked_is_not_judged(settings: Settings) -> None:
    assert checks.check_cluster() == []
    settings.CACHES = {"default": {"BACKEND": DJANGOS, "LOCATION": "redis://127.0.0.1:1"}}
    assert checks.check_cluster() == []
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert checks.check_cluster() == []


def test_at_run_time_a_plain_client_says_once_what_is_wrong(
    cluster: Cluster, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    location = cluster.urls[0].replace("//", "//:s3cret@")
    settings.CACHES = {"default": {"BACKEND": DJANGOS, "LOCATION": location}}
    store._tell_of_cluster.cache_clear()
    for number in range(20):
        with suppress(StorageUnavailable):
            store.first(store.key("x", str(number)), 1)
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "cannot follow to the others. Use 'phonebind.clusters.ClusterCache'" in record.getMessage()


def test_the_reference_server_does_not_start_with_one(cluster: Cluster, settings: Settings) -> None:
    location = cluster.urls[0].replace("//", "//:s3cret@")
    settings.CACHES = {"default": {"BACKEND": DJANGOS, "LOCATION": location}}
    with pytest.raises(SystemExit, match="REDIS_CLUSTER"):
        prepare._check_store()
    settings.CACHES = {"default": {"BACKEND": DJANGOS, "LOCATION": "redis://127.0.0.1:1"}}
    prepare._check_store()


# ---------------------------------------------------------------- Sentinel


@pytest.fixture(scope="module")
def sentinels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sentinels]:
    with clusters.sentinels(
        tmp_path_factory.mktemp("sentinels"), options=["--requirepass", "s3cret", "--masterauth", "s3cret"]
    ) as made:
        yield made


def test_the_master_dies_and_nobody_starts_anew(sentinels: Sentinels, tmp_path: Path, new_mobile: NewMobile) -> None:
    watchers = ",".join(node.address for node in sentinels.sentinels)
    # Without the lifecycle app, the store alone knows which refresh tokens were used.
    environ = {"REDIS_SENTINELS": watchers, "REDIS_SENTINEL_MASTER": f"redis://:s3cret@{clusters.MASTER}/0"}
    with serve(tmp_path / "data", LIFECYCLE="0", **environ) as site:
        pair = live(site, new_mobile(), "xiaolan")
        visitor = Visitor(site)
        assert visitor.post("/authorizations/refresh/", refresh=pair["refresh"]).status == 200
        dead = sentinels.master
        dead.kill()
        image = f"/image_codes/{uuid4()}/"
        refused = visitor.get(image)
        assert (refused.status, refused.data["code"]) == (503, "storage_unavailable")
        until(lambda: sentinels.master is not dead, "the Sentinels agree on another")
        until(lambda: visitor.get(image).status == 200, "the site has followed")
        # A token that was used at the old master is also used at the new one.
        assert visitor.post("/authorizations/refresh/", refresh=pair["refresh"]).status == 401
        live(site, new_mobile(), "fox")


# ---------------------------------------------------------------- what the documents say


def test_servers_start_with_the_settings_of_the_document(tmp_path: Path) -> None:
    each, replicated, watched, clustered = documents.code("how-to/fail-over", "conf")
    # On a machine that does not allow so many open files, the server logs this and starts all the same.
    configurations = {"sentinel": watched, "servers": each + replicated, "cluster": each + clustered}
    for name, lines in configurations.items():
        directory = tmp_path / name
        directory.mkdir()
        (directory / "valkey.conf").write_text(lines)
        port, bus = free_ports(2)
        # Otherwise the bus of a cluster listens at the port + 10,000, which may be in use.
        own = ["--sentinel"] if name == "sentinel" else ["--cluster-port", str(bus)]
        node = clusters.Node(directory, port, ["valkey.conf", *own, "--port", str(port), "--bind", "127.0.0.1"])
        node.start()
        try:
            assert node.ask("PING")
        finally:
            node.kill()
