import pytest
from pytest_django import Settings

from phonebind_sandbox.conf import App, apps, cache_alias, receipts

ANYWHERE_LOCAL = App("1", "secret")
REGISTERED = App("1", "secret", redirect_uris=("https://shop.example/callback", "http://localhost:8080/cb"))


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://127.0.0.1:8000/login/qq/callback/",
        "https://localhost/",
        "http://shop.localhost:3000/cb?next=%2Fcart",
        "http://[::1]:8000/cb",
    ],
)
def test_any_loopback_address_is_accepted(redirect_uri: str) -> None:
    assert ANYWHERE_LOCAL.accepts(redirect_uri)


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "",
        "/callback",
        "javascript:alert(1)",
        "ftp://localhost/cb",
        "http:///cb",
        "http://evil.example/cb",
        "http://localhost.evil.example/cb",
        "http://localhost@evil.example/cb",
        "http://evil.example\\@localhost/cb",
        "http://user@localhost/cb",
        "http://localhost/cb#fragment",
        "http://localhost/cb#",
        "http://localhost/a b",
        "http://localhost/\r\nSet-Cookie: a=b",
        "http://localhost/中文",
        "http://localhost:port/",
        "http://[::1/",
        "http://localhost/" + "a" * 1024,
    ],
)
def test_no_other_address_is(redirect_uri: str) -> None:
    assert not ANYWHERE_LOCAL.accepts(redirect_uri)


@pytest.mark.parametrize(
    ("redirect_uri", "accepted"),
    [
        ("https://shop.example/callback", True),
        ("https://SHOP.example/callback?from=qq", True),
        ("http://localhost:8080/cb", True),
        ("https://shop.example/callback/", False),
        ("https://www.shop.example/callback", False),
        ("http://localhost:8081/cb", False),
        ("http://127.0.0.1/cb", False),
    ],
)
def test_registered_addresses_are_compared_by_host_and_path(redirect_uri: str, accepted: bool) -> None:
    assert REGISTERED.accepts(redirect_uri) is accepted


def test_an_address_has_at_most_1024_characters() -> None:
    start = "http://localhost/"
    assert ANYWHERE_LOCAL.accepts(start.ljust(1024, "a"))
    assert not ANYWHERE_LOCAL.accepts(start.ljust(1025, "a"))


def test_the_host_may_name_its_own_apps_and_cache(settings: Settings) -> None:
    settings.PHONEBIND_SANDBOX = {
        "APPS": {"7": {"secret": "s", "developer": "us", "redirect_uris": ["https://a.example/"]}},
        "CACHE": "sandbox",
        "RECEIPTS": {"aliyun": "http://127.0.0.1:8000/sms/receipts/x"},
    }
    assert receipts() == {"aliyun": "http://127.0.0.1:8000/sms/receipts/x"}
    assert apps("qq") == {"7": App("7", "s", developer="us", redirect_uris=("https://a.example/",))}
    assert cache_alias() == "sandbox"


def test_the_apps_of_a_fresh_project(settings: Settings) -> None:
    settings.PHONEBIND_SANDBOX = {}
    assert {client_id: (app.secret, app.unionid) for client_id, app in apps("qq").items()} == {
        "101000001": ("sandbox-secret", True),
        "101000002": ("sandbox-secret-2", False),
        "101000003": ("sandbox-secret-3", True),
    }
    assert len({app.developer for app in apps("qq").values()}) == 1
    assert cache_alias() == "default"
    assert receipts() == {}
