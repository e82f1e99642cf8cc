"""Threat 42: no other site makes a visitor's browser use up that visitor's limits, or decide whose account it is."""

import json
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client, RequestFactory
from pytest_django import Settings

from phonebind import human, origins, store
from tests.support.edge import Configure, Outbox

pytestmark = [pytest.mark.django_db, pytest.mark.once]

UUID = "3f0c6f6e-0000-4000-8000-000000000000"
MOBILE = "13900000001"
FORM = {"mobile": MOBILE, "password": "horse-staple-9", "sms_code": "123456", "access_token": "x", "username": "li"}
#: Every endpoint that counts, sends or changes something.
GUARDED = [
    ("GET", "/oauth/qq/authorization/"),
    ("GET", f"/image_codes/{UUID}/"),
    ("GET", f"/human_checks/{MOBILE}/"),
    ("GET", f"/sms_codes/{MOBILE}/"),
    ("POST", f"/sms_codes/{MOBILE}/"),
    ("POST", "/oauth/qq/user/"),
    ("POST", "/authorizations/"),
    ("POST", "/authorizations/refresh/"),
    ("GET", f"/login/images/{UUID}/"),
    ("POST", "/login/qq/bind/0123456789ab/"),
    ("POST", "/logout/"),
]
FRONT = "https://front.example"
EVIL = {"sec-fetch-site": "cross-site", "origin": "https://evil.example", "accept": "application/json"}


@pytest.fixture
def http(phonebind: Configure) -> Client:
    phonebind(human_check="image+altcha")
    return Client()


def send(http: Client, method: str, path: str, headers: dict[str, str]) -> Any:
    return http.generic(method, path, json.dumps(FORM), content_type="application/json", headers=headers)


def is_refused(answer: Any) -> bool:
    return bool(answer.status_code == 403 and json.loads(answer.content)["code"] == "origin_not_allowed")


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"referer": "https://evil.example/page"},
        {"origin": "null", "referer": f"{FRONT}/"},
        {"referer": "http://[/"},
        {"origin": f"{FRONT}.evil.example"},
        {"referer": f"https://evil.example/{FRONT}"},
        {"referer": f"{FRONT}@evil.example/"},
    ],
    ids=str,
)
def test_threat_42_another_site_spends_nothing(
    http: Client, settings: Settings, method: str, path: str, headers: dict[str, str]
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [FRONT]
    answer = send(http, method, path, {"sec-fetch-site": "cross-site", "accept": "application/json", **headers})
    assert is_refused(answer), (answer.status_code, answer.content)
    with store.connection() as client:
        assert not client.keys()
    assert not Outbox.sent


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_threat_42_nor_where_an_sms_takes_nothing(phonebind: Configure, method: str) -> None:
    """An image on such a page would be enough for the attack."""
    phonebind(human_check="none", limits=dict.fromkeys(human.BOUNDS, (5, 3_600)))
    asked = (method, f"/sms_codes/{MOBILE}/", "{}", "application/json")
    assert is_refused(Client().generic(*asked, headers=EVIL))
    with store.connection() as client:
        assert not client.keys()
    assert not Outbox.sent
    assert Client().generic(*asked).status_code == 200


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("site", [None, "same-origin", "same-site", "none", "Cross-Site?"])
def test_threat_42_nobody_else_is_refused(http: Client, method: str, path: str, site: str | None) -> None:
    headers = {"accept": "application/json"} | ({"sec-fetch-site": site} if site else {})
    assert not is_refused(send(http, method, path, headers))


ALLOWED = [
    {"CORS_ALLOWED_ORIGINS": [FRONT]},
    {"CORS_ALLOWED_ORIGINS": ["HTTPS://Front.Example"]},
    {"CORS_ORIGIN_WHITELIST": (FRONT,)},
    {"CORS_ALLOWED_ORIGIN_REGEXES": [r"^https://\w+\.example$"]},
    {"CORS_ALLOW_ALL_ORIGINS": True},
    {"CORS_ORIGIN_ALLOW_ALL": True},
    {"PHONEBIND": {"ALLOWED_ORIGINS": [FRONT]}},
]


@pytest.mark.parametrize("allowed", ALLOWED, ids=str)
@pytest.mark.parametrize("headers", [{"origin": FRONT}, {"referer": f"{FRONT}/login.html?x=1"}], ids=str)
def test_threat_42_a_front_end_that_is_allowed_goes_on(
    http: Client, settings: Settings, allowed: dict[str, Any], headers: dict[str, str]
) -> None:
    foreign = {"sec-fetch-site": "cross-site", **headers}
    for name in [name for name in dir(django_settings) if name.startswith("CORS_ALLOW")]:
        delattr(settings, name)
    assert origins.is_foreign(RequestFactory().get("/", headers=foreign))
    for name, value in allowed.items():
        setattr(settings, name, {**settings.PHONEBIND, **value} if name == "PHONEBIND" else value)
    for method, path in GUARDED:
        assert not is_refused(send(http, method, path, foreign)), path


@pytest.mark.parametrize("path", ["/oauth/qq/user/?code=C&state=S", "/login/"])
def test_what_spends_nothing_is_open(http: Client, path: str) -> None:
    """The way back from the provider is a navigation from another site. So is a link to the sign-in page."""
    assert not is_refused(http.get(path, headers=EVIL))


# ---------------------------------------------------------------- which account is signed in


def test_threat_42_another_site_starts_no_sign_in(http: Client) -> None:
    answer = http.get("/login/qq/?next=/cart.html", headers=EVIL)
    assert (answer.status_code, answer["Location"]) == (303, "/login/?next=%2Fcart.html")
    assert not answer.cookies


@pytest.mark.parametrize("site", [None, "none", "same-origin", "same-site"])
def test_the_button_starts_one(http: Client, site: str | None) -> None:
    answer = http.get("/login/qq/?next=/cart.html", headers={"sec-fetch-site": site} if site else {})
    assert "/oauth2.0/authorize" in answer["Location"]


def test_a_front_end_that_is_allowed_starts_one(http: Client, settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [FRONT]
    answer = http.get("/login/qq/", headers={"sec-fetch-site": "cross-site", "referer": f"{FRONT}/"})
    assert "/oauth2.0/authorize" in answer["Location"]
