"""Each act on an account writes a message, in the transaction of the act. There is no act without a row, and no row
without an act.
"""

import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import serializers
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from phonebind import binding, life, revocation, signals, sms_codes, tokens
from phonebind.exceptions import SmsCodeInvalid
from phonebind.models import SocialAccount
from phonebind.oauth import Identity
from phonebind.operations import webhooks
from phonebind.operations.models import OutboxMessage
from phonebind.operations.webhooks import acts, outbox
from phonebind.sms_codes import ByCode, _new_code
from tests.operations.webhooks.endpoints import SECRET

pytestmark = pytest.mark.django_db(transaction=True)

MOBILE, OPENID = "13900000001", "0123456789ABCDEF0123456789ABCDEF"
IDENTITY = Identity("qq", "101000001", OPENID, None)
ENTRY = {"url": "https://other.example/hooks", "secret": SECRET}


@pytest.fixture(autouse=True)
def _endpoints(settings: Settings) -> None:
    settings.PHONEBIND = settings.PHONEBIND | {"WEBHOOKS": {"all": ENTRY}}


def make(mobile: str | None = MOBILE, name: str = "xiaoming") -> Any:
    model: Any = get_user_model()
    user = model.objects.create_user(username=name, mobile=mobile, password="correct-horse-8")
    OutboxMessage.objects.all().delete()
    return user


def told() -> list[tuple[str, Any]]:
    return sorted(((row.type, row.payload) for row in OutboxMessage.objects.all()), key=str)


def types() -> set[str]:
    return {type_ for type_, _ in told()}


def proved() -> ByCode:
    code = _new_code(MOBILE, IDENTITY.key, "bind")
    return sms_codes.check(MOBILE, code, claimant=IDENTITY.key, address="127.0.0.1", purpose="bind")


def bind(proof: ByCode | None = None) -> SocialAccount:
    return binding.bind(RequestFactory().post("/"), IDENTITY, proof or proved(), "correct-horse-8")


def test_a_first_bind_makes_an_account_and_an_identity() -> None:
    account = bind()
    user_id = str(account.user_id)
    reason = {"provider": "qq", "identity": str(account.pk), "reason": "proved"}
    assert told() == [("account-bound", {"user_id": user_id, **reason}), ("account-created", {"user_id": user_id})]


def test_a_bind_that_is_rolled_back_leaves_no_row() -> None:
    proof = proved()
    sms_codes.void(MOBILE)
    with pytest.raises(SmsCodeInvalid):
        bind(proof)
    assert told() == []
    assert not SocialAccount.objects.exists()


def test_a_receiver_that_raises_rolls_the_act_back() -> None:
    def refuse(act: str, **kwargs: Any) -> None:
        assert act == "account-bound"
        raise LookupError

    signals.committing.connect(refuse)
    try:
        with pytest.raises(LookupError):
            bind()
    finally:
        signals.committing.disconnect(refuse)
    assert told() == []
    assert not get_user_model()._default_manager.exists()


def test_whoever_is_signed_in_attaches_an_identity() -> None:
    user = make()
    account = binding.attach(RequestFactory().post("/"), IDENTITY, user)
    reason = {"provider": "qq", "identity": str(account.pk), "reason": "signed_in"}
    assert told() == [("account-bound", {"user_id": str(user.pk), **reason})]
    binding.attach(RequestFactory().post("/"), IDENTITY, user)
    assert len(told()) == 1, "the same request again binds nothing"


def test_who_is_known_by_another_app_is_bound_in_this_one() -> None:
    user = make()
    SocialAccount.objects.create(user=user, provider="qq", app_id="another", openid=OPENID, unionid="U")
    account = binding._adopt(Identity("qq", "101000001", OPENID, "U"))
    assert account is not None
    reason = {"provider": "qq", "identity": str(account.pk), "reason": "known"}
    assert told() == [("account-bound", {"user_id": str(user.pk), **reason})]


