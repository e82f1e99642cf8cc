"""Which Valkey the environment names: a single server, a cluster, or a master that Sentinels know;
and which database.
"""

from typing import Any

import pytest

from server import environment as env
from server import stores


@pytest.fixture(autouse=True)
def _environ(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "REDIS_CLUSTER", "REDIS_SENTINELS", "REDIS_SENTINEL_MASTER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(env, "_faults", {})


def cache(monkeypatch: pytest.MonkeyPatch, default: str | None = None, **environ: str) -> tuple[dict[str, Any], str]:
    """The entry in CACHES, and the error."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return stores.cache(default, 300), "\n".join(env._faults)


def test_one_server(monkeypatch: pytest.MonkeyPatch) -> None:
    entry, faults = cache(monkeypatch, REDIS_URL="rediss://:p%40@valkey/1")
    assert (entry["LOCATION"], faults) == ("rediss://:p%40@valkey/1", "")
    assert entry["OPTIONS"]["CONNECTION_POOL_KWARGS"] == {"max_connections": 300}
    assert entry["OPTIONS"]["SOCKET_TIMEOUT"] == entry["OPTIONS"]["SOCKET_CONNECT_TIMEOUT"] == 1


def test_the_default_is_for_who_names_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache(monkeypatch, "redis://127.0.0.1")[0]["LOCATION"] == "redis://127.0.0.1"
    entry, faults = cache(monkeypatch, "redis://127.0.0.1", REDIS_CLUSTER="a:1")
    assert (entry["LOCATION"], faults) == (["redis://a:1"], "")


def test_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    entry, faults = cache(monkeypatch, REDIS_CLUSTER="rediss://u:p@a:7000?ssl_ca_certs=/ca.pem, b:7001,[::1]:7002")
    assert faults == ""
    assert entry["LOCATION"] == ["rediss://u:p@a:7000?ssl_ca_certs=/ca.pem", "redis://b:7001", "redis://[::1]:7002"]
    assert entry["OPTIONS"] == {"socket_connect_timeout": 1, "socket_timeout": 1, "max_connections": 300}


def test_sentinels(monkeypatch: pytest.MonkeyPatch) -> None:
    entry, faults = cache(monkeypatch, REDIS_SENTINELS="a:1,b")
    options = entry["OPTIONS"]
    assert (entry["LOCATION"], options["SENTINELS"], faults) == ("redis://mymaster", [("a", 1), ("b", 26379)], "")
    assert options["SENTINEL_KWARGS"] == {"socket_connect_timeout": 1, "socket_timeout": 1}
    assert options["CONNECTION_POOL_KWARGS"] == {"max_connections": 300}


def test_sentinels_with_passwords_and_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    sentinels = "rediss://:watch@a:1?ssl_ca_certs=/ca.pem,b:2"
    master = "rediss://shop:p%40@first/3?ssl_ca_certs=/ca.pem"
    entry, faults = cache(monkeypatch, REDIS_SENTINELS=sentinels, REDIS_SENTINEL_MASTER=master)
    options = entry["OPTIONS"]
    assert (entry["LOCATION"], faults) == ("redis://shop:p%40@first/3?ssl_ca_certs=/ca.pem", "")
    assert options["CONNECTION_POOL_KWARGS"] == {"max_connections": 300, "ssl": True}
    given = {"socket_connect_timeout": 1, "socket_timeout": 1, "ssl": True, "ssl_ca_certs": "/ca.pem"}
    assert options["SENTINEL_KWARGS"] == given | {"password": "watch"}


@pytest.mark.parametrize("others", [{"REDIS_CLUSTER": "a:1"}, {"REDIS_SENTINELS": "a:1"}])
def test_one_of_them_is_enough(monkeypatch: pytest.MonkeyPatch, others: dict[str, str]) -> None:
    _, faults = cache(monkeypatch, REDIS_URL="redis://:s3cret@a", **others)
    assert faults == "REDIS_URL, REDIS_CLUSTER and REDIS_SENTINELS: only one of them may be set."


@pytest.mark.parametrize("wrong", ["unix:///run/valkey.sock", "http://a", "redis://:s3cret@a:port", "redis://"])
@pytest.mark.parametrize("name", ["REDIS_CLUSTER", "REDIS_SENTINELS", "REDIS_SENTINEL_MASTER"])
def test_what_is_no_address_is_told_and_not_repeated(monkeypatch: pytest.MonkeyPatch, name: str, wrong: str) -> None:
    _, faults = cache(
        monkeypatch, **({"REDIS_SENTINELS": "a:1"} if name == "REDIS_SENTINEL_MASTER" else {}), **{name: wrong}
    )
    assert faults.startswith(f"{name} is not made of host:port")
    assert "s3cret" not in faults


@pytest.mark.parametrize(
    ("master", "is_told"), [("redis://:Secret@MyMaster/0", True), ("redis://:Secret@mymaster/0", False)]
)
def test_the_name_of_a_master_is_in_lower_case(monkeypatch: pytest.MonkeyPatch, master: str, is_told: bool) -> None:
    """Sentinels know the name in lower case only. Without the check, the error would come at run time."""
    _, faults = cache(monkeypatch, REDIS_SENTINELS="a:1", REDIS_SENTINEL_MASTER=master)
    assert ("lower case" in faults) is is_told


@pytest.mark.parametrize(("prepare", "threshold"), [(True, 2), (False, None)])
def test_behind_a_pgbouncer_nothing_has_a_name(
    monkeypatch: pytest.MonkeyPatch, prepare: bool, threshold: int | None
) -> None:
    """Neither prepared statements nor cursors."""
    monkeypatch.setenv("DATABASE_URL", "postgres://shop:s3cret@db/shop")
    entry = env.database("DATABASE_URL", "", prepare=prepare)
    assert (entry["OPTIONS"]["prepare_threshold"], entry["OPTIONS"]["server_side_binding"]) == (threshold, True)
    assert bool(entry["DISABLE_SERVER_SIDE_CURSORS"]) is not prepare


@pytest.mark.parametrize("where", ["10.0.0.1,10.0.0.2:5432", "10.0.0.1,10.0.0.2"])
def test_a_database_may_have_two_addresses(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """libpq's list of hosts: it takes the one that accepts writes (docs/en/how-to/fail-over.md#two-addresses)."""
    options = "target_session_attrs=read-write&connect_timeout=2"
    monkeypatch.setenv("DATABASE_URL", f"postgres://shop:s3cret@{where}/shop?{options}")
    entry = env.database("DATABASE_URL", "", prepare=True)
    assert (entry["HOST"], entry["NAME"], entry["PASSWORD"]) == ("10.0.0.1,10.0.0.2", "shop", "s3cret")
    assert entry["OPTIONS"]["target_session_attrs"] == "read-write"
    assert entry["OPTIONS"]["connect_timeout"] == 2


def test_each_address_may_have_its_own_port(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgres://shop:s3cret@/shop?host=10.0.0.1,10.0.0.2&port=5432,5433&target_session_attrs=read-write"
    monkeypatch.setenv("DATABASE_URL", url)
    entry = env.database("DATABASE_URL", "", prepare=True)
    assert (entry["HOST"], entry["PORT"]) == ("", "")
    assert (entry["OPTIONS"]["host"], entry["OPTIONS"]["port"]) == ("10.0.0.1,10.0.0.2", "5432,5433")
