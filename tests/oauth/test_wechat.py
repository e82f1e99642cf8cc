"""WeChat's four kinds: the cases that the contract test of all providers does not have."""

import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pytest_django import Settings

from phonebind import binding, oauth, store
from phonebind.exceptions import CodeInvalid, ProviderUnavailable, SnapshotUser
from phonebind.models import SocialAccount
from phonebind.oauth import Grant, WebProvider, wechat, wechat_miniprogram, wechat_tokens
from phonebind.oauth.wechat_miniprogram import WeChatMiniProgram
from server.processes import Valkey
from tests.oauth.drivers import wechat_app, wechat_oa, wechat_web
from tests.oauth.drivers import wechat_miniprogram as mini
from tests.support.edge import Answer, Configure, Upstream
from tests.support.stopwatch import Stopwatch

pytestmark = pytest.mark.once

STATE = "0123456789abcdef" * 2
OPENID, UNIONID = wechat_web.DRIVER.openid, wechat_web.DRIVER.unionid

WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15"
ANDROID = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
TABLET = "Mozilla/5.0 (Linux; Android 15; Tab) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
IN_WECHAT = f"{ANDROID} XWEB/1 MicroMessenger/8.0.50(0x28003200) WeChat/arm64 Weixin NetType/WIFI Language/zh_CN"
ON_WINDOWS = f"{WINDOWS} NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090c33) XWEB/1"
IN_WECOM = f"{IPHONE} wxwork/4.1.30 MicroMessenger/7.0.1 Language/zh"


@pytest.fixture
def make(upstream: Upstream, phonebind: Configure, settings: Settings) -> Callable[..., Any]:
    """A provider of that driver's kind at the upstream, with other settings."""

    def made(driver: wechat_web.WeChat, **options: Any) -> Any:
        entry = {**driver.settings, "base_url": upstream.url, **options}
        settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {driver.kind: entry}}
        return oauth.get(driver.kind)

    return made


Make = Callable[..., Any]


# ---------------------------------------------------------------- where the browser goes


def test_the_qr_page_is_asked_as_documented(make: Make) -> None:
    url = make(wechat_web.DRIVER, base_url="", lang="").login_url(STATE)
    assert url == (
        "https://open.weixin.qq.com/connect/qrconnect?appid=wx0000000000000001"
        "&redirect_uri=https%3A%2F%2Fshop.example%2Flogin%2Fwechat_web%2Fcallback%2F"
        f"&response_type=code&scope=snsapi_login&state={STATE}#wechat_redirect"
    )


def test_the_page_in_wechat_is_asked_as_documented(make: Make) -> None:
    url = make(wechat_oa.DRIVER, base_url="").login_url(STATE)
    assert url == (
        "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx0000000000000002"
        "&redirect_uri=https%3A%2F%2Fshop.example%2Flogin%2Fwechat_oa%2Fcallback%2F"
        f"&response_type=code&scope=snsapi_userinfo&state={STATE}#wechat_redirect"
    )


@pytest.mark.parametrize("language", ["cn", "en"])
def test_the_language_of_the_qr_page(make: Make, language: str) -> None:
    provider = make(wechat_web.DRIVER, lang=language)
    assert provider.check() == []
    url = urlsplit(provider.login_url(STATE))
    assert dict(parse_qsl(url.query))["lang"] == language
    assert url.fragment == "wechat_redirect"


def test_the_silent_scope_of_an_official_account(make: Make) -> None:
    provider = make(wechat_oa.DRIVER, scope="snsapi_base")
    assert provider.check() == []
    assert "&scope=snsapi_base&" in provider.login_url(STATE)


def test_settings_that_wechat_does_not_know(make: Make) -> None:
    assert make(wechat_web.DRIVER, lang="zh").check() == ["lang must be 'cn' or 'en'."]
    assert make(wechat_oa.DRIVER, scope="snsapi_login").check() == [
        "scope must be 'snsapi_userinfo' or 'snsapi_base'.",
    ]


