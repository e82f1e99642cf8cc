"""Sign in without a provider: by SMS, with a new account, with a new password. Each code is valid for one purpose
alone.
"""

import itertools
import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from phonebind import accounts, databases, sms, sms_codes, sms_texts, store
from phonebind.exceptions import SmsCodeInvalid, StorageUnavailable
from phonebind.lifecycle import attempts, checks, proofs, resets, ways
from phonebind.lifecycle.exceptions import OwnerRefused
from phonebind.lifecycle.models import MobileChange, MobileProof, Session
from phonebind.models import SocialAccount
from phonebind.sms.templates import Templates
from server.users.models import User
from tests.lifecycle.conftest import MOBILE, PASSWORD
from tests.support.edge import Configure, Outbox, Person

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "another-horse-9"
NOBODYS = "13900000009"

#: Where no human check is asked for, a host must set its own limits.
BOUNDS = dict.fromkeys(("sms_address_hour", "sms_site_hour", "sms_site_day"), (1000, 3600))
MOBILES = ("sms_mobile_gap", "sms_mobile_open_hour", "sms_mobile_open_day", "sms_mobile_hour", "sms_mobile_day")
GENEROUS = BOUNDS | dict.fromkeys(MOBILES, (1000, 3600))


@pytest.fixture(autouse=True)
def _open(phonebind: Configure) -> None:
    phonebind(sms_sign_in=True, sms_sign_up=True, human_check="none", limits=GENEROUS)


@pytest.fixture
def person(person: Any) -> Any:
    """An account whose number was proved just now, so that the gate asks nothing."""
    proofs.record(person, MOBILE, "sms")
    return person


@pytest.fixture
def client() -> Client:
    return Client()


def send(client: Client, method: str, path: str, **form: Any) -> Any:
    return getattr(client, method)(path, form, content_type="application/json")


def code_of() -> str:
    found = re.search(r"\d{6}", Outbox.sent[-1].text.replace(Outbox.sent[-1].mobile, ""))
    assert found, Outbox.sent[-1].text
    return found[0]


def ask(client: Client, mobile: str = MOBILE, **more: str) -> dict[str, str]:
    """The fields that a form sends with a code to sign in."""
    answer = client.get(f"/sms_codes/{mobile}/", {"purpose": "sign_in", **more})
    assert answer.status_code == 200, answer.content
    return {"mobile": mobile, "sms_code": code_of(), "flow": answer.json()["flow"]}


def enter(client: Client, **form: Any) -> tuple[int, Any]:
    answer = send(client, "post", "/authorizations/sms/", **form)
    return answer.status_code, answer.json()


def start(client: Client, mobile: str = MOBILE) -> str:
    answer = send(client, "post", "/password_resets/", mobile=mobile)
    assert answer.status_code == 202, answer.content
    return str(answer.json()["id"])


def reset(client: Client, reset_id: str, code: str, password: str = NEW) -> tuple[int, Any]:
    answer = send(client, "put", f"/password_resets/{reset_id}/", sms_code=code, password=password)
    return answer.status_code, answer.json()


def registration(**more: Any) -> dict[str, Any]:
    form = {"username": "ming", "mobile": MOBILE, "password": NEW, "password2": NEW, "allow": "true"}
    return form | more


def register(client: Client, **more: Any) -> tuple[int, Any]:
    answer = send(client, "post", "/users/", **registration(**more))
    return answer.status_code, answer.json()


# ---------------------------------------------------------------- codes and their purposes


def test_no_purpose_is_as_ever(client: Client) -> None:
    assert "flow" not in client.get(f"/sms_codes/{MOBILE}/").json()
    assert Outbox.sent[-1].purpose == "bind"


@pytest.mark.parametrize("purpose", ["reset_password", "change_mobile", "verify", "x"])
def test_other_purposes_are_not_served(client: Client, purpose: str) -> None:
    answer = client.get(f"/sms_codes/{MOBILE}/", {"purpose": purpose})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["purpose"])
    assert not Outbox.sent


def test_nor_is_sign_in_where_it_is_off(client: Client, phonebind: Configure) -> None:
    phonebind(sms_sign_in=False, sms_sign_up=False)
    assert client.get(f"/sms_codes/{MOBILE}/", {"purpose": "sign_in"}).json()["code"] == "invalid"


def test_a_second_code_may_be_of_the_same_flow(client: Client) -> None:
    first = ask(client)
    second = ask(client, flow=first["flow"])
    assert enter(client, **first | {"flow": second["flow"]})[0] == 200


