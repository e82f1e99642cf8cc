"""Weibo: the cases that the contract test does not have."""

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import translation
from django.utils.functional import Promise
from pytest_django import Settings

from phonebind import binding, oauth
from phonebind.exceptions import CodeInvalid, PhonebindError, ProviderUnavailable
from phonebind.models import SocialAccount
from phonebind.oauth.base import Grant
from phonebind.oauth.weibo import PROFILE, TOKEN, TOKEN_INFO, Weibo
from tests.oauth.drivers.weibo import APP_KEY, DRIVER, ERRORS, SECRET, UID, refusal
from tests.oauth.drivers.weibo import TOKEN as ACCESS_TOKEN
from tests.support.edge import Answer, Configure, Upstream

CALLBACK = "https://shop.example/login/weibo/callback/"
PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126 Mobile Safari/537.36"
GRANT = Grant(openid=UID, access_token=ACCESS_TOKEN)

Set = Callable[..., None]


@pytest.fixture
def weibo(phonebind: Configure, settings: Settings) -> Set:
    """Weibo's entry in PROVIDERS."""

    def change(**options: Any) -> None:
        entry = {"client_id": APP_KEY, "client_secret": SECRET, "redirect_uri": CALLBACK, **options}
        settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {"weibo": entry}}

    return change


@pytest.fixture
def here(upstream: Upstream, weibo: Set) -> Upstream:
    weibo(base_url=upstream.url)
    DRIVER.person(upstream, UID)
    return upstream


# ---------------------------------------------------------------- the login URL


def test_the_login_url_asks_for_a_code(weibo: Set) -> None:
    weibo()
    url = urlsplit(oauth.web("weibo").login_url("S"))
    assert (url.scheme, url.netloc, url.path) == ("https", "api.weibo.com", "/oauth2/authorize")
    assert parse_qs(url.query) == {
        "client_id": [APP_KEY],
        "redirect_uri": [CALLBACK],
        "response_type": ["code"],
        "state": ["S"],
    }


def test_a_phone_goes_to_the_page_for_phones(weibo: Set) -> None:
    weibo()
    url = urlsplit(oauth.web("weibo").login_url("S", user_agent=PHONE))
    assert (url.scheme, url.netloc, url.path) == ("https", "open.weibo.cn", "/oauth2/authorize")
    assert parse_qs(url.query)["display"] == ["mobile"]


def test_another_address_holds_for_phones_too(weibo: Set) -> None:
    weibo(base_url="http://127.0.0.1:9000/weibo", scope="email,follow_app_official_microblog")
    url = oauth.web("weibo").login_url("S", user_agent=PHONE)
    assert url.startswith("http://127.0.0.1:9000/weibo/oauth2/authorize?")
    assert parse_qs(urlsplit(url).query)["scope"] == ["email,follow_app_official_microblog"]


# ---------------------------------------------------------------- a callback without a code


