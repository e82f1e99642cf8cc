"""``FRONT_END = "session"``: static pages that keep Django's session, and read ``code`` and ``errmsg``."""

from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.auth.backends import ModelBackend
from pytest_django import Settings

from phonebind.api import dialects
from phonebind.models import SocialAccount
from server.users.models import User
from tests.support.dialects import KINDS, MOBILE, front_end, outcomes, refusing
from tests.support.edge import Outbox, Person, Upstream
from tests.support.session_pages import Browser, bound, browser

__all__ = ["bound", "browser", "front_end"]

pytestmark = [pytest.mark.django_db, pytest.mark.once]

#: Errors that stay an outage.
OUTAGES = {"provider_unavailable": 503, "storage_unavailable": 503, "provider_unknown": 404, "receipt_unknown": 404}
TWO_WEEKS = 14 * 86_400


# ---------------------------------------------------------------- what pages read


def test_from_the_button_to_the_bind_and_back_again(browser: Browser, person: Person) -> None:
    assert browser.button().json().keys() == {"code", "errmsg", "login_url"}
    new = browser.callback()
    assert (new.status_code, new.json()["code"], new.json()["errmsg"]) == (200, 300, "OK")
    answer = browser.bind(new.json()["access_token"], person.sms_code(MOBILE))
    assert (answer.status_code, answer.json()["code"], answer.json()["errmsg"]) == (200, 0, "OK")
    user = User.objects.get()
    assert browser.user == str(user.pk)
    returning = Browser()
    answer = returning.arrive()
    assert (answer.status_code, answer.json()["code"]) == (200, 0)
    assert returning.user == browser.user
    assert not {"token", "refresh", "access_token"} & answer.json().keys(), "the session is all they keep"


def test_an_sms_by_the_names_of_either_edition(browser: Browser, person: Person) -> None:
    for id_name, mobile in (("image_code_id", "13900000002"), ("uuid", "13900000003")):
        image = person.see_image()
        query = {id_name: image["image_code_id"], "image_code": image["text"]}
        answer = browser.http.get(f"/sms_codes/{mobile}/", query)
        assert (answer.status_code, answer.json()["code"]) == (200, 0)
    assert [message.mobile for message in Outbox.sent] == ["13900000002", "13900000003"]


@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize(
    ("remembered", "seconds"),
    [
        (True, TWO_WEEKS),
        ("true", TWO_WEEKS),
        ("on", TWO_WEEKS),
        (1, TWO_WEEKS),
        (False, None),
        ("false", None),
        ("", None),
        (None, None),
        ([], None),
    ],
)
def test_remembered(browser: Browser, remembered: Any, seconds: int | None) -> None:
    answer = browser.log_in(remembered=remembered)
    assert (answer.status_code, answer.json()["code"]) == (200, 0)
    for name in ("username", "sessionid"):
        assert (answer.cookies[name]["max-age"] or None) == seconds


@pytest.mark.usefixtures("bound")
def test_remembered_is_what_was_said_last(browser: Browser) -> None:
    browser.log_in(remembered=False)
    assert browser.http.session.get_expire_at_browser_close()
    assert browser.log_in().cookies["sessionid"]["max-age"] == TWO_WEEKS
    browser.log_in(remembered=False)
    assert browser.arrive().cookies["sessionid"]["max-age"] == TWO_WEEKS


@pytest.mark.parametrize(
    "name", ["13900000001", "小明", "a;b=c d,e", "li@shop.example", "a+b/c==", "a\r\nSet-Cookie: x=y"]
)
def test_the_cookie_that_pages_greet_with(browser: Browser, bound: User, name: str) -> None:
    """Pages read the cookie with a pattern that stops at a semicolon. They decode nothing."""
    bound.username = name
    bound.save()
    answer = browser.arrive()
    shown = answer.cookies["username"]
    assert unquote(shown.value) == name
    assert shown.OutputString().startswith(f"username={shown.value};"), "without quotes"
    assert (shown["path"], shown["httponly"], shown["samesite"], shown["secure"]) == ("/", "", "Lax", "")
    read = SimpleCookie(shown.OutputString())
    assert list(read) == ["username"]


