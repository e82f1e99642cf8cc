"""Pages of the session edition, only their HTTP: a browser whose page is on another port than the API."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from server.users.models import User
from tests.support.dialects import MOBILE, PASSWORD, Start
from tests.support.edge import Person

PAGES = "http://testserver:8080"


class Browser:
    """A browser with cookies, and with pages on another port of the same host."""

    def __init__(self) -> None:
        self.http = Client(headers={"origin": PAGES, "sec-fetch-site": "same-site"})

    def button(self, path: str = "/qq/authorization/", **query: str) -> Any:
        return self.http.get(path, {"next": "/", **query})

    def callback(self, **query: str) -> Any:
        return self.http.get("/oauth_callback/", {"code": "CODE", **query})

    def arrive(self) -> Any:
        assert self.button().json()["code"] == 0
        return self.callback()

    def post(self, path: str, **form: Any) -> Any:
        return self.http.post(path, form, content_type="application/json")

    def bind(self, ticket: str, sms_code: str) -> Any:
        return self.post("/oauth_callback/", mobile=MOBILE, password=PASSWORD, sms_code=sms_code, access_token=ticket)

    def log_in(self, **form: Any) -> Any:
        return self.post("/login/", **{"username": MOBILE, "password": PASSWORD, "remembered": True, **form})

    @property
    def user(self) -> str:
        return str(self.http.session.get("_auth_user_id", ""))

    @property
    def flows(self) -> list[str]:
        return [name for name, held in self.http.cookies.items() if "phonebind_flow_" in name and held.value]


@pytest.fixture
def browser(front_end: Start, settings: Settings) -> Browser:
    front_end("session")
    settings.CORS_ALLOWED_ORIGINS = [PAGES]
    return Browser()


@pytest.fixture
def bound(browser: Browser, person: Person) -> User:
    """A person who came once before, in another browser."""
    other = Browser()
    other.bind(other.arrive().json()["access_token"], person.sms_code(MOBILE))
    return User.objects.get()
