"""How sessions of each kind end; and the effect of a host's own settings on their tokens."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.contrib import auth
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework.exceptions import APIException
from rest_framework.test import APIRequestFactory
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import RefreshToken

from phonebind import binding, conf, life, revocation, sessions, signals, store, tokens
from phonebind.exceptions import StorageUnavailable, TokenInvalid
from phonebind.lifecycle import endings
from phonebind.lifecycle import sessions as rows
from phonebind.lifecycle.exceptions import SessionEnded
from phonebind.lifecycle.models import Session
from phonebind.models import SocialAccount
from tests.lifecycle.conftest import Account

pytestmark = pytest.mark.django_db(transaction=True)
Device = Callable[..., Account]


def read(token: str) -> dict[str, Any]:
    payload: dict[str, Any] = RefreshToken(token, verify=False).payload  # type: ignore[arg-type]
    return payload


def bound(person: Any, openid: str = "1" * 32) -> SocialAccount:
    account: SocialAccount = SocialAccount.objects.create(
        user=person, provider="qq", app_id="101000001", openid=openid, nickname="li"
    )
    return account


def is_accepted(token: str) -> bool:
    request = APIRequestFactory().get("/", headers={"Authorization": f"Bearer {token}"})
    try:
        return tokens.Authentication().authenticate(request) is not None
    except APIException:
        return False


# ---------------------------------------------------------------- tokens


def legacy(person: Any, **claims: Any) -> str:
    token = RefreshToken.for_user(person)
    token[tokens.AUTH_TIME] = time.time()
    token.payload.update(claims)
    return str(token)


def test_a_chain_that_is_older_becomes_one_session_at_its_first_refresh(person: Any) -> None:
    token = legacy(person)
    pair = tokens.refresh(token)
    session = Session.objects.get()
    assert (session.method, session.seq, session.device_hash) == ("refresh", 0, "")
    with pytest.raises(TokenInvalid):
        tokens.refresh(token)
    assert tokens.refresh(pair["refresh"])
    assert Session.objects.count() == 1


@pytest.mark.parametrize("sid", ["the-host's", str(uuid4()), 7])
def test_a_host_s_own_claim_of_that_name_is_not_ours(person: Any, sid: Any) -> None:
    token = RefreshToken(legacy(person, sid=sid))  # type: ignore[arg-type]
    headers = {"Authorization": f"Bearer {token.access_token}"}
    assert Client().get("/account/sessions/", headers=headers).status_code == 200
    assert Client().delete("/account/sessions/?except=current", headers=headers).status_code == 204
    assert tokens.refresh(str(token))


def test_the_chain_ends_when_it_is_due_however_often_it_is_refreshed(person: Any) -> None:
    with time_machine.travel("2026-11-28T00:00:00.6Z", tick=False) as clock:
        token = tokens.issue(person)["refresh"]
        due = time.time() + conf.conf.sign_in_max_age
        while time.time() + 80_000 < due:
            clock.shift(80_000)
            token = tokens.refresh(token)["refresh"]
            assert read(token)["exp"] <= due
            assert Session.objects.get().expires_at.timestamp() <= due + 0.001
        clock.move_to(due)
        with pytest.raises(TokenInvalid):
            tokens.refresh(token)


def test_an_expired_session_is_not_listed_and_its_token_is_just_invalid(person: Any) -> None:
    turn = rows.begin(None, person, "host", None, time.time(), time.time() - 1)
    assert not rows.of(person.pk).exists()
    with pytest.raises(TokenInvalid) as refused:
        rows.turn(turn.sid, 0, person, time.time() + 9)
    assert not isinstance(refused.value, SessionEnded)


@pytest.mark.parametrize("sid", ["garbage", str(uuid4())])
def test_a_session_that_never_was(person: Any, sid: str) -> None:
    with pytest.raises(TokenInvalid):
        rows.turn(sid, 0, person, time.time() + 9)


@pytest.mark.parametrize("seq", [5, 10**12, 10**24])
def test_a_counter_that_never_was_is_no_theft(person: Any, seq: int) -> None:
    turn = rows.begin(None, person, "host", None, time.time(), time.time() + 99)
    with pytest.raises(TokenInvalid):
        rows.turn(turn.sid, seq, person, time.time() + 99)
    assert rows.of(person.pk).exists()


def test_a_disabled_user_s_token_is_not_turned(person: Any) -> None:
    token = tokens.issue(person)["refresh"]
    type(person).objects.update(is_active=False)
    answer = Client().post("/authorizations/refresh/", {"refresh": token}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "account_disabled")
    assert Session.objects.get().seq == 0


class Claims(TokenObtainPairSerializer):
    """A host's token class: its claims change, and it has its own lifetime."""

    @classmethod
    def get_token(cls, user: Any) -> Any:
        token = super().get_token(user)
        token["name"] = user.username
        token.set_exp(lifetime=timedelta(hours=3))
        return token


