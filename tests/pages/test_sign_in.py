"""To the provider and back, with every possible result."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import BaseBackend
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from phonebind.models import SocialAccount
from server.processes import Valkey
from tests.pages.conftest import SecureClient, Shopper
from tests.support.edge import OPENID, Configure, Upstream

pytestmark = pytest.mark.django_db


def bound(shopper: Shopper) -> Any:
    """The person who signs in at QQ has an account here."""
    user = get_user_model().objects.create_user(username="13900000001", mobile="13900000001")
    return SocialAccount.objects.create(user=user, provider="qq", app_id="101000001", openid=OPENID, nickname="小明")


def refuse_database(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    raise OperationalError("gone away")


def ours(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The log lines of this package, without Django's own lines about statuses."""
    records = [record for record in caplog.records if record.name.startswith("phonebind.oauth")]
    return [f"{record.levelname} {record.getMessage()}" for record in records]


class Guard(BaseBackend):
    """A backend that authenticates nobody, such as one that locks people out or gives permissions."""


# ---------------------------------------------------------------- the sign-in page


def test_the_button_leads_to_the_provider_and_keeps_next(shopper: Shopper) -> None:
    html = shopper.http.get("/login/", {"next": "/cart.html?a=1"}).content.decode()
    assert "Sign in with QQ" in html
    assert 'href="/login/qq/?next=%2Fcart.html%3Fa%3D1"' in html
    assert 'href="/login/qq/"' in shopper.http.get("/login/").content.decode()


def test_the_pages_speak_chinese_where_nothing_else_is_asked_for() -> None:
    html = Client(headers={"accept-language": "fr"}).get("/login/").content.decode()
    assert '<html lang="zh-hans">' in html
    assert "使用QQ登录" in html


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "/" + "a" * 1024, "/" + "商" * 171]
)
@pytest.mark.parametrize("path", ["/login/", "/login/qq/"])
def test_next_never_leaves_the_site(shopper: Shopper, path: str, target: str) -> None:
    answer = shopper.http.get(path, {"next": target})
    assert answer.status_code == 400
    assert "This return address is not allowed." in answer.content.decode()
    assert 'href="/login/"' in answer.content.decode()


@pytest.mark.parametrize("target", ["/" + "a" * 511, "/" + "商" * 79])
def test_a_long_next_comes_through(shopper: Shopper, qq: Upstream, target: str) -> None:
    url = shopper.arrive(next=target)
    assert shopper.http.get(url).status_code == 200
    shopper.start(next=target)


def test_phones_are_sent_to_the_page_for_phones(shopper: Shopper) -> None:
    assert "display" not in shopper.start()
    answer = shopper.http.get("/login/qq/", headers={"user-agent": "Mozilla/5.0 (iPhone) Mobile/15E148"})
    assert "display=mobile" in answer["Location"]


@pytest.mark.parametrize("path", ["", "callback/", "bind/abc/"])
def test_an_unknown_provider_is_a_page_not_found(shopper: Shopper, path: str) -> None:
    answer = shopper.http.get(f"/login/douban/{path}")
    assert answer.status_code == 404
    assert "This page does not exist" in answer.content.decode()


@pytest.mark.parametrize(
    ("setting", "target"),
    [("/orders/", "/orders/"), ("phonebind_pages:login", "/login/"), ("/accounts/profile/", "/accounts/profile/")],
)
def test_without_next_people_go_where_the_host_sends_them(
    shopper: Shopper, qq: Upstream, settings: Settings, setting: str, target: str
) -> None:
    settings.LOGIN_REDIRECT_URL = setting
    assert 'href="/login/qq/"' in shopper.http.get("/login/").content.decode()
    bound(shopper)
    assert shopper.come_back(shopper.start()["state"])["Location"] == target
    assert shopper.come_back(shopper.start(next="/cart.html")["state"])["Location"] == "/cart.html"


def test_a_new_project_has_no_page_of_its_own_to_go_to(shopper: Shopper, qq: Upstream, settings: Settings) -> None:
    """Django's default for LOGIN_REDIRECT_URL is /accounts/profile/, and ``startproject`` makes no such page."""
    assert not settings.is_overridden("LOGIN_REDIRECT_URL")
    bound(shopper)
    assert shopper.come_back(shopper.start()["state"])["Location"] == "/login/done/"


ELSEWHERE = "https://www.shop.example/home?from=login"


