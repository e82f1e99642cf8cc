"""The old shop goes on over the database that was made ready, and is frozen; what this writes stays."""

import pytest
from django.db import IntegrityError
from django.test import Client
from pytest_django import Settings

from tests.support.edge import Upstream
from tests.tutorial_shop.old import EARLY, LATE, PASSWORD, _database, bind, post, qq, register, sms_code

__all__ = ["_database", "qq"]


def test_a_mobile_has_one_user_from_now_on() -> None:
    http, mobile = Client(), "13800000003"
    code = sms_code(http, mobile)
    assert register(http, "third", mobile, code).status_code == 201
    with pytest.raises(IntegrityError):
        register(http, "fourth", mobile, code)


def test_people_go_on_binding(qq: Upstream) -> None:
    mobile, openid = LATE
    qq.person(openid=openid)
    assert bind(Client(), mobile).status_code == 201


def test_the_freeze_stops_new_bindings_and_nothing_else(qq: Upstream, settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "oauth.freeze.Freeze"]
    qq.person(openid=EARLY[1])
    http, [origin] = Client(), settings.CORS_ORIGIN_WHITELIST
    answer = http.post("/oauth/qq/user/", {}, headers={"origin": origin})
    assert (answer.status_code, set(answer.json())) == (400, {"message", "non_field_errors"})
    assert answer["Access-Control-Allow-Origin"] == origin
    session_edition = http.post("/oauth_callback/", {}, headers={"origin": origin})
    assert (session_edition.status_code, session_edition.json()) == (400, answer.json())
    assert "token" in http.get("/oauth/qq/user/", {"code": "CODE"}).json()
    assert post(http, "/authorizations/", username=EARLY[0], password=PASSWORD).status_code == 200
