import re
from ast import literal_eval
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_django import Settings
from pytest_django.asserts import assertContains

from phonebind_sandbox import names
from phonebind_sandbox.people import PEOPLE
from tests.sandbox.client import CALLBACK, QQ
from tests.sandbox.conftest import Resolver


def test_the_people_are_the_buttons_of_a_plain_form(qq: QQ) -> None:
    response = qq.authorize()
    for person in PEOPLE:
        assertContains(response, f'name="person" value="{person}"', count=1)
    assertContains(response, '<form method="post">')
    assert b"<script" not in response.content


def test_pressing_one_comes_back_with_a_code_and_the_state(qq: QQ) -> None:
    fields = qq.callback(qq.authorize({"person": "xiaolan"}))
    assert fields == {"code": fields["code"], "state": "a b&c"}


def test_the_query_of_the_redirect_uri_stays(qq: QQ) -> None:
    response = qq.authorize({"person": "xiaolan"}, redirect_uri=f"{CALLBACK}?from=qq")
    assert qq.callback(response)["from"] == "qq"


def test_a_long_state_comes_back_whole(qq: QQ) -> None:
    assert qq.callback(qq.authorize({"person": "xiaolan"}, state="s" * 20_000))["state"] == "s" * 20_000


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"client_id": ""}, 100001),
        ({"client_id": "999"}, 100008),
        ({"redirect_uri": ""}, 100010),
        ({"redirect_uri": "https://evil.example/"}, 100010),
    ],
)
@pytest.mark.parametrize("button", [None, {"person": "xiaolan"}])
def test_an_unknown_callback_is_never_called(
    qq: QQ, button: dict[str, str] | None, params: dict[str, str], code: int
) -> None:
    assertContains(qq.authorize(button, **params), f"({code})", status_code=400)


def test_a_name_of_the_hosts_file_gets_the_code(qq: QQ, resolver: Resolver) -> None:
    callback = "http://www.meiduo.site:8080/oauth_callback.html"
    assert qq.authorize({"person": "xiaolan"}, redirect_uri=callback).status_code == 400
    resolver.names["www.meiduo.site"] = ["127.0.0.1"]
    names._found_here.cache_clear()
    location = qq.authorize({"person": "xiaolan"}, redirect_uri=callback).headers["Location"]
    assert location.startswith(f"{callback}?code=")
    code = parse_qs(urlsplit(location).query)["code"][0]
    assert "access_token" in qq.token(code=code, redirect_uri=callback, fmt="json").json()


def test_a_refused_callback_is_told_what_is_accepted_and_how_to_register_it(qq: QQ, settings: Settings) -> None:
    page = qq.authorize(redirect_uri="http://shop.example:8080/cb?<b>")
    assertContains(page, "<code>http://shop.example:8080/cb?&lt;b&gt;</code>", status_code=400)
    text = unescape(page.content.decode())
    for said in ("hosts file", "localhost, 127.0.0.1", "--redirect-uri", "SANDBOX_REDIRECT_URIS"):
        assert said in text
    # The setting that the page suggests is right.
    [line] = re.findall(r"PHONEBIND_SANDBOX = (\{.*\})<", text)
    told: dict[str, Any] = literal_eval(line.replace("http://…", "http://shop.example:8080/cb"))
    settings.PHONEBIND_SANDBOX = told
    assertContains(qq.authorize(redirect_uri="http://shop.example:8080/cb"), 'name="person"', count=len(PEOPLE))
    page = qq.authorize()
    assertContains(page, "<li><code>http://shop.example:8080/cb</code></li>", status_code=400)
    assert "hosts file" not in page.content.decode()


@pytest.mark.parametrize("client_id", ["999", ""])
def test_a_refusal_for_another_reason_speaks_of_no_callback(qq: QQ, client_id: str) -> None:
    page = qq.authorize(client_id=client_id)
    assertContains(page, "client_id", status_code=400)
    assert "redirect_uris" not in page.content.decode()


@pytest.mark.parametrize(
    ("params", "code"),
    [({"response_type": "token"}, "100000"), ({"state": ""}, "100029")],
)
def test_other_errors_go_to_the_callback(qq: QQ, params: dict[str, str], code: str) -> None:
    response = qq.authorize(None, **params)
    assert response.status_code == 302
    assert f"error={code}&error_description=" in response.headers["Location"]


def test_deny_comes_back_with_an_error(qq: QQ) -> None:
    fields = qq.callback(qq.authorize({"deny": "1"}))
    assert fields == {"error": "100030", "error_description": fields["error_description"], "state": "a b&c"}


def test_cancel_does_not_come_back(qq: QQ) -> None:
    assertContains(qq.authorize({"cancel": "1"}), "no callback")


def test_cancel_on_a_phone_comes_back_with_neither_code_nor_error(qq: QQ) -> None:
    assertContains(qq.authorize(), '<button name="usercancel" value="1">', count=1)
    assert qq.callback(qq.authorize({"usercancel": "1"})) == {"usercancel": "1", "state": "a b&c"}


@pytest.mark.parametrize("button", [{"person": "xiaolan"}, {"cancel": "1"}, {"deny": "1"}], ids=str)
def test_switch_callback_usercancel(qq: QQ, button: dict[str, str]) -> None:
    qq.turn(callback="usercancel")
    fields = qq.callback(qq.authorize(button, redirect_uri=f"{CALLBACK}?from=qq"))
    assert fields == {"from": "qq", "usercancel": "1", "state": "a b&c"}


def test_an_unknown_person_cannot_sign_in(qq: QQ) -> None:
    assert qq.authorize({"person": "<b>"}).status_code == 400
    assert qq.authorize({}).status_code == 400


def test_nothing_from_outside_becomes_markup(qq: QQ) -> None:
    evil = '"><script>alert(1)</script>'
    pages = [
        qq.authorize(scope=evil, display=evil, state=evil),
        qq.authorize(client_id=evil),
        qq.authorize(redirect_uri=f"http://localhost/{evil}"),
    ]
    qq.turn(callback="twice")
    pages.append(qq.authorize({"person": "bold"}, state=evil, redirect_uri=f"{CALLBACK}?a='x'"))
    for page in pages:
        assert b"<script" not in page.content


def test_switch_authorize_error(qq: QQ) -> None:
    qq.turn(authorize_error=100031)
    fields = qq.callback(qq.authorize({"person": "xiaolan"}))
    assert fields["error"] == "100031"
    assert "code" not in fields


def test_switch_callback_cancel(qq: QQ) -> None:
    qq.turn(callback="cancel")
    assertContains(qq.authorize({"person": "xiaolan"}), "no callback")


def test_switch_callback_twice(qq: QQ) -> None:
    qq.turn(callback="twice")
    response = qq.authorize({"person": "xiaolan"})
    assertContains(response, f'<iframe src="{CALLBACK}?code=')
    assertContains(response, f'content="2; url={CALLBACK}?code=')
    assert response.headers["Content-Security-Policy"].endswith("frame-src http: https:")
