"""Threat 48: outsiders cannot raise the operator's alarms, and many requests do not write many lines."""

import logging
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client

from phonebind import alarms
from server.processes import Valkey
from tests.support.edge import Configure, Person, Upstream

pytestmark = pytest.mark.once

CONFIG = range(100001, 100012)


def test_a_line_is_due_once_a_minute() -> None:
    with time_machine.travel(0, tick=False) as clock:
        assert [alarms.is_due("a") for _ in range(3)] == [True, False, False]
        assert alarms.is_due("b")
        clock.shift(alarms.SECONDS - 1)
        assert not alarms.is_due("a")
    alarms._asked.clear()
    assert not alarms.is_due("a"), "another process has said it"


def test_in_an_outage_each_process_says_it_once_a_minute(valkey: Valkey) -> None:
    valkey.stop()
    assert [alarms.is_due("a") for _ in range(3)] == [True, False, False]


@pytest.mark.django_db
@pytest.mark.parametrize("error", [*map(str, CONFIG), "access_denied"])
@pytest.mark.parametrize("path", ["/oauth/qq/user/", "/login/qq/callback/"])
def test_threat_48_what_comes_in_a_query_is_no_alarm(
    phonebind: Configure, caplog: pytest.LogCaptureFixture, path: str, error: str
) -> None:
    """The request needs only a state, which every visitor can get for their own browser."""
    caplog.set_level(logging.INFO)
    http = Client()
    for _ in range(30):
        start = "/oauth/qq/authorization/" if path.startswith("/oauth") else "/login/qq/"
        answer = http.get(start)
        url = answer.json()["login_url"] if path.startswith("/oauth") else answer["Location"]
        http.get(path, {"error": error, "state": parse_qs(urlsplit(url).query)["state"][0]})
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    about_us = [record for record in caplog.records if record.name == "phonebind.oauth.qq"]
    assert len(about_us) == (1 if error.isdigit() and error != "100005" else 0)


@pytest.mark.django_db
def test_threat_48_a_code_that_is_none_is_no_alarm(
    person: Person, qq: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """For an empty code, QQ says that it is missing (100005). That sounds like a fault of ours."""
    qq.answer("/oauth2.0/token", {"error": 100005, "error_description": "code is missing"})
    answer = person.callback(code="\u200b")
    assert answer.json()["code"] == "code_invalid"
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.django_db
def test_threat_48_what_qq_says_of_our_configuration_is_said_once_a_minute(
    person: Person, qq: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    qq.answer("/oauth2.0/token", {"error": 100009, "error_description": "client_secret is wrong"})
    for _ in range(5):
        assert person.callback().json()["code"] == "provider_unavailable"
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.name for record in errors] == ["phonebind.oauth.base"]


@pytest.mark.django_db
def test_an_outage_is_an_error_of_djangos_and_a_refusal_is_not(
    phonebind: Configure, caplog: pytest.LogCaptureFixture, valkey: Valkey, qq: Upstream
) -> None:
    """Django logs each 5xx as an error."""
    caplog.set_level(logging.INFO, "phonebind.audit")
    qq.answer("/oauth2.0/token", b"<html>")
    person = Person()
    assert person.callback().status_code == 503
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "outcome=provider_unavailable" in caplog.text
    valkey.stop()
    assert person.http.post("/authorizations/", {"username": "li", "password": "horse-staple-9"}).status_code == 503
    assert [record.name for record in caplog.records if record.levelno >= logging.ERROR] == ["django.request"]
