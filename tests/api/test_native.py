"""Sign-in from an app or a mini program: it sends a proof, keeps no cookies, and gets a ticket that binds once."""

from typing import Any

import pytest
import time_machine
from django.test import Client

from phonebind import binding, limits, tickets
from phonebind.models import SocialAccount
from server.processes import Valkey
from server.users.models import User
from tests.support.edge import OPENID, Configure, Person, Upstream
from tests.support.providers import WHO

pytestmark = [pytest.mark.django_db, pytest.mark.once]

APP = "200000001"
MOBILE, PASSWORD = "13900000001", "horse-staple-9"
ENTRY = {"provider": "tests.support.providers.Carrier", "client_id": APP}


class App:
    """The app on a person's phone."""

    def __init__(self, carrier: Upstream) -> None:
        self.carrier = carrier
        self.http = Client()

    def sign_in(self, *, to: str = "carrier", address: str = "127.0.0.1", **form: Any) -> Any:
        path = f"/oauth/{to}/native/"
        form = form or {"token": "TOKEN"}
        return self.http.post(path, form, content_type="application/json", REMOTE_ADDR=address)

    def ticket(self) -> str:
        return str(self.sign_in().json()["access_token"])

    def bind(self, ticket: str, *, provider: str = "carrier", **changes: str) -> Any:
        form = {"mobile": MOBILE, "password": PASSWORD, "access_token": ticket, **changes}
        form.setdefault("sms_code", Person().sms_code(form["mobile"]))
        return self.http.post(f"/oauth/{provider}/user/", form, content_type="application/json")


@pytest.fixture
def app(upstream: Upstream, phonebind: Configure) -> App:
    providers = {**phonebind.settings.PHONEBIND["PROVIDERS"], "carrier": {**ENTRY, "base_url": upstream.url}}
    often = ("sms_mobile_gap", "sms_mobile_hour", "sms_mobile_day", "sms_mobile_open_hour", "sms_mobile_open_day")
    phonebind(limits=dict.fromkeys(often, (99, 60)))
    phonebind.settings.PHONEBIND = {**phonebind.settings.PHONEBIND, "PROVIDERS": providers}
    upstream.answer(WHO, {"openid": OPENID, "nickname": "小明", "avatar": "https://img.example/a.png"})
    return App(upstream)


def limited(phonebind: Configure, name: str, limit: int) -> None:
    current = phonebind.settings.PHONEBIND["LIMITS"]
    phonebind(limits={**current, name: (limit, limits.RULES[name].seconds)})


# ---------------------------------------------------------------- who the person is


def test_who_is_not_bound_gets_a_ticket_and_no_cookie(app: App) -> None:
    answer = app.sign_in(token="TOKEN", nonce="NONCE")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"access_token", "expires_in", "next", "nickname", "avatar"}
    shown = (body["expires_in"], body["next"], body["nickname"], body["avatar"])
    assert shown == (600, "/", "小明", "https://img.example/a.png")
    assert not answer.cookies
    assert app.carrier.requests == [(WHO, {"app": APP, "token": "TOKEN", "nonce": "NONCE"})]


def test_who_is_bound_is_signed_in(app: App) -> None:
    bound = app.bind(app.ticket())
    assert bound.status_code == 201
    answer = app.sign_in()
    assert answer.status_code == 200
    assert set(answer.json()) == {"token", "refresh", "id", "user_id", "username", "next"}
    assert answer.json()["user_id"] == bound.json()["user_id"]
    assert not answer.cookies
    account = SocialAccount.objects.get()
    assert (account.provider, account.app_id, account.openid) == ("carrier", APP, OPENID)


def test_threat_7_a_disabled_account_does_not_sign_in_from_an_app(app: App) -> None:
    app.bind(app.ticket())
    User.objects.update(is_active=False)
    assert app.sign_in().json()["code"] == "account_disabled"


def test_threat_54_nobody_who_has_not_signed_in_is_somebody(app: App) -> None:
    app.carrier.answer(WHO, {"openid": OPENID, "virtual": "1"})
    answer = app.sign_in()
    assert (answer.status_code, answer.json()["code"]) == (400, "snapshot_user")


