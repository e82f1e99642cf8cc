"""The way back from there: the code that the switch-over has started, after all that was done without it."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from tests.tutorial_shop.front_end import SECOND
from tests.tutorial_shop.new import _at_qq, django_db_setup, post

__all__ = ["_at_qq", "django_db_setup"]

pytestmark = pytest.mark.django_db


def test_tokens_and_passwords_are_good_in_the_code_of_before() -> None:
    assert "phonebind.lifecycle" not in settings.INSTALLED_APPS
    kept = json.loads(Path("../again.json").read_text())
    signed_in = post(Client(), "/authorizations/", username="leaves", password=SECOND).json()
    for token in (kept, signed_in["token"]):
        shown = Client().get("/user/", headers={"authorization": f"JWT {token}"}).json()
        assert (shown["id"], shown["username"]) == (signed_in["id"], "leaves")
