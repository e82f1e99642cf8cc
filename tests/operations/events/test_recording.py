"""Records of the audit trail become rows: which records, when, and what a database outage changes (nothing)."""

import logging
import re
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import OperationalError, connection, transaction
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from phonebind import audit, databases, exceptions, limits, signals
from phonebind.operations.events import mobile_hashes, recording, tally, words
from phonebind.operations.models import SecurityEvent
from server.users.models import User
from tests.support.edge import Configure, Outbox, Person, Upstream

pytestmark = pytest.mark.django_db(transaction=True)

MOBILE, PASSWORD = "13900000001", "horse-staple-9"


def rows() -> list[tuple[str, str, int]]:
    return list(SecurityEvent.objects.order_by("id").values_list("type", "outcome", "count"))


def write(outcome: str, **facts: Any) -> None:
    """Write a record as an edge does."""
    record = {
        **dict.fromkeys(("provider", "mobile", "limit", "cause", "human", "proof", "request_id"), ""),
        "action": "password",
        "outcome": outcome,
        "user_id": None,
        "address": "192.0.2.1",
    }
    signals.audited.send(sender=None, record=record | facts, mobile="", request=None)


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Wait until the combined counts are written with the next event."""
    passed = [0.0]
    monkeypatch.setattr("phonebind.operations.events.recording.time", SimpleNamespace(monotonic=lambda: passed[0]))

    def later() -> None:
        passed[0] += tally.SECONDS

    return later


# ---------------------------------------------------------------- what becomes a row


def test_the_list_of_actions_is_that_of_the_audit_trail() -> None:
    told = re.search(r"^action (.*?)^outcome ", audit.__doc__ or "", re.DOTALL | re.MULTILINE)
    assert told
    prose = r"of the account life:|for the pages of the course|and operator, of ``phonebind.operations``"
    documented = re.findall(r"\b[a-z_]+\b", re.sub(prose, "", " ".join(told[1].split())))
    assert sorted([*documented, "operator"]) == sorted(words.ACTIONS)
    assert len({*words.TYPES}) == len(words.TYPES)


def test_the_list_of_outcomes_is_that_of_the_audit_trail() -> None:
    """A new word must be added to one of the three lists, or this test fails."""
    told = re.search(r"^outcome (.*?)^provider ", audit.__doc__ or "", re.DOTALL | re.MULTILINE)
    assert told
    of_requests, _, of_operators = re.sub(r"or an error's code|of the account life:", "", told[1]).partition(
        "of an operator's act:"
    )
    documented = set(re.findall(r"\b[a-z_]+\b", of_requests))
    assert documented == words.EACH | words.TOGETHER | words.NOT
    assert set(re.findall(r"\b[a-z_]+\b", of_operators)) == set(words.BY_OPERATORS)
    assert len(documented) == len(words.EACH) + len(words.TOGETHER) + len(words.NOT)
    assert {words.how(outcome) for outcome in ("bound", "kept", "shown", "sms_quota")} == {"each", "together", "not"}


def test_what_the_columns_hold() -> None:
    """No name of our own is cut."""
    known = [error for error in vars(exceptions).values() if isinstance(error, type)]
    codes = [getattr(error, "code", "") for error in known]
    told = re.search(r"^action (.*?)^outcome ", audit.__doc__ or "", re.DOTALL | re.MULTILINE)
    assert told
    assert max(map(len, codes)) <= 40
    assert max(map(len, re.findall(r"[a-z_]+", told[1]))) <= 32
    assert max(map(len, limits.RULES)) <= 48


def test_a_first_sign_in_leaves_its_rows(person: Person, qq: Upstream) -> None:
    ticket = person.callback().json()["access_token"]
    person.ask_for_sms(MOBILE)
    code = Outbox.sent[-1].code
    answer = person.bind(mobile=MOBILE, password=PASSWORD, sms_code=code, access_token=ticket)
    assert rows() == [("sms_attempt", "sent", 1), ("sms_code", "sent", 1), ("bind", "bound", 1)]
    attempt, sent, bound = SecurityEvent.objects.order_by("id")
    assert (attempt.purpose, attempt.gateway) == ("bind", "Outbox")
    assert sent.user_id == ""
    assert (bound.user_id, bound.provider, bound.mobile) == (str(answer.json()["id"]), "qq", "139****0001")
    assert bound.mobile_hmac == sent.mobile_hmac == mobile_hashes.current(MOBILE)
    assert bound.address == "127.0.0.1"
    assert bound.request_id == answer["X-Request-ID"]
    assert bound.data == {}


def test_threat_9_no_row_tells_a_number_or_a_code(person: Person, qq: Upstream) -> None:
    ticket = person.callback().json()["access_token"]
    code = person.sms_code(MOBILE)
    person.bind(mobile=MOBILE, password=PASSWORD, sms_code=code, access_token=ticket)
    seen = repr(list(SecurityEvent.objects.values()))
    for secret in (MOBILE, code, ticket, PASSWORD):
        assert secret not in seen


def test_a_refusal_says_which_limit(person: Person, phonebind: Configure) -> None:
    phonebind(limits={"sms_mobile_gap": (0, 60)})
    person.ask_for_sms(MOBILE)
    [row] = SecurityEvent.objects.all()
    assert (row.type, row.outcome, row.limit, row.mobile) == (
        "sms_code",
        "sms_too_frequent",
        "sms_mobile_gap",
        "139****0001",
    )


def test_an_sms_that_was_not_sent(person: Person, qq: Upstream) -> None:
    Outbox.refuse = True
    person.ask_for_sms(MOBILE)
    attempt, _ = SecurityEvent.objects.order_by("id")
    assert (attempt.type, attempt.outcome, attempt.purpose) == ("sms_attempt", "not_now", "bind")


def test_threat_62_a_flood_of_refusals_is_a_few_rows(phonebind: Configure, wait: Callable[[], None]) -> None:
    """The sum over ``count`` is the number of events, some seconds later."""
    http = Client()
    phonebind(limits={"password_address": (3, 900)})
    for number in range(200):
        http.post("/authorizations/", {"username": f"139{number:08}", "password": "x"}, "application/json")
    assert SecurityEvent.objects.count() <= tally.OF_AN_ADDRESS + 4
    wait()
    write("shown")
    counted = SecurityEvent.objects.filter(outcome="too_many_attempts").values_list("count", flat=True)
    assert sum(counted) == 197
    assert SecurityEvent.objects.filter(limit="password_address").exists()


def test_threat_62_what_is_ended_or_changed_for_nothing_is_one_row(wait: Callable[[], None]) -> None:
    """A client that sends made-up tokens ends no session and gets 200. Without the rule, each request would write a
    row.
    """
    if not apps.is_installed("phonebind.lifecycle"):
        pytest.skip("there are sessions in the account life alone")
    http = Client()
    for _ in range(50):
        assert http.post("/authorizations/revoke/", {"refresh": "made up"}, "application/json").status_code == 200
    owner = User.objects.create_user(MOBILE, mobile=MOBILE, password=PASSWORD)
    answer = http.post("/authorizations/", {"username": MOBILE, "password": PASSWORD}, "application/json")
    their = {"Authorization": f"Bearer {answer.json()['token']}"}
    for _ in range(50):
        http.delete("/account/sessions/?except=current", headers=their)
        http.put("/account/mobile/", {"mobile": MOBILE, "sms_code": "1"}, "application/json", headers=their)
    same = SecurityEvent.objects.filter(outcome__in=("ended", "changed"))
    assert same.count() == 3
    wait()
    write("shown")
    assert sorted(same.values_list("type").annotate(Sum("count"))) == [
        ("own_mobile", 50),
        ("revoke", 50),
        ("sessions", 50),
    ]
    assert set(same.exclude(type="revoke").values_list("user_id", flat=True)) == {str(owner.pk)}


def test_threat_28_the_rows_of_a_reset_are_written_alike_whoever_has_the_number(phonebind: Configure) -> None:
    """An SMS to a number without an account has another purpose. A client whose requests are counted already, for each
    purpose or for one of them alone, must not see the difference by one SQL statement more or less.
    """
    if not apps.is_installed("phonebind.lifecycle"):
        pytest.skip("there are resets in the account life alone")
    bounds = dict.fromkeys(("sms_address_hour", "sms_site_hour", "sms_site_day"), (1_000, 3_600))
    phonebind(human_check="none", limits=bounds)
    mine, theirs, nobodys = "13900000001", "13900000002", "13900000003"
    for mobile in (mine, theirs):
        User.objects.create_user(mobile, mobile=mobile, password=PASSWORD)

    def written(mobile: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert Client().post("/password_resets/", {"mobile": mobile}, "application/json").status_code == 202
        return sum(query["sql"].startswith("INSERT") for query in seen)

    written(mine)
    assert (written(theirs), written(nobodys)) == (1, 1)


def test_threat_62_noise_is_no_row() -> None:
    for outcome in words.NOT:
        write(outcome)
    assert rows() == []


def test_values_are_cut_to_their_columns() -> None:
    write("bound", cause="c" * 500, request_id="r" * 500, limit="l" * 500)
    [row] = SecurityEvent.objects.all()
    assert (len(row.cause), len(row.request_id), len(row.limit)) == (128, 64, 48)


def test_a_character_that_the_database_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL cannot store NUL, and no database can store half a character."""
    write("bound", user_id="小\ud800明\0")
    [row] = SecurityEvent.objects.all()
    assert row.user_id in ("???", "小?明")


