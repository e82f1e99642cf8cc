"""The old shop at work, for the tests that run in it. What they write stays."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django_redis import get_redis_connection
from pytest_django import DjangoDbBlocker, Settings

from tests.support.edge import Upstream

PASSWORD = "horse-staple-9"
IMAGE = "6fa459ea-ee8a-3ca4-894e-db77e160355e"
#: Who was bound before the new shop was made ready, and who after that.
EARLY, LATE = ("13800000001", "A" * 32), ("13800000009", "B" * 32)


def model(label: str) -> Any:
    return apps.get_model(label)


@pytest.fixture(scope="module", autouse=True)
def _database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@pytest.fixture(autouse=True)
def qq(upstream: Upstream, settings: Settings) -> Upstream:
    settings.QQ_URL = upstream.url
    return upstream


def post(http: Client, path: str, **form: Any) -> Any:
    return http.post(path, form, content_type="application/json")


def sms_code(http: Client, mobile: str) -> str:
    codes = get_redis_connection("verify_codes")
    http.get(f"/image_codes/{IMAGE}/")
    query = {"image_code_id": IMAGE, "text": codes.get(f"img_{IMAGE}").decode()}
    assert http.get(f"/sms_codes/{mobile}/", query).status_code == 200
    return str(codes.get(f"sms_{mobile}").decode())


def bind(http: Client, mobile: str) -> Any:
    ticket = http.get("/oauth/qq/user/", {"code": "CODE"}).json()["access_token"]
    form = {"mobile": mobile, "password": PASSWORD, "sms_code": sms_code(http, mobile), "access_token": ticket}
    return post(http, "/oauth/qq/user/", **form)


def register(http: Client, username: str, mobile: str, code: str) -> Any:
    form = {"password": PASSWORD, "password2": PASSWORD, "sms_code": code, "mobile": mobile, "allow": "true"}
    return post(http, "/users/", username=username, **form)
