"""A request reaches each error code of the contract: its shape, its status, its text in both languages."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import UserManager
from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet
from django.test import Client
from django.utils.translation import override
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from phonebind import slots
from phonebind.api import errors
from phonebind.exceptions import HumanCheckUnavailable, PhonebindError, SmsRefused, SmsVendorLimit
from phonebind.human.altcha import Altcha
from phonebind.human.base import asking
from server.processes import Valkey
from server.users.models import User
from tests.support.edge import Configure, Outbox, Person, Upstream

pytestmark = pytest.mark.django_db

MOBILE, OTHER = "13900000001", "13900000002"
PASSWORD = "horse-staple-9"
TOKEN = "/oauth2.0/token"
IMAGE = "/image_codes/3f0c6f6e-0000-4000-8000-000000000000/"


class Shop:
    """The requests of one person, made to fail."""

    def __init__(self, qq: Upstream, phonebind: Configure, valkey: Valkey) -> None:
        self.qq, self.phonebind, self.valkey = qq, phonebind, valkey
        self.person = Person()

    def ticket(self) -> str:
        return str(self.person.callback().json()["access_token"])

    def bind(self, mobile: str = MOBILE, **changes: str) -> Any:
        form = {
            "mobile": mobile,
            "password": PASSWORD,
            "access_token": changes.pop("access_token", "") or self.ticket(),
        }
        return self.person.bind(**form | {"sms_code": self.person.sms_code(mobile)} | changes)

    def sign_in(self, password: str = PASSWORD) -> Any:
        return self.person.http.post("/authorizations/", {"username": MOBILE, "password": password})

    def disable(self) -> None:
        get_user_model().objects.update(is_active=False)


@pytest.fixture
def shop(qq: Upstream, phonebind: Configure, valkey: Valkey) -> Shop:
    return Shop(qq, phonebind, valkey)


def nothing_sent(shop: Shop) -> Any:
    return shop.person.bind()


def next_elsewhere(shop: Shop) -> Any:
    return shop.person.http.get("/oauth/qq/authorization/", {"next": "//evil.example"})


def forged_state(shop: Shop) -> Any:
    return shop.person.callback(state="forged")


def used_code(shop: Shop) -> Any:
    shop.qq.answer(TOKEN, b'callback( {"error":100020,"error_description":"code is reused error"} );')
    return shop.person.callback()


def snapshot_user(shop: Shop) -> Any:
    entry = {"provider": "tests.support.providers.Carrier", "client_id": "1", "base_url": shop.qq.url}
    shop.phonebind.settings.PHONEBIND = {**shop.phonebind.settings.PHONEBIND, "PROVIDERS": {"carrier": entry}}
    shop.qq.answer("/who", {"openid": "O", "virtual": "1"})
    return shop.person.http.post("/oauth/carrier/native/", {"token": "T"})


def forged_ticket(shop: Shop) -> Any:
    return shop.bind(access_token="forged")


def another_sites_page(shop: Shop) -> Any:
    return shop.person.http.post("/authorizations/", {}, headers={"Sec-Fetch-Site": "cross-site"})


def wrong_image_code(shop: Shop) -> Any:
    query = {"image_code_id": "3f0c6f6e-0000-4000-8000-000000000000", "text": "AAAA"}
    return shop.person.http.get(f"/sms_codes/{MOBILE}/", query)


def no_proof(shop: Shop) -> Any:
    return shop.person.http.get(f"/sms_codes/{MOBILE}/", {"without_image": "1"})


class Broken(Altcha):
    """A human check that always raises an error."""

    def verify(self, mobile: str, address: str, answer: str) -> bool:
        raise HumanCheckUnavailable


def nobody_can_tell(shop: Shop) -> Any:
    shop.phonebind(human_check={"check": f"{__name__}.Broken"})
    return shop.person.http.get(f"/sms_codes/{MOBILE}/")


class Elsewhere(Altcha):
    """A human check that asks an external server."""

    def verify(self, mobile: str, address: str, answer: str) -> bool:
        with asking(address):
            return True


def answers_too_often(shop: Shop) -> Any:
    shop.phonebind(human_check={"check": f"{__name__}.Elsewhere"}, limits={"human_answer_address_hour": (0, 3_600)})
    return shop.person.http.get(f"/sms_codes/{MOBILE}/")


def too_many_without_image(shop: Shop) -> Any:
    shop.phonebind(limits={"no_image_site_hour": (0, 3_600)})
    return shop.person.http.get(f"/human_checks/{MOBILE}/", {"without_image": "1"})


def others_are_asked(shop: Shop) -> Any:
    with slots.CHALLENGES.take(1):
        return shop.person.http.get(f"/human_checks/{MOBILE}/", {"without_image": "1"})


def challenges_too_often(shop: Shop) -> Any:
    shop.phonebind(limits={"human_address_hour": (0, 3_600)})
    return shop.person.http.get(f"/human_checks/{MOBILE}/", {"without_image": "1"})


def wrong_sms_code(shop: Shop) -> Any:
    return shop.bind(sms_code="oooooo")


def sms_code_never_sent(shop: Shop) -> Any:
    return shop.person.bind(mobile=MOBILE, password=PASSWORD, sms_code="123456", access_token=shop.ticket())


def wrong_password(shop: Shop) -> Any:
    shop.bind()
    shop.qq.person(openid="ANOTHER")
    shop.phonebind(limits={"sms_mobile_gap": (9, 60)})
    return shop.bind(password="wrong-staple-9")


def bound_to_another(shop: Shop) -> Any:
    ticket = shop.ticket()
    shop.bind()
    return shop.bind(OTHER, access_token=ticket)


def no_such_account(shop: Shop) -> Any:
    return shop.sign_in()


def no_such_token(shop: Shop) -> Any:
    return shop.person.http.post("/authorizations/refresh/", {"refresh": "x"})


def disabled_at_the_callback(shop: Shop) -> Any:
    shop.bind()
    shop.disable()
    return shop.person.callback()


def disabled_at_the_bind(shop: Shop) -> Any:
    get_user_model()._default_manager.create_user("li", mobile=MOBILE, password=PASSWORD)
    shop.disable()
    return shop.bind()


def disabled_at_the_password(shop: Shop) -> Any:
    shop.bind()
    shop.disable()
    return shop.sign_in()


def disabled_at_the_refresh(shop: Shop) -> Any:
    refresh = shop.bind().json()["refresh"]
    shop.disable()
    return shop.person.http.post("/authorizations/refresh/", {"refresh": refresh})


def unknown_provider(shop: Shop) -> Any:
    return shop.person.http.get("/oauth/weibo/authorization/")


def unknown_provider_at_the_callback(shop: Shop) -> Any:
    return shop.person.http.get("/oauth/weibo/user/?code=C&state=S")


def sms_twice(shop: Shop) -> Any:
    shop.person.ask_for_sms(MOBILE)
    return shop.person.ask_for_sms(MOBILE)


def sms_too_often(shop: Shop) -> Any:
    shop.phonebind(limits={"sms_mobile_day": (0, 86_400)})
    return shop.person.ask_for_sms(MOBILE)


def passwords_too_often(shop: Shop) -> Any:
    for _ in range(5):
        shop.sign_in("wrong-staple-9")
    return shop.sign_in("wrong-staple-9")


def images_too_often(shop: Shop) -> Any:
    shop.phonebind(limits={"image_address_hour": (0, 3_600)})
    return shop.person.http.get(IMAGE)


def gateway_refuses(shop: Shop) -> Any:
    Outbox.refuse = True
    return shop.person.ask_for_sms(MOBILE)


def gateway_is_mute(shop: Shop) -> Any:
    Outbox.mute = True
    return shop.person.ask_for_sms(MOBILE)


def number_is_blocked(shop: Shop) -> Any:
    Outbox.error = SmsRefused()
    return shop.person.ask_for_sms(MOBILE)


def vendor_has_a_limit(shop: Shop) -> Any:
    Outbox.error = SmsVendorLimit(1800)
    return shop.person.ask_for_sms(MOBILE)


def no_such_receipt(shop: Shop) -> Any:
    shop.phonebind(sms_receipts="pull")
    return shop.person.http.get(f"/sms_receipts/{'a' * 20}/")


def cancelled_at_the_provider(shop: Shop) -> Any:
    return shop.person.http.get("/oauth/qq/user/", {"error": "100030", "state": shop.person.login_url()["state"]})


def cancelled_on_a_phone(shop: Shop) -> Any:
    return shop.person.http.get("/oauth/qq/user/", {"usercancel": "1", "state": shop.person.login_url()["state"]})


def refused_by_the_provider(shop: Shop) -> Any:
    return shop.person.http.get("/oauth/qq/user/", {"error": "100008", "state": shop.person.login_url()["state"]})


def provider_is_down(shop: Shop) -> Any:
    shop.qq.answer(TOKEN, b"<html>502</html>", status=502)
    return shop.person.callback()


def others_hash(shop: Shop) -> Any:
    shop.phonebind(hash_slots=1)
    with slots.HASHING.take(1):
        return shop.sign_in()


def others_draw(shop: Shop) -> Any:
    with slots.CHALLENGES.take(1):
        return shop.person.http.get(IMAGE)


def valkey_is_down(shop: Shop) -> Any:
    shop.valkey.stop()
    return shop.person.http.get(IMAGE)


def prove(shop: Shop, answer: bytes | dict[str, Any], ticket: str = "") -> Any:
    """A one-tap sign-in, with the answer of its vendor."""
    shop.qq.answer("/aliyun", answer)
    aliyun = {"access_key_id": "id", "access_key_secret": "secret", "endpoint": f"{shop.qq.url}/aliyun"}
    shop.phonebind(mobile_proofs={"aliyun": aliyun})
    form = {"source": "aliyun", "token": "TOKEN", "access_token": ticket or shop.ticket()}
    return shop.person.http.post("/mobile_proofs/", form)


def tapped_too_late(shop: Shop) -> Any:
    return prove(shop, {"Code": "isv.TOKEN_INVALID"})


def vendor_of_proofs_is_down(shop: Shop) -> Any:
    return prove(shop, b"<html>")


def proof_of_somebody_else(shop: Shop) -> Any:
    return shop.person.bind(access_token=shop.ticket(), mobile_proof="x")


def proof_is_too_weak(shop: Shop) -> Any:
    shop.phonebind(new_account_proofs=("sms",))
    ticket = shop.ticket()
    proof = prove(shop, {"Code": "OK", "GetMobileResultDTO": {"Mobile": MOBILE}}, ticket).json()["mobile_proof"]
    return shop.person.bind(access_token=ticket, mobile_proof=proof)


Case = Callable[[Shop], Any]

#: The case, the error code, its status, and the form field that the error names.
CASES: list[tuple[Case, str, int, str | None]] = [
    (nothing_sent, "invalid", 400, "mobile"),
    (next_elsewhere, "next_not_allowed", 400, "next"),
    (forged_state, "state_invalid", 400, None),
    (used_code, "code_invalid", 400, None),
    (cancelled_at_the_provider, "code_invalid", 400, None),
    (cancelled_on_a_phone, "sign_in_cancelled", 400, None),
    (snapshot_user, "snapshot_user", 400, None),
    (forged_ticket, "ticket_invalid", 400, "access_token"),
    (wrong_image_code, "image_code_invalid", 400, "text"),
    (no_proof, "human_check_invalid", 400, "human_check"),
    (nobody_can_tell, "human_check_unavailable", 503, None),
    (answers_too_often, "too_many_requests", 429, None),
    (too_many_without_image, "sms_quota", 429, None),
    (others_are_asked, "server_busy", 503, None),
    (challenges_too_often, "too_many_requests", 429, None),
    (wrong_sms_code, "sms_code_invalid", 400, "sms_code"),
    (sms_code_never_sent, "sms_code_invalid", 400, "sms_code"),
    (wrong_password, "password_wrong", 400, "password"),
    (bound_to_another, "already_bound", 400, None),
    (tapped_too_late, "mobile_proof_invalid", 400, None),
    (proof_of_somebody_else, "mobile_proof_invalid", 400, None),
    (proof_is_too_weak, "mobile_proof_too_weak", 400, None),
    (vendor_of_proofs_is_down, "mobile_proof_unavailable", 503, None),
    (no_such_account, "credentials_invalid", 401, None),
    (no_such_token, "token_invalid", 401, None),
    (disabled_at_the_callback, "account_disabled", 403, None),
    (disabled_at_the_bind, "account_disabled", 403, None),
    (disabled_at_the_password, "account_disabled", 403, None),
    (disabled_at_the_refresh, "account_disabled", 403, None),
    (another_sites_page, "origin_not_allowed", 403, None),
    (unknown_provider, "provider_unknown", 404, None),
    (unknown_provider_at_the_callback, "provider_unknown", 404, None),
    (no_such_receipt, "receipt_unknown", 404, None),
    (sms_twice, "sms_too_frequent", 429, None),
    (sms_too_often, "sms_quota", 429, None),
    (passwords_too_often, "too_many_attempts", 429, None),
    (images_too_often, "too_many_requests", 429, None),
    (gateway_refuses, "sms_not_sent", 502, None),
    (gateway_is_mute, "sms_not_sent", 502, None),
    (number_is_blocked, "sms_refused", 400, "mobile"),
    (vendor_has_a_limit, "sms_quota", 429, None),
    (provider_is_down, "provider_unavailable", 503, None),
    (refused_by_the_provider, "provider_unavailable", 503, None),
    (valkey_is_down, "storage_unavailable", 503, None),
    (others_hash, "server_busy", 503, None),
    (others_draw, "server_busy", 503, None),
]
#: Texts that the contract fixes. All other texts are in Chinese, but their words are free.
FIXED = {"ticket_invalid": "无效的access_token", "sms_code_invalid": "短信验证码错误", "password_wrong": "密码错误"}


@pytest.mark.parametrize(("case", "code", "status", "field"), CASES, ids=[case[0].__name__ for case in CASES])
def test_an_error_is_told_in_one_shape(shop: Shop, case: Case, code: str, status: int, field: str | None) -> None:
    answer = case(shop)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code)
    assert answer["Content-Type"] == "application/json"
    assert "no-store" in answer["Cache-Control"]
    assert body["message"] == FIXED.get(code, body["message"])
    assert set(body) <= {"code", "message", "errors", "retry_after"}
    if field:
        assert body["errors"][field] == [body["message"]]
    else:
        assert "errors" not in body
    assert ("retry_after" in body) == (status in (429, 503) or case is gateway_is_mute)
    assert answer.get("Retry-After") == (str(body["retry_after"]) if "retry_after" in body else None)
    assert body.get("retry_after", 1) >= 1


def outcomes(kind: type[PhonebindError] = PhonebindError) -> list[type[PhonebindError]]:
    found = [kind] if hasattr(kind, "code") else []
    return found + [outcome for child in kind.__subclasses__() for outcome in outcomes(child)]


@pytest.mark.parametrize("outcome", outcomes())
def test_every_message_is_there_in_both_languages(outcome: type[PhonebindError]) -> None:
    with override("zh-hans"):
        assert re.search("[\u4e00-\u9fff]", str(outcome.message))
    with override("en"):
        assert str(outcome.message).isascii()


def test_every_code_is_reached() -> None:
    # The app that hosts switch on has its own tests. Its errors may be imported here, so they are left out.
    ours = [outcome for outcome in outcomes() if not outcome.__module__.startswith("phonebind.lifecycle")]
    assert {outcome.code for outcome in ours} == {code for _, code, *_ in CASES}


class Enabled(UserManager[User]):
    """The default manager of some hosts: it hides disabled users."""

    def get_queryset(self) -> QuerySet[User]:
        return super().get_queryset().filter(is_active=True)


@pytest.mark.parametrize(
    "case",
    [disabled_at_the_callback, disabled_at_the_bind, disabled_at_the_password, disabled_at_the_refresh],
    ids=lambda case: case.__name__,
)
def test_threat_7_a_disabled_account_that_its_manager_hides_is_disabled_all_the_same(
    shop: Shop, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    hiding = Enabled()
    hiding.model = User
    monkeypatch.setattr(User._meta, "default_manager", hiding)
    answer = case(shop)
    assert not get_user_model()._default_manager.exists()
    assert (answer.status_code, answer.json()["code"]) == (403, "account_disabled")
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-CN,zh;q=0.9", "无效的access_token"),
        ("en-GB", "Invalid access_token"),
        ("fr", "无效的access_token"),
        ("\x7f;q=x", "无效的access_token"),
    ],
)
def test_the_message_is_in_the_language_of_the_reader(shop: Shop, language: str, words: str) -> None:
    shop.person.http.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    body = forged_ticket(shop).json()
    assert body["code"] == "ticket_invalid"
    assert body["message"] == body["errors"]["access_token"][0] == words


@pytest.mark.parametrize("password", ["short-7", "a-password-of-21-char"])
def test_the_password_rule_is_told_in_the_contracts_words(shop: Shop, password: str) -> None:
    body = shop.bind(password=password).json()
    assert body["code"] == "invalid"
    assert body["message"] == "仅允许8-20个字符的密码"
    assert body["errors"] == {"password": ["仅允许8-20个字符的密码"]}


def test_several_fields_are_blamed_at_once_and_the_first_is_the_message(shop: Shop) -> None:
    body = shop.person.bind(mobile="1", password="1", sms_code="", access_token="x").json()
    assert list(body["errors"]) == ["mobile", "sms_code"]
    assert body["message"] == body["errors"]["mobile"][0] == "请输入11位手机号"


@pytest.mark.parametrize("body", ["[]", "null", '"x"'])
def test_a_body_that_is_no_form_blames_no_field(shop: Shop, body: str) -> None:
    answer = shop.person.http.post("/oauth/qq/user/", body, content_type="application/json")
    assert answer.json() == {"code": "invalid", "message": "请检查填写的内容"}


def test_retry_after_says_when(shop: Shop) -> None:
    assert 55 <= sms_twice(shop).json()["retry_after"] <= 60


def test_threat_14_after_a_refusal_the_person_may_ask_again_at_once(shop: Shop) -> None:
    assert gateway_refuses(shop).json()["code"] == "sms_not_sent"
    Outbox.refuse = False
    assert shop.person.ask_for_sms(MOBILE).json() == {"message": "OK", "resend_after": 60, "expires_in": 300}


def test_threat_13_a_mute_gateway_sends_once_however_often_it_is_asked(shop: Shop) -> None:
    Outbox.mute = True
    answers = [shop.person.ask_for_sms(MOBILE) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [502] + [429] * 5
    first, second = (answer.json() for answer in answers[:2])
    assert (first["code"], first["retry_after"], answers[0]["Retry-After"]) == ("sms_not_sent", 60, "60")
    assert "请一分钟后重新获取" in first["message"]
    assert (second["code"], second["retry_after"] > 55) == ("sms_too_frequent", True)
    assert len(Outbox.sent) == 1


def test_a_code_that_a_mute_gateway_delivered_is_good(shop: Shop) -> None:
    Outbox.mute = True
    assert shop.person.ask_for_sms(MOBILE).status_code == 502
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": Outbox.sent[0].code}
    assert shop.person.bind(**form, access_token=shop.ticket()).status_code == 201


def test_threat_20_without_valkey_who_is_known_still_signs_in(shop: Shop) -> None:
    """The callback asks the provider and the database. It does not ask the store."""
    shop.bind()
    shop.valkey.stop()
    assert shop.person.callback().status_code == 200


def test_threat_20_without_valkey_nothing_is_bound_and_afterwards_all_is_well(shop: Shop) -> None:
    form = {"mobile": MOBILE, "password": PASSWORD, "access_token": shop.ticket()}
    form["sms_code"] = shop.person.sms_code(MOBILE)
    shop.valkey.stop()
    assert shop.person.bind(**form).json()["code"] == "storage_unavailable"
    assert not get_user_model().objects.exists()
    shop.valkey.start()
    assert shop.person.ask_for_sms(OTHER).status_code == 200


@pytest.mark.parametrize("error", [InterfaceError, OperationalError])
def test_threat_20_without_a_database_the_service_is_unavailable(error: type[Exception]) -> None:
    known = errors.translate(error("gone"))
    assert known is not None
    assert (known.code, known.status, known.retry_after) == ("storage_unavailable", 503, 5)


def test_a_bug_is_no_outcome(shop: Shop, settings: Settings) -> None:
    """The exception reaches the host's own error handling. It does not become one of the errors of the contract."""
    request = Request(APIRequestFactory().get("/"))
    assert errors.handle(ZeroDivisionError(), {"request": request}) is None
    shop.phonebind(sms={"gateway": "nowhere.Nothing"})
    with pytest.raises(ImportError):
        shop.person.ask_for_sms(MOBILE)


def test_a_path_that_is_none_is_the_hosts_to_answer() -> None:
    assert Client().get("/oauth/qq/nothing/").status_code == 404