def test_a_primary_key_that_is_the_mobile_is_kept_as_its_hash(phonebind: Configure) -> None:
    phonebind(mobile_field="id")
    write("bound", user_id=MOBILE)
    assert SecurityEvent.objects.get().user_id == mobile_hashes.current(MOBILE)


# ---------------------------------------------------------------- keys


def test_a_number_is_found_whatever_became_of_the_key(settings: Settings, phonebind: Configure) -> None:
    settings.SECRET_KEY = "old" * 20
    old = mobile_hashes.current(MOBILE)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, ["old" * 20]
    new = mobile_hashes.current(MOBILE)
    phonebind(events_key="own" * 20)
    own = mobile_hashes.current(MOBILE)
    assert len({old, new, own}) == 3
    assert mobile_hashes.known(MOBILE) == [own, new, old]
    assert mobile_hashes.current("") == ""
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "other" * 20, []
    assert mobile_hashes.current(MOBILE) == own


def test_threat_62_the_hash_needs_the_key(settings: Settings) -> None:
    before = mobile_hashes.current(MOBILE)
    settings.SECRET_KEY = "x" * 50
    assert mobile_hashes.current(MOBILE) != before


# ---------------------------------------------------------------- transactions and outages


def test_a_row_comes_after_the_commit_and_not_without_one() -> None:
    with transaction.atomic():
        write("bound")
        write("refused")
        assert rows() == []
    assert rows() == [("password", "bound", 1), ("password", "refused", 1)]
    with transaction.atomic():
        write("bound")
        transaction.set_rollback(True)
    assert len(rows()) == 2


