"""The way back, after the switch; it is run in the new shop's own process."""

from importlib import import_module
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from rest_framework.test import APIRequestFactory

from tests.support.edge import OPENID, Person
from tests.tutorial_shop.new import BOUND, NEW, WRITE, OAuthQQUser, _at_qq, bind, django_db_setup, post
from tests.tutorial_shop.old import EARLY, LATE, PASSWORD, model
from tests.tutorial_shop.shop import statement

__all__ = ["_at_qq", "django_db_setup"]

pytestmark = pytest.mark.django_db


def openids() -> list[str]:
    return list(model("phonebind.SocialAccount").objects.order_by("openid").values_list("openid", flat=True))


def test_going_back_takes_the_new_bindings_along(person: Person) -> None:
    pk = bind(person).json()["id"]
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(statement())
    assert list(OAuthQQUser.objects.order_by("pk").values_list("openid", "user__mobile")) == [
        (EARLY[1], EARLY[0]),
        (LATE[1], LATE[0]),
        (OPENID, NEW),
    ]
    assert OAuthQQUser.objects.get(openid=OPENID).user_id == pk


def test_a_reverse_leaves_what_was_bound_since(person: Person) -> None:
    bind(person)
    call_command(*WRITE, "--reverse")
    assert openids() == [OPENID]


def test_a_reverse_after_the_way_back_takes_all_and_the_next_import_brings_them(person: Person) -> None:
    bind(person)
    with connection.cursor() as cursor:
        cursor.execute(statement())
    call_command(*WRITE, "--reverse")
    assert openids() == []
    call_command(*WRITE)
    assert openids() == sorted([EARLY[1], LATE[1], OPENID])


def test_the_old_code_refuses_a_token_of_the_new() -> None:
    token = post(Client(), "/authorizations/", username=BOUND, password=PASSWORD).json()["token"]
    request: Any = APIRequestFactory().get("/", headers={"authorization": f"JWT {token}"})
    assert import_module("users.tokens").NoExceptionJSONWebTokenAuthentication().authenticate(request) is None
