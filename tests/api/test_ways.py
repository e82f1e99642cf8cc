"""``GET /oauth/``: a front end reads it to draw its buttons."""

import json
from typing import Any

import pytest
from django.test import Client

from phonebind.oauth import Grant, NativeProvider
from tests.support.documents import code
from tests.support.edge import Configure
from tests.support.ways import DESKTOP, IN_WECHAT, PHONE, OfficialAccount, QRCode, entries


@pytest.fixture
def several(phonebind: Configure) -> None:
    providers = phonebind.settings.PHONEBIND["PROVIDERS"]
    native = {**entries(QRCode)["wechat_web"], "provider": f"{__name__}.App"}
    made = {**entries(QRCode, OfficialAccount), "app": native}
    phonebind.settings.PHONEBIND |= {"PROVIDERS": {**made, **providers}}


class App(NativeProvider):
    """A provider that no browser goes to has no button."""

    kind = "app"
    family = "app"
    label = "App"

    def verify(self, proof: str, *, nonce: str = "") -> Grant:
        raise AssertionError


def ask(client: Client, user_agent: str) -> Any:
    answer = client.get("/oauth/", headers={"user-agent": user_agent, "accept-language": "en"})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert answer.cookies == {}
    assert "the-secret" not in answer.content.decode()
    return answer.json()


QQ = {"name": "qq", "kind": "qq", "family": "qq", "label": "QQ", "text": "Sign in with QQ"}
WECHAT = {"family": "wechat", "label": "WeChat"}
QR_CODE = {"name": "wechat_web", "kind": "wechat_web", **WECHAT}
ACCOUNT = {"name": "wechat_oa", "kind": "wechat_oa", **WECHAT}


@pytest.mark.usefixtures("several")
def test_it_lists_what_works_here_and_what_takes_another_browser(client: Client) -> None:
    sign_in = {"text": "Sign in with WeChat"}
    assert ask(client, DESKTOP) == {"ways": [QR_CODE | sign_in, QQ], "elsewhere": []}
    assert ask(client, IN_WECHAT) == {"ways": [ACCOUNT | sign_in, QQ], "elsewhere": []}
    assert ask(client, PHONE) == {
        "ways": [QQ],
        "elsewhere": [
            QR_CODE | {"text": "To sign in with WeChat, open this page on a computer."},
            ACCOUNT | {"text": "To sign in with WeChat, open this page in the WeChat app."},
        ],
    }


@pytest.mark.usefixtures("several")
def test_it_is_what_the_document_shows(client: Client) -> None:
    [shown] = code("how-to/sign-in-page", "json")
    assert ask(client, IN_WECHAT) == json.loads(shown)


@pytest.mark.usefixtures("several")
def test_every_name_in_it_is_one_of_the_paths(client: Client) -> None:
    for way in ask(client, DESKTOP)["ways"]:
        assert client.get(f"/oauth/{way['name']}/authorization/").json().keys() == {"login_url"}


def test_the_texts_are_in_the_language_of_the_request(client: Client) -> None:
    way = client.get("/oauth/", headers={"accept-language": "zh-CN"}).json()["ways"][0]
    assert way["text"] == "使用QQ登录"


def test_the_audit_trail_has_it(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    ask(client, DESKTOP)
    assert "action=ways outcome=listed" in caplog.text


def test_another_method_is_none_of_it(client: Client) -> None:
    assert client.post("/oauth/").status_code == 405