@contextmanager
def jwt(**changes: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in changes.items():
            patch.setattr(api_settings, name, value, raising=False)
        yield


def test_the_successor_is_the_same_letter_for_letter(person: Any) -> None:
    with time_machine.travel("2026-11-28T00:00:00.999999Z", tick=False) as clock:
        token = tokens.issue(person)["refresh"]
        clock.shift(1.7)
        first = tokens.refresh(token)
        clock.shift(19.9)
        assert tokens.refresh(token)["refresh"] == first["refresh"]


def test_host_claims_may_change_between_a_token_and_its_repetition(person: Any) -> None:
    with jwt(TOKEN_OBTAIN_SERIALIZER=f"{__name__}.Claims"):
        token = tokens.issue(person)["refresh"]
        assert read(token)["exp"] - read(token)["iat"] == 3 * 3600
        first = tokens.refresh(token)["refresh"]
        person.username = "renamed"
        person.save()
        again = tokens.refresh(token)["refresh"]
        assert read(again) == read(first) | {"name": "renamed"}
        # One turn, in two encodings: both tokens are valid, and both have one successor.
        assert read(tokens.refresh(first)["refresh"])["jti"] == read(tokens.refresh(again)["refresh"])["jti"]


@pytest.mark.parametrize(
    "changes",
    [
        {"USER_ID_FIELD": "username", "USER_ID_CLAIM": "sub"},
        {"JTI_CLAIM": "token_id"},
        {"JTI_CLAIM": None},
        {"LEEWAY": 30},
        {"LEEWAY": timedelta(seconds=30)},
        {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True},
        {"CHECK_REVOKE_TOKEN": True},
    ],
)
def test_whatever_a_host_has_set(person: Any, changes: dict[str, Any]) -> None:
    with jwt(**changes):
        pair = tokens.issue(person)
        second = tokens.refresh(pair["refresh"])
        assert is_accepted(second["token"])
        answer = Client().post("/authorizations/revoke/", {"refresh": pair["refresh"]}, content_type="application/json")
        assert answer.status_code == 200
        with pytest.raises(SessionEnded):
            tokens.refresh(second["refresh"])
        assert not is_accepted(second["token"])


# ---------------------------------------------------------------- what ends a session


def test_threat_29_a_sign_in_that_began_before_the_new_password_is_over(person: Any) -> None:
    began = time.time()
    changed = type(person).objects.get()
    changed.set_password("another-horse-9")
    changed.save()
    pair = tokens.issue(person, began)
    assert not is_accepted(pair["token"])
    with pytest.raises(SessionEnded):
        tokens.refresh(pair["refresh"])


def test_threat_29_a_sign_in_during_the_change_is_over_with_it(person: Any) -> None:
    changed = type(person).objects.get()
    with transaction.atomic():
        changed.set_password("another-horse-9")
        changed.save()
        pair = tokens.issue(person, time.time())
    with pytest.raises(SessionEnded):
        tokens.refresh(pair["refresh"])
    assert not is_accepted(pair["token"])


def test_whoever_saves_the_new_password_goes_on_with_it(person: Any) -> None:
    began = time.time()
    with transaction.atomic():
        person.set_password("another-horse-9")
        person.save()
    pair = tokens.issue(person, began)
    assert is_accepted(pair["token"])
    assert tokens.refresh(pair["refresh"])


def test_a_sign_in_by_an_identity_that_is_unbound_meanwhile_is_none(person: Any) -> None:
    account = bound(person)
    SocialAccount.objects.get().delete()
    with pytest.raises(TokenInvalid):
        tokens.issue(person, social_account=account)
    assert not Session.objects.exists()


def test_unbinding_ends_those_that_began_by_it_and_no_others(person: Any) -> None:
    account = bound(person)
    one, other = tokens.issue(person, social_account=account), tokens.issue(person)
    binding.unbind(account)
    with pytest.raises(SessionEnded):
        tokens.refresh(one["refresh"])
    assert tokens.refresh(other["refresh"])
    assert not is_accepted(one["token"])
    assert is_accepted(other["token"])


def test_to_end_many_is_as_many_statements_as_to_end_one(person: Any) -> None:
    counts = []
    for many in (1, 40):
        for _ in range(many):
            tokens.issue(person)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert endings.end(rows.of(person.pk), "revoked") == many
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("failures", [2, 3])
def test_an_end_that_the_database_has_lose_is_tried_again(
    person: Any, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    """The sign-in began too late, and its code is used up by then."""
    real, left = endings.now, [OperationalError("deadlock")] * failures
    rows.begin(None, person, "host", None, time.time(), time.time() + 99)

    def now() -> Any:
        if left:
            raise left.pop()
        return real()

    monkeypatch.setattr(endings, "now", now)
    found = Session.objects.filter(user=person)
    if failures < binding.ATTEMPTS:
        assert endings.end(found, "revoked") == 1
    else:
        with pytest.raises(StorageUnavailable):
            endings.end(found, "revoked")


def test_to_end_none_is_nothing(person: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert endings.end([], "revoked") == 0


@pytest.fixture
def no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Valkey is down."""
    from redis.exceptions import ConnectionError as Away  # noqa: PLC0415

    def away(alias: str) -> Any:
        raise Away

    monkeypatch.setattr(store, "_client", away)


def test_threat_20_without_the_store_the_rows_decide_all_the_same(
    person: Any, no_store: None, caplog: pytest.LogCaptureFixture
) -> None:
    pair = tokens.issue(person)
    second = tokens.refresh(pair["refresh"])
    with pytest.raises(StorageUnavailable):
        revocation.revoke(person.pk)
    assert "until they expire" in caplog.text
    with pytest.raises(SessionEnded):
        tokens.refresh(second["refresh"])


@pytest.mark.parametrize(
    "end",
    [
        lambda user_pk: endings.end_all(user_pk, "password"),
        lambda user_pk: endings.end_others(user_pk, "", "mobile"),
    ],
    ids=["all", "others"],
)
def test_threat_20_a_database_that_goes_down_right_after_the_commit(
    person: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, end: Callable[[Any], None]
) -> None:
    """The log says whose sessions are left, and what to do."""
    pair, real = tokens.issue(person), endings._end

    def end_or_fail(*args: Any) -> int:
        if connection.in_atomic_block:
            return real(*args)
        raise OperationalError(2013, "Lost connection to MySQL server during query")

    monkeypatch.setattr(endings, "_end", end_or_fail)
    with transaction.atomic():
        end(person.pk)
    with pytest.raises(SessionEnded):
        tokens.refresh(pair["refresh"])
    [told] = [line for line in caplog.records if line.levelname == "ERROR"]
    assert told.name == "phonebind.lifecycle.endings"
    assert f"were not ended. Call phonebind.revocation.revoke({person.pk})" in told.getMessage()


# ---------------------------------------------------------------- Django's sessions


def browse(person: Any, session: Any = None) -> Any:
    """A request with a Django session: as it arrives, and as phonebind.pages' middleware passes it on."""
    from django.contrib.sessions.backends.db import SessionStore  # noqa: PLC0415

    from phonebind.pages.middleware import AuthenticationMiddleware  # noqa: PLC0415

    request: Any = RequestFactory().get("/")
    request.session = session or SessionStore()
    AuthenticationMiddleware(lambda _: None).process_request(request)  # type: ignore[arg-type]
    return request


def test_a_session_of_django_s_ends_with_its_row(person: Any) -> None:
    request = browse(person)
    sessions.start(request, person, method="password")
    assert browse(person, request.session).user.is_authenticated
    endings.end(rows.of(person.pk), "revoked")
    assert not browse(person, request.session).user.is_authenticated


def test_a_session_of_django_s_that_slides_past_its_row_ends_with_all(person: Any) -> None:
    request = browse(person)
    sessions.start(request, person, method="password")
    request.session["phonebind_auth_time"] = time.time() - 1
    Session.objects.all().delete()
    assert browse(person, request.session).user.is_authenticated
    revocation.revoke(person.pk)
    assert not browse(person, request.session).user.is_authenticated


def test_signing_out_ends_the_row(person: Any) -> None:
    request = browse(person)
    sessions.start(request, person, method="password")
    auth.logout(request)
    assert Session.objects.get().end_reason == "signed_out"
    auth.logout(browse(person))


def test_one_browser_has_one_session_at_a_time(person: Any) -> None:
    request = browse(person)
    sessions.start(request, person, method="password")
    sessions.start(request, person, method="password")
    assert sorted(Session.objects.values_list("end_reason", flat=True)) == ["", "signed_out"]


@pytest.mark.parametrize("revoked", [True, False])
def test_a_session_of_django_s_that_is_older_than_the_app(person: Any, phonebind: Any, revoked: bool) -> None:
    phonebind(FRONT_END="session")
    client = Client()
    client.force_login(person)
    if revoked:
        revocation.revoke(person.pk)
    assert client.get("/account/sessions/").status_code == (401 if revoked else 200)


@pytest.mark.parametrize("ended", [True, False])
def test_front_ends_that_keep_a_session_list_and_end_theirs(person: Any, phonebind: Any, ended: bool) -> None:
    phonebind(FRONT_END="session")
    client = Client()
    client.force_login(person)
    session = client.session
    session[life.SID] = rows.begin(None, person, "password", None, time.time(), time.time() + 99).sid
    session.save()
    if ended:
        endings.end(rows.of(person.pk), "revoked")
    answer = client.get("/account/sessions/")
    assert answer.status_code == (401 if ended else 200)
    assert Client().get("/account/sessions/").status_code == 401


# ---------------------------------------------------------------- which sign-ins are reported


@pytest.fixture
def told() -> Iterator[list[Any]]:
    """The sessions that ``new_device`` reports."""
    seen: list[Any] = []

    def receive(session: Any, **kwargs: Any) -> None:
        seen.append(session)

    signals.new_device.connect(receive)
    yield seen
    signals.new_device.disconnect(receive)


def test_a_new_device_is_told_of_and_neither_the_first_nor_a_known_one(
    person: Any, device: Device, told: list[Any]
) -> None:
    first = device()
    form = {"username": person.username, "password": "correct-horse-8"}
    first.client.post("/authorizations/", form, content_type="application/json")
    assert not told
    device()
    assert len(told) == 1


def test_a_cookie_of_another_account_s_device_makes_it_no_known_one(
    person: Any, device: Device, told: list[Any]
) -> None:
    device()
    thief = type(person).objects.create_user(username="thief", mobile="13900000002", password="correct-horse-8")
    stolen = device(thief.username)
    form = {"username": person.username, "password": "correct-horse-8"}
    stolen.client.post("/authorizations/", form, content_type="application/json")
    assert [session.user for session in told] == [person]


# ---------------------------------------------------------------- tokens that no list shows


def others_end(device: Any) -> None:
    assert device.ask("delete", "/account/sessions/?except=current").status_code == 204


def all_end(device: Any) -> None:
    assert device.ask("delete", "/account/sessions/").status_code == 204


@pytest.mark.parametrize("end", [others_end, all_end])
def test_a_chain_that_no_session_keeps_ends_with_the_others(person: Any, device: Device, end: Any) -> None:
    """For example a thief's chain of tokens from before the app was installed. Its next refresh would make it a
    session.
    """
    stolen, one = legacy(person), device()
    end(one)
    with pytest.raises(TokenInvalid):
        tokens.refresh(stolen)
    assert one.ask("get", "/account/sessions/").status_code == (200 if end is others_end else 401)
    assert tokens.refresh(one.refresh) if end is others_end else True


@pytest.mark.parametrize("end", [others_end, all_end])
@pytest.mark.parametrize("is_pruned", [False, True])
def test_a_session_of_django_s_that_slides_past_its_row_ends_with_the_others(
    person: Any, device: Device, end: Any, is_pruned: bool
) -> None:
    request = browse(person)
    sessions.start(request, person, method="password")
    request.session["phonebind_auth_time"] = time.time() - 1
    slid = Session.objects.filter(pk=request.session["sid"])
    if is_pruned:
        slid.delete()
    else:
        slid.update(expires_at=endings.now() - timedelta(seconds=1))
    one = device()
    end(one)
    assert not browse(person, request.session).user.is_authenticated


def test_whoever_signs_out_ends_a_chain_that_no_session_keeps(person: Any) -> None:
    token, other = legacy(person), legacy(person, n=2)
    for each in (token, token):
        answer = Client().post("/authorizations/revoke/", {"refresh": each}, content_type="application/json")
        assert (answer.status_code, answer.json()) == (200, {})
    with pytest.raises(TokenInvalid):
        tokens.refresh(token)
    assert tokens.refresh(other)


# ---------------------------------------------------------------- after the end


def test_what_is_over_for_long_is_deleted_in_batches(person: Any, capsys: pytest.CaptureFixture[str]) -> None:
    now = endings.now()
    for days, field in [(31, "ended_at"), (31, "expires_at"), (40, "ended_at"), (29, "ended_at")]:
        turn = rows.begin(None, person, "host", None, time.time(), time.time() + 99)
        Session.objects.filter(pk=turn.sid).update(**{field: now - timedelta(days=days)})
    call_command("phonebind_prune_sessions", "--batch", "2")
    assert "Deleted 3" in capsys.readouterr().out
    assert Session.objects.count() == 1
    with pytest.raises(CommandError):
        call_command("phonebind_prune_sessions", "--days", "0")


def test_all_and_all_others_by_a_token_without_a_session_are_ended(person: Any, device: Device) -> None:
    one = device()
    headers = {"Authorization": f"Bearer {RefreshToken(legacy(person)).access_token}"}  # type: ignore[arg-type]
    assert Client().delete("/account/sessions/?except=current", headers=headers).status_code == 204
    two = device()
    assert two.ask("delete", "/account/sessions/").status_code == 204
    for each in (one, two):
        assert each.ask("get", "/account/sessions/").status_code == 401


def test_a_theft_that_two_find_at_once_is_told_of_once(person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    turn = rows.begin(None, person, "host", None, time.time(), time.time() + 99)
    Session.objects.filter(pk=turn.sid).update(seq=9)
    told: list[Any] = []

    def receive(session: Any, **kwargs: Any) -> None:
        told.append(session)

    signals.refresh_token_reused.connect(receive)
    monkeypatch.setattr(endings, "end", lambda *_: 0)
    with pytest.raises(SessionEnded):
        rows.turn(turn.sid, 0, person, time.time() + 9)
    signals.refresh_token_reused.disconnect(receive)
    assert not told


@pytest.mark.parametrize("query", ["", "?except=current"])
def test_all_others_are_also_those_that_have_no_row(person: Any, device: Device, query: str) -> None:
    """A stranger's chain of tokens, older than the app. Its next refresh would make it a session."""
    theirs, one = legacy(person), device()
    access = {"Authorization": f"Bearer {RefreshToken(theirs).access_token}"}  # type: ignore[arg-type]
    assert one.ask("delete", f"/account/sessions/{query}").status_code == 204
    assert Client().get("/account/sessions/", headers=access).status_code == 401
    answer = Client().post("/authorizations/refresh/", {"refresh": theirs}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert one.ask("get", "/account/sessions/").status_code == (200 if query else 401)
