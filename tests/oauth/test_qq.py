"""QQ Connect: every form of answer in docs/en/explanation/qq.md, and many forms that no document describes."""

import doctest
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonebind import oauth
from phonebind.exceptions import PhonebindError, ProviderUnavailable, ProviderUnknown
from phonebind.oauth import qq_connect
from phonebind.oauth.base import Grant, Identity
from phonebind.oauth.qq_connect import parse
from tests.support.edge import OPENID, UNIONID, Configure, Upstream

TOKEN, ME, PROFILE = "/oauth2.0/token", "/oauth2.0/me", "/user/get_user_info"
APP_ID = "101000001"
GRANT = Grant(access_token="T", openid=OPENID)

Fields = dict[str, Any]


def as_json(fields: Fields) -> bytes:
    return json.dumps(fields).encode()


def as_jsonp(fields: Fields) -> bytes:
    return b"callback( %s );" % as_json(fields)


def as_jsonp_in_lines(fields: Fields) -> bytes:
    return b"\r\ncallback(\n%s\n)\n ;\n" % as_json(fields)


def with_trailing_comma(fields: Fields) -> bytes:
    return b"callback( %s, } );" % as_json(fields).rstrip(b"}")


def as_form(fields: Fields) -> bytes:
    return urlencode(fields).encode()


FORMS = [as_json, as_jsonp, as_jsonp_in_lines, with_trailing_comma, as_form]
any_form = pytest.mark.parametrize("form", FORMS)

Form = Callable[[Fields], bytes]


@pytest.fixture
def provider(qq: Upstream) -> oauth.WebProvider:
    return oauth.web("qq")


# ---------------------------------------------------------------- the login URL


def test_the_login_url_asks_for_a_code(phonebind: Configure) -> None:
    phonebind(providers={"base_url": ""})
    url = urlsplit(oauth.web("qq").login_url("S&S"))
    assert oauth.get("qq").app_id == APP_ID
    assert (url.scheme, url.netloc, url.path) == ("https", "graph.qq.com", "/oauth2.0/authorize")
    settings = oauth.get("qq").settings
    assert parse_qs(url.query) == {
        "response_type": ["code"],
        "client_id": [APP_ID],
        "redirect_uri": [settings.redirect_uri],
        "state": ["S&S"],
        "scope": ["get_user_info"],
    }


def test_a_phone_gets_a_page_for_phones(provider: oauth.WebProvider) -> None:
    assert parse_qs(urlsplit(provider.login_url("S", user_agent="… Mobile Safari/604.1")).query)["display"] == [
        "mobile"
    ]


# ---------------------------------------------------------------- the code


@any_form
@pytest.mark.parametrize("expires_in", [7776000, "7776000"], ids=repr)
def test_a_code_is_traded_in_one_call(
    provider: oauth.WebProvider, qq: Upstream, form: Form, expires_in: object
) -> None:
    qq.answer(TOKEN, form({"access_token": "T", "expires_in": expires_in, "refresh_token": "R", "openid": OPENID}))
    assert provider.exchange("C") == GRANT
    assert qq.requests == [
        (
            TOKEN,
            {
                "grant_type": "authorization_code",
                "client_id": APP_ID,
                "client_secret": "sandbox-secret",
                "code": "C",
                "redirect_uri": provider.settings.redirect_uri,
                "fmt": "json",
                "need_openid": "1",
            },
        )
    ]


@any_form
def test_where_the_openid_is_missing_me_is_asked(provider: oauth.WebProvider, qq: Upstream, form: Form) -> None:
    qq.answer(TOKEN, b"access_token=T&expires_in=7776000&refresh_token=R")
    qq.answer(ME, form({"client_id": APP_ID, "openid": OPENID}))
    assert provider.exchange("C") == GRANT
    assert qq.requests[1:] == [(ME, {"access_token": "T", "fmt": "json"})]


#: Who must fix it: the person by signing in again, the operator, or the provider.
PERSON = (100005, *range(100018, 100021))
OPERATOR = tuple(error for error in range(100001, 100012) if error not in PERSON)
THEIRS = (100000, *range(100013, 100018), *range(100021, 100049), 1, -1, 10**12, "oops", True)


