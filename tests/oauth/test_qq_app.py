"""QQ in an app: the cases that the contract test does not have."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from phonebind import oauth
from phonebind.exceptions import CodeInvalid, ProviderUnavailable
from phonebind.oauth import NativeProvider, WebProvider
from phonebind.oauth.base import Grant
from phonebind.oauth.qq_connect import ME, PROFILE
from tests.oauth.drivers.qq_app import APP_ID, DRIVER
from tests.support.edge import OPENID, UNIONID, Configure, Upstream


@pytest.fixture(autouse=True)
def configured(upstream: Upstream, phonebind: Configure, settings: Settings) -> None:
    entry = {"client_id": APP_ID, "unionid": True, "base_url": upstream.url}
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {"qq_app": entry}}
    DRIVER.person(upstream, OPENID, unionid=UNIONID)


@pytest.fixture
def without_unionid(settings: Settings) -> None:
    providers: dict[str, Any] = settings.PHONEBIND["PROVIDERS"]
    entry = {**providers["qq_app"], "unionid": False}
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {"qq_app": entry}}


def test_no_browser_goes_there() -> None:
    assert not isinstance(oauth.get("qq_app"), WebProvider)
    assert oauth.native("qq_app").proof == "token"
    assert oauth.native("qq_app").required == ("client_id",)


def test_it_is_of_the_family_of_the_website() -> None:
    assert oauth.get("qq_app").family == "qq"
    assert oauth.get("qq_app").app_id == APP_ID


def test_a_token_is_asked_about_in_one_call(upstream: Upstream) -> None:
    grant = oauth.native("qq_app").verify("T")
    assert grant == Grant(openid=OPENID, access_token="T", unionid=UNIONID)
    assert upstream.requests == [(ME, {"access_token": "T", "fmt": "json", "unionid": "1"})]


def test_jsonp_is_understood_here_too(upstream: Upstream) -> None:
    upstream.answer(ME, b'callback( {"client_id":"%s","openid":"%s",} );' % (APP_ID.encode(), OPENID.encode()))
    assert oauth.native("qq_app").verify("T").openid == OPENID


@pytest.mark.usefixtures("without_unionid")
def test_the_unionid_is_asked_for_only_where_the_app_may(upstream: Upstream) -> None:
    DRIVER.person(upstream, OPENID)
    assert oauth.native("qq_app").verify("T") == Grant(openid=OPENID, access_token="T")
    assert upstream.requests == [(ME, {"access_token": "T", "fmt": "json"})]


class Reluctant(dict[str, Any]):
    """A server that refuses the unionid once, and then answers the request without it."""

    asked = 0

    def __getitem__(self, path: str) -> Any:
        self.asked += 1
        return super().__getitem__(path if self.asked > 1 else "refusal")


def test_an_app_without_the_permission_is_asked_about_again_without(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    DRIVER.person(upstream, OPENID)
    upstream.answer("refusal", {"error": 100048, "error_description": "the companyid is not set"})
    upstream.answers = Reluctant(upstream.answers)
    assert oauth.native("qq_app").verify("T") == Grant(openid=OPENID, access_token="T")
    asked = {"access_token": "T", "fmt": "json"}
    assert upstream.requests == [(ME, {**asked, "unionid": "1"}), (ME, asked)]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "PROVIDERS['qq_app']['unionid']" in caplog.text


@pytest.mark.parametrize("unionid", ["", None])
def test_a_person_may_have_no_unionid(upstream: Upstream, unionid: object) -> None:
    upstream.answer(ME, {"client_id": APP_ID, "openid": OPENID, "unionid": unionid})
    assert oauth.native("qq_app").verify("T").unionid is None


@pytest.mark.parametrize("client_id", ["101000001", "", None, int(APP_ID) + 1, True], ids=repr)
@pytest.mark.django_db
def test_threat_8_a_token_of_another_app_is_refused(
    client: Client, upstream: Upstream, client_id: object, caplog: pytest.LogCaptureFixture
) -> None:
    """The website's token is refused too: that both apps have the same owner proves nothing here."""
    upstream.answer(ME, {"client_id": client_id, "openid": OPENID, "unionid": UNIONID})
    answer = client.post("/oauth/qq_app/native/", {"token": "T0KEN", "openid": OPENID})
    assert (answer.status_code, answer.json()["code"]) == (400, "code_invalid")
    assert "T0KEN" not in caplog.text