@pytest.mark.parametrize("elsewhere", [ELSEWHERE, "//www.shop.example/", "http://shop.example/" + "a" * 600])
def test_the_host_may_send_people_wherever_it_likes(
    shopper: Shopper, qq: Upstream, settings: Settings, elsewhere: str
) -> None:
    settings.LOGIN_REDIRECT_URL = elsewhere
    assert 'href="/login/qq/"' in shopper.http.get("/login/").content.decode()
    assert shopper.http.get("/login/", {"next": elsewhere}).status_code == 200
    url = shopper.arrive()
    form = shopper.form(url) | {"mobile": "13900000001"}
    assert shopper.send_code(url, form).status_code == 200
    filled = form | {"password": "horse-staple-9", "sms_code": shopper.sms_code()}
    assert shopper.submit(url, filled)["Location"] == elsewhere
    assert shopper.http.get(url)["Location"] == elsewhere
    assert shopper.come_back(shopper.start()["state"])["Location"] == elsewhere
    assert shopper.come_back(shopper.start(next=elsewhere)["state"])["Location"] == elsewhere


def test_who_is_signed_in_already_is_sent_elsewhere_too(shopper: Shopper, qq: Upstream, settings: Settings) -> None:
    settings.LOGIN_REDIRECT_URL = ELSEWHERE
    shopper.http.force_login(get_user_model().objects.create_user(username="anne", mobile="13900000001"))
    url = shopper.arrive()
    assert shopper.submit(url, shopper.form(url))["Location"] == ELSEWHERE


@pytest.mark.parametrize(
    "target",
    [
        "https://www.shop.example/",
        f"{ELSEWHERE}&more=1",
        f"{ELSEWHERE}#",
        ELSEWHERE.replace("https", "http"),
        ELSEWHERE.replace("https:", ""),
        ELSEWHERE.replace("//", "//evil.example@"),
        ELSEWHERE.replace(".example", ".example.evil.example"),
        ELSEWHERE.upper(),
        f" {ELSEWHERE}",
    ],
)
@pytest.mark.parametrize("path", ["/login/", "/login/qq/", "/login/qq/bind/abc/", "/login/qq/attach/abc/"])
def test_threat_16_only_the_hosts_own_url_leads_elsewhere(
    shopper: Shopper, settings: Settings, path: str, target: str
) -> None:
    settings.LOGIN_REDIRECT_URL = ELSEWHERE
    answer = shopper.http.get(path, {"next": target})
    assert "This return address is not allowed." in answer.content.decode()
    assert answer.status_code == 400


def test_a_host_of_the_setting_that_is_allowed_may_be_named(
    shopper: Shopper, settings: Settings, phonebind: Configure
) -> None:
    settings.LOGIN_REDIRECT_URL = ELSEWHERE
    phonebind(allowed_next_hosts=["www.shop.example"])
    assert shopper.http.get("/login/", {"next": "https://www.shop.example/cart"}).status_code == 200


@pytest.mark.parametrize(
    ("setting", "target"), [("/bye/", "/bye/"), ("phonebind_pages:done", "/login/done/"), (ELSEWHERE, ELSEWHERE)]
)
def test_who_signs_out_goes_where_the_host_sends_them(
    shopper: Shopper, qq: Upstream, settings: Settings, setting: str, target: str
) -> None:
    settings.LOGOUT_REDIRECT_URL = setting
    shopper.sign_in()
    assert shopper.http.post("/logout/", shopper.form("/login/done/"))["Location"] == target


# ---------------------------------------------------------------- back from the provider


def test_who_is_bound_is_signed_in_and_sent_on(shopper: Shopper, qq: Upstream) -> None:
    account = bound(shopper)
    answer = shopper.come_back(shopper.start(next="/cart.html")["state"])
    assert (answer.status_code, answer["Location"]) == (303, "/cart.html")
    assert shopper.http.session["_auth_user_id"] == str(account.user_id)


def test_who_is_new_comes_to_the_form_whose_address_tells_nothing(shopper: Shopper, qq: Upstream) -> None:
    state = shopper.start(next="/cart.html")["state"]
    address = shopper.come_back(state)["Location"]
    assert address.startswith("/login/qq/bind/")
    assert address.endswith("/")
    assert "CODE" not in address
    assert state not in address