def test_threat_53_a_row_that_cannot_be_written_is_no_error(
    person: Person, qq: Upstream, caplog: pytest.LogCaptureFixture, wait: Callable[[], None]
) -> None:
    """The error does not end the host's transaction. The log reports it once a minute."""
    ticket = person.callback().json()["access_token"]
    code = person.sms_code(MOBILE)
    wait()
    with connection.schema_editor() as editor:
        editor.alter_db_table(SecurityEvent, SecurityEvent._meta.db_table, "elsewhere")
    try:
        form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": code, "access_token": ticket}
        assert person.bind(**form).status_code == 201
        wait()
        with transaction.atomic():
            assert person.http.post("/authorizations/", {"username": MOBILE, "password": PASSWORD}).status_code == 200
            User.objects.create(username="hosts-own")
        assert User.objects.filter(username="hosts-own").exists()
        wait()
        write("bound")
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(SecurityEvent, "elsewhere", SecurityEvent._meta.db_table)
    told = [record for record in caplog.records if record.name == "phonebind.operations.events.recording"]
    assert len(told) == 1
    wait()
    write("shown")
    assert [outcome for _, outcome, _ in rows()][-3:] == ["bound", "signed_in", "bound"]


def test_rows_that_wait_are_written_by_many_in_a_statement(monkeypatch: pytest.MonkeyPatch, wait: Any) -> None:
    recording._tally.failed([], 0)
    for _ in range(recording.BATCH + 1):
        write("bound")
    assert rows() == []
    wait()
    write("shown")
    assert len(rows()) == recording.BATCH + 1


def test_what_is_counted_is_written_at_the_end_of_the_process() -> None:
    write("refused")
    write("refused")
    recording.finish()
    recording.finish()
    assert rows() == [("password", "refused", 1), ("password", "refused", 1)]


def test_nothing_is_written_into_another_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of the process, a test runner has switched back to the real database."""
    write("refused")
    write("refused")
    using = databases.primary(SecurityEvent)
    monkeypatch.setitem(recording._home, using, "the tests' database")
    recording.finish()
    assert len(rows()) == 1
    write("refused")
    write("refused")
    monkeypatch.setitem(recording._home, using, "the tests' database")
    write("bound")
    assert [outcome for _, outcome, _ in rows()] == ["refused", "refused", "bound"]


def test_another_error_of_the_database_is_not_taken_for_one_of_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int] = []

    def away(rows: list[Any]) -> None:
        tries.append(len(rows))
        raise OperationalError("gone")

    monkeypatch.setattr(recording, "_insert", away)
    write("bound")
    assert tries == [1]
    assert "Events are not written" in caplog.text


@pytest.mark.once
def test_threads_count_exactly(wait: Callable[[], None]) -> None:
    counted = tally.Tally()
    written: list[tally.Row] = []

    def many() -> None:
        for number in range(500):
            row = tally.Row(at=at, type="t", outcome="o", address=str(number % 3))
            written.extend(counted.add(row, 0, alone=False))

    at = timezone.now()
    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(row.count for row in [*written, *counted.rest()]) == 4_000


def test_the_log_names_no_row(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    write("bound")
    assert caplog.text == ""
