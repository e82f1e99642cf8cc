"""Threat 18: no input causes a 500. Bad input gets 400 with a code, whatever it is and however it arrives."""

import base64
import io
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from phonebind.bodies import MAX_BYTES
from tests.support.edge import Configure, Outbox

pytestmark = pytest.mark.django_db

UUID = "3f0c6f6e-0000-4000-8000-000000000000"
MOBILE = "13900000001"
#: The POST endpoints, and the fields of their forms.
POSTS = {
    "/oauth/qq/user/": ("mobile", "password", "sms_code", "access_token"),
    f"/sms_codes/{MOBILE}/": ("image_code_id", "text"),
    "/authorizations/": ("username", "password"),
    "/authorizations/refresh/": ("refresh",),
}
GETS = ["/oauth/qq/authorization/", "/oauth/qq/user/", f"/sms_codes/{MOBILE}/"]
#: A form with all fields of all endpoints. Each value has a valid shape.
FORM = {
    "mobile": MOBILE,
    "password": "horse-staple-9",
    "sms_code": "123456",
    "access_token": "x",
    "image_code_id": UUID,
    "text": "AAAA",
    "username": "li",
    "refresh": "x",
}
FORM_TYPE = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"

to_every_post = pytest.mark.parametrize("path", POSTS)


def refused(answer: Any) -> bool:
    """The request is refused with a 4xx. Input with a valid shape is no sign-in either: 401 for a password, 429 after
    five.
    """
    assert answer.status_code in (400, 401, 429), (answer.status_code, answer.content[:200])
    assert answer.json()["code"]
    assert "no-store" in answer["Cache-Control"]
    return bool(answer.json()["code"] == "invalid")


@pytest.fixture
def http(phonebind: Configure) -> Client:
    """QQ is never asked, because no request here brings a state that we issued."""
    phonebind.settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return Client()


VALUES: dict[str, object] = {
    "null": None,
    "true": True,
    "number": 7,
    "huge number": 10**4000,
    "fraction": 1.5,
    "list": ["13900000001"],
    "object": {"a": 1},
    "nul": "1390000000\x00",
    "surrogate": "\ud800",
    "full-width": "１３９００００００００１",
    "arabic": "١٣٩٠٠٠٠٠٠٠١",
    "newline": "13900000001\n",
    "long": "1" * 20_000,
    "empty": "",
    "spaces": "   ",
    "bidi": "\u202e139000000011",
}


@to_every_post
@pytest.mark.parametrize("name", VALUES)
def test_threat_18_a_value_of_any_type(http: Client, path: str, name: str) -> None:
    for field in POSTS[path]:
        form = json.dumps(FORM | {field: VALUES[name]})
        # The requests ask for English, because DRF's own messages quote more of the input in English.
        refused(http.post(path, form, content_type="application/json", headers={"Accept-Language": "en"}))
    assert not Outbox.sent


@pytest.mark.parametrize("name", VALUES)
def test_threat_18_a_mobile_is_eleven_ascii_digits(http: Client, name: str) -> None:
    body = json.dumps(FORM | {"mobile": VALUES[name]})
    answer = http.post("/oauth/qq/user/", body, content_type="application/json")
    assert refused(answer)
    assert list(answer.json()["errors"]) == ["mobile"]


BODIES = {
    "nothing": b"",
    "null": b"null",
    "list": b"[]",
    "list of objects": b'[{"mobile": "13900000001"}]',
    "string": b'"mobile"',
    "number": b"7",
    "not JSON": b"{",
    "NaN": b'{"mobile": NaN}',
    "a number of 20,000 digits": b'{"mobile": %s}' % (b"1" * 20_000),
    "infinite": b'{"mobile": 1e999, "username": 1e999, "access_token": 1e999}',
    "deep lists": b"[" * 30_000,
    "deep objects": b'{"a":' * 6_000,
    "deep in a field": b'{"mobile":' + b"[" * 20_000,
    "latin-1": '{"mobile": "é"}'.encode("latin-1"),
    "utf-16": '{"mobile": "1"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "binary": bytes(range(256)),
    "duplicate keys": b'{"mobile": "1", "mobile": "2"}',
    "a form": b"mobile=1&password=2",
    "1 MB": b'{"mobile": "%s"}' % (b"1" * 1_000_000),
    "10 MB": b" " * 10_000_000,
}


@to_every_post
@pytest.mark.parametrize("name", BODIES)
def test_threat_18_a_body_of_any_kind(http: Client, path: str, name: str) -> None:
    for content_type in ("application/json", FORM_TYPE, MULTIPART, ""):
        assert refused(http.generic("POST", path, BODIES[name], content_type=content_type))


CHARSETS = [
    "utf-16",
    "gbk",
    "idna",
    "punycode",
    "undefined",
    "bz2",
    "rot13",
    "hex",
    "unicode_escape",
    "utf-7",
    "nope",
    "é",
]


