"""The only module that talks to Valkey: real scripts on a real server, and what happens when the server is down."""

import gc
import importlib
import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote, urlsplit

import pytest
import redis
from django.core.cache import caches
from pytest_django import Settings

from phonebind import limit_scripts, limits, sms_codes, store
from phonebind.checks import check_cache
from phonebind.exceptions import ImageCodeInvalid, Limited, SmsCodeInvalid, StorageUnavailable
from phonebind.human import image_codes
from phonebind.sms import Message, receipts
from phonebind.sms.receipts import Receipt
from server.processes import Valkey
from tests.support.edge import Configure, Outbox

ADDRESS = "192.0.2.1"
MOBILE = "13900000001"


def test_a_key_names_its_kind_and_tags_its_subject() -> None:
    assert store.key("sms", MOBILE) == ":1:phonebind:sms:{13900000001}"


def test_two_sites_on_one_server_never_meet(settings: Settings, phonebind: Configure) -> None:
    """The sites are kept apart by whatever separates their caches: prefix, version, or their own key function (such as
    a schema for each tenant).
    """
    own = settings.CACHES["default"]
    sites = [{}, {"KEY_PREFIX": "b"}, {"VERSION": 2}, {"KEY_FUNCTION": f"{__name__}.of_a_tenant"}]
    for site in sites:
        settings.CACHES = {"default": own | site}
        sms_codes.issue(MOBILE, ADDRESS)
        limits.take(("password_name", MOBILE))
    assert len(Outbox.sent) == len(sites)
    with store.connection() as client:
        names = {key.decode() for key in client.scan_iter()}
    assert {name.partition("phonebind:")[0] for name in names} == {":1:", "b:1:", ":2:", "tenant/"}


def of_a_tenant(key: str, prefix: str, version: int) -> str:
    return f"tenant/{key}"


def scripts() -> list[store.Script]:
    """All scripts: those of every module, and those that are made for each number of keys."""
    importlib.import_module("phonebind.api.urls")
    importlib.import_module("phonebind.pages.urls")
    made = [
        make(keys)
        for make in (limit_scripts.take, limit_scripts.count, limit_scripts.give_back)
        for keys in range(1, 12)
    ]
    found = [thing for thing in gc.get_objects() if type(thing) is store.Script]
    assert len(found) > len(made)
    return found


def test_every_script_writes_its_keys_out() -> None:
    """The proxies of some clouds refuse a script that passes anything else as a key, also the variable of a loop."""
    for script in scripts():
        calls = re.findall(r"redis\.p?call\(\s*'(\w+)'\s*,\s*([^,)]+)", script.source)
        assert len(calls) == len(re.findall(r"\bp?call\b", script.source)), script.source
        assert all(re.fullmatch(r"KEYS\[[1-9]\d*\]", key) for _, key in calls), script.source
        assert len(re.findall(r"\bKEYS\b", script.source)) == len(calls), script.source


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


def receive_a_receipt() -> None:
    """Raises ReceiptUnknown if one of its keys was not written."""
    receipts.expect("aliyun", Message(mobile=MOBILE, code="012345", minutes=5, text="", id="a" * 20), "1^0")
    receipts.record("aliyun", [Receipt("1^0", MOBILE, "failed", "off")])
    assert receipts.known("a" * 20)[1] == ("failed", "off")


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
    lambda: sms_codes.ByCode(MOBILE, "me", ("digest",)).claim(),
    lambda: sms_codes.ByCode(MOBILE, "me", ("digest",)).settle(),
    receive_a_receipt,
    lambda: receipts.known("a" * 20),
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


# ---------------------------------------------------------------- Django's own cache


@pytest.fixture
def own_cache(settings: Settings) -> None:
    location = settings.CACHES["default"]["LOCATION"]
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": location}}


def test_djangos_own_cache_serves_every_decision(own_cache: None, phonebind: Configure) -> None:
    assert check_cache() == []
    for act in EVERYTHING:
        with suppress(Limited, ImageCodeInvalid, SmsCodeInvalid):
            act()
    sms_codes.check(MOBILE, Outbox.sent[-1].code, claimant="me", address=ADDRESS)


def test_djangos_own_cache_opens_no_connection_for_each_thread(own_cache: None) -> None:
    """Threads come and go: there is one for each request under ASGI and ``runserver``."""
    with store.connection() as client:
        before = client.info("stats")["total_connections_received"]
    for _ in range(20):
        thread = threading.Thread(target=limits.spent, args=("sms_site_hour", limits.SITE))
        thread.start()
        thread.join()
    with store.connection() as client:
        assert client.info("stats")["total_connections_received"] == before


def test_djangos_own_cache_that_is_away(settings: Settings, own_cache: None) -> None:
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}
    with pytest.raises(StorageUnavailable):
        limits.take(("sms_mobile_gap", MOBILE))


@pytest.mark.parametrize("backend", ["django.core.cache.backends.redis.RedisCache", "django_redis.cache.RedisCache"])
def test_a_password_of_any_characters(settings: Settings, backend: str) -> None:
    path = urlsplit(settings.CACHES["default"]["LOCATION"]).path
    with redis.Redis(unix_socket_path=path) as open_before:
        open_before.config_set("requirepass", "p@ss:w/rd?#%小")
        try:
            location = f"unix://:{quote('p@ss:w/rd?#%小', safe='')}@{path}"
            settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": location}}
            assert store.first("k", 1)
            settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": f"unix://{path}"}}
            with pytest.raises(StorageUnavailable):
                store.first("k", 1)
        finally:
            open_before.config_set("requirepass", "")