@pytest.mark.parametrize("field", ["openid", "unionid", "mobile", "provider", "app_id", "virtual"])
def test_threat_55_what_the_client_says_of_itself_changes_nothing(app: App, field: str) -> None:
    victim = User.objects.create_user("victim", mobile="13900000009")
    mine = {"provider": "carrier", "app_id": APP, "openid": "V" * 32, "unionid": "U"}
    SocialAccount.objects.create(user=victim, **mine)
    said = {"openid": "V" * 32, "unionid": "U", "mobile": "13900000009", "virtual": "1"}
    answer = app.sign_in(token="TOKEN", **{field: said.get(field, "qq")})
    ticket = tickets.read_any(answer.wsgi_request, answer.json()["access_token"], loose=True)
    assert (ticket.identity.provider, ticket.identity.app_id, ticket.identity.openid) == ("carrier", APP, OPENID)
    assert ticket.identity.unionid is None


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("form", [{"code": "TOKEN"}, {"token": ""}, {"nonce": "N"}, {"token": " "}])
def test_the_proof_must_be_there_under_its_name(app: App, form: dict[str, str]) -> None:
    answer = app.sign_in(**form)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert list(answer.json()["errors"]) == ["token"]
    assert app.carrier.requests == []


@pytest.mark.parametrize("form", [{"token": "x" * 8193}, {"token": ["T"]}, {"token": {"a": 1}}, {"token": "a\x00"}])
def test_threat_18_a_proof_of_any_other_kind_is_none(app: App, form: dict[str, Any]) -> None:
    answer = app.sign_in(**form)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert app.carrier.requests == []


@pytest.mark.parametrize("provider", ["qq", "nowhere"])
def test_a_kind_for_browsers_has_no_such_way_in(app: App, provider: str) -> None:
    answer = app.sign_in(to=provider)
    assert (answer.status_code, answer.json()["code"]) == (404, "provider_unknown")


