"""``FRONT_END = "tutorial"``: what static pages with a JWT send, and what they read."""

import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from phonebind import tickets
from phonebind.api import dialects
from server.users.models import User
from tests.support.aliases import ALIASES
from tests.support.dialects import KINDS, MOBILE, PASSWORD, Start, front_end, outcomes, refusing
from tests.support.edge import Outbox, Person, Upstream

__all__ = ["front_end"]

pytestmark = [pytest.mark.django_db, pytest.mark.once]

#: Errors that stay an outage: a person can do nothing about them, and a page says that the server has a fault.
OUTAGES = {"provider_unavailable": 503, "storage_unavailable": 503, "provider_unknown": 404, "receipt_unknown": 404}
JSON = "application/json"


@pytest.fixture
def tutorial(front_end: Start) -> None:
    front_end("tutorial")


def ticket() -> str:
    return str(Client().get("/oauth/qq/user/", {"code": "CODE"}).json()["access_token"])


def bind(person: Person, path: str = "/oauth/qq/user/", **changes: str) -> Any:
    form = {"mobile": MOBILE, "password": PASSWORD, **changes}
    if "sms_code" not in form:
        form["sms_code"] = person.sms_code(MOBILE)
    if not form.keys() & {"openid", "access_token"}:
        form["access_token"] = ticket()
    return Client().post(path, form, content_type=JSON)


# ---------------------------------------------------------------- what pages read


@pytest.mark.usefixtures("tutorial")
@pytest.mark.parametrize("name", ["state", "next"])
def test_the_address_has_every_name_that_pages_read(name: str) -> None:
    answer = Client().get("/oauth/qq/authorization/", {name: "/"})
    body = answer.json()
    assert set(body) == {"login_url", "oauth_url", "auth_url", "qq_login_url"}
    assert len(set(body.values())) == 1
    assert not answer.cookies, "which browsers would drop: pages ask for it without credentials"


@pytest.mark.usefixtures("tutorial")
@pytest.mark.parametrize("name", ["access_token", "openid"])
def test_a_bind_from_end_to_end(person: Person, name: str) -> None:
    new = Client().get("/oauth/qq/user/", {"code": "CODE"}).json()
    assert not new.keys() & {"id", "user_id", "token"}, "or pages would take it for bound"
    assert new["openid"] == new["access_token"]
    bound = bind(person, **{name: new[name]})
    assert bound.status_code == 201
    known = Client().get("/oauth/qq/user/", {"code": "CODE"}).json()
    assert known["user_id"] == known["id"] == bound.json()["id"] == bound.json()["user_id"]
    assert {"token", "username"} <= known.keys() & bound.json().keys()
    assert not known.keys() & {"access_token", "openid"}, "or pages would take it for not bound"


@pytest.mark.usefixtures("tutorial")
def test_a_password_gives_the_fields_that_pages_store(person: Person) -> None:
    bind(person)
    answer = Client().post("/authorizations/", {"username": MOBILE, "password": PASSWORD}, content_type=JSON)
    assert answer.status_code == 200
    assert answer.json()["id"] == answer.json()["user_id"] == User.objects.get().pk
    assert {"token", "username"} <= answer.json().keys()


# ---------------------------------------------------------------- what pages send


@pytest.mark.usefixtures("tutorial")
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart"])
def test_a_form_names_the_ticket_likewise(person: Person, content_type: str) -> None:
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE), "openid": ticket()}
    if content_type == "multipart":
        answer = Client().post("/oauth/qq/user/", form)
    else:
        body = "&".join(f"{name}={quote(value)}" for name, value in form.items())
        answer = Client().post("/oauth/qq/user/", body, content_type=content_type)
    assert answer.status_code == 201, answer.content


@pytest.mark.usefixtures("tutorial")
def test_threat_18_a_file_beside_the_fields_is_no_matter(settings: Settings) -> None:
    """A host may write every uploaded file to the disk. Such a file object cannot be copied."""
    settings.FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
    answer = Client().post("/oauth/qq/user/", {"openid": "x", "file": BytesIO(b"x")})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


@pytest.mark.usefixtures("tutorial")
def test_a_field_that_is_there_already_stays(person: Person) -> None:
    assert bind(person, access_token="forged", openid=ticket(), sms_code="1").json()["code"] == "ticket_invalid"
    assert bind(person, openid="0123456789ABCDEF", sms_code="1").json()["code"] == "ticket_invalid"


@pytest.mark.usefixtures("tutorial")
@pytest.mark.parametrize("body", ['["openid"]', '"openid"', "null", "7", "{", "[]", '[{"openid": "x"}]'])
def test_threat_18_a_body_that_has_no_fields(body: str) -> None:
    for path in ("/oauth/qq/user/", "/authorizations/", f"/sms_codes/{MOBILE}/"):
        answer = Client().post(path, body, content_type=JSON)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert answer.json()["non_field_errors"] == [answer.json()["message"]]


