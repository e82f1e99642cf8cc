import json
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

import pytest
import time_machine

from phonebind_sandbox.conf import apps
from phonebind_sandbox.grants import CODE_SECONDS, TOKEN_SECONDS
from phonebind_sandbox.people import PEOPLE
from tests.sandbox.client import QQ, Answer

TEXT = "text/html; charset=utf-8"
OPENID = PEOPLE["xiaolan"].openid(apps()["101000001"])


def _error(response: Answer) -> int:
    """The code of an error in QQ's own wrapper."""
    body = response.content.decode()
    assert body.startswith("callback( {")
    assert body.endswith("} );\n")
    code: int = json.loads(body[len("callback( ") : -len(" );\n")])["error"]
    return code


def test_the_default_answer_is_form_encoded(qq: QQ) -> None:
    response = qq.token(code=qq.code())
    assert response.headers["Content-Type"] == TEXT
    fields = parse_qs(response.content.decode(), strict_parsing=True)
    assert list(fields) == ["access_token", "expires_in", "refresh_token"]
    assert fields["expires_in"] == ["7776000"]


def test_json_on_request(qq: QQ) -> None:
    response = qq.token(code=qq.code(), fmt="json")
    assert response.headers["Content-Type"].startswith("application/json")
    assert list(response.json()) == ["access_token", "expires_in", "refresh_token"]
    assert response.json()["expires_in"] == 7_776_000


def test_the_openid_on_request(qq: QQ) -> None:
    assert qq.token(code=qq.code(), fmt="json", need_openid="1").json()["openid"] == OPENID


@pytest.mark.parametrize(
    ("params", "code"),
    [
        # Each request also has the later faults. The answer names the lowest number.
        ({"client_id": "", "client_secret": ""}, 100001),
        ({"client_secret": "", "grant_type": ""}, 100002),
        ({"grant_type": "", "code": ""}, 100004),
        ({"grant_type": "password", "code": ""}, 100004),
        ({"code": "", "client_id": "999"}, 100005),
        ({"grant_type": "refresh_token", "client_id": "999"}, 100006),
        ({"client_id": "999", "client_secret": "wrong"}, 100008),
        ({"client_secret": "wrong", "redirect_uri": "http://localhost/"}, 100009),
        ({"client_secret": "错"}, 100009),
        ({"redirect_uri": "http://127.0.0.1:8000/elsewhere/"}, 100010),
        ({"redirect_uri": ""}, 100010),
        ({"code": "NONE"}, 100019),
        ({"client_id": "101000002", "client_secret": "sandbox-secret-2"}, 100019),
        ({"grant_type": "refresh_token", "refresh_token": "NONE"}, 100022),
    ],
)
def test_refusals_in_the_order_of_their_numbers(qq: QQ, params: dict[str, str], code: int) -> None:
    response = qq.token(**{"code": qq.code()} | params)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == TEXT
    assert _error(response) == code


def test_a_refused_request_does_not_use_up_the_code(qq: QQ) -> None:
    code = qq.code()
    assert _error(qq.token(code=code, redirect_uri="http://localhost/")) == 100010
    assert "access_token" in qq.token(code=code, fmt="json").json()


def test_a_code_works_once(qq: QQ) -> None:
    code = qq.code()
    qq.token(code=code)
    assert qq.token(code=code, fmt="json").json() == {"error": 100020, "error_description": "code is reused error"}


def test_a_code_works_once_for_a_crowd_too(qq: QQ) -> None:
    code = qq.code()
    start = threading.Barrier(8)

    def ask(_: int) -> bool:
        start.wait()
        return "access_token" in QQ().token(code=code, fmt="json").json()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 1


def test_a_code_lives_ten_minutes(qq: QQ) -> None:
    with time_machine.travel(0, tick=False) as clock:
        early, late = qq.code(), qq.code()
        clock.shift(CODE_SECONDS - 1)
        assert "access_token" in qq.token(code=early, fmt="json").json()
        clock.shift(1)
        assert qq.token(code=late, fmt="json").json()["error"] == 100019


def test_a_refresh_token_works_once_and_brings_the_next(qq: QQ) -> None:
    first = qq.token(code=qq.code(), fmt="json").json()
    second = qq.renew(first["refresh_token"], need_openid="1").json()
    assert second["openid"] == OPENID
    assert second["access_token"] != first["access_token"]
    assert qq.renew(first["refresh_token"]).json()["error"] == 100022
    assert "access_token" in qq.renew(second["refresh_token"]).json()


def test_a_refresh_token_is_of_one_app(qq: QQ) -> None:
    tokens = qq.token(code=qq.code(), fmt="json").json()
    other = QQ("101000003", "sandbox-secret-3")
    assert other.renew(tokens["refresh_token"]).json()["error"] == 100022
    assert "access_token" in qq.renew(tokens["refresh_token"]).json()


def test_an_access_token_lives_ninety_days(qq: QQ) -> None:
    with time_machine.travel(0, tick=False) as clock:
        access_token = qq.access_token()
        clock.shift(TOKEN_SECONDS - 1)
        assert qq.me(access_token=access_token, fmt="json").json()["openid"] == OPENID
        clock.shift(1)
        assert qq.me(access_token=access_token, fmt="json").json()["error"] == 100014


@pytest.mark.parametrize(
    ("form", "start"),
    [("form", "access_token="), ("json", '{"access_token":'), ("jsonp", 'callback( {"access_token":')],
)
@pytest.mark.parametrize("fmt", ["", "json"])
def test_switch_token_format(qq: QQ, form: str, start: str, fmt: str) -> None:
    qq.turn(token_format=form)
    assert qq.token(code=qq.code(), fmt=fmt).content.decode().startswith(start)


def test_switch_expires_in(qq: QQ) -> None:
    qq.turn(expires_in="string")
    assert qq.token(code=qq.code(), fmt="json").json()["expires_in"] == "7776000"


def test_switch_openid_in_token(qq: QQ) -> None:
    qq.turn(openid_in_token=False)
    assert "openid" not in qq.token(code=qq.code(), fmt="json", need_openid="1").json()


def test_switch_token_error(qq: QQ) -> None:
    code = qq.code()
    qq.turn(token_error=100011)
    assert _error(qq.token(code=code)) == 100011
    qq.turn(token_error="none")
    assert "access_token" in qq.token(code=code, fmt="json").json()


@pytest.mark.parametrize(
    ("form", "fmt", "body"),
    [
        ("jsonp", "json", 'callback( {"error":100005,"error_description":"param code is wrong or lost"} );\n'),
        ("json", "", '{"error":100005,"error_description":"param code is wrong or lost"}'),
        ("trailing_comma", "", 'callback( {"error":100005,"error_description":"param code is wrong or lost",} );\n'),
        ("trailing_comma", "json", '{"error":100005,"error_description":"param code is wrong or lost",}'),
    ],
)
def test_switch_error_format(qq: QQ, form: str, fmt: str, body: str) -> None:
    qq.turn(error_format=form)
    assert qq.token(fmt=fmt).content.decode() == body


@pytest.mark.parametrize("status", [200, 400, 500])
def test_switch_error_status(qq: QQ, status: int) -> None:
    qq.turn(error_status=status)
    assert qq.token().status_code == status
    assert qq.me().status_code == status
    assert qq.profile().status_code == status
