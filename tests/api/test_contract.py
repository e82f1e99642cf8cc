"""What existing front ends rely on: paths, parameters, and the fields of a successful response."""

import io
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from PIL import Image

from phonebind.models import SocialAccount
from tests.support.edge import OPENID, Outbox, Person, Upstream

pytestmark = pytest.mark.django_db

MOBILE = "13900000001"
PASSWORD = "horse-staple-9"
UUID = "3f0c6f6e-0000-4000-8000-000000000000"
SIGNED_IN = {"token", "refresh", "id", "user_id", "username"}


def good(answer: Any, status: int = 200) -> Any:
    """The fields of a successful response."""
    assert answer.status_code == status, answer.content
    assert "no-store" in answer["Cache-Control"]
    return answer.json()


def bind(person: Person) -> Any:
    ticket = person.callback().json()["access_token"]
    sms_code = person.sms_code(MOBILE)
    return person.bind(mobile=MOBILE, password=PASSWORD, sms_code=sms_code, access_token=ticket)


@pytest.mark.parametrize("name", ["next", "state"])
def test_the_way_to_the_provider(qq: Upstream, person: Person, name: str) -> None:
    answer = person.http.get("/oauth/qq/authorization/", {name: "/cart.html"})
    assert set(good(answer)) == {"login_url"}
    assert good(answer)["login_url"].startswith(f"{qq.url}/oauth2.0/authorize?response_type=code&client_id=101000001&")
    assert len(answer.cookies) == 1


def test_without_next_it_leads_home(qq: Upstream, person: Person) -> None:
    assert person.callback(person.login_url("")["state"]).json()["next"] == "/"
    person.http.get("/oauth/qq/authorization/")


def test_next_comes_before_its_older_name(qq: Upstream, person: Person) -> None:
    answer = person.http.get("/oauth/qq/authorization/", {"next": "/a", "state": "//evil.example"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("agent", "shown"), [("Mozilla/5.0 (iPhone) Mobile/15E148", True), ("Mozilla/5.0 (X11)", False)]
)
def test_a_phone_gets_the_page_for_phones(qq: Upstream, person: Person, agent: str, shown: bool) -> None:
    person.http.defaults["HTTP_USER_AGENT"] = agent
    assert ("display" in person.login_url()) == shown


def test_a_new_person_is_bound_and_comes_back(qq: Upstream, person: Person) -> None:
    ticket = good(person.callback())
    assert set(ticket) == {"access_token", "expires_in", "next", "nickname", "avatar"}
    assert (ticket["expires_in"], ticket["next"], ticket["nickname"]) == (600, "/cart.html", "小明")

    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE)}
    answer = good(person.bind(**form, access_token=ticket["access_token"]), 201)
    assert set(answer) == SIGNED_IN | {"next"}
    user = get_user_model().objects.get()
    assert (answer["id"], answer["user_id"], answer["username"]) == (user.pk, user.pk, MOBILE)
    assert answer["next"] == "/cart.html"
    assert SocialAccount.objects.get().openid == OPENID

    again = good(person.callback())
    assert set(again) == SIGNED_IN | {"next"}
    assert (again["id"], again["next"]) == (user.pk, "/cart.html")


def test_an_image_and_an_sms(qq: Upstream, person: Person) -> None:
    image = person.http.get(f"/image_codes/{UUID}/")
    assert image.status_code == 200
    assert "no-store" in image["Cache-Control"]
    assert Image.open(io.BytesIO(image.content)).get_format_mimetype() == image["Content-Type"]
    assert good(person.ask_for_sms(MOBILE)) == {"message": "OK", "resend_after": 60, "expires_in": 300}
    assert [message.mobile for message in Outbox.sent] == [MOBILE]


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_an_sms_may_be_asked_for_by_post(qq: Upstream, person: Person, content_type: str) -> None:
    form = (
        f'{{"image_code_id": "{UUID}", "text": "AAAA"}}'
        if "json" in content_type
        else f"image_code_id={UUID}&text=AAAA"
    )
    answer = person.http.post(f"/sms_codes/{MOBILE}/", form, content_type=content_type)
    assert answer.json()["code"] == "image_code_invalid"


def test_the_mobile_of_the_path_is_the_one_that_counts(qq: Upstream, person: Person) -> None:
    form = {"mobile": MOBILE, "image_code_id": UUID, "text": "AAAA"}
    assert person.http.post("/sms_codes/1/", form).json()["errors"].keys() == {"mobile"}


@pytest.mark.parametrize("username", ["li", MOBILE])
def test_a_password_signs_in(qq: Upstream, person: Person, username: str) -> None:
    user = get_user_model()._default_manager.create_user("li", mobile=MOBILE, password=PASSWORD)
    answer = good(person.http.post("/authorizations/", {"username": username, "password": PASSWORD}))
    assert set(answer) == SIGNED_IN
    assert (answer["id"], answer["user_id"], answer["username"]) == (user.pk, user.pk, "li")


def test_a_refresh_token_gives_another_pair(qq: Upstream, person: Person) -> None:
    refresh = good(bind(person), 201)["refresh"]
    assert set(good(person.http.post("/authorizations/refresh/", {"refresh": refresh}))) == {"token", "refresh"}
