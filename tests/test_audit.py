"""The audit trail: one record for each outcome. No secret is in it or in any other log."""

import logging
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils.log import AdminEmailHandler
from pytest_django import Settings

from phonebind import audit, binding, signals
from phonebind.exceptions import SmsRefused, SmsVendorLimit, StorageUnavailable
from phonebind.models import SocialAccount
from server.processes import Valkey
from server.users.models import User
from tests.support.edge import Busy, Configure, Outbox, Person, Upstream

pytestmark = pytest.mark.django_db

MOBILE, OTHER = "13900000001", "13900000002"
PASSWORD = "horse-staple-9"


class Trail:
    """The records since the last read."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "phonebind.audit")
        self._caplog = caplog

    def read(self) -> list[Any]:
        records = [record for record in self._caplog.records if record.name == "phonebind.audit"]
        self._caplog.clear()
        return records

    def outcome(self) -> tuple[str, str]:
        """Action and outcome of the one new record."""
        [record] = self.read()
        return record.action, record.outcome


@pytest.fixture
def trail(caplog: pytest.LogCaptureFixture, qq: Upstream, phonebind: Configure) -> Trail:
    phonebind(limits={"sms_mobile_gap": (99, 60)})
    return Trail(caplog)


def sign_in(person: Person) -> Any:
    return person.callback().json()


# ---------------------------------------------------------------- each outcome


def test_a_first_sign_in_step_by_step(trail: Trail, person: Person) -> None:
    state = person.login_url()["state"]
    assert trail.outcome() == ("authorize", "started")
    ticket = person.callback(state).json()["access_token"]
    assert trail.outcome() == ("callback", "not_bound")
    person.ask_for_sms(MOBILE)
    drawn, sent = trail.read()
    assert (drawn.action, drawn.outcome) == ("image_code", "drawn")
    assert (sent.action, sent.outcome) == ("sms_code", "sent")
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": "000000", "access_token": ticket}
    person.bind(**form)
    assert trail.outcome() == ("bind", "sms_code_invalid")
    person.bind(**form | {"sms_code": Outbox.sent[-1].code})
    [bound] = trail.read()
    user = User.objects.get()
    assert {name: getattr(bound, name) for name in FIELDS} == {
        "action": "bind",
        "outcome": "bound",
        "provider": "qq",
        "mobile": "139****0001",
        "user_id": user.pk,
        "limit": "",
        "address": "127.0.0.1",
        "request_id": bound.request_id,
    }
    assert bound.levelno == logging.INFO
    person.bind(**form | {"sms_code": Outbox.sent[-1].code})
    assert trail.outcome() == ("bind", "signed_in")
    sign_in(person)
    assert [record.outcome for record in trail.read()] == ["started", "signed_in"]


FIELDS = ("action", "outcome", "provider", "mobile", "user_id", "limit", "address", "request_id")


def test_passwords_and_the_lock(trail: Trail, person: Person) -> None:
    User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)
    credentials = {"username": MOBILE, "password": PASSWORD}
    refresh = person.http.post("/authorizations/", credentials).json()["refresh"]
    assert trail.outcome() == ("password", "signed_in")
    person.http.post("/authorizations/refresh/", {"refresh": refresh})
    assert trail.outcome() == ("refresh", "refreshed")
    person.http.post("/authorizations/refresh/", {"refresh": "x"})
    assert trail.outcome() == ("refresh", "token_invalid")
    for _ in range(5):
        person.http.post("/authorizations/", credentials | {"password": "wrong"})
        assert trail.outcome() == ("password", "credentials_invalid")
    person.http.post("/authorizations/", credentials)
    [locked] = trail.read()
    assert (locked.outcome, locked.mobile) == ("too_many_attempts", "139****0001")
    assert locked.levelno == logging.WARNING


def test_what_is_refused(trail: Trail, person: Person, qq: Upstream) -> None:
    person.callback("forged")
    assert trail.outcome() == ("callback", "state_invalid")
    person.http.get("/oauth/nobody/authorization/")
    [record] = trail.read()
    assert (record.outcome, record.provider) == ("provider_unknown", "")
    person.http.get("/sms_codes/１３９００００００/")
    [record] = trail.read()
    assert (record.outcome, record.mobile) == ("invalid", "")
    Outbox.refuse = True
    person.ask_for_sms(MOBILE)
    _, record = trail.read()
    assert (record.outcome, record.levelno) == ("sms_not_sent", logging.WARNING)
    for number, error in enumerate((SmsRefused(), SmsVendorLimit(60))):
        Outbox.error = error
        person.ask_for_sms(f"1390000000{number}")
    _, refused, _, limited = trail.read()
    assert (refused.outcome, refused.limit, refused.levelno) == ("sms_refused", "", logging.INFO)
    assert (limited.outcome, limited.limit, limited.levelno) == ("sms_quota", "vendor", logging.WARNING)
    qq.answer("/oauth2.0/token", b"<html>")
    person.callback()
    _, record = trail.read()
    assert (record.outcome, record.levelno) == ("provider_unavailable", logging.WARNING)


def test_a_disabled_account(trail: Trail, person: Person) -> None:
    user = User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD, is_active=False)
    SocialAccount.objects.create(user=user, provider="qq", app_id="101000001", openid="0123456789ABCDEF" * 2)
    sign_in(person)
    assert [record.outcome for record in trail.read()] == ["started", "account_disabled"]


def test_front_ends_of_old_leave_the_same_trail(trail: Trail, person: Person, phonebind: Configure) -> None:
    phonebind(legacy_state=True)
    person.http.get("/oauth/qq/user/", {"code": "CODE", "state": "/cart.html"})
    assert trail.outcome() == ("callback", "not_bound")


def test_the_pages_leave_the_same_trail(trail: Trail, person: Person) -> None:
    http = person.http
    state = re.search(r"state=([^&]+)", http.get("/login/qq/")["Location"])
    assert state
    assert trail.outcome() == ("authorize", "started")
    url = http.get(f"/login/qq/callback/?code=CODE&state={state[1]}")["Location"]
    assert trail.outcome() == ("callback", "not_bound")
    ticket = re.search(r'name="access_token" value="([^"]+)"', http.get(url).content.decode())
    assert ticket
    assert trail.read() == [], "looking at a page is no outcome"
    form = {"access_token": ticket[1], "mobile": "+86 139-0000-0001", "password": PASSWORD, "sms_code": "000000"}
    http.post(url, form | {"action": "send_code", "image_code_id": "0" * 32, "text": "AAAA"})
    assert trail.outcome() == ("sms_code", "image_code_invalid")
    http.post(url, form)
    [record] = trail.read()
    assert (record.action, record.outcome, record.mobile) == (
        "bind",
        "sms_code_invalid",
        "139****0001",
    )
    http.post(url, form | {"sms_code": person.sms_code(MOBILE)})
    assert trail.outcome() == ("bind", "bound")
    http.get("/login/qq/callback/", {"code": "CODE", "state": state[1]})
    assert trail.outcome() == ("callback", "state_invalid")
    http.get("/login/qq/callback/", {"error": "access_denied"})
    assert trail.outcome() == ("callback", "cancelled")
    http.post("/logout/")
    [record] = trail.read()
    assert (record.action, record.outcome, record.user_id) == (
        "sign_out",
        "signed_out",
        User.objects.get().pk,
    )


def test_a_used_code_on_the_pages(trail: Trail, person: Person, qq: Upstream) -> None:
    state = re.search(r"state=([^&]+)", person.http.get("/login/qq/")["Location"])
    assert state
    qq.answer("/oauth2.0/token", b'callback( {"error":100020,"error_description":"code is reused error"} );')
    person.http.get(f"/login/qq/callback/?code=CODE&state={state[1]}")
    assert [record.outcome for record in trail.read()] == ["started", "code_invalid"]


# ---------------------------------------------------------------- the record itself


def test_it_says_the_same_in_its_text(trail: Trail, person: Person) -> None:
    person.login_url()
    [record] = trail.read()
    said = dict(pair.split("=") for pair in record.getMessage().split())
    assert said == {
        "action": "authorize",
        "outcome": "started",
        "provider": "qq",
        "address": "127.0.0.1",
        "request_id": record.request_id,
    }


RANDOM = ["14713713643bb7dce00a9a43a7c44113", "14713713-643b-4dce-80a9-a43a7c441132"]


@pytest.mark.parametrize("given", ["4f0c-A_b.9", "x" * 64, *RANDOM])
def test_the_request_id_is_the_proxys(trail: Trail, given: str, phonebind: Configure) -> None:
    """One random id in a hundred contains digits that would be a mobile elsewhere. It must be found in the proxy's log,
    so it is not masked.
    """
    phonebind(trusted_proxies=1)
    answer = Client().get("/oauth/qq/authorization/", headers={"X-Request-ID": given})
    assert answer[audit.HEADER] == given
    [record] = trail.read()
    assert record.request_id == given


@pytest.mark.parametrize("given", ["", "a b", "a\nb", "x" * 65, "é", "outcome=bound", None])
def test_or_one_of_ours(trail: Trail, given: str | None, phonebind: Configure) -> None:
    phonebind(trusted_proxies=1)
    headers = {} if given is None else {"X-Request-ID": given}
    answer = Client().get("/login/", headers=headers)
    assert re.fullmatch(r"[0-9a-f]{32}", answer[audit.HEADER])


def test_it_is_not_the_clients(trail: Trail) -> None:
    answer = Client().get("/login/", headers={"X-Request-ID": "4f0c"})
    assert re.fullmatch(r"[0-9a-f]{32}", answer[audit.HEADER])


@pytest.mark.parametrize("given", [MOBILE, f"id-{MOBILE}", f"{MOBILE}{'0' * 21}"])
def test_threat_9_nor_is_it_a_mobile(trail: Trail, phonebind: Configure, given: str) -> None:
    phonebind(trusted_proxies=1)
    Client().get("/oauth/qq/authorization/", headers={"X-Request-ID": given})
    assert MOBILE not in trail.read()[0].getMessage()


def test_who_finds_no_place_to_hash_is_a_warning(trail: Trail, person: Person, busy: Busy) -> None:
    with busy():
        person.http.post("/authorizations/", {"username": MOBILE, "password": PASSWORD})
    [record] = trail.read()
    assert (record.action, record.outcome, record.levelno) == ("password", "server_busy", logging.WARNING)
    assert record.mobile == "139****0001"


def test_it_says_what_is_down(trail: Trail, person: Person, valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    valkey.stop()
    for path in (f"/image_codes/{uuid4()}/", f"/human_checks/{MOBILE}/?without_image=1"):
        assert person.http.get(path).json()["code"] == "storage_unavailable"
        [record] = trail.read()
        assert record.cause == "redis.exceptions.ConnectionError"
        assert "cause=redis.exceptions.ConnectionError" in record.getMessage()
    valkey.start()

    def down(*args: object, **kwargs: object) -> None:
        raise OperationalError("the row (139...) of somebody")

    monkeypatch.setattr(binding, "find", down)
    person.callback()
    page = person.login_url()["state"]
    person.http.get("/login/qq/callback/", {"code": "CODE", "state": page})
    api, page = (record for record in trail.read() if record.outcome == "storage_unavailable")
    assert api.cause == page.cause == "django.db.utils.OperationalError"
    person.http.post("/oauth/qq/user/", {}, content_type="application/json")
    [record] = trail.read()
    assert (record.outcome, record.cause) == ("invalid", "")


def test_a_bind_that_was_committed_stays_one(trail: Trail, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """This holds whatever happens to its answer. An operator who looks for the binding later must find when it was
    made.
    """
    ticket = sign_in(person)["access_token"]
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE), "access_token": ticket}

    def away(user: Any) -> None:
        raise StorageUnavailable

    monkeypatch.setattr("phonebind.tokens.issue", away)
    trail.read()
    assert person.bind(**form).status_code == 503
    [record] = trail.read()
    assert (record.action, record.outcome, record.levelno) == ("bind", "bound", logging.WARNING)


def test_it_says_which_limit_was_used_up(trail: Trail, person: Person, phonebind: Configure) -> None:
    phonebind(limits={"sms_site_day": (0, 60)})
    person.ask_for_sms(MOBILE)
    _, record = trail.read()
    assert (record.outcome, record.limit) == ("sms_quota", "sms_site_day")


@pytest.mark.parametrize("method", ["head", "put", "options"])
def test_other_methods_do_nothing_and_are_told_apart(trail: Trail, method: str) -> None:
    answer = getattr(Client(), method)(f"/sms_codes/{MOBILE}/")
    assert answer.status_code == 405
    assert trail.outcome() == ("sms_code", "invalid")
    assert not Outbox.sent


def test_each_request_has_its_own(trail: Trail, person: Person) -> None:
    person.login_url()
    person.login_url()
    first, second = trail.read()
    assert first.request_id != second.request_id


@pytest.mark.parametrize("path", ["/oauth/q%0Aoutcome=bound/user/?code=1", "/sms_codes/13900000001%0Aoutcome=bound/"])
def test_nobody_writes_lines_of_their_own(trail: Trail, path: str) -> None:
    Client().get(path)
    [record] = trail.read()
    assert "bound" not in record.getMessage()


def test_where_nobody_listens_nothing_is_put_together(
    caplog: pytest.LogCaptureFixture, person: Person, qq: Upstream
) -> None:
    caplog.set_level(logging.ERROR, "phonebind.audit")
    person.login_url()
    assert not caplog.records


# ---------------------------------------------------------------- no secret, at any level


def test_threat_9_a_report_of_a_bug_of_ours_holds_no_form(
    settings: Settings, phonebind: Configure, monkeypatch: pytest.MonkeyPatch, mailoutbox: list[Any]
) -> None:
    """Django mails the POST data to the administrators when an unexpected exception is raised."""
    settings.ADMINS = [("ops", "ops@example.com")]

    def unforeseen(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("phonebind.tickets.read", unforeseen)
    logger, handler = logging.getLogger("django.request"), AdminEmailHandler()
    logger.addHandler(handler)
    try:
        form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": "271828", "access_token": "TICKET"}
        client = Client(raise_request_exception=False)
        assert client.post("/oauth/qq/user/", form).status_code == 500
        assert client.post("/login/qq/bind/x/", form).status_code == 500
    finally:
        logger.removeHandler(handler)
    assert len(mailoutbox) == 2
    for mail in mailoutbox:
        assert "ZeroDivisionError" in mail.body
        assert [secret for secret in form.values() if secret in mail.body] == []


def test_every_word_of_the_code_is_in_the_list() -> None:
    sources = "".join(path.read_text() for path in Path(audit.__file__).parent.rglob("*.py"))
    actions = set(re.findall(r'"(\w+)"', "".join(re.findall(r"actions: ClassVar = \{(.*)\}", sources))))
    actions |= set(re.findall(r'@page\("(\w+)"', sources))
    outcomes = {
        word
        for call in re.findall(r"\bnote\((?:[^()]|\([^()]*\))*\)", sources)
        for said in re.findall(r"outcome=([^,)\[]*)", call)
        for word in re.findall(r'"(\w+)"', said)
    }
    assert {"own_mobile", "login"} <= actions
    assert {"pending", "kept"} <= outcomes
    listed = re.findall(r"\w+", audit.__doc__ or "")
    assert (actions - {"GET", "POST", "PUT", "DELETE"} | outcomes) - set(listed) == set()


def test_who_listens_gets_each_record_and_the_whole_number(
    trail: Trail, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """This holds for each level of the logger. An exception in a receiver turns no answer into an error."""
    heard: list[dict[str, Any]] = []

    def listen(record: dict[str, Any], mobile: str, request: Any, **kwargs: Any) -> None:
        heard.append({**record, "whole": mobile, "path": request.path})
        raise LookupError

    signals.audited.connect(listen)
    caplog.set_level(logging.CRITICAL, "phonebind.audit")
    try:
        person.ask_for_sms("+86 139-0000-0001")
        assert person.http.post("/authorizations/", {"username": "somebody", "password": PASSWORD}).status_code == 401
    finally:
        signals.audited.disconnect(listen)
    drawn, sent, refused = heard
    assert (drawn["outcome"], drawn["whole"]) == ("drawn", "")
    assert (sent["action"], sent["outcome"], sent["mobile"], sent["whole"]) == (
        "sms_code",
        "sent",
        "139****0001",
        MOBILE,
    )
    assert (refused["outcome"], refused["mobile"], refused["whole"]) == ("credentials_invalid", "", "")
    assert refused["path"] == "/authorizations/"
    assert not trail.read()
