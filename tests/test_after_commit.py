"""Threat 53: nothing that happens after the commit can turn a committed bind into a 500."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import user_logged_in
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import RefreshToken

from phonebind import databases, signals, tokens
from phonebind.models import SocialAccount
from server.users.models import User
from tests.pages.conftest import Shopper, shopper
from tests.support.edge import Configure, Person, Upstream

__all__ = ["shopper"]

pytestmark = pytest.mark.django_db

MOBILE, PASSWORD = "13900000001", "horse-staple-9"


class Odd:
    """A value that JSON cannot represent."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


class OddUser(User):
    class Meta:
        proxy = True
        app_label = "users"

    pk = property(lambda self: Odd(str(self.id)))

    def get_username(self) -> Any:
        return Odd(self.username)


def bind(person: Person) -> Callable[[], Any]:
    """A function that sends the same form each time."""
    ticket = person.callback().json()["access_token"]
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE), "access_token": ticket}
    return lambda: person.bind(**form)


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch, person: Person) -> Person:
    """A browser that gets an answer, whatever exception is raised."""
    person.http = Client(raise_request_exception=False)
    return person


def test_threat_53_a_key_and_a_name_that_are_no_json(
    qq: Upstream, http: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue = tokens.issue

    def issue_and_change(user: Any, *args: Any, **session: Any) -> Any:
        """From here on, only the code that makes the answer asks for the odd values."""
        pair = issue(user, *args, **session)
        user.__class__ = OddUser
        return pair

    monkeypatch.setattr(tokens, "issue", issue_and_change)
    answer = bind(http)()
    assert answer.status_code == 201, answer.content
    assert answer.json()["username"] == MOBILE
    assert answer.json()["id"] == str(User.objects.get().pk)


def test_threat_53_a_key_that_is_not_called_id(qq: Upstream, http: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """System check E008 tells the operator. The person is bound and signed in all the same."""
    monkeypatch.setattr(api_settings, "USER_ID_FIELD", "uuid")
    answer = bind(http)()
    assert answer.status_code == 201, answer.content
    assert RefreshToken(answer.json()["refresh"])[api_settings.USER_ID_CLAIM] == str(answer.json()["id"])
    refused = http.http.post("/authorizations/refresh/", {"refresh": answer.json()["refresh"]})
    assert refused.json()["code"] == "token_invalid"


@contextmanager
def receiver(signal: Any) -> Iterator[None]:
    def fail(**kwargs: Any) -> None:
        raise LookupError("a receiver of the shop's")

    signal.connect(fail, weak=False)
    try:
        yield
    finally:
        signal.disconnect(fail)


@pytest.mark.parametrize("signal", [signals.account_bound, signals.signed_in])
def test_threat_53_a_receiver_that_fails(qq: Upstream, http: Person, signal: Any) -> None:
    with receiver(signal):
        assert bind(http)().status_code == 201


def test_threat_53_tokens_that_cannot_be_made(
    qq: Upstream, http: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After the fault is fixed, the same form sent again succeeds and creates nothing more."""
    send = bind(http)
    with monkeypatch.context() as patch:
        patch.setattr(tokens, "issue", lambda *_, **__: 1 / 0)
        answer = send()
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
        assert "ZeroDivisionError" in caplog.text
        assert send().status_code == 503, "nor does the repeat"
    assert send().status_code == 201
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


def test_before_the_commit_a_bug_is_a_bug(qq: Upstream, http: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    send = bind(http)
    monkeypatch.setattr(User, "save", lambda *args, **kwargs: 1 / 0)
    assert send().status_code == 500


# ---------------------------------------------------------------- the pages


class Forgetful(ModelBackend):
    """An authentication backend that never loads a user, such as one for permissions, or one whose manager hides
    people.
    """

    def get_user(self, user_id: Any) -> None:
        return None


def submit(shopper: Shopper) -> Callable[[], Any]:
    shopper.http.raise_request_exception = False
    url = shopper.arrive()
    form = shopper.form(url) | {"mobile": MOBILE, "password": PASSWORD}
    assert shopper.send_code(url, form).status_code == 200
    form |= {"sms_code": shopper.sms_code()}
    return lambda: shopper.submit(url, form)


def test_threat_53_no_backend_knows_the_user(shopper: Shopper, qq: Upstream, phonebind: Configure) -> None:
    phonebind.settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Forgetful"]
    answer = submit(shopper)()
    assert answer.status_code == 403
    assert "This account is disabled." in answer.content.decode()
    assert SocialAccount.objects.count() == 1


def test_threat_53_a_receiver_of_djangos_signal_fails(
    shopper: Shopper, qq: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    send = submit(shopper)
    with receiver(user_logged_in):
        answer = send()
    assert answer.status_code == 503
    assert "a receiver of the shop's" in caplog.text
    assert send().status_code == 303


def test_threat_53_a_session_that_cannot_be_written(
    shopper: Shopper, qq: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = submit(shopper)
    with monkeypatch.context() as patch:
        patch.setattr(SessionStore, "cycle_key", lambda self: 1 / 0)
        assert send().status_code == 503
    assert send().status_code == 303
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


def test_before_the_commit_a_bug_of_the_page_is_a_bug(
    shopper: Shopper, qq: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = submit(shopper)
    monkeypatch.setattr(User, "save", lambda *args, **kwargs: 1 / 0)
    assert send().status_code == 500


def test_threat_53_every_hook_of_ours_has_a_name() -> None:
    """``databases.after_commit`` makes the hooks. When a hook fails that is a ``functools.partial``, Django itself
    fails.
    """
    package = Path(databases.__file__).parent
    makers = {path.name for path in package.rglob("*.py") if "on_commit(" in path.read_text()}
    assert makers == {"databases.py"}
