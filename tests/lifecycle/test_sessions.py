"""One row for each sign-in: its tokens are valid once, it can be listed and ended."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from phonebind import revocation, signals
from phonebind.lifecycle import endings
from phonebind.lifecycle.models import Session
from tests.lifecycle.conftest import MOBILE, Account

pytestmark = pytest.mark.django_db(transaction=True)
Device = Callable[..., Account]


def refresh(token: str) -> Any:
    return Client().post("/authorizations/refresh/", {"refresh": token}, content_type="application/json")


def test_a_sign_in_is_a_row(person: Any, device: Device) -> None:
    device(**{"User-Agent": "Device/1"})
    session = Session.objects.get()
    assert (session.user, session.method, session.seq, session.user_agent) == (person, "password", 0, "Device/1")
    assert session.device_hash


def test_a_device_keeps_its_name(person: Any, device: Device) -> None:
    first = device()
    form = {"username": MOBILE, "password": "correct-horse-8"}
    first.client.post("/authorizations/", form, content_type="application/json")
    assert Session.objects.values("device_hash").distinct().count() == 1
    device()
    assert Session.objects.values("device_hash").distinct().count() == 2


def test_a_token_serves_once_and_again_within_the_grace(person: Any, device: Device) -> None:
    token = device().refresh
    first, again = refresh(token), refresh(token)
    assert first.status_code == again.status_code == 200
    assert first.json()["refresh"] == again.json()["refresh"] != token
    assert refresh(first.json()["refresh"]).status_code == 200
    assert Session.objects.count() == 1


def test_threat_35_a_token_that_comes_again_later_ends_its_session_and_no_other(person: Any, device: Device) -> None:
    other = device()
    with time_machine.travel("2026-11-28T00:00:00Z", tick=False) as clock:
        token = device().refresh
        honest = refresh(token).json()["refresh"]
        clock.shift(21)
        thief = refresh(token)
        assert (thief.status_code, thief.json()["code"], thief.json()["reason"]) == (401, "session_ended", "reuse")
        assert refresh(honest).json()["reason"] == "reuse"
    assert refresh(other.refresh).status_code == 200


@pytest.mark.parametrize("reason", ["password", "disabled", "host"])
def test_threat_29_what_ends_everything_ends_the_rows(person: Any, device: Device, reason: str) -> None:
    one = device()
    if reason == "password":
        person.set_password("another-horse-9")
        person.save()
    elif reason == "disabled":
        person.is_active = False
        person.save()
        person.is_active = True
        person.save()
    else:
        revocation.revoke(person.pk)
    assert Session.objects.get().end_reason == reason
    assert refresh(one.refresh).json()["code"] == "session_ended"
    assert one.ask("get", "/account/sessions/").status_code == 401


def test_they_are_listed_and_ended(person: Any, device: Device) -> None:
    one, two, three = device(), device(), device()
    listed = one.ask("get", "/account/sessions/").json()
    assert len(listed) == 3
    assert [each["current"] for each in listed].count(True) == 1
    other = next(each["id"] for each in listed if not each["current"])
    assert one.ask("delete", f"/account/sessions/{other}/").status_code == 204
    assert one.ask("delete", f"/account/sessions/{other}/").status_code == 404
    assert one.ask("delete", "/account/sessions/?except=current").status_code == 204
    assert len(one.ask("get", "/account/sessions/").json()) == 1
    assert two.ask("get", "/account/sessions/").status_code == three.ask("get", "/account/sessions/").status_code == 401


def test_who_signs_out_is_told_the_same_whatever_they_bring(person: Any, device: Device) -> None:
    one = device()
    for token in (one.refresh, one.refresh, "garbage"):
        answer = Client().post("/authorizations/revoke/", {"refresh": token}, content_type="application/json")
        assert (answer.status_code, answer.json()) == (200, {})
    assert refresh(one.refresh).json()["reason"] == "signed_out"


def test_a_signal_tells_how_many_ended_and_why_once_that_is_committed(person: Any, device: Device) -> None:
    heard: list[tuple[str, int]] = []

    def hear(reason: str, count: int, **kwargs: Any) -> None:
        heard.append((reason, count))

    for _ in range(3):
        device()
    signals.sessions_ended.connect(hear)
    try:
        with suppress(ZeroDivisionError), transaction.atomic():
            endings.end(endings.rows().filter(user=person.pk), "revoked")
            raise ZeroDivisionError
        assert heard == []
        with transaction.atomic():
            endings.end(endings.rows().filter(user=person.pk), "revoked")
            assert heard == []
        endings.end(endings.rows().filter(user=person.pk), "revoked")  # the person has none left
        assert heard == [("revoked", 3)]
    finally:
        signals.sessions_ended.disconnect(hear)
