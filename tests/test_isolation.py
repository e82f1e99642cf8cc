"""For every isolation level that a host may set: a bind, a repeated bind and a race end the same way."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from psycopg import IsolationLevel

from phonebind.models import SocialAccount
from server.users.models import User
from tests.support.edge import Configure, Person, Upstream
from tests.support.racers import together

pytestmark = [
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one isolation level"),
    pytest.mark.django_db(transaction=True),
]

MOBILE = "13900000001"
PASSWORD = "horse-staple-9"


@pytest.fixture(params=["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"], autouse=True)
def level(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[str]:
    """The level of all connections that are opened during the test."""
    options, name = connection.settings_dict["OPTIONS"], str(request.param)
    kept = options.get("isolation_level")
    postgres = connection.vendor == "postgresql"
    _hang_up()
    options["isolation_level"] = IsolationLevel[name.replace(" ", "_")] if postgres else name.lower()
    yield name
    _hang_up()
    if kept is None:
        del options["isolation_level"]
    else:
        options["isolation_level"] = kept


def _hang_up() -> None:
    connection.close()
    if hasattr(connection, "close_pool"):
        connection.close_pool()


@pytest.fixture
def form(qq: Upstream, person: Person, phonebind: Configure) -> dict[str, str]:
    phonebind(hash_slots=32)  # the race is for a row, not for a slot to hash
    ticket = person.callback().json()["access_token"]
    return {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE), "access_token": ticket}


def rows() -> tuple[int, int]:
    return (User.objects.count(), SocialAccount.objects.count())


def submit(form: dict[str, str], cookies: dict[str, str]) -> tuple[int, Any]:
    http = Client(raise_request_exception=False)
    for name, value in cookies.items():
        http.cookies[name] = value
    answer = http.post("/oauth/qq/user/", form, content_type="application/json")
    return answer.status_code, answer.json()


def test_the_level_is_what_the_database_says(level: str) -> None:
    name = "transaction_isolation" if connection.vendor == "postgresql" else "@@tx_isolation"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{'SHOW' if connection.vendor == 'postgresql' else 'SELECT'} {name}")
        [found] = cursor.fetchone()
    assert found.upper().replace("-", " ") == level


@pytest.mark.parametrize("known", [False, True])
def test_bound_repeated_and_signed_in(person: Person, form: dict[str, str], known: bool) -> None:
    if known:
        User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)
    first, again = person.bind(**form), person.bind(**form)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"] == person.callback().json()["id"]
    assert rows() == (1, 1)


@pytest.mark.parametrize("known", [False, True])
def test_a_race_for_one_form_loses_nothing(person: Person, form: dict[str, str], known: bool) -> None:
    if known:
        User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)
    cookies = {name: morsel.value for name, morsel in person.http.cookies.items()}
    answers = together(submit, [(form, cookies)] * 12)
    told = {status if status == 201 else answer["code"] for status, answer in answers}
    # A request that lost each of its races gets an error, and the person need only send the form again.
    assert 201 in told
    assert told <= {201, "storage_unavailable", "too_many_attempts"}
    assert rows() == (1, 1)
    assert submit(form, cookies)[0] == 201
