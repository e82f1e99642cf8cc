"""The old shop before anything was touched; it is run in the shop's own process, and what it writes stays."""

import json
from contextlib import redirect_stdout
from datetime import timedelta
from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core import signing
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django_redis import get_redis_connection

from tests.support.edge import Upstream
from tests.tutorial_shop.front_end import Visitor
from tests.tutorial_shop.old import EARLY, IMAGE, _database, bind, model, post, qq, register, sms_code

__all__ = ["_database", "qq"]

MOBILE, OPENID = EARLY
DOUBLED = "13800000002"


def test_a_new_database() -> None:
    assert "phonebind" not in settings.INSTALLED_APPS
    call_command("migrate", verbosity=0)


def test_a_first_sign_in(qq: Upstream) -> None:
    qq.person(openid=OPENID)
    http = Client()
    post(http, "/cart/", sku_id=7, count=2)
    kept = http.cookies["cart"].value
    bound = bind(http, MOBILE)
    assert bound.status_code == 201
    assert bound.cookies["cart"]["max-age"] == 0
    token = http.get("/oauth/qq/user/", {"code": "CODE"}).json()["token"]
    assert http.get("/user/", headers={"authorization": f"JWT {token}"}).json()["mobile"] == MOBILE
    qq.person(openid="C" * 32)
    ticket = Client().get("/oauth/qq/user/", {"code": "CODE"}).json()["access_token"]
    # What visitors' browsers keep.
    Path("../kept.json").write_text(json.dumps({"token": token, "cart": kept, "ticket": ticket}))


def test_what_the_pages_are_answered() -> None:
    codes = get_redis_connection("verify_codes")

    def look() -> dict[str, str]:
        Client().get(f"/image_codes/{IMAGE}/")
        return {"image_code_id": IMAGE, "text": codes.get(f"img_{IMAGE}").decode()}

    def phone(mobile: str) -> str:
        codes.delete(f"send_flag_{mobile}")
        return str(codes.get(f"sms_{mobile}").decode())

    answers = Visitor(look, phone, "lives", "13800000020").live()
    Path("../answers.json").write_text(json.dumps(answers))


def test_registration_takes_one_code_twice() -> None:
    http = Client()
    code = sms_code(http, DOUBLED)
    assert register(http, "first", DOUBLED, code).status_code == 201
    assert register(http, "second", DOUBLED, code).status_code == 201
    long_ago = timezone.now() - timedelta(days=400)
    model("users.User").objects.filter(username="first").update(date_joined=long_ago)


def test_the_list_of_doubtful_mobiles_names_each() -> None:
    users = model("users.User").objects
    malformed = users.create_user("malformed", mobile="1380000")
    squatter = users.create_user(DOUBLED, mobile="")
    users.create_user("admin", mobile="")
    with redirect_stdout(StringIO()) as told:
        exec(Path("doubtful.py").read_text(), {})  # noqa: S102 - as the guide's shell does
    assert told.getvalue().splitlines() == [
        f"doubled [('{DOUBLED}', 2)]",
        f"malformed [({malformed.pk}, '1380000')]",
        f"named like somebody else's mobile [({squatter.pk}, '{DOUBLED}')]",
    ]
    # What the guide tells the operator to do; the column is not null yet.
    users.filter(pk=squatter.pk).update(username="renamed")
    users.filter(username__in=["second", "malformed"]).update(mobile="")


def test_a_link_is_for_one_purpose() -> None:
    links = import_module("users.links")
    token = links.sign({"user_id": 1}, "e-mail")
    assert links.read(token, "e-mail", 60) == {"user_id": 1}
    with pytest.raises(signing.BadSignature):
        links.read(token, "password", 60)