@pytest.mark.parametrize("charset", CHARSETS)
def test_threat_18_a_charset_that_is_none(http: Client, charset: str) -> None:
    body = b"mobile=%ff&a..b=\xe5..&password=%ed%a0%80"
    for content_type in ("application/json", FORM_TYPE, MULTIPART, "text/plain"):
        for path in POSTS:
            assert refused(http.generic("POST", path, body, content_type=f"{content_type}; charset={charset}"))
        for path in GETS[1:]:
            query = "?code=%FF&state=a..b%E5&text=%00"
            refused(http.generic("GET", path + query, content_type=f"{content_type}; charset={charset}"))


PARTS = {
    "no header": b"\r\n\r\nx",
    "no name": b"Content-Disposition: form-data\r\n\r\nx",
    "a name in no charset": b"Content-Disposition: form-data; name*=nope''mobile\r\n\r\nx",
    "a name in undefined": b"Content-Disposition: form-data; name*=undefined''m%ff\r\n\r\nx",
    "a file for a text": b'Content-Disposition: form-data; name="mobile"; filename="m"\r\n\r\n13900000001',
    "broken base64": b'Content-Disposition: form-data; name="mobile"\r\nContent-Transfer-Encoding: base64\r\n\r\n%',
    "binary": b'Content-Disposition: form-data; name="mobile"\r\n\r\n\xff\x00',
    "a huge header": b"X: " + b"x" * 20_000 + b"\r\n\r\n",
}


@to_every_post
@pytest.mark.parametrize("name", PARTS)
def test_threat_18_a_multipart_that_is_none(http: Client, path: str, name: str) -> None:
    for end in (b"\r\n--x--\r\n", b""):
        assert refused(http.generic("POST", path, b"--x\r\n" + PARTS[name] + end, content_type=MULTIPART))


CONTENT_TYPES = [
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=é",
    "application/jsonp",
    "application/json, text/html",
    "application/x-www-form-urlencoded2",
    "a/b/c",
    ";",
    "é",
]


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
@to_every_post
def test_threat_18_a_content_type_of_any_kind(http: Client, path: str, content_type: str) -> None:
    assert refused(http.generic("POST", path, b"x", content_type=content_type))


@pytest.mark.parametrize("length", ["-1", "abc", "1.5", "0x10", "", "9" * 5000, str(MAX_BYTES + 1)])
def test_threat_18_a_length_of_any_kind(http: Client, length: str) -> None:
    for path in POSTS:
        assert refused(http.generic("POST", path, b"{}", content_type="application/json", CONTENT_LENGTH=length))


class _HungUp(io.RawIOBase):
    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError("connection reset")


@pytest.mark.parametrize("content_type", ["application/json", FORM_TYPE, MULTIPART])
def test_threat_18_a_client_that_hangs_up(http: Client, content_type: str) -> None:
    extra: dict[str, Any] = {"wsgi.input": _HungUp()}
    for path in POSTS:
        assert refused(http.generic("POST", path, b"half", content_type=content_type, **extra))


@pytest.mark.parametrize("path", GETS)
@pytest.mark.parametrize(
    "query",
    [
        *("next=" + bad for bad in ("%00", "http://[::1", "/\\evil", "/%E5%95%86" * 200, "x" * 5000)),
        *("code=C&state=" + bad for bad in ("%00", "%FF", ".", ":::", "%EF%BC%91", "x" * 5000, "", "a:b:c")),
        *("state=S&code=" + bad for bad in ("", "%00", "x" * 5000, "%20")),
        *(f"text=A&image_code_id={bad}" for bad in ("", "x", "%00", "%FF", "7", "x" * 5000)),
        *(f"image_code_id={UUID}&text={bad}" for bad in ("", "%00", "x" * 5000, "%EF%BC%A1", "%C3%9F" * 16)),
        "&a=1" * 2_000,
        "next=//evil.example&next=//evil.example",
        "next[]=//evil.example&code[]=C",
    ],
    ids=lambda query: f"{query[:60]} {len(query)}",
)
def test_threat_18_a_query_of_any_kind(http: Client, path: str, query: str) -> None:
    answer = http.get(f"{path}?{query}")
    if path != GETS[0] or query.startswith("next="):
        refused(answer)
    else:
        assert answer.status_code in (200, 400)
        assert "evil" not in answer.content.decode()


@pytest.mark.parametrize("char", [" ", "(", ",", '"', "\\", "é", "\t"])
def test_threat_18_cookies_of_any_name(http: Client, char: str) -> None:
    header = "; ".join(f"phonebind_flow_{n}{char}1=x" for n in range(20))
    assert http.get("/oauth/qq/authorization/?next=/", headers={"Cookie": header}).status_code == 200


