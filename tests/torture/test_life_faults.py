"""Processes are killed in the middle of whole lives of accounts: in by SMS, refreshed, reset, bound, unbound, moved."""

import random
import time
from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qs, urlencode, urlsplit

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
from tests.torture.people import STUBBORN, Person, Reply, Shop
from tests.torture.report import Note

if not life.installed:
    pytest.skip("the account life is not installed here: LIFECYCLE=1", allow_module_level=True)

from phonebind.lifecycle.models import MobileChange, MobileProof, Session

PEOPLE = scale(100, 24)
PASSWORD = "battery-paper-7"
MANY = (1000, 3600)
#: Where Valkey is away while something is ended for good in the database.
LOGGED = ("until they expire", "were not ended")
SETTINGS = {
    "SMS_SIGN_IN": True,
    "SMS_SIGN_UP": True,
    "LIMITS": test_faults.SETTINGS["LIMITS"]
    | dict.fromkeys(("reset_mobile_day", "verify_user_hour", "sms_code_identity_hour", "sms_code_address_hour"), MANY),
}


def live(person: Person) -> Reply:
    """A whole life, once; whoever comes again has moved by then."""
    token = _refresh(person, _enter(person).data["refresh"])
    has_moved = person.mobile.startswith("138")
    if not has_moved:
        token = _refresh(person, _reset(person).data["refresh"])
    reply = _bind_and_unbind(person, token)
    return reply if has_moved else _move(person, f"138{person.mobile[3:]}", token)


def _ask(
    person: Person, phone: str, path: str, *, method: str = "POST", token: str = "", **form: str
) -> tuple[Reply, str]:
    """An SMS that has arrived, whether its answer has or not; and its code."""
    end = time.monotonic() + STUBBORN
    while True:
        asked = {**person.shop.image_code(), **form}
        if method == "GET":
            reply = person.request("GET", f"{path}?{urlencode(asked)}", token=token)
        else:
            reply = person.request(method, path, asked, token)
        if reply.status in (200, 202):
            return reply, person.shop.outside.code(phone)
        assert reply.status in (0, 429, 502, 503), reply
        assert time.monotonic() < end, f"no SMS: {reply}"
        time.sleep(0.3)


def _enter(person: Person) -> Reply:
    """A code that was claimed by a request whose answer is lost serves no second time: another is asked for."""
    mobile = person.mobile
    while True:
        asked, code = _ask(person, mobile, f"/sms_codes/{mobile}/", purpose="sign_in")
        form = {"mobile": mobile, "sms_code": code, "flow": asked.data["flow"]}
        reply = person.persist(partial(person.request, "POST", "/authorizations/sms/", form))
        if reply.outcome != "sms_code_invalid":
            assert reply.status == 200, reply
            return reply


def _refresh(person: Person, token: str) -> str:
    """Several times; whose answer is lost asks with the same token again, and is not signed out. The access token."""
    for _ in range(3):
        reply = person.persist(partial(person.request, "POST", "/authorizations/refresh/", {"refresh": token}))
        assert reply.status == 200, reply
        token = reply.data["refresh"]
    return str(reply.data["token"])


def _reset(person: Person) -> Reply:
    while True:
        asked, code = _ask(person, person.mobile, "/password_resets/", mobile=person.mobile)
        form = {"sms_code": code, "password": PASSWORD}
        reply = person.persist(partial(person.request, "PUT", f"/password_resets/{asked.data['id']}/", form))
        if reply.outcome != "sms_code_invalid":
            assert reply.status == 200, reply
            return reply


def _bind_and_unbind(person: Person, token: str) -> Reply:
    bound = person.persist(partial(_bind, person, token))
    assert bound.status in (200, 201), bound
    path = f"/account/identities/{bound.data['id']}/"
    gone = person.persist(partial(person.request, "DELETE", path, token=token))
    assert gone.status in (204, 404), gone
    return gone


def _bind(person: Person, token: str) -> Reply:
    started = person.request("GET", "/oauth/qq/authorization/?intent=bind", token=token)
    if started.status != 200:
        return started
    form = {"provider": "qq", "code": f"{person.openid}.{time.monotonic_ns()}"}
    form["state"] = parse_qs(urlsplit(started.data["login_url"]).query)["state"][0]
    return person.request("POST", "/account/identities/", form, token)


def _move(person: Person, new: str, token: str) -> Reply:
    """They have just shown the old number, by their sign-in with it."""
    while True:
        asked = {"purpose": "change_mobile", "mobile": new}
        _, code = _ask(person, new, "/account/sms_codes/", method="GET", token=token, **asked)
        form = {"mobile": new, "sms_code": code}
        reply = person.persist(partial(person.request, "PUT", "/account/mobile/", form, token))
        if reply.outcome != "sms_code_invalid":
            assert reply.status == 200, reply
            person.mobile = new
            return reply


def nothing_is_lost(shop: Shop) -> None:
    """Everybody has one account, with the new number and password, and nothing of what was before."""
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