def test_a_callback_that_comes_twice_loses_nothing(shopper: Shopper, qq: Upstream) -> None:
    state = shopper.start(next="/cart.html")["state"]
    form = shopper.come_back(state)["Location"]
    again = shopper.come_back(state)
    assert (again.status_code, again["Location"]) == (303, form)
    assert shopper.http.get(form).status_code == 200
    assert qq.paths.count("/oauth2.0/token") == 1


def test_a_callback_that_comes_twice_finds_who_is_signed_in(shopper: Shopper, qq: Upstream) -> None:
    bound(shopper)
    state = shopper.start(next="/cart.html")["state"]
    assert shopper.come_back(state)["Location"] == "/cart.html"
    answer = shopper.http.get(shopper.come_back(state)["Location"])
    assert (answer.status_code, answer["Location"]) == (303, "/cart.html")


def test_a_code_that_was_used_starts_anew(shopper: Shopper, qq: Upstream) -> None:
    qq.answer("/oauth2.0/token", {"error": 100020, "error_description": "code is reused error"})
    answer = shopper.http.get(shopper.come_back(shopper.start(next="/cart.html")["state"])["Location"])
    assert answer.status_code == 400
    assert "This sign-in has expired" in answer.content.decode()
    assert 'href="/login/qq/?next=%2Fcart.html"' in answer.content.decode()


def test_a_sign_in_of_another_browser_gets_nothing(shopper: Shopper, qq: Upstream) -> None:
    bound(shopper)
    state = Shopper().start()["state"]
    answer = shopper.http.get(shopper.come_back(state)["Location"])
    assert answer.status_code == 400
    assert "_auth_user_id" not in shopper.http.session
    assert qq.paths == []


@pytest.mark.parametrize("state", ["", "forged", "é"])
def test_a_forged_state_is_told_so(shopper: Shopper, qq: Upstream, state: str) -> None:
    answer = shopper.come_back(state)
    assert answer.status_code == 400
    assert "This sign-in has expired" in answer.content.decode()
    assert qq.paths == []


def test_who_cancels_can_try_again_with_the_same_next(shopper: Shopper, qq: Upstream) -> None:
    state = shopper.start(next="/cart.html")["state"]
    answer = shopper.http.get("/login/qq/callback/", {"error": "100030", "state": state})
    assert answer.status_code == 200
    assert "Sign-in cancelled" in answer.content.decode()
    assert 'href="/login/qq/?next=%2Fcart.html"' in answer.content.decode()


def test_who_cancels_on_a_phone_is_told_so(shopper: Shopper, qq: Upstream) -> None:
    state = shopper.start(next="/cart.html")["state"]
    answer = shopper.http.get("/login/qq/callback/", {"usercancel": "1", "state": state})
    assert answer.status_code == 200
    assert "Sign-in cancelled" in answer.content.decode()
    assert 'href="/login/qq/?next=%2Fcart.html"' in answer.content.decode()
    assert qq.requests == []
    assert shopper.come_back(state).status_code == 303, "the state stays good"


@pytest.mark.parametrize("error", ["100030", "access_denied", "", None])
def test_whatever_the_person_did_there_is_a_cancellation(
    shopper: Shopper, qq: Upstream, caplog: pytest.LogCaptureFixture, error: str | None
) -> None:
    query = {"state": shopper.start()["state"]} | ({} if error is None else {"error": error})
    answer = shopper.http.get("/login/qq/callback/", query)
    assert answer.status_code == 200
    assert "QQ did not confirm that it is you." in answer.content.decode()
    assert ours(caplog) == []


@pytest.mark.parametrize("error", ["100008", "100010"])
def test_where_the_provider_refuses_us_the_operator_hears_of_it(
    shopper: Shopper, qq: Upstream, caplog: pytest.LogCaptureFixture, error: str
) -> None:
    state = shopper.start(next="/cart.html")["state"]
    answer = shopper.http.get("/login/qq/callback/", {"error": error, "state": state})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "Not available at the moment" in answer.content.decode()
    assert 'href="/login/qq/?next=%2Fcart.html"' in answer.content.decode()
    [line] = ours(caplog)
    assert line.startswith("WARNING A browser came back from QQ with error ")
    assert error in line
    assert state not in line