def test_a_gateway_that_does_not_answer_leaves_the_flow(client: Client) -> None:
    Outbox.mute = True
    answer = client.get(f"/sms_codes/{MOBILE}/", {"purpose": "sign_in"})
    assert answer.status_code == 502
    assert enter(client, mobile=MOBILE, sms_code=code_of(), flow=answer.json()["flow"])[0] == 200


@pytest.mark.parametrize("flow", ["x", "é", "a:b:c"])
def test_a_forged_flow_has_no_code(client: Client, flow: str) -> None:
    assert enter(client, **ask(client) | {"flow": flow})[1]["code"] == "sms_code_invalid"


def test_another_asker_can_neither_use_nor_burn_a_code(client: Client) -> None:
    mine, theirs = ask(client), ask(Client())
    for _ in range(4):
        assert enter(Client(), **mine | {"flow": theirs["flow"]})[1]["code"] == "sms_code_invalid"
    assert enter(client, **mine)[0] == 200


@pytest.mark.parametrize("sent", sms.PURPOSES)
@pytest.mark.parametrize("tried", sms.PURPOSES)
def test_threat_27_a_code_of_one_purpose_is_wrong_for_all_others(sent: str, tried: str) -> None:
    sms_codes.issue(MOBILE, "192.0.2.1", purpose=sent, holder="one")
    code = Outbox.sent[-1].code

    def is_right() -> bool:
        try:
            return sms_codes.check(MOBILE, code, claimant="one", address="192.0.2.1", purpose=tried).claim()
        except SmsCodeInvalid:
            return False

    assert is_right() == (sent == tried)


def test_threat_27_each_purpose_is_named_in_its_text() -> None:
    assert len({sms_texts.code_text(each, "x", "1", 5) for each in (*sms.PURPOSES, sms.NO_ACCOUNT)}) == 6


def test_threat_27_at_the_doors(client: Client, person: Any) -> None:
    form = ask(client)
    assert reset(client, start(client), form["sms_code"])[1]["code"] == "sms_code_invalid"
    assert enter(client, **form | {"sms_code": code_of()})[1]["code"] == "sms_code_invalid"


# ---------------------------------------------------------------- sign in by SMS


def test_an_account_is_made_once_and_then_signed_in(client: Client) -> None:
    form = ask(client)
    status, answer = enter(client, **form)
    assert (status, answer["created"], answer["username"]) == (200, True, MOBILE)
    user = User.objects.get()
    assert not user.has_usable_password()
    assert Session.objects.get().method == "sms"
    assert MobileProof.objects.get().user_id == user.pk
    assert enter(client, **form)[1]["code"] == "sms_code_invalid", "used up"
    status, answer = enter(client, **ask(client))
    assert (status, answer["created"], answer["id"]) == (200, False, user.pk)


def test_who_may_not_register(client: Client, phonebind: Configure) -> None:
    phonebind(sms_sign_up=False)
    assert enter(client, **ask(client))[1]["code"] == "account_unknown"
    assert not User.objects.exists()


def test_who_may_not_sign_in(client: Client, person: Any, phonebind: Configure) -> None:
    phonebind(sms_sign_in=False)
    status, answer = enter(client, **ask(client))
    assert (status, answer["code"]) == (400, "mobile_taken")


