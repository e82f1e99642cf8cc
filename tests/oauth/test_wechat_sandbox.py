"""WeChat's client against the emulated WeChat. The two were written separately, after one document."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from pytest_django import Settings

from phonebind import binding, oauth
from phonebind.exceptions import CodeInvalid, ProviderUnavailable, SnapshotUser
from phonebind.oauth import Grant
from phonebind_sandbox import faults, wechat_apps
from phonebind_sandbox.people import PEOPLE
from server import demo
from tests.sandbox.server import serve

pytestmark = [pytest.mark.django_db, pytest.mark.once]

IN_WECHAT = {"User-Agent": "Mozilla/5.0 MicroMessenger/8.0.50"}
STATE = "0123456789abcdef" * 2
XIAOLAN = PEOPLE["xiaolan"]


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[str]:
    with serve() as url:
        entries = demo.providers(url.rstrip("/"), "http://127.0.0.1:8000/login/{}/callback/")
        settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": entries}
        yield url


def code(sandbox: str, kind: str, path: str = "code", person: str = "xiaolan") -> str:
    """The code, as the browser or the SDK brings it."""
    provider = oauth.get(kind)
    if isinstance(provider, oauth.WebProvider):
        url = provider.login_url(STATE)
        back = requests.post(url, {"person": person}, headers=IN_WECHAT, allow_redirects=False, timeout=5)
        found = dict(parse_qsl(urlsplit(back.headers["Location"]).query))
        assert found["state"] == STATE
        return found["code"]
    asked = requests.get(f"{sandbox}wechat/sdk/{path}", {"appid": provider.app_id, "person": person}, timeout=5)
    return str(asked.json()["code"])


def trade(kind: str, proof: str) -> Grant:
    provider: Any = oauth.get(kind)
    grant = provider.exchange(proof) if isinstance(provider, oauth.WebProvider) else provider.verify(proof)
    assert isinstance(grant, Grant)
    return grant


KINDS = ["wechat_web", "wechat_oa", "wechat_app", "wechat_miniprogram"]


@pytest.mark.parametrize("body", ["plain", "encoding", "control", "errcode"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_knows_who_it_is(sandbox: str, kind: str, body: str) -> None:
    faults.write({"wechat_body": body})
    proof = code(sandbox, kind)
    identity, account = binding.identify(oauth.get(kind), lambda: trade(kind, proof))
    assert account is None
    assert identity.nickname == ("" if kind == "wechat_miniprogram" else "小兰")
    assert identity.unionid
    with pytest.raises(CodeInvalid):
        trade(kind, proof)


def test_all_kinds_tell_one_unionid(sandbox: str) -> None:
    grants = [trade(kind, code(sandbox, kind)) for kind in KINDS]
    assert len({grant.unionid for grant in grants}) == 1
    assert len({grant.openid for grant in grants}) == len(KINDS)


@pytest.mark.parametrize("form", ["flag", "text", "unflagged"])
def test_threat_54_a_snapshots_user_is_nobody_whatever_their_flag(sandbox: str, form: str) -> None:
    faults.write({"wechat_snapshot": form})
    proof = code(sandbox, "wechat_oa")
    with pytest.raises(SnapshotUser):
        binding.identify(oauth.get("wechat_oa"), lambda: trade("wechat_oa", proof))


def program() -> Any:
    return oauth.get("wechat_miniprogram")


@pytest.mark.parametrize("switches", [{}, {"wechat_phone": "int"}, {"wechat_app_token": "once"}], ids=str)
def test_the_mobile_of_who_pressed_the_phone_button(sandbox: str, switches: dict[str, str]) -> None:
    faults.write(switches)
    theirs = trade("wechat_miniprogram", code(sandbox, "wechat_miniprogram"))
    pressed = code(sandbox, "wechat_miniprogram", "phone_code")
    assert program().mobile(pressed, theirs.openid) == wechat_apps.mobile(XIAOLAN)
    with pytest.raises(CodeInvalid):
        program().mobile(pressed, theirs.openid)


@pytest.mark.parametrize(
    ("switches", "error"),
    [
        ({"wechat_phone": "foreign"}, CodeInvalid),
        ({"wechat_phone": "other_app"}, ProviderUnavailable),
        ({"wechat_app_token": "stale"}, ProviderUnavailable),
        ({"wechat_app_token_error": 40164}, ProviderUnavailable),
    ],
    ids=str,
)
def test_what_proves_no_mobile(sandbox: str, switches: dict[str, faults.Value], error: type[Exception]) -> None:
    faults.write(switches)
    theirs = trade("wechat_miniprogram", code(sandbox, "wechat_miniprogram"))
    with pytest.raises(error):
        program().mobile(code(sandbox, "wechat_miniprogram", "phone_code"), theirs.openid)


def test_threat_55_somebody_elses_phone_button_proves_nothing(sandbox: str) -> None:
    theirs = trade("wechat_miniprogram", code(sandbox, "wechat_miniprogram"))
    with pytest.raises(CodeInvalid):
        program().mobile(code(sandbox, "wechat_miniprogram", "phone_code", "sam"), theirs.openid)