def test_threat_48_tokens_of_others_are_told_of_once_a_minute(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.answer(ME, {"client_id": "101000001", "openid": OPENID})
    for _ in range(5):
        with pytest.raises(CodeInvalid):
            oauth.native("qq_app").verify("T")
    assert [(record.levelname, record.name) for record in caplog.records] == [("WARNING", "phonebind.oauth.qq_app")]


@pytest.mark.parametrize("error", [100008, 100011])
def test_threat_48_what_is_wrong_with_a_tokens_app_is_no_alarm(
    upstream: Upstream, error: int, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.answer(ME, {"error": error, "error_description": "no"})
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            oauth.native("qq_app").verify("T")
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_threat_48_a_token_of_an_app_without_unionid_says_nothing_of_ours(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.answer("refusal", {"error": 100048, "error_description": "the companyid is not set"})
    upstream.answer(ME, {"client_id": "101000001", "openid": OPENID})
    upstream.answers = Reluctant(upstream.answers)
    with pytest.raises(CodeInvalid):
        oauth.native("qq_app").verify("T")
    assert "PROVIDERS" not in caplog.text


@pytest.mark.django_db
def test_threat_1_an_openid_that_an_app_sends_is_nobody(client: Client, upstream: Upstream) -> None:
    answer = client.post("/oauth/qq_app/native/", {"openid": OPENID, "client_id": APP_ID})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    answer = client.post("/oauth/qq_app/native/", {"code": "C", "openid": OPENID})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert upstream.requests == []


def test_the_nickname_and_the_avatar_are_asked_of_the_profile(upstream: Upstream) -> None:
    picture = "http://thirdqq.qlogo.cn/g?b=oidb&s=100"
    upstream.answer(PROFILE, {"ret": 0, "msg": "", "nickname": "小明", "figureurl_qq_1": picture})
    profile = oauth.native("qq_app").profile(Grant(openid=OPENID, access_token="T"))
    assert (profile.nickname, profile.avatar) == ("小明", "https://thirdqq.qlogo.cn/g?b=oidb&s=100")
    assert upstream.requests == [(PROFILE, {"access_token": "T", "oauth_consumer_key": APP_ID, "openid": OPENID})]


@pytest.mark.parametrize("error", [100007, 100013, 100014, 100016, 100030])
def test_no_error_of_the_profile_ends_a_sign_in(upstream: Upstream, error: int) -> None:
    upstream.answer(PROFILE, {"ret": error, "msg": "no"})
    with pytest.raises(ProviderUnavailable):
        oauth.native("qq_app").profile(Grant(openid=OPENID, access_token="T"))


def test_me_without_an_openid_is_no_answer(upstream: Upstream) -> None:
    upstream.answer(ME, {"client_id": APP_ID})
    with pytest.raises(ProviderUnavailable):
        oauth.native("qq_app").verify("T")


def test_a_name_of_the_operators_own_is_the_one_in_the_log(
    upstream: Upstream, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    entry = settings.PHONEBIND["PROVIDERS"]["qq_app"]
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {"ipad": {**entry, "provider": "qq_app"}}}
    upstream.answer(ME, {"error": 100008, "error_description": ""})
    provider = oauth.get("ipad")
    assert isinstance(provider, NativeProvider)
    with pytest.raises(ProviderUnavailable):
        provider.verify("T")
    assert "PROVIDERS']['ipad']" in caplog.text