@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_no_sms_alone_lets_an_operator_in(client: Client, person: Any, flag: str) -> None:
    setattr(person, flag, True)
    person.save()
    status, answer = enter(client, **ask(client))
    assert (status, answer["code"], answer["methods"]) == (401, "insufficient_user_authentication", ["password"])
    assert client.post("/authorizations/", {"username": MOBILE, "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_no_sms_resets_an_operators_password(
    client: Client, person: Any, flag: str, caplog: pytest.LogCaptureFixture
) -> None:
    setattr(person, flag, True)
    person.save()
    reset_id = start(client)
    # A client without the phone learns nothing.
    assert reset(client, reset_id, "000000")[1]["code"] == "sms_code_invalid"
    with caplog.at_level("INFO"):
        status, answer = reset(client, reset_id, code_of())
    # A client with the phone does not learn whose account it is: a customer whose answer is not accepted gets the same
    # error.
    assert (status, answer) == (403, {"code": "owner_refused", "message": str(OwnerRefused.message)})
    # The operator learns it from the log, and what to do.
    assert f"user_id={person.pk}" in caplog.text
    assert "manage.py changepassword" in caplog.text
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_a_disabled_account_stays_so(client: Client, person: Any) -> None:
    person.is_active = False
    person.save()
    assert enter(client, **ask(client))[1]["code"] == "account_disabled"
    reset_id = start(client)
    assert reset(client, reset_id, code_of())[1]["code"] == "account_disabled"


def test_both_doors_ask_the_gate(client: Client, person: Any) -> None:
    MobileProof.objects.all().delete()

    def confirm(asked: Any) -> int:
        form = {"ticket": asked["ticket"], "choice": "mine", "password": PASSWORD}
        return int(send(client, "post", "/ownership/", **form).status_code)

    form = ask(client)
    reset_id = start(client)
    code = code_of()
    unclear = enter(client, **form)[1], reset(client, reset_id, code)[1]
    assert [each["code"] for each in unclear] == ["owner_unclear"] * 2
    assert not Session.objects.exists()
    assert confirm(unclear[0]) == 200
    # An answer for one way in is not valid for another.
    assert reset(client, reset_id, code)[1]["code"] == "owner_unclear"
    assert confirm(unclear[1]) == 200
    assert reset(client, reset_id, code)[0] == 200
    assert enter(client, **ask(client))[0] == 200


def test_who_comes_in_on_probation_is_in_doubt(client: Client, person: Any, phonebind: Configure) -> None:
    phonebind(number_state={"gateway": "sandbox"})
    doors: list[Callable[[], tuple[int, Any]]] = [
        lambda: enter(client, **ask(client)),
        lambda: reset(client, start(client), code_of()),
    ]
    for act in doors:
        MobileProof.objects.update(last_proved_at=timezone.now() - timedelta(days=100), doubtful_until=None)
        Session.objects.all().delete()
        assert act()[0] == 200
        assert MobileProof.objects.get().doubtful_until


def refuse_text(*args: Any, **kwargs: Any) -> Any:
    """Fail as a database whose character set cannot store the text."""
    raise DataError("no room")


def go_away(*args: Any, **kwargs: Any) -> Any:
    raise OperationalError("gone")


def test_a_name_that_the_database_has_no_room_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    form = ask(client)
    monkeypatch.setattr(ways, "_commit", refuse_text)
    status, answer = register(client, **form)
    assert (status, list(answer["errors"])) == (400, ["username"])
    monkeypatch.setattr(ways, "_commit", go_away)
    assert register(client, **form)[0] == 503


def test_a_name_that_the_database_cannot_even_look_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    form, people = ask(client), databases.people

    def refuse(fail: Any) -> None:
        def only_by_name(*args: Any, **lookup: Any) -> Any:
            return SimpleNamespace(exists=fail) if "username" in lookup else people().filter(**lookup)

        monkeypatch.setattr(databases, "people", lambda: SimpleNamespace(filter=only_by_name))

    refuse(go_away)
    assert register(client, **form)[0] == 503
    refuse(refuse_text)
    assert register(client, **form)[0] == 201, "nobody has it"


def test_who_lost_every_race_is_told_to_come_again() -> None:
    def lose() -> None:
        User.objects.create(username="a", mobile=MOBILE)

    lose()
    with pytest.raises(StorageUnavailable):
        attempts.at_last(lose)


def test_a_store_that_goes_away_after_the_commit_changes_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(self: Any) -> None:
        raise StorageUnavailable

    monkeypatch.setattr(sms_codes.ByCode, "settle", away)
    assert enter(client, **ask(client))[0] == 200


# ---------------------------------------------------------------- registration


def test_a_registration_with_a_flow(client: Client) -> None:
    status, answer = register(client, **ask(client))
    assert (status, answer["username"], answer["mobile"]) == (201, "ming", MOBILE)
    assert answer["token"]
    user = User.objects.get()
    assert (user.pk, user.check_password(NEW)) == (answer["id"], True)


def test_a_registration_by_an_old_page(client: Client) -> None:
    client.get(f"/sms_codes/{MOBILE}/")
    form = {"sms_code": code_of()}
    assert register(client, **form)[0] == 201
    assert register(client, **form, mobile=NOBODYS)[1]["code"] == "sms_code_invalid"


def test_a_registration_takes_no_code_of_a_ticket(client: Client) -> None:
    sms_codes.issue(MOBILE, "192.0.2.1", holder="qq:1:A")
    assert register(client, sms_code=code_of())[1]["code"] == "sms_code_invalid"
    assert sms_codes.check(MOBILE, code_of(), claimant="qq:1:A", address="192.0.2.1").number == MOBILE


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("password2", "x"),
        ("allow", "false"),
        ("password", "short"),
        ("username", ""),
        ("mobile", "1"),
        ("sms_code", ""),
    ],
)
def test_what_is_wrong_in_a_registration(client: Client, field: str, wrong: str) -> None:
    form = registration(sms_code="000000") | {field: wrong} | ({"password2": wrong} if field == "password" else {})
    status, answer = register(client, **form)
    assert (status, list(answer["errors"])) == (400, [field])


