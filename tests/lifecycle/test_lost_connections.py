"""Threat 20: the database goes away right after a commit. The person may get an error, and the next request of the same
thread succeeds: without an own care, Django's connection would count as inside a transaction for ever.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from tests.lifecycle.acts import SETTINGS, Act, Device, bind, bound, enter, make, reset, send, sign_in
from tests.support.edge import Configure
from tests.support.lost_connections import end_request, lose_after_commit

pytestmark = pytest.mark.django_db(transaction=True)

MOBILE, OTHER, NOBODYS = "13900000001", "13900000002", "13900000003"

ACTS: dict[str, Callable[[], Act]] = {
    "bind": lambda: bind(NOBODYS, "A" * 32),
    "sign in": lambda: sign_in(MOBILE),
    "sign in by SMS": lambda: enter(MOBILE),
    "reset": lambda: reset(make(OTHER).mobile),
    "refresh": lambda: Device(make(OTHER)).refresh(),
    "change": lambda: Device(make(OTHER)).change(NOBODYS),
    "unbind": lambda: Device(user := make(OTHER)).unbind(bound(user, "B" * 32)),
}


@pytest.mark.parametrize("name", ACTS)
def test_threat_20_a_connection_that_is_lost_after_a_commit_stops_no_thread(
    phonebind: Configure, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    settings: dict[str, Any] = {key.lower(): value for key, value in SETTINGS.items()}
    phonebind(**settings)
    make(MOBILE)
    act = ACTS[name]()
    lost = lose_after_commit(monkeypatch)
    statuses = []
    for _ in range(3):
        statuses.append(send(act)[0])
        end_request()
        assert not connection.in_atomic_block
    assert lost or name in ("sign in", "refresh")
    assert statuses[0] in (200, 201, 204, 400, 404, 503), statuses
    assert send(sign_in(MOBILE))[0] == 200
