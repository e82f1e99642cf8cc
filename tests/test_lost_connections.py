"""Threat 20: the database goes away at the worst moment. It stops no thread. See tests.support.lost_connections."""

import pytest
from django.core.signals import request_finished
from django.db import InterfaceError, OperationalError, connection, transaction
from django.test import Client

from phonebind.models import SocialAccount
from server.users.models import User
from tests.support.edge import Person, Upstream
from tests.support.lost_connections import end_request, lose_after_commit

pytestmark = pytest.mark.django_db(transaction=True)

MOBILE, PASSWORD = "13900000001", "horse-staple-9"


def test_threat_20_a_bind_whose_connection_is_lost_after_the_commit(
    qq: Upstream, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.http = Client(raise_request_exception=False)
    ticket = person.callback().json()["access_token"]
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE), "access_token": ticket}
    lost = lose_after_commit(monkeypatch)
    statuses = [person.bind(**form).status_code for _ in range(2)]
    assert lost
    assert statuses == [201, 201]
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


@pytest.mark.skipif(connection.vendor == "postgresql", reason="its drivers go back to autocommit without the server")
def test_threat_20_a_connection_that_other_code_left_stuck_is_free_after_the_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Django's own fault: without any code of ours, two transactions of one request are enough."""
    lose_after_commit(monkeypatch)
    for _ in range(2):
        with pytest.raises((OperationalError, InterfaceError)), transaction.atomic():
            User.objects.exists()
    assert connection.in_atomic_block
    end_request()
    assert connection.in_atomic_block, "Django mended it: delete databases.install"
    request_finished.send(object)
    assert not connection.in_atomic_block
    with transaction.atomic():
        assert not User.objects.exists()
