"""The moved shop on a laptop, as the guide tries it: the sandbox stands in for QQ and for the SMS vendor."""

from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.conf import settings
from django.core.checks import run_checks
from django.test import Client

from tests.support.edge import Person
from tests.support.startproject import ROOT
from tests.tutorial_shop.shop import GUIDE

MOBILE = "13900000001"
SHOP: Any = settings


def come_back(http: Client) -> Any:
    """Click the button of the page, choose a person in the sandbox; what the callback page is answered."""
    login_url = http.get("/oauth/qq/authorization/", {"next": "/cart.html"}).json()["login_url"]
    chosen = requests.post(login_url, {"person": "xiaolan"}, allow_redirects=False, timeout=5)
    callback = urlsplit(chosen.headers["Location"])
    assert callback._replace(query="").geturl() == SHOP.QQ_REDIRECT_URI
    return http.get(f"/oauth/qq/user/?{callback.query}").json()


@pytest.mark.django_db
def test_somebody_binds_and_comes_straight_in() -> None:
    person = Person()
    ticket = come_back(person.http)["access_token"]
    assert person.ask_for_sms(MOBILE).status_code == 200
    inbox = SHOP.PHONEBIND["SMS"]["url"].replace("/sms/", "/inbox.json")
    code = requests.get(inbox, {"mobile": MOBILE}, timeout=5).json()[0]["code"]
    form = {"mobile": MOBILE, "password": "horse-staple-9", "sms_code": code, "access_token": ticket}
    assert person.bind(**form).status_code == 201
    assert come_back(Client())["username"] == MOBILE


def test_the_checks_warn_of_the_pages_alone() -> None:
    [message] = run_checks()
    assert f"\n?: ({message.id}) {message.msg}\n" in (ROOT / GUIDE).read_text(), "as the guide shows it"
