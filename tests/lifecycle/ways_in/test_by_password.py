"""The sign-in page by password."""

from typing import Any

import pytest
from pytest_django import Settings

from phonebind.lifecycle.models import Session
from server.users.models import User
from tests.lifecycle.conftest import MOBILE, PASSWORD
from tests.lifecycle.ways_in.conftest import GENEROUS, Visitor
from tests.lifecycle.ways_in.test_by_sms import Who
from tests.support.edge import Configure

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/login/by/password/"


@pytest.fixture(autouse=True)
def _open(phonebind: Configure) -> None:
    phonebind(sms_sign_in=False, sms_sign_up=False, human_check="none", limits=GENEROUS)


@pytest.mark.parametrize("script", [False, True])
@pytest.mark.parametrize("username", [MOBILE, f"+86 {MOBILE}", "ming"])
def test_by_mobile_or_username(visitor: Visitor, owner: Any, who: Who, username: str, script: bool) -> None:
    User.objects.update(username="ming")
    form = visitor.at(f"{URL}?next=/cart.html", username=username, password=PASSWORD)
    answer = form.send(script=script)
    assert answer.json() == {"location": "/cart.html"} if script else answer["Location"] == "/cart.html"
    assert who(visitor.http) == "139****0001"
    assert Session.objects.get().method == "password"


def test_a_wrong_one_and_an_unknown_name_are_told_alike(visitor: Visitor, owner: Any, who: Who) -> None:
    told = []
    for username in (MOBILE, "13900000009"):
        answer = visitor.at(URL, username=username, password="wrong-horse-9").send()
        assert answer.status_code == 401
        assert PASSWORD not in answer.content.decode()
        assert "wrong-horse-9" not in answer.content.decode()
        told.append(answer.content.replace(username.encode(), b""))
    assert told[0] == told[1]
    assert b"Wrong username or password" in told[0]
    assert who(visitor.http) is None


def test_too_many_wrong_ones_are_told_for_how_long(visitor: Visitor, owner: Any, phonebind: Configure) -> None:
    phonebind(limits=GENEROUS | {"password_account": (2, 600)})
    for _ in range(2):
        visitor.at(URL, username=MOBILE, password="wrong-horse-9").send()
    answer = visitor.at(URL, username=MOBILE, password=PASSWORD).send(script=True)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert "in 10 minutes" in answer.json()["errors"]["password"][0]


def test_a_disabled_account_stays_out(visitor: Visitor, owner: Any, who: Who) -> None:
    User.objects.update(is_active=False)
    assert visitor.at(URL, username=MOBILE, password=PASSWORD).send().status_code == 403
    assert who(visitor.http) is None


def test_the_form_of_another_tab_still_works_after_a_sign_in(visitor: Visitor, owner: Any, who: Who) -> None:
    other = visitor.at(URL, username=MOBILE, password=PASSWORD)
    assert visitor.at(URL, username=MOBILE, password=PASSWORD).send().status_code == 303
    assert other.send().status_code == 303
    assert Session.objects.filter(ended_at=None).count() == 1


def test_it_leads_to_the_other_ways_and_keeps_where_one_was_going(visitor: Visitor, phonebind: Configure) -> None:
    def links() -> str:
        return str(visitor.http.get(URL, {"next": "/cart.html"}).content.decode())

    assert 'href="/login/by/reset/?next=%2Fcart.html"' in links()
    assert 'href="/login/?next=%2Fcart.html"' in links()
    assert "/login/by/sms/" not in links()
    phonebind(sms_sign_in=True)
    assert 'href="/login/by/sms/?next=%2Fcart.html"' in links()


# ---------------------------------------------------------------- the sign-in page


def test_the_sign_in_page_shows_them_below_the_providers(visitor: Visitor, phonebind: Configure) -> None:
    def page() -> str:
        return str(visitor.http.get("/login/", {"next": "/cart.html"}).content.decode())

    assert 'href="/login/by/password/?next=%2Fcart.html"' in page()
    assert "/login/by/sms/" not in page()
    phonebind(sms_sign_up=True)
    shown = page()
    assert shown.index("/login/qq/") < shown.index('href="/login/by/sms/?next=%2Fcart.html"')
    assert 'class="button main" href="/login/by/' not in shown


def test_where_no_provider_works_they_are_the_main_ways(
    visitor: Visitor, phonebind: Configure, settings: Settings
) -> None:
    settings.PHONEBIND = settings.PHONEBIND | {"PROVIDERS": {}}
    phonebind(sms_sign_in=True)
    shown = visitor.http.get("/login/").content.decode()
    assert shown.count("button main") == 1
    assert 'class="button main" href="/login/by/sms/"' in shown
    assert "You cannot sign in with this browser." not in shown
    phonebind(sms_sign_in=False)
    assert 'class="button main" href="/login/by/password/"' in visitor.http.get("/login/").content.decode()
