"""The form, without a script and with its script."""

import re
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from phonebind import human, sms_codes
from phonebind.exceptions import SmsRefused, SmsVendorLimit
from phonebind.human.altcha import WithoutImage
from phonebind.models import SocialAccount
from server.processes import Valkey
from tests.pages.conftest import SecureClient, Shopper
from tests.support.altcha import solve
from tests.support.edge import Busy, Configure, Outbox, Upstream

pytestmark = pytest.mark.django_db

MOBILE = "13900000001"
PASSWORD = "horse-staple-9"
TERMS = {"terms_url": "https://shop.example/terms"}
PRIVACY = {"privacy_url": "https://shop.example/privacy"}


def known(**fields: Any) -> Any:
    users: Any = get_user_model().objects
    return users.create_user(username=MOBILE, mobile=MOBILE, password=PASSWORD, **fields)


def filled(shopper: Shopper, url: str) -> dict[str, str]:
    """All fields with valid values."""
    form = shopper.form(url) | {"mobile": MOBILE, "password": PASSWORD}
    assert shopper.send_code(url, form).status_code == 200
    return form | {"sms_code": shopper.sms_code()}


# ---------------------------------------------------------------- the page


def test_the_page_greets_and_escapes(shopper: Shopper, qq: Upstream) -> None:
    qq.person(nickname="<b>Bold</b>")
    html = shopper.http.get(shopper.arrive()).content.decode()
    assert "Hello, &lt;b&gt;Bold&lt;/b&gt;" in html


def test_the_page_greets_who_has_no_name(shopper: Shopper, qq: Upstream) -> None:
    qq.person(nickname="")
    assert "Hello<br>" in shopper.http.get(shopper.arrive()).content.decode()