@pytest.mark.parametrize("driver", [wechat_web.DRIVER, wechat_oa.DRIVER], ids=lambda driver: driver.kind)
def test_threat_48_an_error_in_an_address_is_no_alarm(
    make: Make, driver: wechat_web.WeChat, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(make(driver).refusal("40001"), CodeInvalid)
    assert caplog.records == []


def test_an_official_account_takes_letters_and_digits_for_a_state(make: Make) -> None:
    assert make(wechat_oa.DRIVER).takes_any_state is False
    assert make(wechat_web.DRIVER).takes_any_state is True


@pytest.mark.parametrize(
    ("user_agent", "kinds"),
    [
        (WINDOWS, ["wechat_web"]),
        (MAC, ["wechat_web"]),
        ("", ["wechat_web"]),
        (ANDROID, []),
        (TABLET, []),
        (IPHONE, []),
        (IN_WECHAT, ["wechat_oa"]),
        (ON_WINDOWS, ["wechat_oa"]),
        (IN_WECOM, []),
    ],
)
def test_each_browser_is_offered_what_works_in_it(settings: Settings, user_agent: str, kinds: list[str]) -> None:
    drivers = (wechat_web.DRIVER, wechat_oa.DRIVER, wechat_app.DRIVER, mini.DRIVER)
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {each.kind: dict(each.settings) for each in drivers}}
    assert [each.kind for each in oauth.ways(user_agent)] == kinds


# ---------------------------------------------------------------- the QR code in our page


def test_nothing_is_embedded_unless_it_is_asked_for(make: Make) -> None:
    assert make(wechat_web.DRIVER).widget(STATE) is None
    assert make(wechat_oa.DRIVER).widget(STATE) is None


def test_what_the_script_is_told(make: Make) -> None:
    widget = make(wechat_web.DRIVER, embedded=True, base_url="").widget(STATE)
    assert widget.script == "https://res.wx.qq.com/connect/zh_CN/htmledition/js/wxLogin.js"
    assert widget.frame == "https://open.weixin.qq.com"
    assert widget.options == {
        "appid": "wx0000000000000001",
        "scope": "snsapi_login",
        "redirect_uri": "https%3A%2F%2Fshop.example%2Flogin%2Fwechat_web%2Fcallback%2F",
        "state": STATE,
        "self_redirect": False,
    }


def test_while_developing_the_script_is_the_sandboxs(make: Make, upstream: Upstream) -> None:
    widget = make(wechat_web.DRIVER, embedded=True).widget(STATE)
    assert widget.script == f"{upstream.url}/connect/zh_CN/htmledition/js/wxLogin.js"
    assert widget.frame == upstream.url


# ---------------------------------------------------------------- the identity


def trade(provider: Any, code: str = "0a1BC0DE") -> Grant:
    grant = provider.exchange(code) if isinstance(provider, WebProvider) else provider.verify(code)
    assert isinstance(grant, Grant)
    return grant


def test_the_code_is_traded_with_the_secret(make: Make, upstream: Upstream) -> None:
    provider = make(wechat_web.DRIVER)
    wechat_web.DRIVER.person(upstream, OPENID)
    assert trade(provider).openid == OPENID
    secret = wechat_web.DRIVER.settings["client_secret"]
    query = {"appid": "wx0000000000000001", "secret": secret, "code": "0a1BC0DE", "grant_type": "authorization_code"}
    assert upstream.requests == [(wechat.TOKEN, query)]


def test_a_mini_programs_code_has_another_name(make: Make, upstream: Upstream) -> None:
    provider = make(mini.DRIVER)
    mini.DRIVER.person(upstream, OPENID, unionid=UNIONID)
    grant = trade(provider)
    assert (grant.openid, grant.unionid, grant.access_token) == (OPENID, UNIONID, "")
    [(path, query)] = upstream.requests
    assert (path, query["js_code"]) == ("/sns/jscode2session", "0a1BC0DE")
    assert "session_key" not in repr(provider.profile(grant))


def test_a_returning_person_costs_one_call(make: Make, upstream: Upstream) -> None:
    provider = make(wechat_web.DRIVER)
    wechat_web.DRIVER.person(upstream, OPENID, unionid=UNIONID)
    grant = trade(provider)
    assert provider.unionid(grant) == UNIONID
    assert not provider.asks_unionid
    assert upstream.paths == [wechat.TOKEN]


