"""The new shop at work, for the tests that run in it: over the database that the old one has left."""

from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django_redis import get_redis_connection
from pytest_django import DjangoDbBlocker

from tests.support.edge import Outbox, Person, Upstream
from tests.tutorial_shop.old import EARLY, PASSWORD, model
from tests.tutorial_shop.shop import commands

NEW = "13900000001"
ORIGIN = "http://www.meiduo.site:8080"
#: As it stands in the guide; tests reach QQ and the gateway elsewhere.
PHONEBIND = settings.PHONEBIND
BOUND = EARLY[0]
_, WRITE = commands("phonebind_import")
User: Any = model("users.User")
OAuthQQUser: Any = model("oauth.OAuthQQUser")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> None:
    """The database that the old shop has left, and the guide's last command."""
    with django_db_blocker.unblock():
        call_command(*WRITE)


@pytest.fixture(autouse=True)
def _at_qq(qq: Upstream) -> Upstream:
    get_redis_connection("default").flushdb()
    return qq


def post(http: Client, path: str, **form: Any) -> Any:
    return http.post(path, form, content_type="application/json", headers={"origin": ORIGIN})


def sms_code(person: Person, mobile: str) -> str:
    """As both pages ask for it: without a ticket."""
    answer = person.ask_for_sms(mobile, origin=ORIGIN)
    assert answer.status_code == 200, answer.content
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    return str(Outbox.sent[-1].code)


def bind(person: Person, mobile: str = NEW) -> Any:
    ticket = person.http.get("/oauth/qq/user/", {"code": "CODE"}).json()["access_token"]
    form = {"mobile": mobile, "password": PASSWORD, "sms_code": sms_code(person, mobile), "access_token": ticket}
    return post(person.http, "/oauth/qq/user/", **form)
