"""Processes are killed during whole lives of accounts: SMS sign-in, refresh, reset, bind, unbind, change of mobile."""

import random
import time
from collections.abc import Callable

import psutil
import pytest
from django.contrib.auth.hashers import check_password
from django.db import connection

from phonebind import life
from phonebind.models import SocialAccount
from server.processes import Valkey
from server.users.models import User
from tests.support.services import database_server
from tests.support.torture import scale
from tests.torture import test_faults
from tests.torture.lives import PASSWORD, live
from tests.torture.people import Shop
from tests.torture.report import Note

if not life.installed:
    pytest.skip("the account life is not installed here: LIFECYCLE=1", allow_module_level=True)

from phonebind.lifecycle.models import MobileChange, MobileProof, Session

PEOPLE = scale(100, 24)
MANY = (1000, 3600)
#: Messages for when Valkey is down while something is ended for good in the database.
LOGGED = ("until they expire", "were not ended")
SETTINGS = {
    "SMS_SIGN_IN": True,
    "SMS_SIGN_UP": True,
    "LIMITS": test_faults.SETTINGS["LIMITS"]
    | dict.fromkeys(("reset_mobile_day", "verify_user_hour", "sms_code_identity_hour", "sms_code_address_hour"), MANY),
}


def nothing_is_lost(shop: Shop) -> None:
    """Each person has one account, with the new number and password. Nothing from before is left."""
    users = list(User.objects.order_by("mobile"))
    assert [user.mobile for user in users] == [f"138{number:08}" for number in range(PEOPLE)]
    assert all(user.get_username() == user.mobile and check_password(PASSWORD, user.password) for user in users)
    proofs = MobileProof.objects.filter(current=True).order_by("mobile")
    assert [(proof.user_id, proof.mobile) for proof in proofs] == [(user.pk, user.mobile) for user in users]
    assert MobileProof.objects.filter(current=None, reason="changed").count() == PEOPLE
    assert not SocialAccount.objects.exists()
    assert not MobileChange.objects.exists()
    reasons = set(Session.objects.values_list("end_reason", flat=True))
    assert reasons <= {"", "password", "mobile"}, "nobody was taken for a thief"
    assert {outcome.split()[0] for outcome in shop.outcomes} <= {
        *("200", "201", "202", "204", "400", "404", "429", "502", "503", "broken"),
    }


def lives(shop: Shop, note: Note, what: str, kill: Callable[[], None]) -> None:
    _, kills = test_faults.run(shop, kill, live, PEOPLE)
    nothing_is_lost(shop)
    told = test_faults.told(shop, kills)
    note(f"kill -9 of {what} under {PEOPLE} lives of accounts", **told | {"people": PEOPLE, "bound": PEOPLE})


def test_web_workers_are_killed(shop: Shop, note: Note) -> None:
    def kill() -> None:
        workers = psutil.Process(shop.pid).children()
        if workers:
            random.choice(workers).kill()

    lives(shop, note, "a web worker", kill)


def test_valkey_is_killed(shop: Shop, note: Note, valkey: Valkey) -> None:
    def kill() -> None:
        valkey.process.kill()
        valkey.process.wait()
        time.sleep(0.3)
        valkey.start()

    lives(shop, note, "Valkey", kill)


def test_the_database_is_killed(shop: Shop, note: Note) -> None:
    database = database_server()
    if database is None:
        pytest.skip("SQLite is no server")

    def kill() -> None:
        database.kill()
        connection.close()
        time.sleep(0.3)
        database.start()

    lives(shop, note, "the database server", kill)
