"""Names in a hosts file: which of them lead to this machine only."""

import threading
import time

import pytest

from phonebind_sandbox import names
from phonebind_sandbox.conf import App
from tests.sandbox.conftest import Resolver

SHOP = "www.meiduo.site"
ANYWHERE_LOCAL = App("1", "secret")


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["127.0.1.1", "::1"], ["::1"]], ids=str)
def test_a_name_that_leads_here_is_accepted_with_any_port(resolver: Resolver, addresses: list[str]) -> None:
    resolver.names[SHOP] = addresses
    assert ANYWHERE_LOCAL.accepts(f"http://{SHOP}:8080/oauth_callback.html")
    assert ANYWHERE_LOCAL.accepts(f"https://{SHOP.upper()}/oauth_callback.html?next=%2Fcart.html")
    assert resolver.asked == [SHOP]


@pytest.mark.parametrize(
    "addresses",
    [
        [],
        ["203.0.113.5"],
        ["127.0.0.1", "203.0.113.5"],
        ["::1", "2001:db8::1"],
        ["10.0.0.1"],
        ["0.0.0.0"],  # noqa: S104
        ["::"],
        ["::ffff:203.0.113.5"],
        ["fe80::1%lo"],
    ],
    ids=str,
)
def test_a_name_that_leads_elsewhere_too_is_not(resolver: Resolver, addresses: list[str]) -> None:
    resolver.names[SHOP] = addresses
    assert not ANYWHERE_LOCAL.accepts(f"http://{SHOP}:8080/oauth_callback.html")


@pytest.mark.parametrize("host", ["", "%6cocal.site", "a;b.site", "a..site'", "a" * 254, "127.0.0.1%00.site"])
def test_what_browsers_may_read_as_another_name_is_not_looked_up(resolver: Resolver, host: str) -> None:
    assert not names.leads_here(host)
    assert not ANYWHERE_LOCAL.accepts(f"http://{host}/")
    assert resolver.asked == []


def test_a_label_that_is_too_long_leads_nowhere(resolver: Resolver) -> None:
    def refuse() -> list[str]:
        raise UnicodeError("label too long")

    resolver.names["a" * 64] = refuse
    assert not names.leads_here("a" * 64)


def test_where_addresses_are_registered_no_name_is_looked_up(resolver: Resolver) -> None:
    resolver.names[SHOP] = ["127.0.0.1"]
    registered = App("1", "secret", redirect_uris=(f"http://{SHOP}:8080/cb", "http://nowhere.test/cb"))
    assert registered.accepts(f"http://{SHOP}:8080/cb")
    assert registered.accepts("http://nowhere.test/cb")
    assert not registered.accepts(f"http://{SHOP}:8081/cb")
    assert resolver.asked == []


def test_a_name_is_looked_up_anew_after_seconds(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a line that was just added is found. A name that led here a moment ago is trusted no longer than that."""
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    seen = []
    for addresses in ([], ["127.0.0.1"], ["203.0.113.5"]):
        resolver.names[SHOP] = addresses
        seen += [names.leads_here(SHOP), names.leads_here(SHOP)]
        clock[0] += names.HOLDS
    assert seen == [False, False, True, True, False, False]
    assert len(resolver.asked) == 3


def test_without_a_thread_nobody_can_tell_and_no_place_is_lost(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        for number in range(names.MOST + 1):
            assert not names.leads_here(f"www{number}.shop.example")
    resolver.names["www.shop.example"] = ["127.0.0.1"]
    assert names.leads_here("www.shop.example")


def test_a_resolver_that_hangs_holds_nobody(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "PATIENCE", 0.05)
    answer = threading.Event()

    def hang() -> list[str]:
        answer.wait(10)
        return ["127.0.0.1"]

    before = set(threading.enumerate())
    began = time.monotonic()
    try:
        for number in range(names.MOST + 2):
            resolver.names[f"{number}.site"] = hang
            assert not names.leads_here(f"{number}.site")
        assert time.monotonic() - began < 5
        waiting = set(threading.enumerate()) - before
        assert len(waiting) == len(resolver.asked) == names.MOST
        assert all(thread.daemon for thread in waiting)  # otherwise the process could not end
    finally:
        answer.set()
        for thread in set(threading.enumerate()) - before:
            thread.join(10)
    resolver.names[SHOP] = ["127.0.0.1"]
    assert names.leads_here(SHOP)