@pytest.mark.usefixtures("tutorial")
@pytest.mark.parametrize("path", ["/sms_codes/", "/sms_code/"])
@pytest.mark.parametrize("name", ["text", "image_code"])
def test_an_sms_at_either_path_and_by_either_name(person: Person, path: str, name: str) -> None:
    image = person.see_image()
    answer = Client().get(f"{path}{MOBILE}/", {"image_code_id": image["image_code_id"], name: image["text"]})
    assert answer.status_code == 200, answer.content
    assert len(Outbox.sent) == 1


@pytest.mark.usefixtures("tutorial")
def test_an_image_at_either_path() -> None:
    for path in ("image_codes", "image_code"):
        answer = Client().get(f"/{path}/6fa459ea-ee8a-4ca4-894e-db77e160355e/")
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")


# ---------------------------------------------------------------- other paths, one line each


@pytest.mark.usefixtures("tutorial")
def test_the_other_paths_of_the_census_from_end_to_end(person: Person) -> None:
    assert "auth_url" in Client().get("/oauth/qq/statues/", {"state": "/"}).json()
    new = Client().get("/oauth/qq/users/", {"code": "CODE"}).json()
    image = "6fa459ea-ee8a-4ca4-894e-db77e160355e"
    for path in (f"/verifications/imagecodes/{image}/", f"/verifications/images/{image}.jpg"):
        assert Client().get(path)["Content-Type"] == "image/jpeg"
    seen = person.see_image()
    assert Client().get(f"/verifications/smscodes/{MOBILE}/", seen).status_code == 200
    [code] = re.findall(r"\d{6}", Outbox.sent[-1].text)
    assert bind(person, "/oauth/qq/users/", access_token=new["access_token"], sms_code=code).status_code == 201
    form = {"username": MOBILE, "password": PASSWORD}
    assert "token" in Client().post("/users/auths/", form, content_type=JSON).json()


@pytest.mark.usefixtures("tutorial")
def test_a_path_may_have_names_of_its_own_besides(person: Person) -> None:
    image = person.see_image()
    answer = Client().get(
        f"/verifications/sms/{MOBILE}/", {"codeId": image["image_code_id"], "image_code": image["text"]}
    )
    assert answer.status_code == 200, answer.content


@pytest.mark.usefixtures("tutorial")
def test_names_of_a_path_hold_for_its_answers_too(person: Person) -> None:
    new = Client().get("/qq/back/", {"code": "CODE"}).json()
    assert new["secret"] == new["openid"] == new["access_token"]
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE), "secret": new["secret"]}
    assert Client().post("/qq/back/", form, content_type=JSON).status_code == 201
    assert not Client().get("/qq/back/", {"code": "CODE"}).json().keys() & {"secret", "openid", "access_token"}
    assert "secret" not in Client().get("/oauth/qq/user/", {"code": "CODE"}).json()


def test_the_button_of_pages_that_django_renders_leads_to_ours(front_end: Start) -> None:
    """Their XHR goes to the same origin. After QQ, our own pages continue."""
    front_end("contract", providers={"redirect_uri": "http://testserver/login/qq/callback/"})
    browser = Client()
    body = browser.get("/qq/login/", {"next": "/cart.html"}).json()
    assert set(body) == {"login_url"}
    query = parse_qs(urlsplit(body["login_url"]).query)
    assert query["redirect_uri"] == ["http://testserver/login/qq/callback/"]
    answer = browser.get("/login/qq/callback/", {"code": "CODE", "state": query["state"][0]})
    assert answer.status_code == 303
    form = browser.get(answer["Location"])
    assert (form.status_code, b'name="mobile"' in form.content) == (200, True)


def test_a_path_is_of_a_resource_that_there_is() -> None:
    assert {name for _, name, _ in ALIASES} <= dialects.VIEWS.keys()
    with pytest.raises(KeyError):
        dialects.path("x/", "unknown")


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_is_a_400_unless_it_is_an_outage(kind: str) -> None:
    for error in outcomes():
        answer = refusing(dialects.Tutorial, error, kind)
        expected = OUTAGES.get(error.code, 400)
        assert (answer.status_code, answer.data["code"]) == (expected, error.code)
        assert answer.data.get("non_field_errors") == ([answer.data["message"]] if expected == 400 else None)
        assert answer.data["message"] == str(error.message)
        assert answer.get("Retry-After") == error.headers.get("Retry-After")


def disable(person: Person) -> Any:
    bind(person)
    User.objects.update(is_active=False)
    return Client().get("/oauth/qq/user/", {"code": "CODE"})


def disabled_by_password(person: Person) -> Any:
    disable(person)
    return Client().post("/authorizations/", {"username": MOBILE, "password": PASSWORD}, content_type=JSON)