def test_good_answers_may_carry_errcode_0(make: Make, upstream: Upstream) -> None:
    provider = make(wechat_app.DRIVER)
    for errcode in (0, "0", None):
        upstream.answer(wechat.TOKEN, {"errcode": errcode, "errmsg": "ok", "openid": OPENID, "access_token": "82_T"})
        assert trade(provider).openid == OPENID


def test_an_error_is_one_as_a_text_too(make: Make, upstream: Upstream) -> None:
    upstream.answer(wechat.TOKEN, {"errcode": "40163", "openid": OPENID})
    with pytest.raises(CodeInvalid):
        trade(make(wechat_app.DRIVER))


@pytest.mark.parametrize("number", ["9" * 10, "１", "40163\n", "0x1", "-"])
def test_an_error_that_cannot_be_read_is_one(number: str) -> None:
    assert wechat.errcode({"errcode": number}) == -1


# ---------------------------------------------------------------- the profile


def profile(nickname: bytes, avatar: str = "https://thirdwx.qlogo.cn/mmopen/x/132") -> bytes:
    return b'{"openid":"%s","nickname":"%s","headimgurl":"%s"}' % (OPENID.encode(), nickname, avatar.encode())


def test_the_profile_is_utf_8_whatever_its_header_says(make: Make, upstream: Upstream) -> None:
    body = profile("小明🦊".encode() + b"\x0b")
    upstream.answers[wechat.USERINFO] = Answer(
        b"",
        raw=(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; encoding=utf-8\r\n",
            b"Content-Length: %d\r\n\r\n" % len(body) + body,
        ),
    )
    found = make(wechat_web.DRIVER).profile(Grant(openid=OPENID, access_token="82_T"))
    assert found.nickname.startswith("小明🦊")
    assert found.avatar == "https://thirdwx.qlogo.cn/mmopen/x/132"
    assert upstream.requests == [(wechat.USERINFO, {"access_token": "82_T", "openid": OPENID, "lang": "zh_CN"})]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("http://wx.qlogo.cn/mmopen/x/132", "https://wx.qlogo.cn/mmopen/x/132"),
        ("http://evil.example/.qlogo.cn/132", "http://evil.example/.qlogo.cn/132"),
        ("http://evil.example?.qlogo.cn/132", "http://evil.example?.qlogo.cn/132"),
        ("", ""),
    ],
)
def test_avatars_are_asked_for_over_https(make: Make, upstream: Upstream, given: str, kept: str) -> None:
    upstream.answers[wechat.USERINFO] = Answer(profile(b"x", given))
    assert make(wechat_web.DRIVER).profile(Grant(openid=OPENID, access_token="82_T")).avatar == kept


@pytest.mark.parametrize("code", [42001, 40001, 48001, 45009, 40163])
def test_a_profile_that_is_refused_stops_nobody(make: Make, upstream: Upstream, code: int) -> None:
    upstream.answer(wechat.USERINFO, {"errcode": code})
    with pytest.raises(ProviderUnavailable):
        make(wechat_web.DRIVER).profile(Grant(openid=OPENID, access_token="82_T"))


