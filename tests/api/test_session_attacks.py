"""``FRONT_END = "session"`` signs a browser in with a cookie: attacks on that sign-in."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import Settings

from phonebind import states, tickets
from phonebind.oauth import Identity
from server.processes import Valkey
from server.users.models import User
from tests.support.dialects import MOBILE, PASSWORD, front_end
from tests.support.edge import Configure, Person, Upstream
from tests.support.session_pages import PAGES, Browser, bound, browser

__all__ = ["bound", "browser", "front_end"]

pytestmark = [pytest.mark.django_db, pytest.mark.once]


# ---------------------------------------------------------------- the browser that began the sign-in


def test_threat_1_a_callback_needs_a_sign_in_that_began_in_this_browser(browser: Browser, qq: Upstream) -> None:
    """A page could lead its visitor to the callback with a code of the attacker. That would sign the visitor in as the
    attacker.
    """
    assert Browser().button().status_code == 200
    answer = browser.callback(state="/")
    assert (answer.status_code, answer.json()["error"]) == (400, "state_invalid")
    assert qq.requests == [], "its code is not even looked at"


@pytest.mark.usefixtures("bound")
def test_threat_1_a_sign_in_serves_once(browser: Browser, qq: Upstream) -> None:
    assert browser.arrive().json()["code"] == 0
    assert browser.flows == []
    assert browser.callback().json()["error"] == "state_invalid"


def test_threat_1_each_tab_has_one_of_its_own(browser: Browser) -> None:
    for _ in range(2):
        browser.button()
    assert len(browser.flows) == 2
    assert [browser.callback().json()["code"] for _ in range(3)] == [300, 300, 400]


def test_threat_1_a_refused_code_leaves_the_way_open(browser: Browser, qq: Upstream) -> None:
    browser.button()
    qq.answer("/oauth2.0/token", b"garbage")
    assert browser.callback().status_code == 503
    qq.person()
    assert browser.callback().json()["code"] == 300


def test_threat_1_it_lives_ten_minutes(browser: Browser) -> None:
    browser.button()
    with time_machine.travel(timedelta(seconds=tickets.MAX_AGE + 1)):
        assert browser.callback().json()["error"] == "state_invalid"


def test_threat_1_the_cookie_under_another_name_would_serve_for_ever(browser: Browser) -> None:
    browser.button()
    [name] = browser.flows
    value = browser.http.cookies.pop(name).value
    for other in (
        f"{name[:-1]}x",
        f"{name[:-1]}{'1' if name[-1] == '0' else '0'}",
        "phonebind_flow_0",
        f"__Host-{name}",
    ):
        browser.http.cookies.load({other: value})
        assert browser.callback().json()["error"] == "state_invalid"
        del browser.http.cookies[other]
    browser.http.cookies.load({name: value})
    assert browser.callback().json()["code"] == 300


def test_threat_1_the_cookie_of_another_app_or_make_does_not_do(
    browser: Browser, phonebind: Configure, person: Person
) -> None:
    browser.button()
    phonebind(providers={"client_id": "101000002"})
    assert browser.callback().json()["error"] == "state_invalid"
    phonebind(providers={"client_id": "101000001"})
    [name] = browser.flows
    good = browser.http.cookies[name].value
    for value in ("", "x", "é", good[:-1] + ("A" if good[-1] != "A" else "B"), "x" * 5000):
        browser.http.cookies[name] = value
        assert browser.callback().json()["error"] == "state_invalid"
    # The contract's cookie holds a secret. It holds no signed value.
    person.http.get("/oauth/qq/authorization/", {"next": "/"})
    answer = person.http.get("/oauth_callback/", {"code": "CODE"})
    assert answer.json()["error"] == "state_invalid"


def test_threat_1_what_was_begun_and_left_is_dropped_oldest_first(browser: Browser) -> None:
    """As many sign-ins stay as there is room for. The oldest is dropped first."""
    for _ in range(states.MAX_OPEN + 3):
        browser.button()
    weight = sum(len(f"{name}={browser.http.cookies[name].value}; ") for name in browser.flows)
    assert states.ROOM - weight / len(browser.flows) < weight <= states.ROOM
    assert browser.callback().json()["code"] == 300


# ---------------------------------------------------------------- the store of the sessions is not available


def test_threat_20_a_session_that_cannot_be_kept_is_an_outage(
    browser: Browser, bound: User, settings: Settings, valkey: Valkey
) -> None:
    """The sessions are in a cache, as in the course."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    browser.button()
    valkey.stop()
    answer = browser.callback()
    assert (answer.status_code, answer.json()["error"]) == (503, "storage_unavailable")
    assert not {"username", "sessionid"} & answer.cookies.keys()
    valkey.start()
    assert browser.callback().json()["code"] == 0, "and the sign-in is still open"


