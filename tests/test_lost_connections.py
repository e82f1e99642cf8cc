"""Threat 20: the database goes away at the worst moment. It stops no thread. See tests.support.lost_connections."""

import pytest
from django.core.signals import request_finished
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.test import Client

from phonebind import databases
from phonebind.models import SocialAccount
from server.users.models import User
from tests.support.edge import Person, Upstream
from tests.support.lost_connections import end_request, lose_after_commit

pytestmark = pytest.mark.django_db(transaction=True)

MOBILE, PASSWORD = "13900000001", "horse-staple-9"
#: PostgreSQL's driver goes back to autocommit without a word to the server, so it only notices the loss later.
AFTER = 201 if connection.vendor == "postgresql" else 503


def test_threat_20_a_bind_whose_connection_is_lost_after_the_commit(
    qq: Upstream, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.http = Client(raise_request_exception=False)
    ticket = person.callback().json()["access_token"]
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE), "access_token": ticket}
    lost = lose_after_commit(monkeypatch)
    first = person.bind(**form).status_code
    end_request()
    assert lost
    assert first == AFTER
    assert person.bind(**form).status_code == 201
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


@pytest.mark.skipif(connection.vendor == "postgresql", reason="its drivers go back to autocommit without the server")
@pytest.mark.parametrize("closes_before", [True, False])
def test_threat_20_a_connection_that_other_code_left_stuck_is_free_after_the_request(
    monkeypatch: pytest.MonkeyPatch, closes_before: bool
) -> None:
    """Django's own fault: without any code of ours, two transactions of one request are enough."""
    lose_after_commit(monkeypatch)
    for _ in range(2):
        with pytest.raises((OperationalError, InterfaceError)), transaction.atomic():
            User.objects.exists()
    if closes_before:
        end_request()
    assert connection.in_atomic_block, "Django mended it: delete databases.install"
    request_finished.send(object)
    assert not connection.in_atomic_block
    with transaction.atomic():
        assert not User.objects.exists()


def test_no_transaction_of_the_host_is_touched() -> None:
    with transaction.atomic():
        User.objects.create_user("ming")
        databases._release_stuck()
        assert connection.in_atomic_block
    connection.set_autocommit(False)
    User.objects.create_user("hong")
    databases._release_stuck()
    connection.commit()
    connection.set_autocommit(True)
    assert User.objects.count() == 2


def caused(error: Exception, **state: str | None) -> Exception:
    error.__cause__ = type("DriverError", (Exception,), state)()
    return error


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (OperationalError(2006, "Server has gone away"), True),
        (OperationalError(2013, "Lost connection"), True),
        (OperationalError(1213, "Deadlock found"), False),
        (OperationalError(1205, "Lock wait timeout exceeded"), False),
        (caused(OperationalError("server closed the connection unexpectedly"), sqlstate=None), True),
        (caused(OperationalError("the same of psycopg2"), pgcode=None), True),
        (caused(OperationalError("terminating connection"), sqlstate="57P01"), True),
        (caused(OperationalError("connection failure"), sqlstate="08006"), True),
        (caused(OperationalError("deadlock detected"), sqlstate="40P01"), False),
        (caused(OperationalError("could not serialize access"), sqlstate="40001"), False),
        (caused(OperationalError("canceling statement"), sqlstate="57014"), False),
        (caused(DataError("NUL"), sqlstate=None), False),
        (OperationalError("database is locked"), False),
        (OperationalError(), False),
        (IntegrityError(1062, "Duplicate entry"), False),
    ],
)
def test_threat_20_only_what_was_surely_undone_is_repeated(error: Exception, lost: bool) -> None:
    assert databases.is_lost(error) == lost
