"""``FRONT_END = "tutorial"``: what static pages with a JWT send, and what they look at."""

from typing import Any
from urllib.parse import parse_qs, quote, unquote, urljoin, urlsplit

import pytest
from django.test import Client

from phonebind.api import dialects
from tests.support.dialects import Start, front_end
from tests.support.edge import Configure, Person, Upstream

__all__ = ["front_end"]

pytestmark = pytest.mark.django_db

PAGE = "http://www.shop.example:8080/oauth_callback.html"
MOBILE = "13900000001"
PASSWORD = "horse-staple-9"


@pytest.fixture
def provider(phonebind: Configure, qq: Upstream) -> dict[str, Any]:
    return {
        "client_id": "101000001",
        "client_secret": "sandbox-secret",
        "redirect_uri": PAGE,
        "base_url": qq.url,
    }


@pytest.fixture
def tutorial(front_end: Start, provider: dict[str, Any]) -> None:
    front_end("tutorial", providers=provider)


def decode_uri(text: str) -> str:
    """As JavaScript's: what is reserved stays as it came."""
    for letter in ";/?:@&=+$,#":
        text = text.replace(quote(letter, safe=""), quote(quote(letter, safe=""), safe=""))
    return unquote(text)


def lands(next_: str, **extra: Any) -> str:
    """Where the page goes after success, the state being encoded on its way back, and the address that it then shows."""
    answer = Client().get("/oauth/qq/authorization/", {"next": next_}, **extra)
    [state] = parse_qs(urlsplit(answer.json()["login_url"]).query)["state"]
    return urljoin(PAGE, decode_uri(quote(state, safe="")).replace("\\", "/"))


@pytest.mark.usefixtures("tutorial")
def test_the_address_has_every_name_that_pages_read() -> None:
    body = Client().get("/oauth/qq/authorization/", {"state": "/"}).json()
    assert set(body) == {"login_url", "oauth_url", "auth_url", "qq_login_url"}
    assert len(set(body.values())) == 1


@pytest.mark.usefixtures("tutorial")
@pytest.mark.parametrize("name", ["access_token", "openid"])
def test_a_bind_from_end_to_end(person: Person, name: str) -> None:
    new = Client().get("/oauth/qq/user/", {"code": "CODE"}).json()
    assert not new.keys() & {"id", "user_id", "token"}, "or pages would take it for bound"
    assert new["openid"] == new["access_token"]
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE), name: new[name]}
    bound = Client().post("/oauth/qq/user/", form, content_type="application/json")
    assert bound.status_code == 201
    known = Client().get("/oauth/qq/user/", {"code": "CODE"}).json()
    assert known["user_id"] == known["id"] == bound.json()["id"]
    assert not known.keys() & {"access_token", "openid"}, "or pages would take it for not bound"


@pytest.mark.usefixtures("tutorial")
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart"])
def test_a_form_names_the_ticket_likewise(person: Person, content_type: str) -> None:
    ticket = Client().get("/oauth/qq/user/", {"code": "CODE"}).json()["openid"]
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE), "openid": ticket}
    if content_type == "multipart":
        answer = Client().post("/oauth/qq/user/", form)
    else:
        body = "&".join(f"{name}={quote(value)}" for name, value in form.items())
        answer = Client().post("/oauth/qq/user/", body, content_type=content_type)
    assert answer.status_code == 201, answer.content


@pytest.mark.usefixtures("tutorial")
def test_a_wrong_password_is_a_400_with_a_message() -> None:
    answer = Client().post("/authorizations/", {"username": "nobody", "password": "x"}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "credentials_invalid")
    assert answer.json()["non_field_errors"] == [answer.json()["message"]]


@pytest.mark.usefixtures("qq")
def test_a_limit_is_a_400_that_says_when_to_come_back(front_end: Start, provider: dict[str, Any]) -> None:
    front_end("tutorial", providers=provider, limits={"image_address_hour": (0, 3600)})
    answer = Client().get("/image_codes/6fa459ea-ee8a-3ca4-894e-db77e160355e/")
    assert (answer.status_code, answer.json()["code"]) == (400, "too_many_requests")
    assert answer["Retry-After"]
