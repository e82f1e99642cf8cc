"""The sign-in page by SMS: to the person's account, to a new account, and never to another person's account."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from phonebind.lifecycle.models import MobileProof, Session
from phonebind.models import SocialAccount
from server.users.models import User
from tests.lifecycle.conftest import MOBILE
from tests.lifecycle.ways_in.conftest import GENEROUS, Visitor
from tests.support.edge import Configure, Outbox

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/login/by/sms/"
NOBODYS = "13900000009"
Who = Callable[[Client], Any]


@pytest.fixture(autouse=True)
def _open(phonebind: Configure) -> None:
    phonebind(sms_sign_in=True, sms_sign_up=True, bind_without_password=True, human_check="none", limits=GENEROUS)


@pytest.mark.parametrize("script", [False, True])
def test_a_known_number_comes_in_and_goes_where_it_was_going(
    visitor: Visitor, owner: Any, who: Who, script: bool
) -> None:
    form = visitor.at(f"{URL}?next=/cart.html", mobile=MOBILE)
    answer = form.send(sms_code=form.code(), script=script)
    if script:
        assert answer.json() == {"location": "/cart.html"}
    else:
        assert (answer.status_code, answer["Location"]) == (303, "/cart.html")
    assert who(visitor.http) == "139****0001"
    assert Session.objects.get().method == "sms"


def test_an_unknown_one_gets_an_account(visitor: Visitor, who: Who) -> None:
    form = visitor.at(URL, mobile=NOBODYS)
    assert form.send(sms_code=form.code()).status_code == 303
    assert who(visitor.http) == "139****0009"
    assert MobileProof.objects.get().user_id == User.objects.get(mobile=NOBODYS).pk


def test_somebody_new_agrees_first_and_nobody_else_is_asked(
    visitor: Visitor, owner: Any, phonebind: Configure, who: Who
) -> None:
    phonebind(terms_url="https://shop.example/terms", privacy_url="https://shop.example/privacy")
    form = visitor.at(URL, mobile=NOBODYS)
    assert "terms" not in form.values
    code = form.code()
    assert form.send(sms_code=code, script=True).json()["screen"] is True
    asked = form.send(sms_code=code)
    assert (asked.status_code, who(visitor.http)) == (400, None)
    assert b"Create your account" in asked.content
    kept = visitor.inputs(asked) | {"action": "register"}
    half = visitor.submit(URL, kept | {"terms": "on"})
    assert (half.status_code, User.objects.filter(mobile=NOBODYS).exists()) == (400, False)
    # A ticked box comes back ticked, and there is no other field of that name.
    assert half.content.count(b'name="terms"') == 1
    assert "terms" in visitor.inputs(half)
    assert "Please agree to this first." in half.content.decode()
    whole = visitor.submit(URL, visitor.inputs(half) | {"action": "register", "terms": "on", "privacy": "on"})
    assert (whole.status_code, who(visitor.http)) == (303, "139****0009")
    known = Visitor()
    form = known.at(URL, mobile=MOBILE)
    assert form.send(sms_code=form.code()).status_code == 303


def test_a_code_that_expired_meanwhile_leads_back_to_the_form(visitor: Visitor, phonebind: Configure) -> None:
    phonebind(terms_url="https://shop.example/terms")
    form = visitor.at(URL, mobile=NOBODYS)
    kept = visitor.inputs(form.send(sms_code=form.code()))
    answer = visitor.submit(URL, kept | {"sms_code": "000000", "terms": "on", "action": "register"})
    assert (answer.status_code, b'value="send_code"' in answer.content) == (400, True)
    assert not User.objects.exists()


def test_where_nobody_registers_so_an_unknown_number_is_told_once_it_is_proved(
    visitor: Visitor, owner: Any, phonebind: Configure
) -> None:
    phonebind(sms_sign_up=False)
    answers = []
    for mobile in (MOBILE, NOBODYS):
        form = Visitor().at(URL, mobile=mobile)
        sent = form.ask()
        wrong = form.send(sms_code="000000")
        answers.append([len(sent.content), sent.status_code, len(wrong.content), wrong.status_code])
    assert answers[0] == answers[1]
    form = visitor.at(URL, mobile=NOBODYS)
    told = form.send(sms_code=form.code())
    assert (told.status_code, b"No account has this number yet" in told.content) == (400, True)
    assert b'href="/login/"' in told.content


def test_where_sms_only_makes_accounts_a_known_number_is_told(
    visitor: Visitor, owner: Any, phonebind: Configure, who: Who
) -> None:
    phonebind(sms_sign_in=False)
    form = visitor.at(URL, mobile=MOBILE)
    assert b"has this number already" in form.send(sms_code=form.code()).content
    assert who(visitor.http) is None


def test_the_page_is_there_only_where_it_does_something(visitor: Visitor, phonebind: Configure) -> None:
    phonebind(sms_sign_in=False, sms_sign_up=False)
    assert visitor.http.get(URL).status_code == 404
    assert visitor.http.post(URL, {"mobile": MOBILE, "action": "send_code"}).status_code == 404
    assert not Outbox.sent


def test_operators_are_told_to_use_their_password(visitor: Visitor, owner: Any, who: Who) -> None:
    User.objects.update(is_staff=True)
    form = visitor.at(URL, mobile=MOBILE)
    answer = form.send(sms_code=form.code(), script=True)
    # The error has another code than the one that makes the script reload the page.
    assert (answer.status_code, answer.json()["code"]) == (403, "owner_refused")
    assert "with its password" in answer.json()["message"]
    assert who(visitor.http) is None


def test_a_disabled_account_stays_out(visitor: Visitor, owner: Any, who: Who) -> None:
    User.objects.update(is_active=False)
    form = visitor.at(URL, mobile=MOBILE)
    assert form.send(sms_code=form.code()).status_code == 403
    assert who(visitor.http) is None


def test_whose_account_it_is_is_asked_and_the_same_form_goes_on(visitor: Visitor, person: Any, who: Who) -> None:
    User.objects.update(password="")
    form = visitor.at(URL, mobile=MOBILE)
    asked = form.send(sms_code=form.code())
    assert (asked.status_code, b"Is this account yours?" in asked.content) == (409, True)
    answer = visitor.submit(URL, visitor.inputs(asked) | {"owner": "mine"})
    assert (answer.status_code, who(visitor.http)) == (303, "139****0001")


def test_not_mine_frees_the_number_for_a_new_account(visitor: Visitor, person: Any, who: Who) -> None:
    form = visitor.at(URL, mobile=MOBILE)
    asked = form.send(sms_code=form.code())
    freed = visitor.submit(URL, visitor.inputs(asked) | {"owner": "not_mine"})
    assert b"ask for another code" in freed.content
    assert visitor.inputs(freed)["sms_code"] == ""
    assert form.send(sms_code=form.code()).status_code == 303
    assert User.objects.get(mobile=MOBILE).pk != person.pk
    assert who(visitor.http) == "139****0001"


def test_mine_takes_the_password_where_there_is_one(visitor: Visitor, person: Any, who: Who) -> None:
    form = visitor.at(URL, mobile=MOBILE)
    asked = form.send(sms_code=form.code())
    answer = visitor.submit(URL, visitor.inputs(asked) | {"owner": "mine"})
    assert (answer.status_code, b"sign in with its password" in answer.content) == (403, True)
    assert who(visitor.http) is None


def test_or_the_provider_where_that_is_all_there_is(visitor: Visitor, person: Any, who: Who) -> None:
    User.objects.update(password="")
    SocialAccount.objects.create(user=person, provider="qq", app_id="101000001", openid="E" * 32)
    SocialAccount.objects.update(created_at=timezone.now() - timedelta(days=200))
    form = visitor.at(URL, mobile=MOBILE)
    asked = form.send(sms_code=form.code())
    answer = visitor.submit(URL, visitor.inputs(asked) | {"owner": "mine"})
    assert (answer.status_code, b"the way you did before" in answer.content) == (403, True)
    assert who(visitor.http) is None


def test_who_is_held_is_told_until_when(visitor: Visitor, person: Any, phonebind: Configure) -> None:
    phonebind(owner_word="hold")
    User.objects.update(password="")
    form = visitor.at(URL, mobile=MOBILE)
    asked = form.send(sms_code=form.code())
    held = visitor.submit(URL, visitor.inputs(asked) | {"owner": "mine"})
    assert (held.status_code, b"you can sign in with this number alone" in held.content) == (409, True)


# ---------------------------------------------------------------- attacks


def test_a_code_is_this_browsers_and_survives_a_reload(visitor: Visitor, owner: Any) -> None:
    form = visitor.at(URL, mobile=MOBILE)
    code = form.code()
    for _ in range(4):
        assert Visitor().at(URL, mobile=MOBILE).send(sms_code=code).status_code == 400
    assert visitor.at(URL, mobile=MOBILE).send(sms_code=code).status_code == 303


def test_login_csrf_another_sites_form_knows_no_code_of_the_victims(visitor: Visitor, owner: Any, who: Who) -> None:
    thief = Visitor()
    form = thief.at(URL, mobile=MOBILE)
    values = form.values | {"mobile": MOBILE, "sms_code": form.code()}
    assert visitor.submit(URL, values).status_code == 400
    assert who(visitor.http) is None


@pytest.mark.parametrize("path", [URL, "/login/by/password/", "/login/by/reset/"])
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        {"sec-fetch-site": "same-site", "origin": "http://evil.testserver"},
        {"origin": "null"},
        {"origin": "http://testserver.evil.example"},
    ],
)
def test_a_form_of_another_site_does_nothing(
    visitor: Visitor, owner: Any, who: Who, path: str, headers: dict[str, str]
) -> None:
    form = visitor.at(path)
    values = form.values | {"mobile": MOBILE, "username": MOBILE, "password": "correct-horse-8", "sms_code": "123456"}
    for action in ("send_code", "enter", "reset"):
        answer = visitor.http.post(path, values | {"action": action}, headers=headers)
        assert answer.status_code == 403
    assert not Outbox.sent
    assert who(visitor.http) is None


@pytest.mark.parametrize("path", [URL, "/login/by/password/", "/login/by/reset/"])
@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_next_leads_to_no_foreign_host(visitor: Visitor, owner: Any, path: str, target: str) -> None:
    for answer in (visitor.http.get(path, {"next": target}), visitor.http.post(f"{path}?next={target}", {})):
        assert answer.status_code == 400
        assert b"evil.example" not in answer.content


def test_a_host_that_is_allowed_is_led_to(visitor: Visitor, owner: Any, phonebind: Configure) -> None:
    phonebind(allowed_next_hosts=["shop.example"])
    form = visitor.at(f"{URL}?next=https://shop.example/cart", mobile=MOBILE)
    assert form.send(sms_code=form.code())["Location"] == "https://shop.example/cart"


def test_a_code_serves_once(visitor: Visitor, owner: Any, who: Who) -> None:
    form = visitor.at(URL, mobile=MOBILE)
    code = form.code()
    assert form.send(sms_code=code).status_code == 303
    visitor.http.post("/logout/")
    again = form.send(sms_code=code)
    assert again.status_code == 400
    assert Session.objects.count() == 1


def test_wrong_codes_burn_the_right_one(visitor: Visitor, owner: Any) -> None:
    form = visitor.at(URL, mobile=MOBILE)
    code = form.code()
    for _ in range(5):
        assert form.send(sms_code=f"{(int(code) + 1) % 10**6:06}").status_code in (400, 429)
    burnt = form.send(sms_code=code, script=True)
    assert (burnt.status_code, "sms_code" in burnt.json()["errors"]) == (400, True)


@pytest.mark.parametrize(
    "garbage",
    [
        {},
        {"action": "x"},
        {"mobile": "abc", "sms_code": "1"},
        {"mobile": "\x00", "sms_code": "\x00"},
        {"mobile": MOBILE, "sms_code": "１２３４５６"},
        {"mobile": MOBILE, "sms_code": "123456", "question": "x", "owner": "mine"},
        {"mobile": MOBILE, "sms_code": "123456", "question": "é"},
        {"mobile": MOBILE, "sms_code": "123456", "action": "register"},
    ],
)
@pytest.mark.parametrize("path", [URL, "/login/by/password/", "/login/by/reset/"])
def test_garbage_is_told_so(visitor: Visitor, owner: Any, path: str, garbage: dict[str, str]) -> None:
    for script in (False, True):
        assert visitor.submit(path, garbage, script=script).status_code in (200, 400)
    assert not Session.objects.exists()


def test_somebody_else_in_the_browser_is_signed_out_by_it(
    visitor: Visitor, owner: Any, who: Who, settings: Settings
) -> None:
    first = visitor.at(URL, mobile=NOBODYS)
    assert first.send(sms_code=first.code()).status_code == 303
    second = visitor.at(URL, mobile=MOBILE)
    assert b"You are signed in as 139****0009." in visitor.http.get(URL).content
    assert second.send(sms_code=second.code()).status_code == 303
    assert who(visitor.http) == "139****0001"
    assert Session.objects.filter(ended_at=None).count() == 1