@pytest.mark.parametrize("state", [None, "", "forged", "é"])
def test_nobody_else_can_fill_the_log(
    shopper: Shopper, qq: Upstream, caplog: pytest.LogCaptureFixture, state: str | None
) -> None:
    query = {"error": "100008"} | ({} if state is None else {"state": state})
    answer = shopper.http.get("/login/qq/callback/", query)
    assert answer.status_code == 200
    assert "Sign-in cancelled" in answer.content.decode()
    assert ours(caplog) == []


def test_cancelling_what_was_never_started_is_no_error(shopper: Shopper, qq: Upstream) -> None:
    answer = shopper.http.get("/login/qq/callback/")
    assert answer.status_code == 200
    assert 'href="/login/qq/"' in answer.content.decode()


def test_a_provider_that_is_down_is_told_and_a_reload_goes_on(shopper: Shopper, qq: Upstream) -> None:
    state = shopper.start(next="/cart.html")["state"]
    qq.answer("/oauth2.0/token", b"<h1>503</h1>", status=503)
    answer = shopper.come_back(state)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "Not available at the moment" in answer.content.decode()
    assert 'href="/login/qq/?next=%2Fcart.html"' in answer.content.decode()
    qq.person()
    assert shopper.come_back(state).status_code == 303


def test_a_disabled_account_is_refused(shopper: Shopper, qq: Upstream) -> None:
    account = bound(shopper)
    get_user_model().objects.update(is_active=False)
    state = shopper.start()["state"]
    answer = shopper.come_back(state)
    assert answer.status_code == 403
    assert "This account is disabled." in answer.content.decode()
    assert "_auth_user_id" not in shopper.http.session
    assert account.user_id
    assert shopper.come_back(state).status_code == 303, "the state is used"


def test_a_database_that_is_down_is_told(shopper: Shopper, qq: Upstream) -> None:
    state = shopper.start()["state"]
    with connection.execute_wrapper(refuse_database):
        answer = shopper.come_back(state)
    assert answer.status_code == 503
    assert "The service is not available at the moment." in answer.content.decode()


# ---------------------------------------------------------------- the image code


def test_an_image_is_new_each_time(shopper: Shopper) -> None:
    path = "/login/images/00000000-0000-4000-8000-000000000000/"
    first, second = shopper.http.get(path), shopper.http.get(path)
    assert first["Content-Type"] == "image/jpeg"
    assert first.content != second.content


def test_threat_13_images_have_a_limit(shopper: Shopper, phonebind: Configure) -> None:
    phonebind(limits={"image_address_hour": (1, 3_600)})
    path = "/login/images/00000000-0000-4000-8000-000000000000/"
    assert shopper.http.get(path).status_code == 200
    answer = shopper.http.get(path)
    assert answer.status_code == 429
    assert 3_500 < int(answer["Retry-After"]) <= 3_600


def test_an_image_needs_the_store(shopper: Shopper, valkey: Valkey) -> None:
    valkey.stop()
    answer = shopper.http.get("/login/images/00000000-0000-4000-8000-000000000000/")
    assert answer.status_code == 503


# ---------------------------------------------------------------- a person who is signed in


def test_nobody_is_sent_to_sign_in(shopper: Shopper) -> None:
    answer = shopper.http.get("/login/done/")
    assert (answer.status_code, answer["Location"]) == (303, "/login/")


def test_the_signed_in_see_their_mobile_masked(shopper: Shopper, qq: Upstream) -> None:
    bound(shopper)
    assert shopper.come_back(shopper.start()["state"])["Location"] == "/login/done/"
    html = shopper.http.get("/login/done/").content.decode()
    assert "139****0001" in html
    assert "小明" in html
    assert ("My account" in html) is apps.is_installed("phonebind.lifecycle")
    assert "13900000001" not in html
    assert "You are signed in as 139****0001." in shopper.http.get("/login/").content.decode()