def test_a_reload_loses_nothing_and_shows_another_image(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    first, second = shopper.form(url), shopper.form(url)
    assert first["access_token"] == second["access_token"]
    assert first["image_code_id"] != second["image_code_id"]


def test_the_form_is_nobody_elses(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    form = filled(shopper, url)
    stranger = Shopper()
    assert stranger.http.get(url).status_code == 400
    answer = stranger.submit(url, form)
    assert answer.status_code == 400
    assert "This sign-in has expired" in answer.content.decode()
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("token", [None, "", "forged"])
def test_without_the_ticket_in_the_form_the_cookies_are_worth_nothing(
    shopper: Shopper, qq: Upstream, token: str | None
) -> None:
    url = shopper.arrive(next="/cart.html")
    form = filled(shopper, url)
    del form["access_token"]
    answer = shopper.submit(url, form | ({} if token is None else {"access_token": token}))
    assert answer.status_code == 400
    assert 'href="/login/qq/?next=%2Fcart.html"' in answer.content.decode()
    assert not SocialAccount.objects.exists()


def test_a_ticket_has_ten_minutes(shopper: Shopper, qq: Upstream) -> None:
    with time_machine.travel("2026-01-01T12:00:00Z") as clock:
        url = shopper.arrive(next="/cart.html")
        form = filled(shopper, url)
        clock.shift(601)
        page = shopper.http.get(url)
        assert page.status_code == 400
        assert 'href="/login/qq/?next=%2Fcart.html"' in page.content.decode()
        answer = shopper.submit(url, form, script=True)
    assert (answer.status_code, answer.json()["code"]) == (400, "ticket_invalid")


# ---------------------------------------------------------------- without a script


def test_a_new_mobile_is_bound_and_signed_in(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive(next="/cart.html")
    form = shopper.form(url) | {"mobile": MOBILE, "sms_code": "12"}
    sent = shopper.send_code(url, form | {"password": PASSWORD})
    html = sent.content.decode()
    assert sent.status_code == 200
    assert "The code is on its way to 139 0000 0001. It is valid for 5 minutes.</p>" in html
    assert PASSWORD not in html
    kept = shopper.inputs(sent)
    assert (kept["mobile"], kept["sms_code"], kept["text"]) == (MOBILE, "12", "")
    assert kept["image_code_id"] != form["image_code_id"]

    answer = shopper.submit(url, kept | {"password": PASSWORD, "sms_code": shopper.sms_code()})
    assert (answer.status_code, answer["Location"]) == (303, "/cart.html")
    account = SocialAccount.objects.get()
    assert shopper.http.session["_auth_user_id"] == str(account.user_id)
    again = shopper.http.get(url)
    assert (again.status_code, again["Location"]) == (303, "/cart.html"), "the form has done its work"


def test_after_sending_the_image_is_needed_for_another_code_alone(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    form = shopper.form(url) | {"mobile": MOBILE}
    assert "Only needed for another code." not in shopper.http.get(url).content.decode()
    assert "Only needed for another code." in shopper.send_code(url, form).content.decode()


def test_over_https_the_cookies_are_this_hosts_alone(qq: Upstream) -> None:
    shopper = Shopper(SecureClient)
    url = shopper.arrive()
    assert shopper.form(url)["access_token"]
    ours = [cookie for name, cookie in shopper.http.cookies.items() if "phonebind" in name and cookie.value]
    assert len(ours) == 2
    assert all(cookie.key.startswith("__Host-") and cookie["secure"] and cookie["httponly"] for cookie in ours)


def test_a_known_mobile_is_bound_to_its_account(shopper: Shopper, qq: Upstream) -> None:
    user = known()
    url = shopper.arrive()
    assert shopper.submit(url, filled(shopper, url)).status_code == 303
    assert SocialAccount.objects.get().user == user


def test_a_double_click_gives_the_same_success(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    form = filled(shopper, url)
    assert [shopper.submit(url, form)["Location"] for _ in range(2)] == ["/login/done/"] * 2
    assert SocialAccount.objects.count() == 1


def test_two_people_in_two_tabs_of_one_browser(shopper: Shopper, qq: Upstream) -> None:
    forms = []
    for person, mobile in (("A" * 32, "13900000001"), ("B" * 32, "13900000002")):
        qq.person(openid=person)
        url = shopper.arrive()
        form = shopper.form(url) | {"mobile": mobile, "password": PASSWORD}
        shopper.send_code(url, form)
        forms.append((url, form | {"sms_code": shopper.sms_code()}))
    for url, form in forms:
        assert shopper.submit(url, form).status_code == 303
    owners = {account.openid[0]: account.user.get_username() for account in SocialAccount.objects.all()}
    assert owners == {"A": "13900000001", "B": "13900000002"}


def test_another_image_keeps_what_was_typed(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    form = shopper.form(url)
    answer = shopper.submit(url, form | {"mobile": MOBILE, "sms_code": "123", "action": "image"})
    assert answer.status_code == 200
    after = shopper.inputs(answer)
    assert (after["mobile"], after["sms_code"]) == (MOBILE, "123")
    assert after["image_code_id"] != form["image_code_id"]
    assert "aria-invalid" not in answer.content.decode()


def test_each_field_has_its_error_beside_it(shopper: Shopper, qq: Upstream, phonebind: Configure) -> None:
    phonebind(terms_url="https://shop.example/terms")
    url = shopper.arrive()
    answer = shopper.submit(url, shopper.form(url) | {"mobile": "139", "sms_code": "12", "action": "mobile"})
    html = answer.content.decode()
    assert answer.status_code == 400
    for field, message in {
        "mobile": "Enter a mobile number of 11 digits.",
        "sms_code": "Enter the 6 digits of the SMS code.",
        "terms": "Please agree to this first.",
    }.items():
        assert f'<p class="error" id="id_{field}_error">{message}</p>' in html
    assert html.count("autofocus") == 1
    assert re.search(r'<input[^>]*name="mobile"[^>]*autofocus', html)
    assert html.count('aria-invalid="true"') == 3
    assert "short" not in html


def test_consent_is_asked_for_where_there_are_terms(shopper: Shopper, qq: Upstream, phonebind: Configure) -> None:
    phonebind(terms_url="https://shop.example/terms")
    url = shopper.arrive()
    form = filled(shopper, url)
    assert shopper.submit(url, form).status_code == 400
    assert shopper.submit(url, form | {"terms": "on"}).status_code == 303


@pytest.mark.parametrize(
    ("urls", "named"),
    [
        ({}, []),
        ({"terms_url": "https://shop.example/terms"}, ["/terms"]),
        ({"privacy_url": "https://shop.example/privacy"}, ["/privacy"]),
        (
            {"terms_url": "https://shop.example/terms", "privacy_url": "https://shop.example/privacy"},
            ["/terms", "/privacy"],
        ),
    ],
)
def test_each_text_has_a_box_of_its_own_and_none_is_ticked(
    shopper: Shopper, qq: Upstream, phonebind: Configure, urls: dict[str, str], named: list[str]
) -> None:
    phonebind(**urls)  # type: ignore[arg-type]
    url = shopper.arrive()
    html = shopper.http.get(url).content.decode()
    assert re.findall(r'href="https://shop.example(/\w+)" target="_blank" rel="noopener"', html) == named
    answer = shopper.submit(url, shopper.form(url), script=True)
    assert [f"/{field}" for field in ("terms", "privacy") if field in answer.json()["errors"]] == named
    assert len(re.findall(r'type="checkbox"', html)) == len(named)
    assert "checked" not in html


def test_a_wrong_sms_code(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    form = filled(shopper, url)
    wrong = f"{(int(form['sms_code']) + 1) % 10**6:06}"
    answer = shopper.submit(url, form | {"sms_code": wrong})
    assert answer.status_code == 400
    assert '<p class="error" id="id_sms_code_error">Wrong SMS code</p>' in answer.content.decode()
    assert shopper.inputs(answer)["mobile"] == MOBILE


def test_a_burnt_code_says_so_and_a_new_one_is_good(shopper: Shopper, qq: Upstream, phonebind: Configure) -> None:
    phonebind(limits={"sms_mobile_gap": (9, 60)})
    url = shopper.arrive()
    form = filled(shopper, url)
    wrong = form | {"sms_code": f"{(int(form['sms_code']) + 1) % 10**6:06}"}
    for _ in range(5):
        answer = shopper.submit(url, wrong)
    assert "This SMS code is no longer valid. Please request a new one." in answer.content.decode()
    assert shopper.submit(url, form).status_code == 400
    assert shopper.submit(url, filled(shopper, url)).status_code == 303


def test_a_wrong_password_leaves_the_code_usable(shopper: Shopper, qq: Upstream) -> None:
    known()
    url = shopper.arrive()
    form = filled(shopper, url)
    answer = shopper.submit(url, form | {"password": "wrong-horse-1"})
    assert answer.status_code == 400
    assert '<p class="error" id="id_password_error">Wrong password</p>' in answer.content.decode()
    assert shopper.submit(url, form).status_code == 303


RESET = "https://shop.example/reset"


def offers(answer: Any) -> bool:
    return f'<a class="plain" href="{RESET}" target="_blank" rel="noopener">' in answer.content.decode()


def test_beside_a_wrong_password_there_is_a_way_to_a_new_one(
    shopper: Shopper, qq: Upstream, phonebind: Configure
) -> None:
    known()
    url = shopper.arrive()
    form = filled(shopper, url)
    assert "Forgot" not in shopper.submit(url, form | {"password": "wrong-horse-1"}).content.decode()
    phonebind(password_reset_url=RESET)
    assert not offers(shopper.http.get(url))
    assert not offers(shopper.submit(url, form | {"sms_code": "000000"}))
    assert offers(shopper.submit(url, form | {"password": "wrong-horse-1"}))


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (60, "try again in 1 minute.", "请1分钟后再试"),
        (900, "try again in 15 minutes.", "请15分钟后再试"),
    ],
)
def test_after_five_wrong_passwords_the_page_says_how_long_to_wait(
    shopper: Shopper, qq: Upstream, phonebind: Configure, seconds: int, english: str, chinese: str
) -> None:
    phonebind(password_reset_url=RESET, limits={"password_bind": (5, seconds)})
    known()
    url = shopper.arrive()
    form = filled(shopper, url)
    for _ in range(5):
        shopper.submit(url, form | {"password": "wrong-horse-1"})
    answer = shopper.submit(url, form)
    assert answer.status_code == 429
    beside = re.search(r'id="id_password_error">([^<]*)<', answer.content.decode())
    assert beside
    assert beside[1].endswith(english)
    assert offers(answer)
    told = shopper.http.post(url, form, headers={"accept": "application/json", "accept-language": "zh-CN"}).json()
    assert told["code"] == "too_many_attempts"
    assert told["errors"] == {"password": [told["message"]]}
    assert told["message"].endswith(chinese)
    assert 0 < told["retry_after"] <= seconds


def test_too_many_wrong_sms_codes_blame_no_password(shopper: Shopper, qq: Upstream, phonebind: Configure) -> None:
    phonebind(password_reset_url=RESET, limits={"sms_code_identity_hour": (1, 3_600)})
    url = shopper.arrive()
    form = filled(shopper, url)
    shopper.submit(url, form | {"sms_code": "000000"})
    answer = shopper.submit(url, form | {"sms_code": "000001"})
    assert answer.status_code == 429
    assert re.search(r"Please try again in (59|60) minutes\.", answer.content.decode())
    assert 'name="password"' not in answer.content.decode()
    assert not offers(answer)


def test_a_weak_password_is_told_by_the_hosts_validators(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    answer = shopper.submit(url, filled(shopper, url) | {"password": "password"})
    assert answer.status_code == 400
    assert "This password is too common." in answer.content.decode()


def test_a_password_like_the_mobile_is_told_so(shopper: Shopper, qq: Upstream, phonebind: Configure) -> None:
    """The validator's message is about the username, and the person has not entered one."""
    phonebind.settings.AUTH_PASSWORD_VALIDATORS = [
        {"NAME": f"django.contrib.auth.password_validation.{name}"}
        for name in ("UserAttributeSimilarityValidator", "NumericPasswordValidator")
    ]
    url = shopper.arrive()
    answer = shopper.submit(url, filled(shopper, url) | {"password": MOBILE}, script=True)
    assert answer.json()["errors"]["password"] == [
        "The password is too similar to the mobile number.",
        "This password is entirely numeric.",
    ]


def test_managers_and_phones_know_what_is_asked_for(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    form = filled(shopper, url)
    html = shopper.http.get(url).content.decode() + shopper.prove(url, form).content.decode()
    tags = {tag: re.search(r'autocomplete="([\w-]+)"', tag) for tag in re.findall(r"<input[^>]*>", html)}
    visible = {tag: match[1] for tag, match in tags.items() if match and 'type="hidden"' not in tag}
    assert [(re.findall(r'name="(\w+)"', tag)[0], said) for tag, said in visible.items()] == [
        ("mobile", "tel-national"),
        ("text", "off"),
        ("sms_code", "one-time-code"),
        ("mobile", "username"),
        ("password", "new-password"),
    ]
    known()
    after = shopper.prove(url, form).content.decode()
    assert re.search(r'<input[^>]*name="password"[^>]*autocomplete="current-password"', after)


def test_a_wrong_image_code(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    form = shopper.form(url)
    shopper.look(form["image_code_id"])
    answer = shopper.submit(url, form | {"mobile": MOBILE, "text": "0000", "action": "send_code"})
    assert answer.status_code == 400
    assert '<p class="error" id="id_text_error">Wrong image code</p>' in answer.content.decode()
    assert Outbox.sent == []


def test_a_code_can_be_asked_for_once_a_minute(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    form = filled(shopper, url)
    answer = shopper.send_code(url, shopper.form(url) | {"mobile": form["mobile"]})
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
    assert "An SMS code was sent a moment ago." in answer.content.decode()


def test_a_disabled_account_is_refused_above_the_form(shopper: Shopper, qq: Upstream) -> None:
    known(is_active=False)
    url = shopper.arrive()
    answer = shopper.submit(url, filled(shopper, url))
    assert answer.status_code == 403
    assert "This account is disabled." in answer.content.decode()
    assert "autofocus" not in answer.content.decode()
    assert "_auth_user_id" not in shopper.http.session


def test_a_form_without_its_image_is_told_to_get_one(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    form = shopper.form(url) | {"mobile": MOBILE, "text": "ABCD", "image_code_id": "none", "action": "send_code"}
    answer = shopper.submit(url, form)
    assert answer.status_code == 400
    assert "Please ask for another image." in answer.content.decode()


def test_a_form_with_ten_thousand_fields_is_refused(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    answer = shopper.submit(url, {f"field{number}": "" for number in range(10_000)})
    assert answer.status_code == 400
    assert "That did not work" in answer.content.decode()


@pytest.mark.parametrize(
    "mobile",
    [
        "+86 139-0000-0001",
        " 139 0000 0001 ",
        "+8613900000001",
        "\u202d139 0000 0001\u202c",
        "008613900000001",
        "１３９０００００００１",
    ],
)
def test_mobiles_are_read_as_people_write_them(shopper: Shopper, qq: Upstream, mobile: str) -> None:
    url = shopper.arrive()
    form = filled(shopper, url)
    assert shopper.submit(url, form | {"mobile": mobile}).status_code == 303
    assert SocialAccount.objects.get().user.get_username() == MOBILE


@pytest.mark.parametrize("code", [" {}{}{} {}{}{}\u200b", "{}{}{}-{}{}{}"])
def test_codes_are_read_as_people_paste_them(shopper: Shopper, qq: Upstream, code: str) -> None:
    url = shopper.arrive()
    form = shopper.form(url) | {"mobile": MOBILE, "password": PASSWORD}
    text = shopper.look(form["image_code_id"])
    spelled = " ".join(chr(ord(char) + 0xFEE0) for char in text.lower())
    assert shopper.submit(url, form | {"action": "send_code", "text": spelled}).status_code == 200
    full_width = "".join(chr(ord(digit) + 0xFEE0) for digit in shopper.sms_code())
    assert shopper.submit(url, form | {"sms_code": code.format(*full_width)}).status_code == 303


def test_a_mobile_that_begins_wrongly_is_told_so(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    answer = shopper.submit(url, shopper.form(url) | {"mobile": "23800000001"}, script=True)
    assert answer.json()["errors"]["mobile"] == ["A mobile number begins with 1 and a digit from 3 to 9."]


@pytest.mark.parametrize(
    "mobile",
    ["１３９００００００００１", "1390000000①", "١٣٩٠٠٠٠٠٠٠١", "12900000001", "139000000011", "13900000001x", ""],
)
def test_what_is_no_mobile_is_refused(shopper: Shopper, qq: Upstream, mobile: str) -> None:
    url = shopper.arrive()
    answer = shopper.submit(url, filled(shopper, url) | {"mobile": mobile}, script=True)
    assert list(answer.json()["errors"]) == ["mobile"]


CHARSETS = ["rot13", "utf-16", "utf-7", "idna", "undefined", "base64", "nonsense", "x" * 1000]
BODIES = {
    "application/x-www-form-urlencoded": b"action=bind&access_token=x&mobile=%ff",
    "multipart/form-data; boundary=x": b'--x\r\nContent-Disposition: form-data; name="mobile"\r\n\r\n\xff\r\n--x--\r\n',
}


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("content_type", BODIES)
def test_threat_18_a_charset_that_is_none(shopper: Shopper, qq: Upstream, content_type: str, charset: str) -> None:
    """The answer has our headers, so it is ours and not the web server's."""
    url = shopper.arrive()
    answer = shopper.http.generic("POST", url, BODIES[content_type], content_type=f"{content_type}; charset={charset}")
    assert answer.status_code == 400
    assert answer["Content-Security-Policy"].startswith("default-src 'none'")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("content_type", BODIES)
def test_threat_18_a_charset_that_is_none_when_signing_out(shopper: Shopper, content_type: str, charset: str) -> None:
    shopper.http.force_login(known())
    assert shopper.form("/login/done/")["csrfmiddlewaretoken"]
    answer = shopper.http.generic(
        "POST", "/logout/", BODIES[content_type], content_type=f"{content_type}; charset={charset}"
    )
    assert answer.status_code in (400, 403)
    assert "_auth_user_id" in shopper.http.session


# ---------------------------------------------------------------- LEGACY_STATE


def test_threat_1_a_ticket_that_no_browser_owns_signs_nobody_in(
    shopper: Shopper, qq: Upstream, phonebind: Configure
) -> None:
    """Login CSRF: the attacker's ticket, mobile number and code, posted from the attacker's page by the victim's
    browser.
    """
    phonebind(legacy_state=True)
    ticket = Client().get("/oauth/qq/user/", {"code": "CODE"}).json()["access_token"]
    form = {"mobile": MOBILE, "password": PASSWORD, "access_token": ticket}
    for flow in ("any", "x" * 8):
        sms_codes.issue(f"1390000010{len(flow)}", "192.0.2.1")
        posted = form | {"mobile": Outbox.sent[-1].mobile, "sms_code": Outbox.sent[-1].code}
        victim = Client(headers={"Origin": "https://evil.example"})  # a browser that does not send Sec-Fetch-Site
        for headers in ({}, {"accept": "application/json"}):
            answer = victim.post(f"/login/qq/bind/{flow}/", posted, headers=headers)
            assert answer.status_code == 400
            assert not victim.cookies
    assert not SocialAccount.objects.exists()
    assert not get_user_model().objects.exists()
    # The request has no other fault: the API accepts it, and the API signs no browser in.
    assert Client().post("/oauth/qq/user/", posted, content_type="application/json").status_code == 201


def test_threat_1_nor_where_it_is_already_bound(shopper: Shopper, qq: Upstream, phonebind: Configure) -> None:
    phonebind(legacy_state=True)
    ticket = Client().get("/oauth/qq/user/", {"code": "CODE"}).json()["access_token"]
    sms_codes.issue(MOBILE, "192.0.2.1")
    form = {"mobile": MOBILE, "password": PASSWORD, "access_token": ticket, "sms_code": Outbox.sent[-1].code}
    assert Client().post("/oauth/qq/user/", form, content_type="application/json").status_code == 201
    assert shopper.submit("/login/qq/bind/any/", form).status_code == 400
    assert "_auth_user_id" not in shopper.http.session


# ---------------------------------------------------------------- with the script


def test_the_script_is_answered_in_json(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive(next="/cart.html")
    form = shopper.form(url) | {"mobile": MOBILE, "password": PASSWORD}
    sent = shopper.send_code(url, form, script=True)
    assert (sent.status_code, sent.json()) == (200, {"message": "OK", "resend_after": 60, "expires_in": 300})
    answer = shopper.submit(url, form | {"sms_code": shopper.sms_code()}, script=True)
    assert (answer.status_code, answer.json()) == (200, {"location": "/cart.html"})
    assert "_auth_user_id" in shopper.http.session


def test_the_script_gets_errors_in_the_shape_of_the_contract(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    answer = shopper.submit(url, filled(shopper, url) | {"sms_code": "000000x"}, script=True)
    message = "Enter the 6 digits of the SMS code."
    assert answer.status_code == 400
    assert answer.json() == {"code": "invalid", "message": message, "errors": {"sms_code": [message]}}


def test_the_script_is_told_how_long_to_wait(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    filled(shopper, url)
    answer = shopper.send_code(url, shopper.form(url) | {"mobile": MOBILE}, script=True)
    assert answer.status_code == 429
    assert answer.json()["code"] == "sms_too_frequent"
    assert answer.json()["retry_after"] == int(answer["Retry-After"])
    assert "errors" not in answer.json()


def test_a_gateway_that_refuses_may_be_asked_again_at_once(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    Outbox.refuse = True
    form = shopper.form(url) | {"mobile": MOBILE}
    answer = shopper.send_code(url, form, script=True)
    assert (answer.status_code, answer.json()["code"]) == (502, "sms_not_sent")
    Outbox.refuse = False
    assert shopper.send_code(url, form, script=True).status_code == 200


def test_a_gateway_that_does_not_say_is_asked_again_in_a_minute(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    Outbox.mute = True
    form = shopper.form(url) | {"mobile": MOBILE, "password": PASSWORD}
    answer = shopper.send_code(url, form, script=True)
    message = "The SMS may be on its way. If it does not arrive, ask for another in a minute."
    assert (answer.status_code, answer["Retry-After"]) == (502, "60")
    assert answer.json() == {"code": "sms_not_sent", "message": message, "retry_after": 60}
    assert shopper.send_code(url, form, script=True).json()["code"] == "sms_too_frequent"
    assert len(Outbox.sent) == 1
    assert shopper.submit(url, form | {"sms_code": shopper.sms_code()}).status_code == 303


@pytest.mark.parametrize("script", [True, False])
def test_a_number_that_gets_no_sms_is_told_beside_the_number(shopper: Shopper, qq: Upstream, *, script: bool) -> None:
    url = shopper.arrive()
    Outbox.error = SmsRefused()
    answer = shopper.send_code(url, shopper.form(url) | {"mobile": MOBILE}, script=script)
    message = "No SMS can be sent to this number. Please check it, or use another."
    assert answer.status_code == 400
    if script:
        assert answer.json() == {"code": "sms_refused", "message": message, "errors": {"mobile": [message]}}
    else:
        assert f'<p class="error" id="id_mobile_error">{message}</p>' in answer.content.decode()
        assert shopper.inputs(answer)["mobile"] == MOBILE


def test_a_limit_of_the_vendors_says_when_it_ends(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    Outbox.error = SmsVendorLimit(1800)
    answer = shopper.send_code(url, shopper.form(url) | {"mobile": MOBILE}, script=True)
    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (429, "1800", "sms_quota")


def test_without_a_script_too(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    Outbox.mute = True
    answer = shopper.send_code(url, shopper.form(url) | {"mobile": MOBILE})
    assert (answer.status_code, answer["Retry-After"]) == (502, "60")
    assert "The SMS may be on its way." in answer.content.decode()
    assert shopper.inputs(answer)["mobile"] == MOBILE


def test_storage_that_is_down_loses_nothing(shopper: Shopper, qq: Upstream, valkey: Valkey) -> None:
    url = shopper.arrive()
    form = filled(shopper, url)
    valkey.stop()
    answer = shopper.submit(url, form)
    assert answer.status_code == 503
    assert "The service is not available at the moment." in answer.content.decode()
    assert shopper.inputs(answer)["mobile"] == MOBILE
    assert not SocialAccount.objects.exists()


def test_a_database_that_is_down_loses_nothing(shopper: Shopper, qq: Upstream, settings: Settings) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    url = shopper.arrive()
    form = filled(shopper, url)

    def refuse(*args: Any) -> Any:
        raise OperationalError("gone away")

    with connection.execute_wrapper(refuse):
        answer = shopper.submit(url, form)
    assert answer.status_code == 503
    assert shopper.inputs(answer)["sms_code"] == form["sms_code"]
    assert shopper.submit(url, form).status_code == 303


@pytest.mark.parametrize("exists", [False, True])
def test_a_busy_server_loses_nothing(shopper: Shopper, qq: Upstream, busy: Busy, exists: bool) -> None:
    if exists:
        known()
    url = shopper.arrive()
    form = filled(shopper, url)
    with busy():
        answer = shopper.submit(url, form)
        script = shopper.submit(url, form, script=True)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "Very many people are signing in right now. Please try again in a moment." in answer.content.decode()
    kept = shopper.inputs(answer)
    assert (kept["mobile"], kept["sms_code"]) == (MOBILE, form["sms_code"])
    assert (script.status_code, script.json()["code"]) == (503, "server_busy")
    assert not SocialAccount.objects.exists()
    assert shopper.submit(url, kept | {"password": PASSWORD}).status_code == 303


# ---------------------------------------------------------------- human checks

PROOF = {"check": "phonebind.human.altcha.Altcha", "cost": 1_000}


def test_where_there_is_no_image_the_page_shows_none(qq: Upstream, shopper: Shopper, phonebind: Configure) -> None:
    phonebind(human_check=PROOF)
    page = shopper.http.get(shopper.arrive()).content.decode()
    assert not {"text", "image_code_id"} & set(shopper.inputs(shopper.http.get(shopper.arrive())))
    assert "data-check" in page
    assert "<noscript>" in page
    assert "data-other" not in page


@pytest.mark.parametrize("script", [True, False])
def test_where_nothing_is_asked_for_the_mobile_is_enough(
    qq: Upstream, shopper: Shopper, phonebind: Configure, script: bool
) -> None:
    phonebind(human_check="none", limits=dict.fromkeys(human.BOUNDS, (5, 3600)))
    url = shopper.arrive(next="/cart.html")
    page = shopper.http.get(url)
    assert not {"text", "image_code_id"} & set(shopper.inputs(page))
    assert not re.search("data-(check|seen|other|image)|<noscript>", page.content.decode())
    form = shopper.inputs(page) | {"mobile": MOBILE, "password": PASSWORD}
    sent = shopper.submit(url, form | {"action": "send_code"}, script=script)
    assert sent.status_code == 200
    assert "Only needed for another code." not in sent.content.decode()
    bound = shopper.submit(url, form | {"sms_code": shopper.sms_code()}, script=script)
    assert (bound.json()["location"] if script else bound["Location"]) == "/cart.html"


def test_the_script_is_told_what_to_do_and_does_it(qq: Upstream, shopper: Shopper, phonebind: Configure) -> None:
    phonebind(human_check=PROOF)
    url = shopper.arrive()
    form = shopper.form(url) | {"mobile": MOBILE}
    asked = shopper.submit(url, form | {"action": "human_check"}, script=True).json()
    assert asked["image"] is False
    proof = {"action": "send_code", "human_check": solve(asked["human_check"])}
    assert shopper.submit(url, form | proof, script=True).json()["message"] == "OK"
    assert shopper.submit(url, form | proof, script=True).json()["code"] == "human_check_invalid"


def test_who_cannot_see_the_image_computes_instead(
    qq: Upstream,
    shopper: Shopper,
    monkeypatch: pytest.MonkeyPatch,
    phonebind: Configure,
    caplog: pytest.LogCaptureFixture,
) -> None:
    phonebind(limits={"no_image_address_hour": (1, 3600)})
    monkeypatch.setattr(WithoutImage, "tries", 50)
    url = shopper.arrive()
    form = shopper.form(url) | {"mobile": MOBILE, "without_image": "1"}
    asked = shopper.submit(url, form | {"action": "human_check"}, script=True).json()
    proof = {"action": "send_code", "human_check": solve(asked["human_check"])}
    with caplog.at_level("INFO", "phonebind.audit"):
        assert shopper.submit(url, form | proof, script=True).json()["message"] == "OK"
    assert [shown for record in caplog.records if (shown := getattr(record, "human", ""))] == ["altcha+without_image"]
    asked = shopper.submit(url, form | {"mobile": "13900000002", "action": "human_check"}, script=True).json()
    assert asked["code"] == "sms_quota"


@pytest.mark.parametrize("seen", ["", "0", "false"])
def test_who_can_see_is_told_to_look(qq: Upstream, shopper: Shopper, seen: str) -> None:
    url = shopper.arrive()
    form = shopper.form(url) | {"mobile": MOBILE, "action": "send_code", "text": "", "without_image": seen}
    assert set(shopper.submit(url, form, script=True).json()["errors"]) == {"text"}


def test_a_mobile_that_is_none_is_told_before_anything_is_computed(qq: Upstream, shopper: Shopper) -> None:
    url = shopper.arrive()
    answer = shopper.submit(url, shopper.form(url) | {"action": "human_check", "mobile": "139"}, script=True)
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"mobile"})


def test_without_a_script_the_page_says_what_is_missing(qq: Upstream, shopper: Shopper, phonebind: Configure) -> None:
    phonebind(human_check={**PROOF, "image": True})
    url = shopper.arrive()
    answer = shopper.send_code(url, shopper.form(url) | {"mobile": MOBILE})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "It could not be checked that you are a person" in page
    assert 'value="13900000001"' in page
    # <noscript> shows nothing to a person whose browser runs scripts, but not this one.
    needed = '<p class="alert">JavaScript may be needed'
    assert needed in page.replace(f"<noscript>{needed}", "")
    assert needed not in shopper.http.get(url).content.decode().replace(f"<noscript>{needed}", "")


def test_the_page_that_asks_allows_what_a_check_needs_of_others(
    qq: Upstream, shopper: Shopper, phonebind: Configure
) -> None:
    phonebind(human_check={"check": "tests.human.test_human.Riddle", "answer": "x"})
    assert "riddles" not in shopper.http.get("/login/").headers["Content-Security-Policy"]
    policy = shopper.http.get(shopper.arrive()).headers["Content-Security-Policy"]
    theirs = "'self' https://riddles.example"
    assert f"script-src {theirs}; style-src {theirs}; img-src {theirs}; connect-src {theirs}; " in policy
    assert "frame-src https://riddles.example; " in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("script", [False, True])
def test_the_form_met_again_leads_on_and_its_ticket_is_kept_no_longer(
    shopper: Shopper, qq: Upstream, script: bool
) -> None:
    other, url = shopper.arrive(next="/other/"), shopper.arrive(next="/cart/")
    form = shopper.form(url) | {"mobile": MOBILE}
    shopper.send_code(url, form)
    shopper.submit(url, form | {"password": PASSWORD, "sms_code": shopper.sms_code()}, script=script)
    kept = [name for name, morsel in shopper.http.cookies.items() if "_kept_" in name and morsel.value]
    assert [name.rpartition("_")[2] for name in kept] == [other.split("/")[-2]]
    assert shopper.http.get(url)["Location"] == "/cart/"
    # The other tab's bind is not done yet.
    assert shopper.form(other)["access_token"]
