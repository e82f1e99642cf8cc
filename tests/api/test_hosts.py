"""The contract stays the same, whatever else a host has configured."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest
from pytest_django import Settings

from phonebind.models import SocialAccount
from phonebind.signals import account_bound, signed_in
from tests.support.edge import Configure, Person, Upstream

pytestmark = pytest.mark.django_db

MOBILE = "13900000001"
PASSWORD = "horse-staple-9"
SHOP = "https://shop.example"


def bind(person: Person) -> Any:
    ticket = person.callback().json()["access_token"]
    sms_code = person.sms_code(MOBILE)
    return person.bind(mobile=MOBILE, password=PASSWORD, sms_code=sms_code, access_token=ticket)


def test_no_setting_of_drfs_and_no_transaction_around_the_request_changes_the_contract() -> None:
    """The contract's tests run again in a host that has set all of REST_FRAMEWORK and ATOMIC_REQUESTS.

    They run in another process, because DRF's classes read these settings once, when they are imported.
    """
    files = [
        f"tests/{name}.py" for name in ("api/test_contract", "api/test_errors", "api/test_schema", "pages/test_bind")
    ]
    some = "nothing_sent or unknown_provider or sms_twice or several_fields or no_field or double_click"
    chosen = f"test_contract or an_operation or {some}"
    command = [sys.executable, "-m", "pytest", "-q", "--ds", "tests.support.hostile_settings", *files, "-k", chosen]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "passed" in done.stdout


@pytest.mark.parametrize("use_tz", [False, True])
def test_with_and_without_time_zones(qq: Upstream, person: Person, settings: Settings, use_tz: bool) -> None:
    settings.USE_TZ = use_tz
    bound = bind(person).json()
    written = SocialAccount.objects.get()
    assert {moment.tzinfo is not None for moment in (written.created_at, written.updated_at)} == {use_tz}
    assert person.callback().json()["id"] == bound["id"]
    refreshed = person.http.post("/authorizations/refresh/", {"refresh": bound["refresh"]})
    assert (refreshed.status_code, refreshed.json().keys()) == (200, {"token", "refresh"})


# ---------------------------------------------------------------- a front end on another origin


@pytest.fixture
def spa(person: Person, qq: Upstream, phonebind: Configure) -> Person:
    """The pages are on another site than the API. The API is behind HTTPS and accepts their requests with cookies."""
    phonebind(cookie_samesite="None", allowed_next_hosts=("shop.example",))
    phonebind.settings.CORS_ALLOWED_ORIGINS = [SHOP]
    phonebind.settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    person.http.defaults |= {"HTTP_ORIGIN": SHOP, "HTTP_X_FORWARDED_PROTO": "https"}
    return person


def let_in(answer: Any) -> bool:
    allowed = answer.get("Access-Control-Allow-Origin"), answer.get("Access-Control-Allow-Credentials")
    return bool(allowed == (SHOP, "true"))


def test_a_front_end_on_another_origin_goes_all_the_way(spa: Person) -> None:
    answer = spa.callback(spa.login_url(f"{SHOP}/cart.html")["state"])
    assert let_in(answer)
    assert answer.json()["next"] == f"{SHOP}/cart.html"
    [cookie] = [cookie for cookie in answer.cookies.values() if cookie.value]
    assert (cookie["samesite"], cookie["secure"]) == ("None", True)
    bound = bind(spa)
    assert bound.status_code == 201
    assert let_in(bound)


def test_it_can_read_errors_too(spa: Person) -> None:
    for answer in (spa.bind(), spa.callback("forged"), spa.http.get("/oauth/weibo/authorization/")):
        assert answer.status_code >= 400
        assert let_in(answer)


@pytest.mark.parametrize(
    "path", ["/oauth/qq/user/", "/authorizations/", "/authorizations/refresh/", f"/sms_codes/{MOBILE}/"]
)
def test_its_preflight_is_answered(spa: Person, path: str) -> None:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = spa.http.options(path, headers=asks)
    assert answer.status_code == 200
    assert let_in(answer)
    assert "POST" in answer["Access-Control-Allow-Methods"]
    assert "content-type" in answer["Access-Control-Allow-Headers"]


def test_other_origins_are_not_let_in(spa: Person) -> None:
    spa.http.defaults["HTTP_ORIGIN"] = "https://evil.example"
    asks = {"Access-Control-Request-Method": "POST"}
    for answer in (spa.http.options("/oauth/qq/user/", headers=asks), spa.callback("forged"), spa.bind()):
        assert "Access-Control-Allow-Origin" not in answer


# ---------------------------------------------------------------- signals


def test_a_shop_hears_of_it_with_user_account_and_request(qq: Upstream, person: Person) -> None:
    heard: list[tuple[str, object, object, object]] = []

    def on_bound(user: Any, social_account: Any, request: Any, **kwargs: Any) -> None:
        heard.append(("bound", user.mobile, social_account, type(request).__mro__[1]))

    def on_signed_in(user: Any, social_account: Any, request: Any, **kwargs: Any) -> None:
        heard.append(("in", user.mobile, social_account, type(request).__mro__[1]))
        raise ValueError("a shop's own mistake")

    account_bound.connect(on_bound)
    signed_in.connect(on_signed_in)
    try:
        bind(person)
        account = SocialAccount.objects.get()
        person.callback()
        answer = person.http.post("/authorizations/", {"username": MOBILE, "password": PASSWORD})
    finally:
        account_bound.disconnect(on_bound)
        signed_in.disconnect(on_signed_in)
    assert answer.status_code == 200
    names = [("bound", account), ("in", account), ("in", account), ("in", None)]
    assert heard == [(name, MOBILE, account, HttpRequest) for name, account in names]
