"""Threat 20: the database goes away right after a commit. The person may get an error, and the next request of the same
thread succeeds: without an own care, Django's connection would count as inside a transaction for ever.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection

from tests.lifecycle.acts import SETTINGS, Act, Device, bind, bound, enter, make, reset, send, sign_in
from tests.support.edge import Configure
from tests.support.lost_connections import end_request, lose_after_commit

pytestmark = pytest.mark.django_db(transaction=True)

MOBILE, OTHER, NOBODYS = "13900000001", "13900000002", "13900000003"


@dataclass(frozen=True)
class Lost:
    """An act. ``statuses``: of the request whose connection is lost after the commit, and of the same request again.
    ``on_postgres``: its driver goes back to autocommit without a word to the server, so the next statement fails.
    """

    act: Callable[[], Act]
    statuses: list[int]
    on_postgres: list[int]


ACTS = {
    "bind": Lost(lambda: bind(NOBODYS, "A" * 32), [503, 201], [503, 201]),
    # The session is stored after the commit, and the code is used up by then.
    "sign in by SMS": Lost(lambda: enter(MOBILE), [503, 200], [503, 400]),
    "reset": Lost(lambda: reset(make(OTHER).mobile), [503, 400], [200, 400]),
    "change": Lost(lambda: Device(make(OTHER)).change(NOBODYS), [503, 200], [200, 200]),
    "unbind": Lost(lambda: Device(user := make(OTHER)).unbind(bound(user, "B" * 32)), [503, 404], [204, 404]),
}


@pytest.mark.parametrize("name", ACTS)
def test_threat_20_a_connection_that_is_lost_after_a_commit_stops_no_thread(
    phonebind: Configure, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    settings: dict[str, Any] = {key.lower(): value for key, value in SETTINGS.items()}
    phonebind(**settings)
    make(MOBILE)
    one = ACTS[name]
    act = one.act()
    lost = lose_after_commit(monkeypatch)
    statuses = []
    for _ in range(2):
        statuses.append(send(act)[0])
        end_request()
        assert not connection.in_atomic_block
    assert lost
    assert statuses == (one.on_postgres if connection.vendor == "postgresql" else one.statuses)
    assert send(sign_in(MOBILE))[0] == 200
