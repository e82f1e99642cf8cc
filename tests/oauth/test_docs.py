"""docs/en/how-to/providers/index.md: the provider of its example signs somebody in, and both languages say the same."""

import re
import sys
import types
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from phonebind import oauth
from tests.support.edge import Configure, Upstream

DOCS = Path(__file__).parent.parent.parent / "docs"
ABOUT_PROVIDERS = ("providers", "wechat", "qq-app", "weibo", "apple", "alipay", "oidc", "one-tap", "marks")
PAIRS = [path for path in sorted(DOCS.glob("*.zh-CN.md")) if path.name.partition(".")[0] in ABOUT_PROVIDERS]


def blocks(text: str) -> list[str]:
    return re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("chinese", PAIRS, ids=lambda path: path.name)
def test_both_languages_have_the_same_code_and_as_many_headings(chinese: Path) -> None:
    texts = [chinese.read_text(), chinese.with_name(chinese.name.replace(".zh-CN", "")).read_text()]
    assert blocks(texts[0]) == blocks(texts[1])
    levels = [re.findall(r"^(#+) ", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE) for text in texts]
    assert levels[0] == levels[1]


def test_every_kind_is_in_the_table_of_both_languages() -> None:
    for name in ("providers.md", "providers.zh-CN.md"):
        text = (DOCS / name).read_text()
        assert all(f"| `{kind}` |" in text for kind in oauth.KINDS)


@pytest.mark.django_db
@pytest.mark.once
def test_the_provider_of_the_example_signs_in(
    upstream: Upstream, phonebind: Configure, settings: Settings, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    [source] = [block for block in blocks((DOCS / "providers.md").read_text()) if "class Gitee" in block]
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