def test_over_tls_it_is_for_tls(browser: Browser, bound: User, settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    browser.http.defaults["HTTP_X_FORWARDED_PROTO"] = "https"
    assert browser.arrive().cookies["username"]["secure"] is True


def test_a_page_that_is_opened_again_starts_anew(browser: Browser, qq: Upstream) -> None:
    assert browser.arrive().json()["code"] == 300
    qq.requests.clear()
    again = browser.callback()
    assert (again.status_code, again.json()["error"]) == (400, "state_invalid")
    assert qq.requests == [], "the code is spent"
    assert browser.arrive().json()["code"] == 300


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_is_told_as_pages_look_at_it(kind: str) -> None:
    """Pages look at the status. Only the sign-in by password reads the code."""
    for error in outcomes():
        answer = refusing(dialects.Session, error, kind)
        assert answer.status_code == OUTAGES.get(error.code, 200 if kind == "password" else 400)
        assert (answer.data["code"], answer.data["error"]) == (400, error.code)
        assert answer.data["errmsg"] == answer.data["message"] == str(error.message)
        assert answer.get("Retry-After") == error.headers.get("Retry-After")


def test_each_endpoint_refuses_so(browser: Browser, person: Person, bound: User) -> None:
    ticket = "forged"
    answers = {
        "image_code_invalid": browser.http.get(f"/sms_codes/{MOBILE}/", {**person.see_image(), "text": "9999"}),
        "ticket_invalid": browser.bind(ticket, "123456"),
        "state_invalid": browser.callback(),
        "next_not_allowed": browser.button(next="https://evil.example/"),
        "invalid": browser.post("/oauth_callback/", mobile="1"),
    }
    for code, answer in answers.items():
        assert (answer.status_code, answer.json()["code"], answer.json()["error"]) == (400, 400, code)
    wrong = browser.log_in(password="wrong-horse-1")
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["error"]) == (200, 400, "credentials_invalid")
    assert browser.user == ""


@pytest.mark.parametrize("body", ['["remembered"]', '"x"', "null", "7", "{", "[]"])
def test_threat_18_a_body_that_has_no_fields(browser: Browser, body: str) -> None:
    for path, status in (("/oauth_callback/", 400), ("/login/", 200)):
        answer = browser.http.post(path, body, content_type="application/json")
        assert (answer.status_code, answer.json()["code"], answer.json()["error"]) == (status, 400, "invalid")


def test_a_cancel_says_so(browser: Browser, qq: Upstream) -> None:
    browser.button()
    for query in ({"usercancel": "1"}, {"state": "."}, {"code": "null"}, {"code": "undefined"}):
        answer = browser.http.get("/oauth_callback/", query)
        assert (answer.status_code, answer.json()["error"]) == (400, "sign_in_cancelled")
    assert qq.requests == []


# ---------------------------------------------------------------- accounts that must stay out


def test_threat_7_who_is_disabled_gets_no_session(browser: Browser, bound: User) -> None:
    bound.is_active = False
    bound.save()
    for answer, status in ((browser.arrive(), 400), (browser.log_in(), 200)):
        assert (answer.status_code, answer.json()["error"]) == (status, "account_disabled")
        assert not {"username", "sessionid"} & answer.cookies.keys()
    assert browser.user == ""


class Nobody(ModelBackend):
    """An authentication backend that refuses to load the user. Such a rule of the host cannot be checked in advance."""

    def get_user(self, user_id: Any) -> None:
        return None


def test_threat_7_whom_no_backend_loads_is_bound_and_not_signed_in(
    browser: Browser, person: Person, settings: Settings
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.api.test_session.Nobody"]
    ticket = browser.arrive().json()["access_token"]
    answer = browser.bind(ticket, person.sms_code(MOBILE))
    assert (answer.status_code, answer.json()["error"]) == (400, "account_disabled")
    assert SocialAccount.objects.count() == 1
    assert browser.user == ""
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert browser.arrive().json()["code"] == 0


def test_a_session_that_there_was_goes_and_its_key_with_it(browser: Browser, bound: User) -> None:
    other = User.objects.create(username="li", mobile="13900000009")
    browser.http.force_login(other)
    before = browser.http.session.session_key
    assert browser.log_in().json()["code"] == 0
    assert browser.user == str(bound.pk)
    assert browser.http.session.session_key != before
    anonymous = Browser()
    session = anonymous.http.session
    session["cart"] = "1"
    session.save()
    before = str(session.session_key)
    anonymous.http.cookies["sessionid"] = before
    assert anonymous.arrive().json()["code"] == 0
    assert anonymous.http.session["cart"] == "1"
    assert anonymous.http.session.session_key != before


def test_threat_45_the_session_ends_with_the_users_tokens(browser: Browser, bound: User) -> None:
    browser.arrive()
    assert browser.http.get("/login/done/").status_code == 200
    SocialAccount.objects.get().delete()
    assert browser.http.get("/login/done/").status_code != 200
