"""Clients by other authors sign in through the sandbox over real HTTP, and find the provider that they expect."""

import warnings
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session

from phonebind_sandbox.conf import apps
from phonebind_sandbox.people import PEOPLE, Person
from tests.sandbox.client import CALLBACK

with warnings.catch_warnings(action="ignore"):  # its OpenID library imports a deprecated module
    from social_core.backends.qq import QQOAuth2
    from social_core.backends.weibo import WeiboOAuth2
    from social_core.storage import BaseStorage, NonceMixin
    from social_core.strategy import BaseStrategy

APP = apps()["101000001"]
WEIBO_APP = apps()["100000001"]


def _press(url: str, person: Person) -> str:
    """Press a person's button on the page at this address. Returns the address that the browser is sent to."""
    with requests.Session() as browser:
        assert browser.get(url, timeout=5).status_code == 200
        response = browser.post(url, {"person": person.id}, allow_redirects=False, timeout=5)
    location = response.headers["Location"]
    assert location.startswith(CALLBACK)
    return location


class _Nonces(NonceMixin):
    """The states of the sign-ins that have begun."""

    kept: ClassVar[set[tuple[object, ...]]] = set()

    @classmethod
    def use(cls, *state: object) -> bool:
        cls.kept.add(state)
        return True

    @classmethod
    def consume(cls, *state: object) -> bool:
        cls.kept.remove(state)
        return True


class _Storage(BaseStorage):
    nonce = _Nonces


class _Strategy(BaseStrategy[Any]):
    """A host of python-social-auth without a database: a session, settings, and the data of one request."""

    def __init__(self) -> None:
        self.session: dict[str, Any] = {}
        super().__init__(storage=_Storage)

    def get_setting(self, name: str) -> Any:
        return {
            "SOCIAL_AUTH_QQ_KEY": APP.client_id,
            "SOCIAL_AUTH_QQ_SECRET": APP.secret,
            "SOCIAL_AUTH_WEIBO_KEY": WEIBO_APP.client_id,
            "SOCIAL_AUTH_WEIBO_SECRET": WEIBO_APP.secret,
        }[name]

    def request_data(self, merge: bool = True) -> dict[str, str]:
        return {}

    def build_absolute_uri(self, path: str | None = None) -> str:
        return CALLBACK

    def session_get(self, name: str, default: Any = None) -> Any:
        return self.session.get(name, default)

    def session_set(self, name: str, value: Any) -> None:
        self.session[name] = value

    def session_pop(self, name: str) -> Any:
        return self.session.pop(name, None)

    def authenticate(self, backend: Any, *args: Any, **kwargs: Any) -> Any:
        return {"uid": backend.get_user_id({}, kwargs["response"]), **backend.get_user_details(kwargs["response"])}


@pytest.fixture
def social(served: str) -> QQOAuth2[Any]:
    class Sandboxed(QQOAuth2[Any]):
        """The published backend, with another host."""

        AUTHORIZATION_URL = f"{served}qq/oauth2.0/authorize"

        def request(self, url: str, *args: Any, **kwargs: Any) -> requests.Response:
            return super().request(url.replace("https://graph.qq.com/", f"{served}qq/"), *args, **kwargs)

    return Sandboxed(_Strategy(), redirect_uri=CALLBACK)


@pytest.mark.parametrize("person", PEOPLE.values(), ids=PEOPLE)
def test_python_social_auth(social: QQOAuth2[Any], person: Person) -> None:
    location = _press(social.auth_url(), person)
    social.data = dict(parse_qsl(urlsplit(location).query))
    signed_in: Any = social.auth_complete()
    assert signed_in["uid"] == person.openid(APP)
    assert signed_in["username"] == person.nickname


@pytest.mark.parametrize("person", PEOPLE.values(), ids=PEOPLE)
def test_authlib(served: str, person: Person) -> None:
    base = f"{served}qq/"
    with OAuth2Session(
        APP.client_id,
        APP.secret,
        scope="get_user_info",
        redirect_uri=CALLBACK,
        token_endpoint_auth_method="client_secret_post",
    ) as session:
        url, state = session.create_authorization_url(f"{base}oauth2.0/authorize")
        token = session.fetch_token(
            f"{base}oauth2.0/token",
            authorization_response=_press(url, person),
            state=state,
            fmt="json",
            need_openid="1",
        )
        assert token["openid"] == person.openid(APP)

        token = session.refresh_token(f"{base}oauth2.0/token", token["refresh_token"], body="fmt=json")
        asked = {"access_token": token["access_token"], "oauth_consumer_key": APP.client_id}
        me = session.get(f"{base}oauth2.0/me", params=asked | {"fmt": "json", "unionid": "1"}).json()
        assert me == {"client_id": APP.client_id, "openid": person.openid(APP), "unionid": person.unionid(APP)}
        profile = session.get(f"{base}user/get_user_info", params=asked | {"openid": me["openid"]}).json()
        assert (profile["ret"], profile["nickname"]) == (0, person.nickname)


@pytest.fixture
def social_weibo(served: str) -> WeiboOAuth2[Any]:
    class Sandboxed(WeiboOAuth2[Any]):
        """The published backend, with another host."""

        AUTHORIZATION_URL = f"{served}weibo/oauth2/authorize"

        def request(self, url: str, *args: Any, **kwargs: Any) -> requests.Response:
            return super().request(url.replace("https://api.weibo.com/", f"{served}weibo/"), *args, **kwargs)

    return Sandboxed(_Strategy(), redirect_uri=CALLBACK)


@pytest.mark.parametrize("person", PEOPLE.values(), ids=PEOPLE)
def test_weibo_by_python_social_auth(social_weibo: WeiboOAuth2[Any], person: Person) -> None:
    location = _press(social_weibo.auth_url(), person)
    social_weibo.data = dict(parse_qsl(urlsplit(location).query))
    signed_in: Any = social_weibo.auth_complete()
    assert signed_in["uid"] == person.weibo_uid
    assert signed_in["username"] == person.nickname


def test_weibo_by_python_social_auth_asks_whose_a_token_is(social_weibo: WeiboOAuth2[Any], served: str) -> None:
    given = requests.get(f"{served}weibo/sdk/token?person=fox", timeout=5).json()
    found: Any = social_weibo.user_data(given["access_token"])
    assert (found["idstr"], found["uid"]) == (PEOPLE["fox"].weibo_uid, int(PEOPLE["fox"].weibo_uid))


@pytest.mark.parametrize("person", PEOPLE.values(), ids=PEOPLE)
def test_weibo_by_authlib(served: str, person: Person) -> None:
    base = f"{served}weibo/"
    with OAuth2Session(
        WEIBO_APP.client_id,
        WEIBO_APP.secret,
        redirect_uri=CALLBACK,
        token_endpoint_auth_method="client_secret_post",
    ) as session:
        url, state = session.create_authorization_url(f"{base}oauth2/authorize")
        token = session.fetch_token(
            f"{base}oauth2/access_token", authorization_response=_press(url, person), state=state
        )
        asked = {"access_token": token["access_token"]}
        info = session.post(f"{base}oauth2/get_token_info", data=asked).json()
        assert (info["appkey"], info["uid"]) == (WEIBO_APP.client_id, int(person.weibo_uid))
        profile = session.get(f"{base}2/users/show.json", params=asked | {"uid": token["uid"]}).json()
        assert (profile["idstr"], profile["screen_name"]) == (person.weibo_uid, person.nickname)
