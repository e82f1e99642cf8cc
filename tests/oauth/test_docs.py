"""docs/*/how-to/providers: the provider in the example signs a person in, and the pages name what the code has."""

import re
import sys
import types
from dataclasses import fields
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from phonebind import oauth
from phonebind.checks import check_providers
from phonebind.conf import ProviderSettings
from phonebind.oauth import alipay, qq, qq_connect, wechat, weibo
from phonebind.oauth.apple import Apple, AppleSettings
from phonebind.oauth.oidc import OpenIDConnect, OpenIDConnectSettings
from phonebind.oauth.wechat_web import WeChatWebSettings
from phonebind_sandbox.codes import CODES
from server import demo
from tests.support import documents
from tests.support.documents import LANGUAGES, blocks, code, named, read
from tests.support.edge import Configure, Upstream

#: The settings that only one kind has, by the page that must name them.
OWN_SETTINGS = {
    "alipay": alipay.AlipaySettings,
    "apple": AppleSettings,
    "oidc": OpenIDConnectSettings,
    "wechat": WeChatWebSettings,
}

#: Values of the environment variables that must hold a real key.
KEYS = {
    "ALIPAY_PRIVATE_KEY": demo.ALIPAY_PRIVATE_KEY,
    "ALIPAY_PUBLIC_KEY": demo.ALIPAY_PUBLIC_KEY,
    "APPLE_PRIVATE_KEY": demo.APPLE_PRIVATE_KEY,
}

both = pytest.mark.parametrize("language", LANGUAGES)


def rows(name: str, language: str) -> dict[str, str]:
    """The rows of a page's tables, by their first cell."""
    return {first: " | ".join(rest) for first, *rest in documents.rows(read(f"how-to/providers/{name}", language))}


def numbers(cell: str) -> set[int]:
    """The numbers in "100013 to 100017, 100021", or in the same text in Chinese."""
    spans = re.findall(r"(\d{5,})(?: (?:to|到) (\d{5,}))?", cell)
    return {number for first, last in spans for number in range(int(first), int(last or first) + 1)}


def answered(name: str, language: str, answer: str) -> set[int]:
    """The numbers of the errors whose row has that answer."""
    return {number for cell, rest in rows(name, language).items() if f"`{answer}`" in rest for number in numbers(cell)}


@both
@pytest.mark.parametrize("name", ["index", "qq", "qq-app", "wechat", "weibo", "alipay", "apple", "oidc"])
def test_the_check_accepts_the_settings_of_each_page(
    language: str, name: str, phonebind: Configure, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = [block for _, block in blocks(read(f"how-to/providers/{name}", language), "python")]
    host: dict[str, Any] = {"PHONEBIND": {"PROVIDERS": {}}}
    for block in [each for each in written if "PHONEBIND" in each]:
        for variable in re.findall(r'environ\["(\w+)"\]', block):
            monkeypatch.setenv(variable, KEYS.get(variable, "x"))
        exec(block, host)  # noqa: S102
        assert host["PHONEBIND"]["PROVIDERS"]
        settings.PHONEBIND = {**settings.PHONEBIND, **host["PHONEBIND"]}
        assert check_providers() == []


@both
def test_every_kind_is_in_the_table(language: str) -> None:
    assert {f"`{kind}`" for kind in oauth.KINDS} <= set(rows("index", language))


@both
def test_every_setting_is_in_a_table(language: str) -> None:
    common = {field.name for field in fields(ProviderSettings)}
    assert {f"`{name}`" for name in common} <= set(rows("index", language))
    for name, settings in OWN_SETTINGS.items():
        assert {field.name for field in fields(settings)} - common <= {*named(" ".join(rows(name, language)))}, name


@both
def test_the_errors_of_qq_are_answered_as_the_page_says(language: str) -> None:
    persons = answered("qq", language, "code_invalid")
    ours = qq.CODE_ERRORS | {number for number in CODES if number not in qq_connect.CONFIG_ERRORS}
    assert qq.CODE_ERRORS <= persons <= ours, "as a browser brings them, or QQ answers for a code"
    configuration = {number for number in CODES if number in qq_connect.CONFIG_ERRORS} - qq.CODE_ERRORS
    assert configuration <= answered("qq", language, "provider_unavailable")
    assert set(CODES) <= {number for cell in rows("qq", language) for number in numbers(cell)}


@both
def test_the_errors_of_weibo_and_wechat_are_answered_as_the_pages_say(language: str) -> None:
    assert answered("weibo", language, "code_invalid") == weibo.PERSONS_ERRORS
    assert answered("weibo", language, "provider_unavailable") >= weibo.CONFIG_ERRORS
    assert answered("wechat", language, "code_invalid") == wechat.CODE_ERRORS
    several = frozenset(range(89500, 89600))
    assert wechat.CONFIG_ERRORS - several <= answered("wechat", language, "provider_unavailable")
    assert any("895xx" in cell for cell in rows("wechat", language))


@both
@pytest.mark.parametrize(
    ("name", "errors", "answer"),
    [
        ("apple", Apple.cancels, "sign_in_cancelled"),
        ("apple", Apple.user_errors, "code_invalid"),
        ("apple", Apple.config_errors, "provider_unavailable"),
        ("oidc", OpenIDConnect.cancels, "sign_in_cancelled"),
        ("oidc", OpenIDConnect.user_errors, "code_invalid"),
        ("oidc", OpenIDConnect.config_errors, "provider_unavailable"),
        ("alipay", alipay.CODE_ERRORS, "code_invalid"),
        ("alipay", alipay.CONFIG_ERRORS, "provider_unavailable"),
    ],
)
def test_errors_by_name_are_answered_as_the_page_says(
    language: str, name: str, errors: frozenset[str], answer: str
) -> None:
    for error in errors:
        [row] = [rest for cell, rest in rows(name, language).items() if f"`{error}`" in cell]
        assert f"`{answer}`" in row, error


@pytest.mark.django_db
@pytest.mark.once
def test_the_provider_of_the_example_signs_in(
    upstream: Upstream, phonebind: Configure, settings: Settings, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    [source] = [block for block in code("how-to/providers/own", "python") if "class Gitee" in block]
    module = types.ModuleType("example_shop_oauth")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(source.replace("https://gitee.com", upstream.url), module.__dict__)  # noqa: S102
    entry = {
        "provider": "example_shop_oauth.Gitee",
        "client_id": "an-app",
        "client_secret": "a-secret",
        "redirect_uri": "https://shop.example/login/gitee/callback/",
    }
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {"gitee": entry}}
    upstream.answer("/oauth/token", {"access_token": "T"})
    upstream.answer("/api/v5/user", {"id": 17, "login": "xiaoming"})
    url = client.get("/oauth/gitee/authorization/").json()["login_url"]
    state = url.partition("state=")[2]
    answer = client.get("/oauth/gitee/user/", {"code": "C", "state": state})
    assert answer.status_code == 200, answer.content
    assert answer.json()["access_token"]
    assert upstream.paths == ["/oauth/token", "/api/v5/user"]
    upstream.answer("/oauth/token", {"error": "invalid_grant"}, status=401)
    state = client.get("/oauth/gitee/authorization/").json()["login_url"].partition("state=")[2]
    assert client.get("/oauth/gitee/user/", {"code": "C", "state": state}).json()["code"] == "code_invalid"