@pytest.mark.parametrize("error", ["100030", "access_denied", "-1", "x" * 64, "１００００８", *map(str, PERSON)])
def test_what_the_person_can_repair_is_no_line_in_the_log(error: str, caplog: pytest.LogCaptureFixture) -> None:
    refusal = oauth.web("qq").refusal(error)
    assert refusal.code == "code_invalid"
    assert not caplog.records


def test_nothing_in_place_of_a_code_is_a_cancel(caplog: pytest.LogCaptureFixture) -> None:
    assert oauth.web("qq").refusal("").code == "sign_in_cancelled"
    assert not caplog.records


@pytest.mark.parametrize("error", OPERATOR)
def test_what_comes_back_in_place_of_a_code_may_be_the_operators_to_repair(
    error: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert oauth.web("qq").refusal(str(error)).code == "provider_unavailable"
    assert [record.levelname for record in caplog.records] == ["WARNING"], "anybody can write that into an address"
    assert f"error {error}" in caplog.text


def outcome(act: Callable[[], object]) -> str:
    with pytest.raises(PhonebindError) as caught:
        act()
    return caught.value.code


@any_form
@pytest.mark.parametrize("status", [200, 400, 500])
def test_an_error_is_understood_in_any_form_under_any_status(
    provider: oauth.WebProvider, qq: Upstream, form: Form, status: int
) -> None:
    for error in (*PERSON, 100001, 100016, 1, -1, "oops"):
        qq.answer(TOKEN, form({"error": error, "error_description": "code is reused error"}), status=status)
        expected = "code_invalid" if error in PERSON else "provider_unavailable"
        assert outcome(lambda: provider.exchange("C")) == expected, error
    assert set(qq.paths) == {TOKEN}


@pytest.mark.parametrize(
    ("errors", "expected", "logged"),
    [
        (PERSON, "code_invalid", []),
        (OPERATOR, "provider_unavailable", ["ERROR"]),
        (THEIRS, "provider_unavailable", ["WARNING"]),
    ],
    ids=["person", "operator", "theirs"],
)
def test_every_known_error_is_told_to_who_repairs_it(
    qq: Upstream, errors: Sequence[object], expected: str, logged: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    for error in errors:
        caplog.clear()
        qq.answer(TOKEN, as_jsonp({"error": error, "error_description": "sandbox-secret"}))
        assert outcome(lambda: oauth.web("qq").exchange("C")) == expected, error
        assert [record.levelname for record in caplog.records] == logged, error
        assert "sandbox-secret" not in caplog.text


@pytest.mark.parametrize("error", [*PERSON, 100016, 100048])
def test_no_error_of_me_is_the_persons_to_repair(provider: oauth.WebProvider, qq: Upstream, error: int) -> None:
    qq.answer(TOKEN, b"access_token=T")
    qq.answer(ME, as_jsonp({"error": error, "error_description": ""}))
    with pytest.raises(ProviderUnavailable):
        provider.exchange("C")


@pytest.mark.parametrize(
    ("path", "answer", "told"),
    [
        (TOKEN, {"expires_in": 1}, "token answer without access_token"),
        (TOKEN, {"error": 100016}, f"{TOKEN}: error 100016"),
        (TOKEN, {"error": 100008}, f"error 100008 at {TOKEN}"),
        (TOKEN, {"error": "oops"}, f"{TOKEN}: error -1"),
        (TOKEN, {"error": 10**9}, f"{TOKEN}: error -1"),
        (ME, {"client_id": "101000002", "openid": OPENID}, "/me answers for another app"),
        (ME, {"client_id": APP_ID}, "/me answers without openid"),
        (ME, {"client_id": APP_ID, "openid": "OTHER"}, "/me names another person"),
        (ME, {"error": 100016}, f"{ME}: error 100016"),
        (ME, {"error": 100048}, "PROVIDERS['qq']['unionid']"),
        (ME, b" " * 100_000, f"{ME}: "),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_the_operator_reads_in_the_log_what_was_wrong(
    provider: oauth.WebProvider, qq: Upstream, caplog: pytest.LogCaptureFixture, path: str, answer: Any, told: str
) -> None:
    qq.answer(path, answer)
    with suppress(ProviderUnavailable):
        provider.exchange("C")
        provider.unionid(GRANT)
    [line] = caplog.messages
    assert line.startswith("QQ")
    assert told in line
    assert "None" not in line


GARBAGE = {
    "empty": b"",
    "spaces": b" \r\n ",
    "html": b"<!doctype html><title>502 Bad Gateway</title>",
    "html that echoes the code": b"<p>Wrong code: x&access_token=T&openid=OTHER&",
    "text that echoes the code": b"Wrong code: x&access_token=T&openid=OTHER",
    "half of the JSON": b'{"access_token": "T", "openid": "O',
    "half of the JSONP": b'callback( {"access_token": "T"',
    "a list": b'["access_token", "openid"]',
    "a string": b'"access_token=T"',
    "null": b"null",
    "nested": b'{"access_token": {"a": "T"}, "openid": ["O"]}',
    "deep": b'{"a":' * 10_000,
    "deep lists": b'{"a":' + b"[" * 30_000,
    "a huge number": b'{"access_token": ' + b"1" * 5_000 + b"}",
    "utf-16": '{"access_token": "T", "openid": "O"}'.encode("utf-16"),
    "nulls": b'{"access_token": null, "openid": null}',
    "booleans": b'{"access_token": true, "openid": true}',
    "no token": b'{"expires_in": 1, "openid": "O"}',
    "an empty token": b'{"access_token": "", "openid": "O"}',
    "binary": bytes(range(256)),
    "too long": b" " * 100_000,
}


@pytest.mark.parametrize("body", GARBAGE)
def test_threat_19_garbage_is_no_answer(provider: oauth.WebProvider, qq: Upstream, body: str) -> None:
    for status in (200, 502):
        qq.answer(TOKEN, GARBAGE[body], status=status)
        assert outcome(lambda: provider.exchange("C")) == "provider_unavailable"
    assert qq.paths == [TOKEN, TOKEN]


def test_a_token_of_half_a_character_is_no_crash(provider: oauth.WebProvider, qq: Upstream) -> None:
    qq.answer(TOKEN, rb'{"access_token": "\ud800"}')
    assert provider.exchange("C").openid == OPENID
    assert qq.requests[1] == (ME, {"access_token": "\ufffd", "fmt": "json"})


# ---------------------------------------------------------------- the identity


@pytest.mark.parametrize("client_id", ["101000002", "", None, int(APP_ID) + 1], ids=repr)
def test_threat_8_a_token_of_another_app_is_refused(
    provider: oauth.WebProvider, qq: Upstream, client_id: object
) -> None:
    qq.answer(TOKEN, b"access_token=T")
    qq.answer(ME, as_json({"client_id": client_id, "openid": OPENID}))
    with pytest.raises(ProviderUnavailable):
        provider.exchange("C")
    with pytest.raises(ProviderUnavailable):
        provider.unionid(GRANT)


@pytest.mark.parametrize("openid", ["", None, True, False, 1.5], ids=repr)
def test_me_without_an_openid_is_no_answer(provider: oauth.WebProvider, qq: Upstream, openid: object) -> None:
    qq.answer(TOKEN, b"access_token=T")
    qq.answer(ME, as_json({"client_id": APP_ID, "openid": openid}))
    with pytest.raises(ProviderUnavailable):
        provider.exchange("C")


@pytest.mark.parametrize(
    "value", ["a b", " a", "a ", "a\n", "\x00", "é", "１", "a" * 256, "\ud800", "\u200b", "\x7f"], ids=ascii
)
def test_an_id_that_databases_might_take_for_another_is_none(value: str) -> None:
    with pytest.raises(ProviderUnavailable):
        Identity("qq", APP_ID, value)
    with pytest.raises(ProviderUnavailable):
        Identity("qq", APP_ID, OPENID, unionid=value)


def test_an_identity_may_have_no_unionid() -> None:
    assert Identity("qq", APP_ID, OPENID).unionid is None
    assert Identity("qq", APP_ID, OPENID, unionid=UNIONID).key == f"qq:{APP_ID}:{OPENID}"


def test_a_grant_shows_no_token() -> None:
    assert "T" not in repr(GRANT).replace("Grant object at", "")


# ---------------------------------------------------------------- the unionid


@any_form
def test_the_unionid_is_asked_of_me(provider: oauth.WebProvider, qq: Upstream, form: Form) -> None:
    qq.answer(ME, form({"client_id": APP_ID, "openid": OPENID, "unionid": UNIONID}))
    assert provider.unionid(GRANT) == UNIONID
    assert qq.requests == [(ME, {"access_token": "T", "fmt": "json", "unionid": "1"})]


@pytest.mark.parametrize("answer", [{}, {"unionid": ""}, {"unionid": None}])
def test_a_person_may_have_no_unionid(provider: oauth.WebProvider, qq: Upstream, answer: Fields) -> None:
    qq.answer(ME, {"client_id": APP_ID, "openid": OPENID, **answer})
    assert provider.unionid(GRANT) is None


@any_form
def test_an_app_without_the_permission_is_told_to_its_operator(
    provider: oauth.WebProvider, qq: Upstream, form: Form, caplog: pytest.LogCaptureFixture
) -> None:
    qq.answer(ME, form({"error": 100048, "error_description": "companyid not set"}))
    assert provider.unionid(GRANT) is None
    assert provider.unionid(GRANT) is None
    assert caplog.text.count("100048") == 1, "once a minute"


@pytest.mark.parametrize("unionid", ["a b", "a" * 256, "\x00", "é"])
def test_a_unionid_that_is_none_is_not_kept(provider: oauth.WebProvider, qq: Upstream, unionid: str) -> None:
    qq.answer(ME, {"client_id": APP_ID, "openid": OPENID, "unionid": unionid})
    with pytest.raises(ProviderUnavailable):
        provider.unionid(GRANT)


def test_the_unionid_of_somebody_else_is_refused(provider: oauth.WebProvider, qq: Upstream) -> None:
    qq.answer(ME, {"client_id": APP_ID, "openid": "OTHER", "unionid": UNIONID})
    with pytest.raises(ProviderUnavailable):
        provider.unionid(GRANT)


# ---------------------------------------------------------------- the nickname


def test_the_nickname_is_asked_of_the_profile(provider: oauth.WebProvider, qq: Upstream) -> None:
    assert provider.profile(GRANT).nickname == "小明"
    assert qq.requests == [(PROFILE, {"access_token": "T", "oauth_consumer_key": APP_ID, "openid": OPENID})]


@pytest.mark.parametrize(
    ("nickname", "shown"),
    [
        ("", ""),
        (None, ""),
        (["a"], ""),
        (7, "7"),
        ("小 明🐱", "小 明🐱"),
        ("a\ud83d", "a\ufffd"),
        ("<b>&amp;", "<b>&amp;"),
    ],
)
def test_a_nickname_is_text(provider: oauth.WebProvider, qq: Upstream, nickname: object, shown: str) -> None:
    qq.answer(PROFILE, {"ret": 0, "msg": "", "nickname": nickname})
    assert provider.profile(GRANT).nickname == shown


@pytest.mark.parametrize("ret", [1002, -1, "x", 100030, 100048])
def test_a_profile_may_be_refused(provider: oauth.WebProvider, qq: Upstream, ret: object) -> None:
    qq.answer(PROFILE, {"ret": ret, "msg": "no", "nickname": "小明"})
    with pytest.raises(ProviderUnavailable):
        provider.profile(GRANT)


# ---------------------------------------------------------------- the operator's errors


def test_the_operator_is_told_once_a_minute_of_each_error(
    provider: oauth.WebProvider, qq: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    for error in (100008, 100008, 100010):
        qq.answer(TOKEN, as_json({"error": error}))
        with pytest.raises(ProviderUnavailable):
            provider.exchange("C")
    first, second = [record.getMessage() for record in caplog.records]
    assert first == f"QQ refuses our configuration: error 100008 at {TOKEN}. See PHONEBIND['PROVIDERS']['qq']."
    assert "error 100010" in second


def test_of_what_a_browser_brings_it_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    for error in ("100008", "100010"):
        assert oauth.web("qq").refusal(error).code == "provider_unavailable"
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("fields", "avatar"),
    [
        ({"figureurl_qq_1": "http://thirdqq.qlogo.cn/a/40"}, "https://thirdqq.qlogo.cn/a/40"),
        (
            {"figureurl_qq_1": "http://q.qlogo.cn/40", "figureurl_qq_2": "https://q.qlogo.cn/100"},
            "https://q.qlogo.cn/100",
        ),
        ({"figureurl_qq_1": "http://q.qlogo.cn/40", "figureurl_qq_2": ""}, "https://q.qlogo.cn/40"),
        ({"figureurl_qq_2": "http://evil.example/.qlogo.cn"}, "http://evil.example/.qlogo.cn"),
        ({}, ""),
    ],
    ids=repr,
)
def test_the_avatar_is_the_larger_of_those_there_are_over_https(
    provider: oauth.WebProvider, qq: Upstream, fields: Fields, avatar: str
) -> None:
    qq.answer(PROFILE, {"ret": 0, "nickname": "小明", **fields})
    assert provider.profile(GRANT).avatar == avatar


# ---------------------------------------------------------------- parsing


def test_the_examples_are_true() -> None:
    assert doctest.testmod(qq_connect).failed == 0


@any_form
def test_a_byte_order_mark_is_no_part_of_it(form: Form) -> None:
    fields = {"access_token": "T", "openid": OPENID}
    assert parse(b"\xef\xbb\xbf" + form(fields)) == fields


def test_only_text_and_whole_numbers_are_fields() -> None:
    """Otherwise a person whose openid is True would match every person whose openid is true."""
    assert parse(b'{"openid": true, "unionid": 1.5, "ret": 0, "nickname": "a"}') == {"ret": "0", "nickname": "a"}


@given(st.binary() | st.text().map(str.encode))
def test_parsing_never_raises(body: bytes) -> None:
    assert all(isinstance(value, str) for value in parse(body).values())


JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())
NAMES = st.sampled_from(["error", "ret", "access_token", "openid"])


@given(st.dictionaries(NAMES, JSON), st.sampled_from([as_json, as_jsonp, with_trailing_comma]))
def test_whatever_is_parsed_can_be_sent_and_kept(fields: Fields, form: Form) -> None:
    found = parse(form(fields))
    assert all(isinstance(value.encode(), bytes) for value in found.values())
    assert isinstance(qq_connect.error_number(found), int)


@given(st.dictionaries(st.text("abcdefgh_", min_size=1), st.text(st.characters(codec="utf-8"), min_size=1), min_size=1))
def test_every_form_says_the_same(fields: dict[str, str]) -> None:
    assert parse(as_json(fields)) == parse(as_jsonp(fields)) == parse(as_jsonp_in_lines(fields)) == fields
    assert parse(as_form(fields)) == fields


@pytest.mark.parametrize(
    "body",
    [
        b"a()" + b" " * 60_000 + b"x",
        b"a(" * 30_000,
        b"a(" + b")" * 60_000 + b"x",
        b"a" * 60_000,
        b"{" + b"," * 60_000,
        b"{" + b", " * 30_000 + b"x",
        b"{," + b" " * 60_000 + b"x",
        b"a=b" + b"&a=b" * 15_000 + b"&",
        b"a=" + b"b" * 60_000 + b"<",
        b"[" * 60_000,
    ],
    ids=lambda body: repr(body[:4] + body[-4:]),
)
def test_threat_19_no_body_takes_long_to_read(body: bytes) -> None:
    start = time.thread_time()
    parse(body)
    assert time.thread_time() - start < 0.2


# ---------------------------------------------------------------- the registry


@pytest.mark.parametrize("name", ["weibo", "", "QQ", "qq/", "\x00"])
def test_a_provider_that_nobody_wrote_is_unknown(name: str, phonebind: Configure) -> None:
    with pytest.raises(ProviderUnknown):
        oauth.get(name)


def test_a_provider_that_is_not_configured_is_unknown(phonebind: Configure) -> None:
    phonebind()
    phonebind.settings.PHONEBIND |= {"PROVIDERS": {}}
    phonebind()
    with pytest.raises(ProviderUnknown):
        oauth.get("qq")
