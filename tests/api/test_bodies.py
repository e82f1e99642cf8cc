"""Threats 44 and 50: the size of a body is limited before the body is read, and its text is UTF-8."""

import base64
import io
import json
from typing import Any
from urllib.parse import quote

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.test import Client
from pytest_django import Settings

from phonebind import bodies
from phonebind.bodies import MAX_BYTES
from tests.pages.conftest import Shopper, shopper
from tests.support.edge import Configure, Upstream

__all__ = ["shopper"]

pytestmark = [pytest.mark.django_db, pytest.mark.once]

FORM_TYPE = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
#: By path: the fields. In each test one of them is not UTF-8, and everything else is correct.
API = {
    "/authorizations/": ("username", "password"),
    "/authorizations/refresh/": ("refresh",),
    "/oauth/qq/user/": ("mobile", "password", "sms_code", "access_token"),
    "/sms_codes/13900000001/": ("image_code_id", "text", "human_check"),
}
GBK = "爱安安爱8888".encode("gbk")


def urlencoded(fields: dict[str, bytes]) -> bytes:
    return b"&".join(name.encode() + b"=" + quote(value).encode() for name, value in fields.items())


def multipart(fields: dict[str, bytes], *headers: bytes) -> bytes:
    lines = []
    for name, value in fields.items():
        lines += [b"--x", b'Content-Disposition: form-data; name="%s"' % name.encode(), *headers, b"", value]
    return b"\r\n".join([*lines, b"--x--", b""])


def in_base64(fields: dict[str, bytes]) -> bytes:
    encoded = {name: base64.b64encode(value) for name, value in fields.items()}
    return multipart(encoded, b"Content-Transfer-Encoding: base64")


FORMS = {"urlencoded": (FORM_TYPE, urlencoded), "multipart": (MULTIPART, multipart), "base64": (MULTIPART, in_base64)}
CHARSETS = ["", "; charset=utf-8", "; charset=gbk", "; charset=latin-1", "; charset=gb18030"]


@pytest.fixture
def http(phonebind: Configure) -> Client:
    return Client()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize(("path", "field"), [(path, field) for path, fields in API.items() for field in fields])
def test_threat_50_a_form_that_is_not_utf_8_is_refused(
    http: Client, form: str, charset: str, path: str, field: str
) -> None:
    kind, encode = FORMS[form]
    good = {"username": b"li", "password": b"horse-staple-9", "refresh": b"x", "mobile": b"13900000001"}
    answer = http.generic("POST", path, encode({**good, field: GBK}), content_type=kind + charset)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert list(answer.json()["errors"]) == [field]


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("path", API)
def test_threat_50_nor_is_a_form_of_bare_bytes(http: Client, charset: str, path: str) -> None:
    """Django reads bytes that are not UTF-8 as Latin-1."""
    form = b"username=li&refresh=x&mobile=13900000001&sms_code=1&access_token=x&password=" + GBK
    for kind in (FORM_TYPE, "application/json"):
        answer = http.generic("POST", path, form, content_type=kind + charset)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_threat_50_whoever_has_parsed_it_before_us(http: Client, settings: Settings) -> None:
    settings.MIDDLEWARE = [f"{__name__}.read_post", *settings.MIDDLEWARE]
    for encode in (multipart, in_base64):
        form = encode({"username": b"li", "password": GBK})
        assert http.generic("POST", "/authorizations/", form, MULTIPART).json()["code"] == "invalid"
    form = multipart({"username": b"li", "password": b"horse-staple-9"})
    assert http.generic("POST", "/authorizations/", form, MULTIPART).json()["code"] == "credentials_invalid"


def read_post(get_response: Any) -> Any:
    """A middleware of the host, which reads the POST data."""

    def middleware(request: Any) -> Any:
        assert request.POST is not None
        return get_response(request)

    return middleware