def test_a_parameter_that_comes_twice_counts_once(http: Client) -> None:
    """The last value counts. A parser in front of us may have looked at another one."""
    assert http.get("/oauth/qq/authorization/?next=/a&next=//evil.example").json()["code"] == "next_not_allowed"
    assert http.get("/oauth/qq/authorization/?next=//evil.example&next=/a").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *(
            f"/sms_codes/{bad}/"
            for bad in ("1", "%00", "%ED%A0%80", "１３９００００００００１", "13900000001%0A", "x" * 3000)
        ),
        *(f"/sms_codes/{bad}/" for bad in ("12900000001", "139000000011", "0013900000001", "+4413900000001")),
        *(f"/image_codes/{bad}/" for bad in ("1", "%00", "%FF", "x" * 3000, UUID[:-1], UUID + "0", UUID + "%0A")),
    ],
    ids=lambda path: f"{path[:60]} {len(path)}",
)
def test_threat_18_a_path_of_any_kind(http: Client, path: str) -> None:
    assert refused(http.get(f"{path}?image_code_id={UUID}&text=AAAA"))


@pytest.mark.parametrize("provider", ["%00", "%ED%A0%80", "QQ", "x" * 3000, "..", "__class__"])
def test_a_provider_of_any_kind(http: Client, provider: str) -> None:
    for path in (f"/oauth/{provider}/authorization/", f"/oauth/{provider}/user/?code=C&state=S"):
        answer = http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "provider_unknown")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_a_method_that_is_none(http: Client, method: str) -> None:
    for path in (*POSTS, *GETS, f"/image_codes/{UUID}/"):
        answer = http.generic(method, path)
        assert (answer.status_code, answer.json()["code"]) == (405, "invalid")
        assert "no-store" in answer["Cache-Control"]
        assert answer["Allow"]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", GETS[0]), ("GET", "/authorizations/"), ("POST", f"/image_codes/{UUID}/")]
)
def test_a_method_of_another_path(http: Client, method: str, path: str) -> None:
    assert http.generic(method, path).status_code == 405


@pytest.mark.parametrize("host", ["evil.example", "a b", "[::1", "testserver:x"])
def test_a_host_that_is_not_ours(http: Client, host: str, settings: Settings) -> None:
    settings.MIDDLEWARE = []  # with it, Django's CommonMiddleware answers before us
    assert refused(http.get("/oauth/qq/authorization/?next=/", headers={"Host": host}))


@pytest.mark.parametrize("accept", ["text/html", "image/*", "application/xml", "nonsense", "", "*/*;q=x"])
@pytest.mark.parametrize("format_", ["", "&format=api", "&format=xml"])
def test_the_answer_is_json_whatever_is_asked_for(http: Client, accept: str, format_: str) -> None:
    answer = http.get(f"/oauth/qq/authorization/?next=/{format_}", headers={"Accept": accept})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize(
    "header", ['{"alg":"none"}', "[" * 5_000, '{"alg":["HS256"]}', "null", '{"alg":"HS256","typ":7}']
)
def test_threat_18_a_token_of_any_kind(http: Client, header: str) -> None:
    token = f"{base64.urlsafe_b64encode(header.encode()).decode()}.e30.e30"
    refused(http.post("/authorizations/refresh/", {"refresh": token}))


@pytest.mark.parametrize(
    "content_type", ["Application/JSON", "application/json;charset=UTF-8", "application/json ; a=b"]
)
def test_json_may_be_spelt_differently(http: Client, content_type: str) -> None:
    answer = http.generic("POST", "/authorizations/", json.dumps(FORM), content_type=content_type)
    assert answer.json()["code"] == "credentials_invalid"


def test_posts_take_json_and_forms(http: Client) -> None:
    in_json = http.post("/authorizations/", FORM, content_type="application/json")
    in_multipart = http.post("/authorizations/", FORM)
    in_form = http.post("/authorizations/", urlencode(FORM), content_type=FORM_TYPE)
    for answer in (in_json, in_multipart, in_form):
        assert answer.json()["code"] == "credentials_invalid"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=5,
)


@hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.sampled_from(list(FORM)), ANYTHING))
def test_threat_18_inputs_that_nobody_thought_of(http: Client, form: dict[str, object]) -> None:
    for path in POSTS:
        refused(http.post(path, json.dumps(FORM | form), content_type="application/json"))


def test_each_visitor_is_told_in_their_own_language(http: Client) -> None:
    """All requests share the validators that report a wrong length of a field."""
    form = {"mobile": "13900000001", "password": "x" * 4097, "sms_code": "1", "access_token": "x"}
    told = [
        http.post("/oauth/qq/user/", form, headers={"Accept-Language": language}).json()["errors"]["password"]
        for language in ("en", "zh-hans", "en")
    ]
    assert told == [
        ["Ensure this field has no more than 4096 characters."],
        ["请确保这个字段不能超过 4096 个字符。"],
        ["Ensure this field has no more than 4096 characters."],
    ]