def test_however_an_identity_is_unbound() -> None:
    user = make()
    rows = [
        SocialAccount.objects.create(user=user, provider="qq", app_id=app, openid=OPENID, unionid="U")
        for app in ("101000001", "another")
    ]
    expected = {str(row.pk) for row in rows}
    SocialAccount.objects.filter(pk=rows[0].pk).delete()
    unbound = [data for type_, data in told() if type_ == "identity-unbound"]
    assert {data["identity"] for data in unbound} == expected, "the person in each of the apps"
    assert {(data["user_id"], data["provider"]) for data in unbound} == {(str(user.pk), "qq")}
    if not life.installed:
        assert ("sessions-revoked", {"user_id": str(user.pk), "reason": "unbound"}) in told()


def test_a_new_password() -> None:
    user = make()
    user.set_password("another-horse-9")
    user.save()
    credential = {"user_id": str(user.pk), "credential_type": "password", "change_type": "update"}
    assert told() == [
        ("credential-change", credential),
        ("sessions-revoked", {"user_id": str(user.pk), "reason": "password"}),
    ]


def test_to_disable_and_enable_an_account() -> None:
    user = make()
    user.is_active = False
    user.save()
    assert ("account-disabled", {"user_id": str(user.pk)}) in told()
    OutboxMessage.objects.all().delete()
    user.save()
    assert "account-disabled" not in types(), "it was disabled already"
    OutboxMessage.objects.all().delete()
    user.is_active = True
    user.save(update_fields=["is_active"])
    assert told() == [("account-enabled", {"user_id": str(user.pk)})]


def test_only_what_was_saved_has_changed() -> None:
    user = make()
    user.is_active, user.mobile = False, "13900000002"
    user.save(update_fields=["mobile"])
    assert [each for each in told() if each[0] != "sessions-revoked"] == [
        ("identifier-changed", {"user_id": str(user.pk), "identifier": "mobile"})
    ]
    user.save(update_fields=["last_login"])
    assert types() == {"sessions-revoked", "identifier-changed"}


def test_a_number_that_goes_is_a_change_too_and_is_in_no_message() -> None:
    user = make()
    user.mobile = None
    user.save()
    assert types() == {"identifier-changed"}
    assert MOBILE not in json.dumps(told())


def test_what_a_save_writes() -> None:
    account = SocialAccount()
    assert acts._is_saved(account, "openid", None)
    assert acts._is_saved(account, "openid", ["openid"])
    assert not acts._is_saved(account, "openid", ["unionid"])
    assert acts._is_saved(account, "pk", ["unionid"]), "a property may be worked out of anything"
    assert not acts._is_saved(account, "objects", None)


def test_an_account_that_is_deleted() -> None:
    user, other = make(), make("13900000002", "other")
    key = str(user.pk)
    user.delete()
    assert told() == [("account-purged", {"user_id": key})]
    OutboxMessage.objects.all().delete()
    key = str(other.pk)
    get_user_model()._default_manager.filter(pk=other.pk).delete()
    assert told() == [("account-purged", {"user_id": key})]


def test_a_host_that_rolls_back_tells_nobody() -> None:
    user = make()
    with transaction.atomic():
        user.is_active = False
        user.set_password("another-horse-9")
        user.save()
        user.delete()
        assert told()
        transaction.set_rollback(True)
    assert told() == []


def test_all_sessions_are_ended_by_the_hosts_own_hand() -> None:
    user = make()
    revocation.revoke(user.pk)
    assert ("sessions-revoked", {"user_id": str(user.pk), "reason": "host"}) in told()


def test_each_endpoint_is_told_of_what_it_wants(settings: Settings) -> None:
    user = make()
    purged, bound = ENTRY | {"types": ["account-purged"]}, ENTRY | {"types": ["account-bound", "account-enabled"]}
    settings.PHONEBIND = settings.PHONEBIND | {"WEBHOOKS": {"all": ENTRY, "purged": purged, "bound": bound}}
    user.delete()
    assert {(row.endpoint, row.type) for row in OutboxMessage.objects.all()} == {
        ("all", "account-purged"),
        ("purged", "account-purged"),
    }


def test_a_copy_of_accounts_elsewhere_is_nobodys_business(settings: Settings) -> None:
    signals.committing.send(None, act="account-bound", facts=[{"user_id": 1}], using="archive")
    assert told() == []