def test_what_is_taken_is_told_to_who_has_proved_a_mobile_alone(client: Client, person: Any) -> None:
    assert register(client, sms_code="000000")[1]["code"] == "sms_code_invalid"
    assert register(client, **ask(client))[1]["code"] == "mobile_taken"
    User.objects.create_user("ming", mobile="13900000003")
    form = ask(client, NOBODYS)
    assert register(client, **form)[1]["errors"].keys() == {"username"}
    for name in ("13900000004", "a b", "1" * 151):
        assert register(client, **form, username=name)[1]["errors"].keys() == {"username"}
    assert register(client, **form, username=NOBODYS, password="12345678", password2="12345678")[1][
        "errors"
    ].keys() == {"password"}
    assert register(client, **form, username=NOBODYS)[0] == 201, "corrected, with the same code"


def test_usernames_are_not_probed_for_nothing(client: Client, person: Any, phonebind: Configure) -> None:
    phonebind(limits=GENEROUS | {"sign_up_mobile_hour": (2, 3600)})
    form = ask(client)
    outcomes = [register(client, **form)[1]["code"] for _ in range(3)]
    assert outcomes == ["mobile_taken"] * 2 + ["too_many_attempts"]


# ---------------------------------------------------------------- forgotten passwords


def test_a_password_is_set_anew(client: Client, person: Any) -> None:
    reset_id = start(client)
    code = code_of()
    MobileChange.objects.create(user=person, mobile=NOBODYS, requested_at=timezone.now(), due_at=timezone.now())
    elsewhere = ask(Client())
    assert reset(client, reset_id, code, "12345678")[1]["errors"].keys() == {"password"}
    assert reset(client, reset_id, code, "short")[1]["errors"].keys() == {"password"}
    status, answer = reset(client, reset_id, code)
    assert (status, answer["id"]) == (200, person.pk)
    person.refresh_from_db()
    assert person.check_password(NEW)
    assert not MobileChange.objects.exists()
    assert enter(client, **elsewhere)[1]["code"] == "sms_code_invalid", "threat 31: no other code of it lives"
    assert reset(client, reset_id, code)[1]["code"] == "sms_code_invalid", "used once"
    token = {"Authorization": f"Bearer {answer['token']}"}
    assert len(client.get("/account/sessions/", headers=token).json()) == 1


def test_threat_29_after_a_reset_no_older_token_works(client: Client, person: Any, device: Any) -> None:
    one = device()
    assert reset(client, start(client), code_of())[0] == 200
    refused = send(client, "post", "/authorizations/refresh/", refresh=one.refresh)
    assert (refused.status_code, refused.json()["reason"]) == (401, "password")
    assert one.ask("get", "/account/sessions/").status_code == 401


def test_the_id_is_worth_nothing_in_another_browser(client: Client, person: Any) -> None:
    reset_id = start(client)
    for _ in range(4):
        assert reset(Client(), reset_id, code_of())[1]["code"] == "sms_code_invalid"
    assert reset(client, reset_id, code_of())[0] == 200


def test_front_ends_without_cookies(person: Any, phonebind: Configure) -> None:
    phonebind(legacy_state=True)
    assert reset(Client(), reset_id := start(Client()), code_of())[0] == 200
    assert reset_id
    later = start(Client())
    phonebind(legacy_state=False)
    assert reset(Client(), later, code_of(), "third-horse-10")[1]["code"] == "sms_code_invalid"


def test_three_guesses(client: Client, person: Any) -> None:
    reset_id = start(client)
    code = code_of()
    for number in range(3):
        assert reset(client, reset_id, f"{(int(code) + 1 + number) % 10**6:06}")[1]["code"] == "sms_code_invalid"
    assert reset(client, reset_id, code)[1]["code"] == "sms_code_invalid"