def test_a_guard_that_knows_nobody_may_stand_first(shopper: Shopper, qq: Upstream, settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Guard", *settings.AUTHENTICATION_BACKENDS]
    bound(shopper)
    assert shopper.come_back(shopper.start()["state"])["Location"] == "/login/done/"
    assert "139****0001" in shopper.http.get("/login/done/").content.decode()


def test_so_may_it_where_an_account_is_made(shopper: Shopper, qq: Upstream, settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Guard", *settings.AUTHENTICATION_BACKENDS]
    shopper.sign_in()
    assert "139****0001" in shopper.http.get("/login/done/").content.decode()


def test_two_bindings_of_one_provider_can_be_told_apart(shopper: Shopper, qq: Upstream) -> None:
    account = bound(shopper)
    second = SocialAccount.objects.create(user=account.user, provider="qq", app_id="2", openid="W")
    SocialAccount.objects.filter(pk=second.pk).update(created_at=datetime(2020, 5, 17, 4, tzinfo=UTC))
    shopper.come_back(shopper.start()["state"])
    html = shopper.http.get("/login/done/").content.decode()
    facts = re.findall(r"<dt>QQ</dt><dd>([^<]+)<br><small>([^<]+)</small>", html)
    assert facts[0] == ("bound", "05/17/2020")
    assert facts[1][0] == "小明"
    assert facts[1][1] != facts[0][1]
    chinese = shopper.http.get("/login/done/", headers={"accept-language": "zh-CN"}).content.decode()
    assert "<small>2020年5月17日</small>" in chinese


def test_a_binding_outlives_its_providers_code(shopper: Shopper, qq: Upstream) -> None:
    account = bound(shopper)
    SocialAccount.objects.create(user=account.user, provider="weibo", app_id="1", openid="W", nickname="小明明")
    shopper.come_back(shopper.start()["state"])
    answer = shopper.http.get("/login/done/")
    assert answer.status_code == 200
    assert re.search(r"weibo.*小明明", answer.content.decode(), re.DOTALL)


def test_an_account_without_mobile_goes_by_its_name(shopper: Shopper) -> None:
    shopper.http.force_login(get_user_model().objects.create_user(username="root"))
    assert "root" in shopper.http.get("/login/done/").content.decode()


def test_signing_out_is_a_form_of_our_own(shopper: Shopper, qq: Upstream) -> None:
    shopper.sign_in()
    assert shopper.http.get("/logout/").status_code == 405
    assert shopper.http.post("/logout/").status_code == 403, "no CSRF token"
    form = shopper.form("/login/done/")
    answer = shopper.http.post("/logout/", form)
    assert (answer.status_code, answer["Location"]) == (303, "/login/")
    assert "_auth_user_id" not in shopper.http.session


@pytest.mark.parametrize("http", [Client, SecureClient])
def test_signing_out_leaves_no_cookie_of_ours(qq: Upstream, http: type[Client]) -> None:
    """And no form that the next person at this browser could send."""
    shopper = Shopper(http)
    qq.person(openid="ANOTHER")
    form = shopper.arrive(next="/cart.html")
    qq.person()
    user = bound(shopper).user
    shopper.start()
    shopper.come_back(shopper.start()["state"])
    assert shopper.http.session["_auth_user_id"] == str(user.pk)
    shopper.http.cookies["shop_cart"] = "7"

    def held() -> list[str]:
        return [name for name, cookie in shopper.http.cookies.items() if cookie.value]

    assert {name.removeprefix("__Host-").rpartition("_")[0] for name in held() if "phonebind" in name} == {
        "phonebind_flow",
        "phonebind_kept",
        "phonebind_ticket",
    }
    origin = {"origin": "https://testserver"} if http is SecureClient else {}
    answer = shopper.http.post("/logout/", shopper.form("/login/done/"), headers=origin)
    removed = [cookie for name, cookie in answer.cookies.items() if "phonebind" in name]
    assert all(cookie["path"] == "/" and bool(cookie["secure"]) == (http is SecureClient) for cookie in removed)
    assert [name for name in held() if "phonebind" in name] == []
    assert "shop_cart" in held()
    assert shopper.http.get(form).status_code == 400


def test_over_https_the_browsers_origin_is_enough_for_django() -> None:
    """The browser sends almost no Referer. With Referrer-Policy: no-referrer it would send "null" as its origin."""
    user = get_user_model().objects.create_user(username="root")
    secure = Shopper(SecureClient)
    secure.http.force_login(user)
    form = secure.form("/login/done/")
    assert secure.http.post("/logout/", form, headers={"origin": "null"}).status_code == 403
    assert secure.http.post("/logout/", form, headers={"origin": "https://testserver"}).status_code == 303


def test_a_shop_behind_a_login_middleware_shows_the_pages_all_the_same(shopper: Shopper, settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert shopper.http.get("/login/").status_code == 200


def test_the_site_has_its_own_name(shopper: Shopper, phonebind: Configure) -> None:
    phonebind(site_name="小店")
    assert "小店" in shopper.http.get("/login/").content.decode()