@pytest.mark.parametrize("entry", [{}, {"all": ENTRY | {"types": ["account-purged"]}}])
def test_who_wants_no_word_of_it_pays_no_statement(settings: Settings, entry: dict[str, Any]) -> None:
    user = make()
    settings.PHONEBIND = settings.PHONEBIND | {"WEBHOOKS": entry}
    with CaptureQueriesContext(connection) as queries:
        user.save()
    # On SQLite, a BEGIN would be in this list too.
    assert [each["sql"].split()[0] for each in queries] == ["UPDATE"]
    with CaptureQueriesContext(connection) as queries:
        binding.attach(RequestFactory().post("/"), IDENTITY, user)
    assert [each for each in queries if "outbox" in each["sql"]] == []
    assert told() == []


def test_one_statement_writes_to_all_endpoints(settings: Settings) -> None:
    user = make()
    settings.PHONEBIND = settings.PHONEBIND | {"WEBHOOKS": {"one": ENTRY, "two": ENTRY, "three": ENTRY}}
    with CaptureQueriesContext(connection) as queries:
        binding.attach(RequestFactory().post("/"), IDENTITY, user)
    assert len([each for each in queries if "INSERT" in each["sql"] and "outbox" in each["sql"]]) == 1
    assert OutboxMessage.objects.count() == 3


def test_no_message_tells_a_mobile_a_token_or_an_openid() -> None:
    """The fields of each type are listed, and no other data is sent."""
    secret = {"mobile": MOBILE, "openid": OPENID, "token": "eyJ", "unionid": "U", "address": "192.0.2.1"}
    for type_, fields in webhooks.TYPES.items():
        facts = dict.fromkeys(fields, "x") | secret
        assert webhooks.data(type_, facts) == dict.fromkeys(fields, "x")
    allowed = {"user_id", "provider", "identity", "reason", "identifier", "credential_type", "change_type", "session"}
    assert {name for fields in webhooks.TYPES.values() for name in fields} == allowed


def test_what_is_loaded_from_a_fixture_is_no_act() -> None:
    user = make()
    dumped = serializers.serialize("json", [user])
    for loaded in serializers.deserialize("json", dumped):
        loaded.save()
    assert told() == []


def test_an_operator_in_the_admin_is_told_of_likewise(admin_client: Client) -> None:
    user = make()
    page = f"/admin/users/user/{user.pk}/change/"
    form = admin_client.get(page).context["adminform"].form.initial
    sent = {name: value for name, value in form.items() if value and name in ("username", "mobile")}
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    answer = admin_client.post(page, {**sent, **dates})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert "account-disabled" in types()


@pytest.mark.skipif(not life.installed, reason="sessions are kept by the account life: LIFECYCLE=1")
def test_the_end_of_a_session_is_rolled_back_with_its_message() -> None:
    """On SQLite too, where it is one statement otherwise."""
    from phonebind.lifecycle import endings  # noqa: PLC0415 - its tables exist in these tests alone

    user = make()
    pair = tokens.issue(user, method="password")
    sid = tokens.retire(pair["refresh"])

    def refuse(**kwargs: Any) -> None:
        assert connection.in_atomic_block
        raise LookupError

    signals.committing.connect(refuse)
    try:
        with pytest.raises(LookupError):
            endings.end(endings.find(sid), "revoked")
    finally:
        signals.committing.disconnect(refuse)
    assert told() == []
    assert endings.find(sid).get().ended_at is None
    assert endings.end(endings.find(sid), "revoked") == 1
    assert told() == [("session-revoked", {"user_id": str(user.pk), "session": sid, "reason": "revoked"})]


def test_many_sessions_are_told_of_by_several_statements() -> None:
    """PostgreSQL takes up to 65,535 parameters in one statement."""
    facts = [{"user_id": 1, "session": number, "reason": "revoked"} for number in range(outbox.BATCH + 1)]
    with CaptureQueriesContext(connection) as queries:
        signals.committing.send(None, act="session-revoked", facts=facts, using=connection.alias)
    assert OutboxMessage.objects.count() == len(facts)
    assert len([each for each in queries if each["sql"].startswith("INSERT")]) >= 2