def test_a_gateway_that_does_not_answer_leaves_the_reset(person: Any) -> None:
    """The same happens for known and unknown numbers, and in that browser alone."""
    Outbox.mute = True
    clients, bodies = [Client(), Client()], []
    for client, mobile in zip(clients, (MOBILE, NOBODYS), strict=True):
        answer = send(client, "post", "/password_resets/", mobile=mobile)
        assert answer.status_code == 502
        assert [name for name in answer.cookies if "phonebind_reset_" in name]
        bodies.append(answer.json())
    assert bodies[0].keys() == bodies[1].keys() == {"code", "message", "retry_after", "id"}
    code = next(message.code for message in Outbox.sent if message.mobile == MOBILE)
    assert reset(clients[1], bodies[0]["id"], code)[1]["code"] == "sms_code_invalid"
    assert reset(clients[0], bodies[0]["id"], code)[0] == 200


def test_a_gateway_that_does_not_answer_leaves_the_reset_without_cookies(person: Any, phonebind: Configure) -> None:
    phonebind(legacy_state=True)
    Outbox.mute = True
    answer = send(Client(), "post", "/password_resets/", mobile=MOBILE)
    assert not answer.cookies
    assert reset(Client(), answer.json()["id"], code_of())[0] == 200


def test_a_code_that_has_served_serves_no_more(client: Client, person: Any) -> None:
    """A used code is invalid for every purpose, also when the password is still the forgotten one."""
    reset_id = start(client)
    holder = f"{resets.PURPOSE}:{reset_id}"
    proof = sms_codes.check(MOBILE, code_of(), claimant=holder, address="127.0.0.1", purpose=resets.PURPOSE)
    proof.claim()
    proof.settle()
    assert reset(client, reset_id, code_of())[1]["code"] == "sms_code_invalid"
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_of_two_that_are_open_one_serves(client: Client, person: Any) -> None:
    first, one = start(client), code_of()
    second, two = start(client), code_of()
    assert reset(client, first, one)[0] == 200
    assert reset(client, second, two, "third-horse-10")[1]["code"] == "sms_code_invalid"


def test_threat_31_a_number_that_was_changed_meanwhile_resets_nothing(client: Client, person: Any) -> None:
    reset_id = start(client)
    User.objects.filter(pk=person.pk).update(mobile=NOBODYS)
    other = User.objects.create_user("other", mobile=MOBILE, password=PASSWORD)
    assert reset(client, reset_id, code_of())[1]["code"] == "sms_code_invalid"
    other.refresh_from_db()
    assert other.check_password(PASSWORD)


