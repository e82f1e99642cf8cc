"""What holds after the switch; it is run in the new shop's own process."""

import base64
import json
import pickle
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client, RequestFactory
from django_redis import get_redis_connection
from pytest_django import Settings
from rest_framework.exceptions import ValidationError

from tests.support.edge import Configure, Outbox, Person, Upstream
from tests.tutorial_shop.new import BOUND, NEW, ORIGIN, PHONEBIND, User, _at_qq, bind, django_db_setup, post, sms_code
from tests.tutorial_shop.old import EARLY, LATE, PASSWORD

__all__ = ["_at_qq", "django_db_setup"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept() -> Any:
    """What visitors of the old shop still have."""
    return json.loads(Path("../kept.json").read_text())


def register(person: Person, mobile: str = NEW, **changes: str) -> Any:
    form = {"username": "newcomer", "password": PASSWORD, "password2": PASSWORD, "mobile": mobile, "allow": "true"}
    return post(person.http, "/users/", **form | changes)


def user(http: Client, token: str, word: str = "JWT") -> Any:
    return http.get("/user/", headers={"authorization": f"{word} {token}"})


def test_the_checks_warn_of_the_pages_alone(settings: Settings) -> None:
    settings.PHONEBIND = PHONEBIND
    assert [message.id for message in run_checks()] == ["phonebind.W001"]


@pytest.mark.parametrize(("mobile", "openid"), [EARLY, LATE])
def test_who_was_bound_in_the_old_shop_comes_straight_in(qq: Upstream, mobile: str, openid: str) -> None:
    qq.person(openid=openid)
    body = Client().get("/oauth/qq/user/", {"code": "CODE"}).json()
    assert user(Client(), body["token"]).json()["mobile"] == mobile


def test_a_first_sign_in_ends_in_an_account(person: Person) -> None:
    bound = bind(person)
    assert bound.status_code == 201, bound.content
    assert bound["Access-Control-Allow-Origin"] == ORIGIN
    assert bound["Access-Control-Allow-Credentials"] == "true"
    assert User.objects.get(mobile=NEW).pk == bound.json()["id"]
    again = Client().get("/oauth/qq/user/", {"code": "CODE"}).json()
    assert again["user_id"] == bound.json()["id"]


def test_a_password_of_the_old_shop_is_good() -> None:
    for name, password, status in ((BOUND, PASSWORD, 200), ("first", PASSWORD, 200), ("first", "another-1", 400)):
        assert post(Client(), "/authorizations/", username=name, password=password).status_code == status


@pytest.mark.parametrize("word", ["JWT", "Bearer"])
def test_a_token_is_written_either_way_and_lives_for_a_day(word: str) -> None:
    token = post(Client(), "/authorizations/", username=BOUND, password=PASSWORD).json()["token"]
    assert user(Client(), token, word).status_code == 200
    payload = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert payload["exp"] - payload["iat"] == 86_400


def test_a_token_for_later() -> None:
    """Which the next step is to take."""
    token = post(Client(), "/authorizations/", username=BOUND, password=PASSWORD).json()["token"]
    Path("../token.json").write_text(json.dumps(token))


def test_a_dead_token_is_a_visitor_at_the_cart_and_401_in_the_user_centre(kept: Any) -> None:
    for token in (kept["token"], "undefined", "null"):
        answer = Client().get("/cart/", headers={"authorization": f"JWT {token}"})
        assert (answer.status_code, answer.json()) == (200, {})
        assert user(Client(), token).status_code == 401


def test_what_is_on_the_way_at_the_switch_is_asked_for_anew(person: Person, kept: Any) -> None:
    form = {"mobile": NEW, "password": PASSWORD, "sms_code": "123456"}
    old = post(person.http, "/oauth/qq/user/", **form, access_token=kept["ticket"])
    assert (old.status_code, old.json()["code"]) == (400, "ticket_invalid")
    get_redis_connection("verify_codes").set(f"sms_{NEW}", "123456")
    ticket = person.http.get("/oauth/qq/user/", {"code": "CODE"}).json()["access_token"]
    new = post(person.http, "/oauth/qq/user/", **form, access_token=ticket)
    assert (new.status_code, new.json()["code"]) == (400, "sms_code_invalid")


# ---------------------------------------------------------------- registration, with the same two requests


def test_registration_takes_a_code_of_ours_once(person: Person) -> None:
    code = sms_code(person, NEW)
    wrong = register(person, sms_code=f"{(int(code) + 1) % 10**6:06}")
    assert (wrong.status_code, wrong.json()) == (400, {"non_field_errors": ["短信验证码错误"]})
    made = register(person, sms_code=code)
    assert made.status_code == 201, made.content
    assert set(made.json()) == {"id", "username", "mobile", "token"}
    assert user(person.http, made.json()["token"]).json()["username"] == "newcomer"
    User.objects.filter(username="newcomer").delete()
    for username in ("newcomer", "somebody-else"):
        again = register(person, sms_code=code, username=username)
        assert (again.status_code, again.json()) == (400, {"non_field_errors": ["短信验证码错误"]})


def test_a_code_that_a_registration_took_binds_nobody(person: Person) -> None:
    code = sms_code(person, NEW)
    assert register(person, sms_code=code).status_code == 201
    ticket = person.http.get("/oauth/qq/user/", {"code": "CODE"}).json()["access_token"]
    form = {"mobile": NEW, "password": PASSWORD, "sms_code": code, "access_token": ticket}
    assert post(person.http, "/oauth/qq/user/", **form).json()["code"] == "sms_code_invalid"


def test_a_registration_for_a_mobile_of_somebody_is_refused(person: Person) -> None:
    code = sms_code(person, BOUND)
    answer = register(person, BOUND, sms_code=code)
    assert (answer.status_code, set(answer.json())) == (400, {"mobile"})


def test_pages_without_an_image_code_are_served_within_limits_of_the_shop(person: Person, phonebind: Configure) -> None:
    limits = {"sms_address_hour": (1, 3_600), "sms_site_hour": (100, 3_600), "sms_site_day": (500, 86_400)}
    phonebind(human_check="none", limits=limits)
    assert person.http.get(f"/sms_codes/{NEW}/").status_code == 200
    assert register(person, sms_code=Outbox.sent[-1].code).status_code == 201
    assert person.http.get("/sms_codes/13900000002/").json()["code"] == "sms_quota"


def test_two_clicks_on_registration_make_one_user(person: Person, rf: RequestFactory) -> None:
    """Both are looked at before either is saved."""
    form = {"username": "newcomer", "password": PASSWORD, "password2": PASSWORD, "mobile": NEW, "allow": "true"}
    form["sms_code"] = sms_code(person, NEW)
    context = {"request": rf.post("/users/")}
    first, second = (import_module("users.serializers").CreateUserSerializer(data=form, context=context) for _ in "12")
    assert first.is_valid()
    assert second.is_valid()
    assert first.save().username == "newcomer"
    with pytest.raises(ValidationError) as refused:
        second.save()
    assert refused.value.detail == {"non_field_errors": ["用户名或手机号已被注册"]}


def test_a_registration_without_a_mobile_is_refused(person: Person) -> None:
    assert set(register(person, "", sms_code="123456").json()) == {"mobile"}


def test_a_forgotten_password_begins_with_an_image_of_ours(person: Person) -> None:
    image = person.see_image()
    first = person.http.get(f"/accounts/{BOUND}/sms/token/", image)
    assert first.status_code == 200
    assert person.http.get(f"/accounts/{BOUND}/sms/token/", image).status_code == 400, "it is used up"
    sent = person.http.get("/sms_codes/", {"access_token": first.json()["access_token"]})
    assert sent.status_code == 200
    assert get_redis_connection("verify_codes").get(f"sms_{BOUND}"), "of the shop's own kind, as before"


# ---------------------------------------------------------------- the cart


def cart_of(pk: int) -> dict[int, int]:
    return {int(sku): int(count) for sku, count in get_redis_connection("cart").hgetall(f"cart_{pk}").items()}


def fill(http: Client) -> None:
    assert post(http, "/cart/", sku_id=7, count=2).status_code == 201
    assert http.cookies["cart"].value


def test_each_way_in_merges_the_cart_and_deletes_its_cookie(person: Person) -> None:
    fill(person.http)
    bound = bind(person)
    pk = bound.json()["id"]
    assert cart_of(pk) == {7: 2}
    assert bound.cookies["cart"]["max-age"] == 0
    ways: list[Callable[[Client], Any]] = [
        lambda http: http.get("/oauth/qq/user/", {"code": "CODE"}),
        lambda http: post(http, "/authorizations/", username=NEW, password=PASSWORD),
    ]
    for answer in ways:
        get_redis_connection("cart").delete(f"cart_{pk}")
        http = Client()
        fill(http)
        assert answer(http).cookies["cart"]["max-age"] == 0
        assert cart_of(pk) == {7: 2}


def test_who_is_not_bound_yet_keeps_the_cookie() -> None:
    http = Client()
    fill(http)
    assert "cart" not in http.get("/oauth/qq/user/", {"code": "CODE"}).cookies


class Harm:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("harm"),))


@pytest.mark.parametrize(
    "bytes_",
    [
        pickle.dumps(Harm()),
        b"\xff",
        b"[" * 3000,
        b"[1]",
        b'{"a": 1}',
        b'{"1": 1}',
        b'{"1": {"selected": true}}',
        b'{"1": {"count": Infinity, "selected": true}}',
    ],
    ids=range(8),
)
def test_a_cookie_that_is_no_cart_is_an_empty_one_and_runs_nothing(bytes_: bytes) -> None:
    http = Client()
    http.cookies["cart"] = base64.b64encode(bytes_).decode()
    assert http.get("/cart/").json() == {}
    assert not Path("harm").exists()


def test_the_old_cookie_reads_as_an_empty_cart(kept: Any) -> None:
    http = Client()
    http.cookies["cart"] = kept["cart"]
    assert http.get("/cart/").json() == {}