# ---------------------------------------------------------------- pages of other sites


EVIL = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
#: Requests of a browser that does not send Sec-Fetch-Site, and ways to hide the origin.
OLD = [
    {"origin": origin} for origin in ("https://evil.example", "null", "http://[", "http://testserver:81", "testserver")
]


@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize("headers", [EVIL, *OLD], ids=lambda headers: " ".join(headers.values()))
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_threat_42_another_site_signs_nobody_in(browser: Browser, headers: dict[str, str], content_type: str) -> None:
    """The attack is a form on the other site: the victim would fill the attacker's cart, and give an address to the
    attacker's account.
    """
    body = f"username={MOBILE}&password={PASSWORD}"
    if content_type.startswith("multipart"):
        fields = {"username": MOBILE, "password": PASSWORD}
        body = "".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
        )
        body += "--x--\r\n"
    answer = browser.http.post("/login/", body, content_type=content_type, headers=headers)
    assert answer.json()["error"] == "origin_not_allowed"
    assert browser.user == ""
    assert not answer.cookies
    assert browser.http.post("/login/", body, content_type=content_type).json()["code"] == 0


@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize("headers", [EVIL, *OLD], ids=lambda headers: " ".join(headers.values()))
def test_threat_42_nor_where_cors_allows_every_site(
    browser: Browser, settings: Settings, headers: dict[str, str]
) -> None:
    settings.CORS_ALLOW_ALL_ORIGINS = True
    form = {"username": MOBILE, "password": PASSWORD}
    answer = browser.http.post("/login/", form, headers=headers)
    assert (answer.json()["error"], browser.user) == ("origin_not_allowed", "")
    assert browser.http.post("/login/", form).json()["code"] == 0, "whose origin is listed"


@pytest.mark.usefixtures("bound")
def test_threat_42_another_site_does_not_bring_a_code(browser: Browser, qq: Upstream) -> None:
    """The attack is a link. The victim is a visitor who is about to sign in."""
    browser.button()
    qq.requests.clear()
    answer = browser.http.get("/oauth_callback/", {"code": "EVIL"}, headers={**EVIL, "origin": ""})
    assert (answer.status_code, answer.json()["error"]) == (400, "origin_not_allowed")
    assert qq.requests == []
    assert browser.callback().json()["code"] == 0


@pytest.mark.usefixtures("bound")
def test_threat_42_nor_does_somebody_on_the_way_who_has_no_tls(browser: Browser, settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    tls = {"x-forwarded-proto": "https", "host": "testserver"}
    assert browser.http.post("/login/", {}, headers={**tls, "origin": "http://testserver"}).json()["error"] == (
        "origin_not_allowed"
    )
    for headers in ({**tls, "origin": "https://testserver"}, {"origin": "https://testserver"}, {"origin": ""}):
        assert browser.http.post("/login/", {}, headers=headers).json()["error"] == "invalid"


def test_it_needs_no_csrf_token_and_gives_a_new_one(browser: Browser, bound: User) -> None:
    assert "django.middleware.csrf.CsrfViewMiddleware" in django_settings.MIDDLEWARE
    strict = Client(enforce_csrf_checks=True, headers={"origin": PAGES})
    form = {"username": MOBILE, "password": PASSWORD}
    assert strict.post("/login/", form, content_type="application/json").json()["code"] == 0


def test_threat_2_the_ticket_of_an_app_signs_no_browser_in(browser: Browser, person: Person) -> None:
    """An attacker who holds such a ticket could sign another browser in as the attacker. At the contract's address the
    ticket is valid.
    """
    ticket = tickets.issue_loose(Identity("qq", "101000001", "A" * 32), "/")
    sms_code = person.sms_code(MOBILE)
    answer = browser.bind(ticket, sms_code)
    assert (answer.status_code, answer.json()["error"], browser.user) == (400, "ticket_invalid", "")
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": sms_code, "access_token": ticket}
    assert Client().post("/oauth/qq/user/", form, content_type="application/json").status_code == 201