def test_a_password_that_changes_while_the_new_one_is_hashed_stays(
    client: Client, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = accounts.set_password

    def hash_slowly(user: Any, password: str) -> None:
        hashes(user, password)
        User.objects.filter(pk=person.pk).update(password="changed")

    monkeypatch.setattr(accounts, "set_password", hash_slowly)
    assert reset(client, start(client), code_of())[1]["code"] == "sms_code_invalid"
    person.refresh_from_db()
    assert person.password == "changed"


def ask_for_reset(client: Client, mobile: str, reset_id: str) -> Any:
    return send(client, "post", "/password_resets/", mobile=mobile)


def ask_to_sign_in(client: Client, mobile: str, reset_id: str) -> Any:
    return client.get(f"/sms_codes/{mobile}/", {"purpose": "sign_in"})


def put_wrong_code(client: Client, mobile: str, reset_id: str) -> Any:
    code = f"{(int(Outbox.sent[-1].code) + 1) % 10**6:06}"
    return send(client, "put", f"/password_resets/{reset_id}/", sms_code=code, password=NEW)


@pytest.mark.parametrize("door", [ask_for_reset, ask_to_sign_in, put_wrong_code])
def test_threat_28_every_door_answers_alike_for_all_numbers(
    person: Any, phonebind: Configure, monkeypatch: pytest.MonkeyPatch, door: Any
) -> None:
    """The same answer, and the same number of SMS, of SQL statements and of commands to the store, for 20 requests of
    each. ``bench.enumeration`` compares the times.
    """

    def one(mobile: str) -> tuple[Any, ...]:
        client = Client()
        reset_id = start(client, mobile)
        with store.connection() as server, CaptureQueriesContext(connection) as queries:
            before, sent = commands(server), len(Outbox.sent)
            answer = door(client, mobile, reset_id)
            after = commands(server)
        body = answer.json()
        shape = {name: len(value) if isinstance(value, str) else value for name, value in body.items()}
        spent = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
        return answer.status_code, shape, len(Outbox.sent) - sent, len(queries), spent, headers(answer)

    # Each code is different. By chance, two live codes would be equal in one of 600 runs, and the second drawn again.
    drawn = itertools.count()
    monkeypatch.setattr(secrets, "randbelow", lambda below: next(drawn))
    wide = ("reset_mobile_day", "sms_code_address_hour", "sms_code_identity_hour")
    phonebind(limits=GENEROUS | dict.fromkeys(wide, (1000, 3600)))
    one(MOBILE), one(NOBODYS)
    known, unknown = ([one(mobile) for _ in range(20)] for mobile in (MOBILE, NOBODYS))
    assert known == unknown
    assert known[0][0] == {ask_for_reset: 202, ask_to_sign_in: 200, put_wrong_code: 400}[door]


def headers(answer: Any) -> dict[str, Any]:
    """The headers, with the lengths of the values that differ each time."""
    drawn = ("Expires", "X-Request-ID")
    found = {name: len(value) if name in drawn else value for name, value in answer.headers.items()}
    return found | {str(len(name)): len(each.OutputString()) for name, each in answer.cookies.items()}


def test_threat_28_what_a_number_without_account_is_sent_tells_no_code(client: Client, person: Any) -> None:
    start(client), start(client, NOBODYS)
    assert "no account" not in Outbox.sent[0].text.lower()
    assert not re.search(r"\d", Outbox.sent[-1].text)


def commands(server: Any) -> dict[str, int]:
    found = server.info("commandstats").items()
    return {name: int(each["calls"]) for name, each in found if name not in ("cmdstat_info", "cmdstat_client|setinfo")}


def test_threat_28_the_limits_are_alike_too(client: Client, person: Any, phonebind: Configure) -> None:
    for mobile in (MOBILE, NOBODYS):
        answers = [send(Client(), "post", "/password_resets/", mobile=mobile).status_code for _ in range(6)]
        assert answers == [202] * 5 + [429]


def test_threat_28_what_a_number_without_account_was_sent_resets_nothing(client: Client) -> None:
    reset_id = start(client, NOBODYS)
    code = Outbox.sent[-1].code
    User.objects.create_user("late", mobile=NOBODYS, password=PASSWORD)
    assert reset(client, reset_id, code)[1]["code"] == "sms_code_invalid"
    assert reset(client, "x", code)[1]["code"] == "sms_code_invalid"


def test_threat_28_vendors_with_templates(client: Client) -> None:
    start(client, NOBODYS)
    message = Outbox.sent[-1]
    ids = dict.fromkeys(sms.PURPOSES, "SMS_1")
    without = Templates(ids, ["code"])
    assert (without.id(message), without.in_order(message)) == ("SMS_1", [message.code])
    own = Templates(ids | {sms.NO_ACCOUNT: "SMS_2"}, ["code"])
    assert (own.id(message), own.in_order(message), own.problems(list)) == ("SMS_2", [], [])
    named = Templates(ids | {sms.NO_ACCOUNT: "SMS_2"}, {"c": "code"})
    assert named.named(message) == {}
    assert Templates(ids | {sms.NO_ACCOUNT: " x"}, ["code"]).problems(list)


def test_a_reset_inside_a_bind_leaves_the_ticket(client: Client, person: Any, qq: Any) -> None:
    browser = Person()
    ticket = browser.callback().json()["access_token"]
    assert reset(browser.http, start(browser.http), code_of())[0] == 200
    code = browser.sms_code(MOBILE)
    assert browser.bind(mobile=MOBILE, password=NEW, sms_code=code, access_token=ticket).status_code == 201
    assert SocialAccount.objects.get().user_id == person.pk


def test_an_account_that_must_have_a_password_is_not_made_without(client: Client, phonebind: Configure) -> None:
    """The account could not sign in again. The two settings contradict each other, and a system check reports it."""
    assert checks.check_sign_up() == []
    phonebind(bind_without_password=False)
    assert [each.id for each in checks.check_sign_up()] == ["phonebind.E016"]
    status, answer = enter(client, **ask(client))
    assert (status, answer["code"]) == (400, "account_unknown")
    assert not User.objects.exists()
    phonebind(sms_sign_up=False)
    assert checks.check_sign_up() == []