def too_soon(person: Person) -> Any:
    person.ask_for_sms(MOBILE)
    return person.ask_for_sms(MOBILE)


def wrong_image(person: Person) -> Any:
    return person.http.get(f"/sms_codes/{MOBILE}/", {**person.see_image(), "text": "9999"})


def gateway_refuses(person: Person) -> Any:
    Outbox.refuse = True
    return person.ask_for_sms(MOBILE)


def expired(person: Person) -> Any:
    old = ticket()
    with time_machine.travel(timedelta(seconds=tickets.MAX_AGE + 1)):
        return bind(person, access_token=old)


#: What a person does, and the text that they read.
REFUSED: dict[str, tuple[Callable[[Person], Any], str]] = {
    "disabled": (disable, "account_disabled"),
    "disabled, by password": (disabled_by_password, "account_disabled"),
    "two SMS at once": (too_soon, "sms_too_frequent"),
    "no gateway": (gateway_refuses, "sms_not_sent"),
    "an old ticket": (expired, "ticket_invalid"),
    "a wrong SMS code": (lambda person: bind(person, sms_code="000000"), "sms_code_invalid"),
    "a malformed mobile": (lambda person: bind(person, mobile="16x"), "invalid"),
    "a malformed image": (lambda person: person.http.get("/image_codes/nothing/"), "invalid"),
    "no image": (lambda person: person.http.get(f"/sms_codes/{MOBILE}/"), "invalid"),
    "a wrong image": (wrong_image, "image_code_invalid"),
    "a cancel": (lambda person: person.http.get("/oauth/qq/user/", {"state": "/"}), "sign_in_cancelled"),
    "a cancel on a phone": (lambda person: person.http.get("/oauth/qq/user/?usercancel=1"), "sign_in_cancelled"),
    "a cancel, as pages send it": (lambda person: person.http.get("/oauth/qq/user/?code=null"), "sign_in_cancelled"),
    "no code": (lambda person: person.http.get("/oauth/qq/user/"), "invalid"),
    "a next elsewhere": (lambda person: person.http.get("/oauth/qq/authorization/?next=//x"), "next_not_allowed"),
    "a wrong password": (
        lambda person: person.http.post("/authorizations/", {"username": "nobody", "password": "x"}),
        "credentials_invalid",
    ),
}


@pytest.mark.usefixtures("tutorial")
@pytest.mark.parametrize("what", REFUSED)
def test_each_endpoint_refuses_with_400_and_says_why(person: Person, qq: Upstream, what: str) -> None:
    act, code = REFUSED[what]
    answer = act(person)
    assert qq.requests == [] or code != "sign_in_cancelled", "nobody upstream is asked"
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["non_field_errors"] == [answer.json()["message"]]


def test_a_limit_is_a_400_that_says_when_to_come_back(front_end: Start) -> None:
    front_end("tutorial", limits={"image_address_hour": (0, 3600)})
    answer = Client().get("/image_codes/6fa459ea-ee8a-3ca4-894e-db77e160355e/")
    assert (answer.status_code, answer.json()["code"]) == (400, "too_many_requests")
    assert answer["Retry-After"]


@pytest.mark.usefixtures("tutorial")
def test_an_outage_stays_one(qq: Upstream) -> None:
    qq.answer("/oauth2.0/token", b"garbage")
    answer = Client().get("/oauth/qq/user/", {"code": "CODE"})
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")
    assert Client().get("/oauth/weibo/authorization/").status_code == 404
    assert Client().get("/authorizations/").status_code == 405


@pytest.mark.usefixtures("tutorial")
def test_a_refusal_can_be_read_by_a_page_on_another_origin(settings: Settings) -> None:
    """Pages read ``error.response`` without a check. Without it they stop."""
    settings.CORS_ALLOWED_ORIGINS = ["http://www.shop.example:8080"]
    headers = {"origin": "http://www.shop.example:8080"}
    answer = Client().post("/authorizations/", {"username": "x", "password": "y"}, headers=headers)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (400, headers["origin"])
    assert answer["Access-Control-Allow-Credentials"] == "true"


# ---------------------------------------------------------------- what the dialect gives up


@pytest.mark.usefixtures("tutorial")
def test_a_ticket_that_has_a_browser_keeps_it(person: Person, front_end: Start) -> None:
    front_end("contract")
    own = person.callback().json()["access_token"]
    front_end("tutorial")
    assert bind(person, access_token=own).json()["code"] == "ticket_invalid"


def test_threat_2_back_at_the_contract_its_tickets_are_worth_nothing(person: Person, front_end: Start) -> None:
    front_end("tutorial")
    unbound = ticket()
    front_end("contract")
    assert bind(person, access_token=unbound, sms_code="1").json()["code"] == "ticket_invalid"
    assert bind(person, openid=unbound, sms_code="1").json()["code"] == "invalid"
