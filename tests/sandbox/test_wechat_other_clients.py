"""WeChat clients by other authors sign in through the sandbox over real HTTP."""

import warnings
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from phonebind_sandbox.conf import apps
from phonebind_sandbox.people import PEOPLE, Person
from phonebind_sandbox.wechat_answers import openid
from tests.sandbox.client import CALLBACK
from tests.sandbox.test_other_clients import _Strategy

with warnings.catch_warnings(action="ignore"):  # its OpenID library imports a deprecated module
    from social_core.backends.weixin import WeixinOAuth2, WeixinOAuth2APP

WEB, OA = apps()["wx1111111111111111"], apps()["wx2222222222222222"]
BACKENDS = {"weixin": (WeixinOAuth2, WEB), "weixinapp": (WeixinOAuth2APP, OA)}
IN_WECHAT = {"User-Agent": "Mozilla/5.0 MicroMessenger/8.0.50"}


class _Settings(_Strategy):
    def get_setting(self, name: str) -> Any:
        known = {
            f"SOCIAL_AUTH_{word.upper()}_{what}": value
            for word, (_, app) in BACKENDS.items()
            for what, value in (("KEY", app.client_id), ("SECRET", app.secret))
        }
        # Its default asks an official account for the scope of a website.
        return (
            known
            | {"SOCIAL_AUTH_WEIXINAPP_SCOPE": ["snsapi_userinfo"], "SOCIAL_AUTH_WEIXINAPP_IGNORE_DEFAULT_SCOPE": True}
        )[name]


@pytest.mark.parametrize("word", BACKENDS)
@pytest.mark.parametrize("person", PEOPLE.values(), ids=PEOPLE)
def test_python_social_auth(served: str, word: str, person: Person) -> None:
    published, app = BACKENDS[word]
    page = urlsplit(published.AUTHORIZATION_URL).path

    class Sandboxed(published):  # type: ignore[misc, valid-type]
        """The published backend, with another host."""

        AUTHORIZATION_URL = f"{served}wechat{page}"

        def request(self, url: str, *args: Any, **kwargs: Any) -> requests.Response:
            moved = url.replace("https://api.weixin.qq.com/", f"{served}wechat/")
            answer: requests.Response = super().request(moved, *args, **kwargs)
            return answer

    social = Sandboxed(_Settings(), redirect_uri=CALLBACK)
    with requests.Session() as browser:
        browser.headers.update(IN_WECHAT)
        url = social.auth_url()
        assert browser.get(url, timeout=5).status_code == 200
        back = browser.post(url, {"person": person.id}, allow_redirects=False, timeout=5).headers["Location"]
    social.data = dict(parse_qsl(urlsplit(back).query))
    signed_in = social.auth_complete()
    assert signed_in["uid"] == openid(person, app)
    assert signed_in["username"] == person.nickname