def test_threat_50_nor_are_names_and_queries(http: Client) -> None:
    bare = http.generic("GET", "/oauth/qq/authorization/", QUERY_STRING=b"next=/\xb0\xae".decode("latin-1"))
    assert bare.json()["code"] == "invalid"
    for path in ("/oauth/qq/authorization/?next=/%B0%AE", "/oauth/qq/user/?code=%B0%AE&state=x", "/login/?%B0=1"):
        assert http.get(path, headers={"accept": "application/json"}).json()["code"] == "invalid", path


@pytest.mark.parametrize("charset", ["; charset=latin-1", "; charset=us-ascii", "; charset=UTF-8", "; charset=rot13-x"])
def test_a_form_in_ascii_is_utf_8_whatever_it_says(http: Client, charset: str) -> None:
    form = b"username=li&password=horse-staple-9"
    answer = http.generic("POST", "/authorizations/", form, content_type=FORM_TYPE + charset)
    assert answer.json()["code"] == "credentials_invalid"


def test_chinese_in_utf_8_is_taken(http: Client) -> None:
    for kind, encode in FORMS.values():
        form = encode({"username": "小明".encode(), "password": "爱安安爱8888".encode()})
        answer = http.generic("POST", "/authorizations/", form, content_type=kind)
        assert answer.json()["code"] == "credentials_invalid"


def test_a_sites_own_default_charset_changes_nothing(http: Client, settings: Settings) -> None:
    settings.DEFAULT_CHARSET = "gbk"
    answer = http.generic("POST", "/authorizations/", urlencoded({"username": GBK, "password": GBK}), FORM_TYPE)
    assert json.loads(answer.content)["code"] == "invalid"


@pytest.mark.parametrize("form", FORMS)
def test_threat_50_the_page_refuses_it_too(shopper: Shopper, qq: Upstream, form: str) -> None:
    url = shopper.arrive()
    fields = {name: value.encode() for name, value in shopper.form(url).items()}
    kind, encode = FORMS[form]
    fields |= {"mobile": b"13900000001", "sms_code": b"123456", "password": GBK}
    answer = shopper.http.generic("POST", url, encode(fields), kind, headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert list(answer.json()["errors"]) == ["password"]


def test_a_query_of_bare_utf_8_is_taken_under_wsgi_and_asgi(http: Client) -> None:
    query = "next=/爱".encode()
    assert http.generic("GET", "/oauth/qq/authorization/", QUERY_STRING=query.decode("latin-1")).status_code == 200
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": query}
    bodies.check_bytes(ASGIRequest(scope, None))  # type: ignore[arg-type]


# ---------------------------------------------------------------- length


class _Unread(io.RawIOBase):
    """A body that fails the test when it is read."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError("it was read")


EVERYWHERE = [*API, "/login/qq/bind/0123456789ab/", "/logout/"]


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize("kind", ["application/json", FORM_TYPE, MULTIPART])
@pytest.mark.parametrize("length", [MAX_BYTES + 1, 200_000_000, "", "-1"])
def test_threat_44_a_body_without_bounds_is_not_read(http: Client, path: str, kind: str, length: Any) -> None:
    extra: dict[str, Any] = {"wsgi.input": _Unread(), "CONTENT_LENGTH": str(length)}
    headers = {"accept": "application/json"}
    answer = http.generic("POST", path, b"x", content_type=kind, headers=headers, **extra)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_a_body_may_be_as_long_as_that(http: Client) -> None:
    form = b"username=li&password=horse-staple-9&x="
    form += b"x" * (MAX_BYTES - len(form))
    answer = http.generic("POST", "/authorizations/", form, content_type=FORM_TYPE)
    assert answer.json()["code"] == "credentials_invalid"


@pytest.mark.parametrize("path", ["/login/qq/bind/0123456789ab/", "/logout/", "/authorizations/"])
def test_threat_18_a_form_that_django_does_not_read_is_a_bad_request(http: Client, path: str) -> None:
    """A form with too many fields."""
    headers = {"accept": "application/json"}
    answer = http.generic("POST", path, b"a=&" * 1_500, content_type=FORM_TYPE, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