@pytest.mark.parametrize("path", ["authorization/", "user/?code=C"])
def test_nor_has_a_kind_for_apps_one_for_browsers(app: App, path: str) -> None:
    answer = app.http.get(f"/oauth/carrier/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "provider_unknown")
    assert app.http.get("/login/carrier/").status_code == 404
    assert b"carrier" not in app.http.get("/login/").content


def test_threat_42_no_page_of_another_site_sends_it(app: App) -> None:
    form, headers = {"token": "TOKEN"}, {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = app.http.post("/oauth/carrier/native/", form, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
    assert app.carrier.requests == []


def test_there_is_no_other_method(app: App) -> None:
    assert app.http.get("/oauth/carrier/native/").status_code == 405


def test_threat_55_a_wrong_proof_counts_and_a_right_one_does_not(app: App, phonebind: Configure) -> None:
    limited(phonebind, "native_wrong_address_hour", 2)
    for _ in range(3):
        assert app.sign_in().status_code == 200
    app.carrier.answer(WHO, {"error": "1"})
    for _ in range(2):
        assert app.sign_in().json()["code"] == "code_invalid"
    asked = len(app.carrier.requests)
    answer = app.sign_in()
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert len(app.carrier.requests) == asked
    assert app.sign_in(address="192.0.2.7").json()["code"] == "code_invalid", "and nobody else pays"


def test_what_the_provider_fails_at_is_nobodys_wrong_proof(app: App, phonebind: Configure) -> None:
    limited(phonebind, "native_wrong_address_hour", 1)
    app.carrier.answer(WHO, b"", status=500)
    for _ in range(3):
        assert app.sign_in().json()["code"] == "provider_unavailable"


def test_threat_55_an_address_asks_the_provider_so_often_and_no_more(app: App, phonebind: Configure) -> None:
    limited(phonebind, "native_address_minute", 2)
    for _ in range(2):
        assert app.sign_in().status_code == 200
    answer = app.sign_in()
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert len(app.carrier.requests) == 2
    assert app.sign_in(address="192.0.2.7").status_code == 200


def test_threat_20_without_valkey_the_provider_is_not_asked(app: App, valkey: Valkey) -> None:
    valkey.stop()
    assert app.sign_in().json()["code"] == "storage_unavailable"
    assert app.carrier.requests == []


def test_threat_9_the_proof_is_in_no_log_and_no_answer(app: App, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for answer in (app.sign_in(token="PR00F"), app.sign_in(code="PR00F")):
        assert b"PR00F" not in answer.content
    app.carrier.answer(WHO, {"error": "PR00F"})
    assert b"PR00F" not in app.sign_in(token="PR00F").content
    assert "PR00F" not in caplog.text


# ---------------------------------------------------------------- the loose ticket


def test_threat_2_a_loose_ticket_binds_in_whichever_client_holds_it_and_once(app: App) -> None:
    ticket = app.ticket()
    form = {"sms_code": Person().sms_code(MOBILE)}
    first = App(app.carrier).bind(ticket, **form)
    assert first.status_code == 201
    again = app.bind(ticket, **form)
    assert (again.status_code, again.json()["user_id"]) == (201, first.json()["user_id"])
    other = app.bind(ticket, mobile="13900000002")
    assert other.json()["code"] == "already_bound"
    assert SocialAccount.objects.count() == 1


def test_threat_45_a_loose_ticket_that_has_bound_does_not_bind_again_after_an_unbind(app: App) -> None:
    ticket = app.ticket()
    assert app.bind(ticket).status_code == 201
    binding.unbind(SocialAccount.objects.get())
    refused = app.bind(ticket)
    assert (refused.status_code, refused.json()["code"]) == (400, "ticket_invalid")
    assert not SocialAccount.objects.exists()
    assert app.bind(app.ticket()).status_code == 201, "whoever shows the proof anew may"


def test_a_bind_that_failed_spends_no_ticket(app: App) -> None:
    ticket = app.ticket()
    assert app.bind(ticket, sms_code="000000").json()["code"] == "sms_code_invalid"
    assert app.bind(ticket).status_code == 201


def test_threat_2_a_loose_ticket_lives_ten_minutes(app: App) -> None:
    with time_machine.travel("2026-01-01T12:00:00Z", tick=False) as clock:
        ticket = app.ticket()
        clock.shift(tickets.MAX_AGE + 1)
        assert app.bind(ticket).json()["code"] == "ticket_invalid"


def test_threat_2_a_loose_ticket_is_for_its_provider(app: App) -> None:
    assert app.bind(app.ticket(), provider="qq").json()["code"] == "ticket_invalid"


def test_it_asks_for_an_sms_like_any_ticket(app: App) -> None:
    person = Person()
    answer = person.ask_for_sms(MOBILE, ticket=app.ticket())
    assert answer.status_code == 200, answer.content
    assert person.ask_for_sms(MOBILE, ticket="forged").json()["code"] == "ticket_invalid"


def test_threat_2_the_pages_take_no_loose_ticket(app: App, phonebind: Configure) -> None:
    """The form of the pages is valid in one browser only. A ticket that an app holds would be valid in any browser."""
    web = {"carrier": {**ENTRY, "provider": "tests.support.providers.Both", "redirect_uri": "https://s.example/"}}
    providers = {**phonebind.settings.PHONEBIND["PROVIDERS"], **web}
    ticket = app.ticket()
    phonebind.settings.PHONEBIND = {**phonebind.settings.PHONEBIND, "PROVIDERS": providers}
    form = {"access_token": ticket, "mobile": MOBILE, "password": PASSWORD, "sms_code": Person().sms_code(MOBILE)}
    flow = "0" * 12
    app.http.cookies[f"phonebind_kept_{flow}"] = ticket
    path = f"/login/carrier/bind/{flow}/"
    for answer in (app.http.get(path), app.http.post(path, form)):
        assert answer.status_code == 400
    assert not SocialAccount.objects.exists()


# ---------------------------------------------------------------- a provider that returns the mobile too


def test_a_mobile_that_the_provider_has_proved_takes_no_sms(app: App) -> None:
    app.carrier.answer(WHO, {"openid": OPENID, "mobile": MOBILE})
    told = app.sign_in().json()
    assert (told["mobile"], told["strength"]) == ("139****0001", "carrier")
    assert MOBILE not in str(told)
    form = {"access_token": told["access_token"], "mobile_proof": told["mobile_proof"]}
    bound = app.http.post("/oauth/carrier/user/", form, content_type="application/json")
    assert (bound.status_code, bound.json()["username"]) == (201, MOBILE)
    assert SocialAccount.objects.get().proved_by == "carrier:carrier"


@pytest.mark.parametrize("mobile", ["", "12345", "+1 555 0100", "1390000000１", 13900000001.5])
def test_what_is_no_mobile_is_no_proof(app: App, mobile: Any) -> None:
    app.carrier.answer(WHO, {"openid": OPENID, "mobile": mobile})
    assert not app.sign_in().json().keys() & {"mobile", "mobile_proof", "strength"}