def test_threat_48_a_scope_that_somebody_has_made_less_is_no_alarm(
    make: Make, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.answer(wechat.USERINFO, {"errcode": 48001})
    with pytest.raises(ProviderUnavailable):
        make(wechat_web.DRIVER).profile(Grant(openid=OPENID, access_token="82_T"))
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_the_silent_scope_and_mini_programs_have_no_profile(make: Make, upstream: Upstream) -> None:
    for provider in (make(wechat_oa.DRIVER, scope="snsapi_base"), make(mini.DRIVER)):
        assert provider.profile(Grant(openid=OPENID)).nickname == ""
    assert upstream.requests == []


# ---------------------------------------------------------------- snapshots


@pytest.mark.django_db
@pytest.mark.parametrize("flag", [1, "1", True, "true", 2], ids=repr)
def test_threat_54_a_snapshots_user_is_nobody(make: Make, upstream: Upstream, flag: object) -> None:
    """Even if the ids belong to an account: many snapshot users share the same ids."""
    provider = make(wechat_oa.DRIVER)
    upstream.answer(
        wechat.TOKEN, {"access_token": "82_T", "openid": OPENID, "unionid": UNIONID, "is_snapshotuser": flag}
    )
    with pytest.raises(SnapshotUser):
        binding.identify(provider, lambda: provider.exchange("0a1B"))
    assert upstream.paths == [wechat.TOKEN], "nothing more is asked"


@pytest.mark.parametrize("flag", [0, "0", None], ids=repr)
def test_whoever_is_no_snapshots_user_is_somebody(make: Make, upstream: Upstream, flag: object) -> None:
    upstream.answer(wechat.TOKEN, {"access_token": "82_T", "openid": OPENID, "is_snapshotuser": flag})
    assert not trade(make(wechat_oa.DRIVER)).virtual


@pytest.mark.django_db
def test_threat_54_a_snapshots_user_whose_flag_is_missing_is_nobody(make: Make, upstream: Upstream) -> None:
    provider = make(wechat_oa.DRIVER)
    wechat_oa.DRIVER.person(upstream, OPENID, unionid=UNIONID)
    upstream.answer(wechat.USERINFO, {"errcode": 48001, "errmsg": "api unauthorized, rid: 65f00001"})
    with pytest.raises(SnapshotUser):
        binding.identify(provider, lambda: provider.exchange("0a1B"))


def test_threat_54_no_account_is_found_by_the_unionid_of_snapshots_users(
    make: Make, upstream: Upstream, django_user_model: Any
) -> None:
    """One of these users may have been bound before. All of them may have that unionid."""
    user = django_user_model.objects.create(username="somebody", mobile=None)
    SocialAccount.objects.create(user=user, provider="wechat", app_id="wx-other", openid="o", unionid=UNIONID)
    provider = make(wechat_oa.DRIVER)
    wechat_oa.DRIVER.person(upstream, OPENID, unionid=UNIONID)
    upstream.answer(wechat.USERINFO, {"errcode": 48001})
    with pytest.raises(SnapshotUser):
        binding.identify(provider, lambda: provider.exchange("0a1B"))
    assert SocialAccount.objects.count() == 1


# ---------------------------------------------------------------- the phone button

APP_TOKEN = {"access_token": "90_APP", "expires_in": 7200}
MOBILE = "13900000001"


class Turns(dict[str, Any]):
    """The answers for each path, in order. The last one repeats."""

    def __getitem__(self, path: str) -> Answer:
        turns: list[Answer] = super().__getitem__(path)
        return turns.pop(0) if len(turns) > 1 else turns[0]


def body(fields: dict[str, Any]) -> Answer:
    return Answer(json.dumps(fields).encode())


def phone(appid: str = "wx0000000000000004", **info: Any) -> dict[str, Any]:
    known = {"phoneNumber": MOBILE, "purePhoneNumber": MOBILE, "countryCode": "86"}
    return {"errcode": 0, "errmsg": "ok", "phone_info": {**known, **info, "watermark": {"appid": appid}}}


@pytest.fixture
def program(make: Make, upstream: Upstream) -> WeChatMiniProgram:
    """A mini program that knows the mobile numbers of its users."""
    found = make(mini.DRIVER)
    assert isinstance(found, WeChatMiniProgram)
    upstream.answers = Turns({wechat_tokens.STABLE_TOKEN: [body(APP_TOKEN)], wechat_miniprogram.PHONE: [body(phone())]})
    return found


def turns(upstream: Upstream, *answers: dict[str, Any], path: str = wechat_miniprogram.PHONE) -> None:
    upstream.answers[path] = [body(answer) for answer in answers]  # type: ignore[assignment]


def test_the_mobile_behind_the_phone_button(program: WeChatMiniProgram, upstream: Upstream) -> None:
    assert program.mobile("PH0NE", OPENID) == MOBILE
    (first, asked), (second, sent) = upstream.requests
    assert (first, second) == ("/cgi-bin/stable_token", "/wxa/business/getuserphonenumber")
    assert asked == {"grant_type": "client_credential", "appid": program.app_id, "secret": "the-secret-of-a-mini"}
    assert sent == {"code": "PH0NE", "openid": OPENID}, "WeChat checks that it is theirs"


def test_a_country_code_may_be_a_number(program: WeChatMiniProgram, upstream: Upstream) -> None:
    turns(upstream, phone(countryCode=86))
    assert program.mobile("PH0NE", OPENID) == MOBILE


@pytest.mark.parametrize(
    ("country", "number"),
    [("852", "51234567"), (1, "2125550123"), ("", MOBILE), ("+86", MOBILE), (None, MOBILE)],
    ids=repr,
)
def test_a_number_of_another_country_is_none(
    program: WeChatMiniProgram, upstream: Upstream, country: object, number: str
) -> None:
    turns(upstream, phone(countryCode=country, purePhoneNumber=number))
    with pytest.raises(CodeInvalid) as refused:
        program.mobile("PH0NE", OPENID)
    assert refused.value.detail


@pytest.mark.parametrize(
    "answer",
    [
        phone(appid="wx9999999999999999"),
        {"errcode": 0, "phone_info": {"purePhoneNumber": MOBILE, "countryCode": "86"}},
        {"errcode": 0, "phone_info": MOBILE},
        phone(purePhoneNumber=""),
        phone(purePhoneNumber=f"+86{MOBILE}"),
        phone(purePhoneNumber=f"{MOBILE}\n"),
        phone(purePhoneNumber="１３９00000001"),
    ],
)
def test_threat_8_what_was_told_to_another_app_or_is_no_number_proves_nothing(
    program: WeChatMiniProgram, upstream: Upstream, answer: dict[str, Any]
) -> None:
    turns(upstream, answer)
    with pytest.raises(ProviderUnavailable):
        program.mobile("PH0NE", OPENID)


@pytest.mark.parametrize("code", [40029, 40163, 40003])
def test_a_code_that_is_wrong_used_or_somebody_elses(program: WeChatMiniProgram, upstream: Upstream, code: int) -> None:
    turns(upstream, {"errcode": code, "errmsg": "no, rid: 1"})
    with pytest.raises(CodeInvalid):
        program.mobile("PH0NE", OPENID)


# ---------------------------------------------------------------- the token of the app


def asked(upstream: Upstream) -> int:
    return upstream.paths.count(wechat_tokens.STABLE_TOKEN)


def test_the_token_is_asked_for_once_and_kept_until_five_minutes_before_its_end(
    program: WeChatMiniProgram, upstream: Upstream
) -> None:
    for _ in range(3):
        program.mobile("PH0NE", OPENID)
    assert asked(upstream) == 1
    with store.connection() as client:
        assert 6_890 < client.ttl(store.key("wechat_token", program.app_id)) <= 6_900


def test_who_has_waited_long_enough_for_another_process_asks(
    program: WeChatMiniProgram, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wechat_tokens, "STEP", 0.5)
    _, lock = wechat_tokens._keys(program)
    assert store.first(lock, 60)
    assert program.mobile("PH0NE", OPENID) == MOBILE
    assert asked(upstream) == 1


@pytest.mark.parametrize("seconds", [300, 0, -1, None, "7200", True], ids=repr)
def test_a_token_that_ends_at_once_is_not_kept(
    program: WeChatMiniProgram, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, seconds: object
) -> None:
    monkeypatch.setattr(wechat_tokens, "LOCK", 1)
    monkeypatch.setattr(wechat_tokens, "STEP", 0.5)
    turns(upstream, {**APP_TOKEN, "expires_in": seconds}, path=wechat_tokens.STABLE_TOKEN)
    for _ in range(2):
        assert program.mobile("PH0NE", OPENID) == MOBILE
    assert asked(upstream) == 2


def test_a_hosts_client_may_decode(program: WeChatMiniProgram, upstream: Upstream, settings: Settings) -> None:
    own = settings.CACHES["default"]
    redis = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": own["LOCATION"]}
    settings.CACHES = {"default": {**redis, "OPTIONS": {"decode_responses": True}}}
    for _ in range(2):
        assert program.mobile("PH0NE", OPENID) == MOBILE
    assert asked(upstream) == 1


def test_of_many_at_once_one_asks(program: WeChatMiniProgram, upstream: Upstream) -> None:
    upstream.answers[wechat_tokens.STABLE_TOKEN].delay = 0.2
    with ThreadPoolExecutor(8) as pool:
        mobiles = list(pool.map(lambda _: oauth.get("wechat_miniprogram").mobile("PH0NE", OPENID), range(8)))  # type: ignore[attr-defined]
    assert mobiles == [MOBILE] * 8
    assert asked(upstream) == 1


def test_whoever_waits_in_vain_asks(program: WeChatMiniProgram) -> None:
    """The process that was about to request the token has died."""
    assert wechat_tokens._kept(program) == ""
    with Stopwatch() as watch:
        assert program.mobile("PH0NE", OPENID) == MOBILE
    assert watch.wall > 0.5
    assert watch.seconds < 2.5


def test_threat_20_without_the_store_wechat_is_asked_again(
    program: WeChatMiniProgram, upstream: Upstream, valkey: Valkey
) -> None:
    valkey.stop()
    turns(upstream, {"errcode": 40001}, phone())
    assert program.mobile("PH0NE", OPENID) == MOBILE
    assert asked(upstream) == 2


@pytest.mark.parametrize("stale", [40001, 40014, 42001])
def test_a_stale_token_is_replaced_once(program: WeChatMiniProgram, upstream: Upstream, stale: int) -> None:
    program.mobile("PH0NE", OPENID)
    turns(upstream, APP_TOKEN | {"access_token": "90_NEXT"}, path=wechat_tokens.STABLE_TOKEN)
    turns(upstream, {"errcode": stale, "errmsg": "invalid credential, rid: 1"}, phone())
    with Stopwatch() as watch:
        assert program.mobile("PH0NE", OPENID) == MOBILE
    assert watch.seconds < 0.5, "nobody is waited for"
    assert asked(upstream) == 2
    assert wechat_tokens._kept(program) == "90_NEXT"


def test_a_token_that_another_process_has_replaced_stays(program: WeChatMiniProgram, upstream: Upstream) -> None:
    program.mobile("PH0NE", OPENID)
    wechat_tokens._drop(program, "90_OLD")
    assert wechat_tokens._kept(program) == "90_APP"


@pytest.mark.parametrize("stale", [40001, 40014, 42001])
def test_twice_stale_is_the_operators(
    program: WeChatMiniProgram, upstream: Upstream, stale: int, caplog: pytest.LogCaptureFixture
) -> None:
    turns(upstream, {"errcode": stale})
    with pytest.raises(ProviderUnavailable):
        program.mobile("PH0NE", OPENID)
    assert asked(upstream) == 2
    assert upstream.paths.count(wechat_miniprogram.PHONE) == 2
    [error] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert f"error {stale}" in error.getMessage()


def test_an_address_that_is_not_on_the_list_is_the_operators(
    program: WeChatMiniProgram, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    turns(upstream, {"errcode": 40164, "errmsg": "invalid ip 203.0.113.7, rid: 1"}, path=wechat_tokens.STABLE_TOKEN)
    with pytest.raises(ProviderUnavailable):
        program.mobile("PH0NE", OPENID)
    assert "error 40164 at /cgi-bin/stable_token" in caplog.text
    assert upstream.paths == [wechat_tokens.STABLE_TOKEN]


@pytest.mark.parametrize("answer", [{}, {"errcode": 0}, {"access_token": None, "expires_in": 7200}])
def test_an_answer_without_a_token(program: WeChatMiniProgram, upstream: Upstream, answer: dict[str, Any]) -> None:
    turns(upstream, answer, path=wechat_tokens.STABLE_TOKEN)
    with pytest.raises(ProviderUnavailable):
        program.mobile("PH0NE", OPENID)


def test_threat_9_neither_token_nor_code_nor_mobile_is_logged(
    program: WeChatMiniProgram, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    program.mobile("PH0NE", OPENID)
    upstream.answers[wechat_miniprogram.PHONE] = [Answer(b"", 503)]  # type: ignore[assignment]
    with pytest.raises(ProviderUnavailable):
        program.mobile("PH0NE", OPENID)
    assert "/wxa/business/getuserphonenumber: status 503" in caplog.text
    for hidden in ("90_APP", "PH0NE", "the-secret-of-a-mini", MOBILE):
        assert hidden not in caplog.text