def test_who_refuses_has_cancelled(here: Upstream, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    state = parse_qs(urlsplit(client.get("/oauth/weibo/authorization/").json()["login_url"]).query)["state"][0]
    denied = {"error": "access_denied", "error_code": "21330", "error_description": "user denied your request."}
    answer = client.get("/oauth/weibo/user/", {"error_uri": "/oauth2/authorize", **denied, "state": state})
    assert (answer.status_code, answer.json()["code"]) == (400, "sign_in_cancelled")
    assert all(record.levelno < logging.WARNING for record in caplog.records)
    assert here.requests == []


@pytest.mark.parametrize("error", ["invalid_grant", "temporarily_unavailable", "21322", "-1", "x" * 64, "错"])
def test_what_the_person_can_repair_is_no_line_in_the_log(
    here: Upstream, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(oauth.web("weibo").refusal(error), CodeInvalid)
    assert not caplog.records


@pytest.mark.parametrize(
    "error",
    ["redirect_uri_mismatch", "invalid_request", "invalid_client", "unauthorized_client", "unsupported_response_type"],
)
def test_threat_48_what_a_browser_says_of_our_configuration_is_a_warning_once_a_minute(
    here: Upstream, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        assert isinstance(oauth.web("weibo").refusal(error), ProviderUnavailable)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert error in caplog.text


# ---------------------------------------------------------------- the code


def test_a_code_is_posted_as_a_form(here: Upstream) -> None:
    assert oauth.web("weibo").exchange("C&+ 错") == GRANT
    fields = {
        "client_id": APP_KEY,
        "client_secret": SECRET,
        "grant_type": "authorization_code",
        "code": "C&+ 错",
        "redirect_uri": CALLBACK,
    }
    assert here.requests == [(TOKEN, fields)]
    [(headers, body)] = here.raw
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert body.isascii()


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
@pytest.mark.parametrize("form", [int, str])
def test_an_error_is_understood_under_any_status_and_as_text(
    here: Upstream, status: int, form: Callable[[int], object]
) -> None:
    for error, code, repair in ERRORS:
        here.answer(TOKEN, refusal(error, form(code)), status=status)
        wanted: type[PhonebindError] = CodeInvalid if repair == "user" else ProviderUnavailable
        with pytest.raises(wanted):
            oauth.web("weibo").exchange("C")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refusal("unreadable", "x"), f"{TOKEN}: error -1"),
        (refusal("long", 10**9), f"{TOKEN}: error -1"),
        (refusal("new", 29999), f"{TOKEN}: error 29999"),
        ({"error": "no number"}, "an answer without uid"),
        ({"access_token": ACCESS_TOKEN}, "an answer without uid"),
        (b" " * 100_000, f"{TOKEN}: UpstreamError"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_threat_19_the_operator_reads_in_the_log_what_was_wrong(
    here: Upstream, answer: Any, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    here.answer(TOKEN, answer, status=400)
    with pytest.raises(ProviderUnavailable):
        oauth.web("weibo").exchange("C")
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert told.removesuffix("UpstreamError") in record.getMessage()
    assert SECRET not in caplog.text


# ---------------------------------------------------------------- the token of an app


@pytest.mark.parametrize("form", [int, str])
def test_a_token_is_asked_about_in_one_call(here: Upstream, form: Callable[[str], object]) -> None:
    here.answer(TOKEN_INFO, {"uid": form(UID), "appkey": form(APP_KEY), "expire_in": form("1")})
    assert oauth.native("weibo").proof == "token"
    assert oauth.native("weibo").verify("T") == Grant(openid=UID, access_token="T")
    assert here.requests == [(TOKEN_INFO, {"access_token": "T"})]


@pytest.mark.parametrize("appkey", ["100000002", "", None, int(APP_KEY) + 1, True, [APP_KEY]], ids=repr)
@pytest.mark.django_db
def test_threat_8_a_token_of_another_app_is_refused(
    client: Client, here: Upstream, appkey: object, caplog: pytest.LogCaptureFixture
) -> None:
    """The uid is the same in every app. So without the check, a token of any other app would sign its owner in here."""
    here.answer(TOKEN_INFO, {"uid": int(UID), "appkey": appkey, "expire_in": 157679})
    for _ in range(3):
        answer = client.post("/oauth/weibo/native/", {"token": "T0KEN", "uid": UID})
        assert (answer.status_code, answer.json()["code"]) == (400, "code_invalid")
    ours = [record for record in caplog.records if record.name == "phonebind.oauth.weibo"]
    assert [record.levelname for record in ours] == ["WARNING"], "once a minute (threat 48)"
    assert "T0KEN" not in caplog.text


@pytest.mark.django_db
def test_threat_1_a_uid_that_an_app_sends_is_nobody(client: Client, here: Upstream) -> None:
    answer = client.post("/oauth/weibo/native/", {"uid": UID, "openid": UID, "code": "C"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert here.requests == []


@pytest.mark.parametrize("uid", ["", 0, "0", -1, True, None, "x1", "1\n", "１", 2**63 * 10], ids=ascii)
def test_what_is_no_uid_is_nobody(here: Upstream, uid: object) -> None:
    here.answer(TOKEN_INFO, {"uid": uid, "appkey": APP_KEY, "expire_in": 157679})
    with pytest.raises(ProviderUnavailable):
        oauth.native("weibo").verify("T")


@pytest.mark.parametrize(("error", "code", "repair"), ERRORS, ids=str)
def test_each_refusal_of_a_token_is_for_who_can_repair_it(
    here: Upstream, error: str, code: int, repair: str, caplog: pytest.LogCaptureFixture
) -> None:
    here.answer(TOKEN_INFO, refusal(error, code, TOKEN_INFO), status=403)
    with pytest.raises(CodeInvalid if repair == "user" else ProviderUnavailable):
        oauth.native("weibo").verify("T")
    assert any("our configuration" in record.getMessage() for record in caplog.records) == (repair == "operator")


def test_threat_48_tokens_of_other_apps_are_no_alarm(here: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    """For another app that is not audited, Weibo may answer with the same error as for ours."""
    here.answer(TOKEN_INFO, refusal("applications over the unaudited use restrictions", 21321, TOKEN_INFO), status=403)
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            oauth.native("weibo").verify("T")
    assert [record.levelname for record in caplog.records] == ["WARNING"]


# ---------------------------------------------------------------- the identity


@pytest.mark.django_db
def test_an_account_stays_ones_where_the_shop_gets_another_app(
    here: Upstream, weibo: Set, django_user_model: Any
) -> None:
    identity, _ = binding.identify(oauth.get("weibo"), lambda: oauth.web("weibo").exchange("C"))
    user = django_user_model.objects.create(username="xiaoming", mobile=None)
    account = SocialAccount.objects.create(
        user=user, provider=identity.provider, app_id=identity.app_id, openid=identity.openid
    )
    weibo(base_url=here.url, client_id="100000002")
    assert binding.identify(oauth.get("weibo"), lambda: oauth.web("weibo").exchange("C"))[1] == account


@pytest.mark.django_db
def test_the_website_and_the_app_know_the_same_person(here: Upstream) -> None:
    on_the_web, _ = binding.identify(oauth.get("weibo"), lambda: oauth.web("weibo").exchange("C"))
    in_the_app, _ = binding.identify(oauth.get("weibo"), lambda: oauth.native("weibo").verify("T"))
    assert on_the_web.key == in_the_app.key == f"weibo:weibo:{UID}"


def test_its_name_is_a_text_that_can_be_translated() -> None:
    assert isinstance(Weibo.label, Promise)
    with translation.override("en"):
        assert str(Weibo.label) == "Weibo"


# ---------------------------------------------------------------- the profile


@pytest.mark.django_db
def test_the_profile_is_asked_for_once_and_only_of_somebody_new(here: Upstream, django_user_model: Any) -> None:
    identity, _ = binding.identify(oauth.get("weibo"), lambda: oauth.web("weibo").exchange("C"))
    assert here.paths == [TOKEN, PROFILE]
    assert here.requests[1] == (PROFILE, {"access_token": ACCESS_TOKEN, "uid": UID})
    # The commas would end the image's policy, and the page would show no image.
    assert identity.avatar == (
        "https://tvax1.sinaimg.cn/crop.0.0.1080.1080.180/a.jpg?KID=imgbed%2Ctva&Expires=1780000000"
    )
    assert identity.nickname == "小明"
    user = django_user_model.objects.create(username="xiaoming", mobile=None)
    SocialAccount.objects.create(user=user, provider="weibo", app_id="weibo", openid=UID)
    binding.identify(oauth.get("weibo"), lambda: oauth.web("weibo").exchange("C"))
    assert here.paths == [TOKEN, PROFILE, TOKEN]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b" " * 70_000 + b'{"screen_name":"x"}'),
        Answer(b'{"error":"expired_token","error_code":21327,"request":"/2/users/show.json"}', 403),
        Answer(b'{"error":"applications over the unaudited use restrictions!","error_code":21321}', 403),
        Answer(b'{"error":"User requests out of rate limit!","error_code":10023}', 403),
    ],
    ids=["long", "old", "unaudited", "limit"],
)
@pytest.mark.django_db
def test_a_profile_that_does_not_come_ends_no_sign_in(here: Upstream, answer: Answer) -> None:
    here.answers[PROFILE] = answer
    identity, _ = binding.identify(oauth.get("weibo"), lambda: oauth.web("weibo").exchange("C"))
    assert (identity.openid, identity.nickname, identity.avatar) == (UID, "", "")


def test_a_profile_just_below_the_limit_is_read(here: Upstream) -> None:
    here.answer(PROFILE, {"screen_name": "小明", "status": {"text": "x" * 60_000}})
    assert oauth.web("weibo").profile(GRANT).nickname == "小明"
