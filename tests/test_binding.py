"""The domain: the person who has signed in at a provider, and the account here that belongs to them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Model
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from phonebind import binding, limits, oauth, signals, sms_codes, store
from phonebind.exceptions import (
    AccountDisabled,
    AlreadyBound,
    CodeInvalid,
    Invalid,
    PasswordWrong,
    PhonebindError,
    ProviderUnavailable,
    ServerBusy,
    SmsCodeInvalid,
    SnapshotUser,
    StorageUnavailable,
    TooManyAttempts,
)
from phonebind.models import SocialAccount
from phonebind.oauth import Grant, Identity, Profile, Provider
from server.processes import Valkey
from server.users.models import User
from tests.support.edge import OPENID, UNIONID, Busy, Configure, Outbox, Person, Upstream

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("phonebind")]

APP = "101000001"
MOBILE, OTHER_MOBILE = "13900000001", "13900000002"
PASSWORD = "horse-staple-9"
ME = Identity("qq", APP, OPENID, nickname="小明")
YOU = Identity("qq", APP, "F" * 32)
REQUEST = RequestFactory().post("/")


def sms_code(mobile: str = MOBILE) -> str:
    """The code as the person reads it, also when the last SMS was sent a moment ago."""
    with store.connection() as client:
        client.delete(limits.key("sms_mobile_gap", mobile))
    sms_codes.issue(mobile, "192.0.2.1")
    return Outbox.sent[-1].code


def bind(
    identity: Identity = ME, mobile: str = MOBILE, password: str = PASSWORD, code: str | None = None
) -> SocialAccount:
    verified = sms_codes.check(mobile, code or sms_code(mobile), claimant=identity.key, address="192.0.2.1")
    return binding.bind(REQUEST, identity, verified, password)


def user(name: str = "ming", mobile: str | None = MOBILE, **fields: Any) -> User:
    return User.objects.create_user(name, mobile=mobile, password=PASSWORD, **fields)


def identify() -> tuple[Identity, SocialAccount | None]:
    qq = oauth.web("qq")
    return binding.identify(qq, lambda: qq.exchange("CODE"))


def nothing_changed() -> bool:
    return not User.objects.exists() and not SocialAccount.objects.exists()


# ---------------------------------------------------------------- bind


def test_an_unknown_mobile_makes_an_account_and_binds_it() -> None:
    account = bind()
    assert account.user == User.objects.get(username=MOBILE, mobile=MOBILE)
    assert (account.provider, account.app_id, account.openid, account.unionid) == ("qq", APP, OPENID, None)
    assert account.nickname == "小明"


def test_a_known_mobile_is_bound_to_its_owner() -> None:
    owner = user()
    assert bind().user == owner
    assert User.objects.count() == 1


def test_threat_3_nothing_but_the_mobile_tells_the_account() -> None:
    user("小明", mobile=None)
    user(OPENID, mobile=OTHER_MOBILE, email=f"{MOBILE}@example.com", first_name="小明")
    user(MOBILE, mobile=None)
    account = bind()
    assert account.user.mobile == MOBILE
    assert User.objects.count() == 4


def test_one_person_may_bind_several_identities() -> None:
    assert bind(ME).user == bind(YOU).user
    assert SocialAccount.objects.count() == 2


def test_a_weak_new_password_makes_nothing_and_leaves_the_code() -> None:
    code = sms_code()
    with pytest.raises(Invalid):
        bind(password="password1", code=code)
    assert nothing_changed()
    bind(code=code)


def test_threat_12_a_wrong_password_leaves_the_code() -> None:
    user()
    code = sms_code()
    with pytest.raises(PasswordWrong):
        bind(password="wrong-horse-9", code=code)
    assert not SocialAccount.objects.exists()
    bind(code=code)


@pytest.mark.parametrize("known", [False, True])
def test_without_a_place_to_hash_nothing_changes_and_the_code_stays(busy: Busy, known: bool) -> None:
    if known:
        user()
    code = sms_code()
    with busy(), pytest.raises(ServerBusy):
        bind(code=code)
    assert User.objects.count() == known
    assert not SocialAccount.objects.exists()
    account = bind(code=code)
    with busy():
        assert bind(code=code) == account, "who is bound already hashes nothing"


def test_threat_12_who_has_the_phone_guesses_five_passwords() -> None:
    user()
    code = sms_code()
    for _ in range(5):
        with pytest.raises(PasswordWrong):
            bind(password="wrong-horse-9", code=code)
    with pytest.raises(TooManyAttempts):
        bind(code=code)
    with pytest.raises(TooManyAttempts):
        bind(code=sms_code())
    assert not SocialAccount.objects.exists()


def test_threat_12_whoever_tries_many_accounts_is_held_up_by_address(phonebind: Configure) -> None:
    phonebind(limits={"password_address": (1, 900)})
    user()
    user("hong", OTHER_MOBILE)
    with pytest.raises(PasswordWrong):
        bind(password="wrong-horse-9")
    with pytest.raises(TooManyAttempts):
        bind(YOU, OTHER_MOBILE)
    elsewhere = RequestFactory().post("/", REMOTE_ADDR="192.0.2.7")
    verified = sms_codes.check(OTHER_MOBILE, sms_code(OTHER_MOBILE), claimant=YOU.key, address="192.0.2.1")
    assert binding.bind(elsewhere, YOU, verified, PASSWORD).user.mobile == OTHER_MOBILE


def test_threat_12_the_code_is_checked_before_the_password(qq: Upstream, person: Person) -> None:
    user()
    ticket = person.callback().json()["access_token"]
    code = person.sms_code(MOBILE)
    for password in (PASSWORD, "wrong-horse-9"):
        answer = person.bind(mobile=MOBILE, password=password, sms_code="x" + code[1:], access_token=ticket)
        assert answer.json()["code"] == "sms_code_invalid"


def test_threat_7_a_disabled_account_is_not_bound() -> None:
    user(is_active=False)
    code = sms_code()
    with pytest.raises(AccountDisabled):
        bind(code=code)
    assert not SocialAccount.objects.exists()
    with pytest.raises(PasswordWrong):
        bind(password="wrong-horse-9", code=code)


def test_threat_5_an_identity_that_is_bound_cannot_be_bound_to_another() -> None:
    bind()
    code = sms_code(OTHER_MOBILE)
    with pytest.raises(AlreadyBound):
        bind(mobile=OTHER_MOBILE, code=code)
    assert User.objects.get().mobile == MOBILE
    bind(YOU, mobile=OTHER_MOBILE, code=code)


@pytest.mark.django_db(transaction=True)
def test_nothing_around_it_can_undo_a_bind_that_has_been_told() -> None:
    """An outer transaction that is rolled back would not undo its signals, its tokens and the settled code."""
    with pytest.raises(RuntimeError), transaction.atomic():
        bind()
    assert nothing_changed()


# ---------------------------------------------------------------- the same bind again


def test_the_same_request_again_gives_the_same_answer() -> None:
    code = sms_code()
    assert bind(code=code) == bind(code=code) == bind(code=code)
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


def test_a_repeat_asks_for_no_password_since_the_identity_signs_in_without() -> None:
    code = sms_code()
    first = bind(code=code)
    assert bind(password="another-horse-9", code=code) == first
    assert first.user.check_password(PASSWORD)


def test_a_repeat_is_no_way_in_for_a_disabled_account() -> None:
    code = sms_code()
    User.objects.filter(pk=bind(code=code).user.pk).update(is_active=False)
    with pytest.raises(AccountDisabled):
        bind(code=code)


def test_threat_11_a_used_code_binds_no_other_identity() -> None:
    code = sms_code()
    bind(code=code)
    with pytest.raises(SmsCodeInvalid):
        bind(YOU, code=code)
    assert SocialAccount.objects.count() == 1


@pytest.mark.parametrize("undo", [binding.unbind, lambda account: account.user.delete()])
def test_threat_11_a_repeat_after_unbinding_creates_nothing(undo: Callable[[SocialAccount], None]) -> None:
    code = sms_code()
    undo(bind(code=code))
    users = User.objects.count()
    with pytest.raises(SmsCodeInvalid):
        bind(code=code)
    assert (User.objects.count(), SocialAccount.objects.count()) == (users, 0)


def test_unbinding_leaves_the_user_and_frees_the_identity() -> None:
    account = bind()
    binding.unbind(account)
    assert User.objects.count() == 1
    assert bind(mobile=OTHER_MOBILE).user.mobile == OTHER_MOBILE


def test_a_second_code_binds_what_is_bound_and_is_used_up_too() -> None:
    first = bind()
    code = sms_code()
    assert bind(code=code) == first
    binding.unbind(first)
    with pytest.raises(SmsCodeInvalid):
        bind(code=code)


def test_a_key_that_rotates_between_two_clicks(settings: Settings) -> None:
    code = sms_code()
    first = bind(code=code)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new"
    assert bind(code=code) == first


def test_a_key_that_rotates_in_the_middle_of_a_sign_in(qq: Upstream, person: Person, settings: Settings) -> None:
    def rotate() -> None:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        settings.SECRET_KEY = f"new after {settings.SECRET_KEY}"

    state = person.login_url()["state"]
    rotate()
    ticket = person.callback(state).json()["access_token"]
    rotate()
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE), "access_token": ticket}
    rotate()
    first = person.bind(**form)
    rotate()
    again = person.bind(**form)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]


# ---------------------------------------------------------------- another request is faster, or the database gives up


class Rival:
    """A password validator. It runs between our SELECT and our INSERT, and does there what a competing request would
    do.
    """

    act: Callable[[], object]

    def validate(self, password: str, user: object = None) -> None:
        act, Rival.act = Rival.act, lambda: None
        act()


@pytest.fixture
def rival(settings: Settings) -> Iterator[Callable[[Callable[[], object]], None]]:
    """Runs a function once, in the middle of our bind."""
    settings.AUTH_PASSWORD_VALIDATORS = [{"NAME": f"{__name__}.Rival"}]
    Rival.act = lambda: None

    def at_work(act: Callable[[], object]) -> None:
        Rival.act = act

    return at_work  # type: ignore[return-value]


def test_threat_5_the_loser_of_a_race_finds_what_the_winner_made(rival: Callable[[Callable[[], object]], None]) -> None:
    code = sms_code()
    rival(lambda: bind(code=code))
    bind(code=code)
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


def test_threat_5_who_registers_my_mobile_meanwhile_is_held_to_the_password(
    rival: Callable[[Callable[[], object]], None],
) -> None:
    rival(user)
    assert bind().user.get_username() == "ming"
    SocialAccount.objects.all().delete()
    User.objects.all().delete()
    rival(lambda: User.objects.create_user("hong", mobile=MOBILE, password="another-horse-9"))
    with pytest.raises(PasswordWrong):
        bind()


def test_who_takes_my_mobile_for_a_username_meanwhile_does_not_keep_me_out(
    rival: Callable[[Callable[[], object]], None],
) -> None:
    rival(lambda: user(MOBILE, mobile=None))
    assert bind().user.mobile == MOBILE


def test_threat_11_the_code_may_be_gone_at_the_last_moment(rival: Callable[[Callable[[], object]], None]) -> None:
    code = sms_code()
    rival(lambda: sms_codes.check(MOBILE, code, claimant=YOU.key, address="192.0.2.1").claim())
    with pytest.raises(SmsCodeInvalid):
        bind(code=code)
    assert nothing_changed()


@contextmanager
def database_gives_up(times: int) -> Iterator[None]:
    """Simulates a deadlock: the next ``times`` writes of a binding fail."""
    left = iter(range(times))

    def execute(call: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT") and "phonebind_socialaccount" in sql and next(left, None) is not None:
            raise OperationalError("deadlock detected")
        return call(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield


@pytest.mark.parametrize("times", [1, 2])
def test_a_deadlock_is_tried_again(times: int) -> None:
    with database_gives_up(times):
        bind()
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


def test_threat_20_a_database_that_stays_down_is_told_and_leaves_nothing_behind(qq: Upstream, person: Person) -> None:
    ticket = person.callback().json()["access_token"]
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE), "access_token": ticket}
    with database_gives_up(binding.ATTEMPTS):
        answer = person.bind(**form)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert nothing_changed()
    assert person.bind(**form).status_code == 201


def test_what_a_constraint_refuses_again_and_again_is_told_and_the_operator_hears_of_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """For example, a host has a required field that we do not know."""

    def save(self: User, **kwargs: Any) -> None:
        raise IntegrityError("NOT NULL constraint failed: users_user.tenant_id")

    monkeypatch.setattr(User, "save", save)
    with pytest.raises(StorageUnavailable):
        bind()
    [record] = [record for record in caplog.records if record.name == "phonebind.binding"]
    assert (record.levelname, "tenant_id" in str(record.exc_info)) == ("ERROR", True)
    assert nothing_changed()


def test_threat_20_without_valkey_nothing_is_bound(valkey: Valkey) -> None:
    verified = sms_codes.check(MOBILE, sms_code(), claimant=ME.key, address="192.0.2.1")
    user()
    valkey.stop()
    with pytest.raises(PhonebindError) as refused:
        binding.bind(REQUEST, ME, verified, PASSWORD)
    assert refused.value.code == "storage_unavailable"
    assert not SocialAccount.objects.exists()


def test_threat_20_valkey_that_dies_before_the_claim_undoes_all(
    valkey: Valkey, rival: Callable[[Callable[[], object]], None]
) -> None:
    verified = sms_codes.check(MOBILE, sms_code(), claimant=ME.key, address="192.0.2.1")
    rival(valkey.stop)
    with pytest.raises(PhonebindError) as refused:
        binding.bind(REQUEST, ME, verified, PASSWORD)
    assert refused.value.code == "storage_unavailable"
    assert nothing_changed()


def test_valkey_that_dies_after_the_commit_takes_nothing_back(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settle = sms_codes.ByCode.settle

    def too_late(mobile: sms_codes.ByCode) -> None:
        valkey.stop()
        settle(mobile)

    monkeypatch.setattr(sms_codes.ByCode, "settle", too_late)
    assert bind() == SocialAccount.objects.get()
    assert "could not be settled" in caplog.text
    assert MOBILE not in caplog.text


class Router:
    """A router as hosts write it who keep their apps in several databases."""

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        return "default" if model._meta.app_label == "phonebind" else None


def test_a_host_with_several_databases_says_which_one_binds(family: Upstream, settings: Settings) -> None:
    settings.DATABASE_ROUTERS = [Router()]
    bound_elsewhere(bind(YOU).user)
    assert identify()[1]


# ---------------------------------------------------------------- identify


def test_a_known_openid_costs_one_call_and_one_query(
    qq: Upstream, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    account = bind()
    with django_assert_num_queries(1):
        known = identify()[1]
        assert known
        assert (known, known.user) == (account, account.user)
    assert qq.paths == ["/oauth2.0/token"]


def test_someone_new_is_asked_for_a_name_to_greet(qq: Upstream) -> None:
    assert identify() == (ME, None)
    assert qq.paths == ["/oauth2.0/token", "/user/get_user_info"]
    assert qq.requests[0][1]["code"] == "CODE"


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"ret": -1, "msg": "no"}', b'{"ret": 100030}', b'{"ret": 100011}'])
def test_a_name_is_not_worth_failing_for(qq: Upstream, body: bytes) -> None:
    qq.answer("/user/get_user_info", body)
    assert identify()[0].nickname == ""


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("小明", "小明"),
        ("😀", "😀"),
        ("a\x00b", "ab"),
        ("a\ud800b", "a\ufffdb"),
        ("a\r\nb", "ab"),
        ("\u202eevil", "evil"),
        ("<b>小明</b>", "<b>小明</b>"),
        ("名" * 5000, "名" * 32),
    ],
)
def test_threat_19_whatever_a_name_holds_it_can_be_answered_and_stored(
    qq: Upstream, person: Person, sent: str, kept: str
) -> None:
    qq.person(nickname=sent)
    answer = person.callback()
    assert (answer.status_code, answer.json()["nickname"]) == (200, kept)
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE)}
    assert person.bind(**form, access_token=answer.json()["access_token"]).status_code == 201
    assert SocialAccount.objects.get().nickname == kept


def test_a_used_code_of_the_provider_starts_anew(qq: Upstream) -> None:
    qq.answer("/oauth2.0/token", b'callback( {"error":100020,"error_description":"code is reused error"} );')
    with pytest.raises(CodeInvalid):
        identify()


def test_threat_8_a_token_of_another_app_identifies_nobody(qq: Upstream) -> None:
    bind()
    qq.answer("/oauth2.0/token", {"access_token": "T"})
    qq.answer("/oauth2.0/me", {"client_id": "999", "openid": OPENID})
    with pytest.raises(ProviderUnavailable):
        identify()


def test_threat_4_openids_in_another_spelling_are_other_people(qq: Upstream) -> None:
    bind()
    for openid in (OPENID.lower(), OPENID.replace("A", "a", 1), f"{OPENID}0"):
        qq.person(openid)
        assert identify()[1] is None
    qq.person(f"{OPENID} ")
    with pytest.raises(ProviderUnavailable):
        identify()


def test_threat_2_the_same_openid_in_another_app_is_somebody_else(qq: Upstream, phonebind: Configure) -> None:
    bind()
    phonebind(providers={"client_id": "101000002"})
    assert identify()[1] is None


def test_threat_2_the_same_openid_at_another_provider_is_somebody_else(qq: Upstream) -> None:
    SocialAccount.objects.create(user=user(), provider="wechat", app_id=APP, openid=OPENID)
    assert identify()[1] is None


# ---------------------------------------------------------------- one person in several apps of a provider


@pytest.fixture
def family(qq: Upstream, phonebind: Configure) -> Upstream:
    """Our app may read unionids. The person at the keyboard has one."""
    phonebind(providers={"unionid": True})
    qq.person(unionid=UNIONID)
    return qq


def bound_elsewhere(owner: User, unionid: str = UNIONID, **fields: str) -> SocialAccount:
    fields = {"provider": "qq", "app_id": "101000002", "openid": "E" * 32} | fields
    return SocialAccount.objects.create(user=owner, unionid=unionid, **fields)


def test_who_is_known_from_another_app_is_known_here(family: Upstream) -> None:
    owner = user()
    bound_elsewhere(owner)
    account = identify()[1]
    assert account
    assert (account.user, account.app_id, account.openid, account.unionid) == (owner, APP, OPENID, UNIONID)
    assert SocialAccount.objects.count() == 2
    assert identify()[1] == account
    assert family.paths == ["/oauth2.0/token", "/oauth2.0/me", "/oauth2.0/token"]


def test_someone_nobody_knows_binds_with_the_unionid(family: Upstream) -> None:
    identity, account = identify()
    assert account is None
    assert bind(identity).unionid == UNIONID


def test_threat_4_unionids_in_another_spelling_are_other_people(family: Upstream) -> None:
    bound_elsewhere(user(), unionid=UNIONID.lower())
    assert identify()[1] is None


@pytest.mark.parametrize("fields", [{"provider": "wechat"}, {"unionid": "other"}])
def test_a_unionid_counts_within_one_provider(family: Upstream, fields: dict[str, str]) -> None:
    bound_elsewhere(user(), **fields)
    assert identify()[1] is None


def test_one_unionid_at_two_accounts_decides_nothing(family: Upstream) -> None:
    bound_elsewhere(user())
    bound_elsewhere(user("hong", OTHER_MOBILE), openid="D" * 32)
    assert identify()[1] is None
    assert SocialAccount.objects.count() == 2


def test_no_unionid_is_nobodys(family: Upstream) -> None:
    SocialAccount.objects.create(user=user(), provider="qq", app_id="2", openid="E" * 32, unionid=None)
    family.person(unionid=None)
    assert identify()[1] is None


def test_threat_7_a_disabled_account_gains_no_binding_from_another_app(family: Upstream, person: Person) -> None:
    bound_elsewhere(user(is_active=False))
    answer = person.callback()
    assert (answer.status_code, answer.json()["code"]) == (403, "account_disabled")
    assert SocialAccount.objects.count() == 1


def test_two_callbacks_at_once_adopt_once(family: Upstream) -> None:
    """The other callback writes the new openid after our lookup."""
    owner = user()
    bound_elsewhere(owner)

    first = iter([True])

    def execute(call: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if UNIONID in (params or ()) and next(first, False):
            SocialAccount.objects.create(user=owner, provider="qq", app_id=APP, openid=OPENID)
        return call(sql, params, many, context)

    with connection.execute_wrapper(execute):
        account = identify()[1]
    assert account == SocialAccount.objects.get(openid=OPENID)


def test_a_unionid_is_learnt_once_the_app_may_see_it(family: Upstream) -> None:
    account = bind()
    written = account.updated_at
    for _ in range(2):
        assert identify()[1] == account
    account.refresh_from_db()
    assert account.unionid == UNIONID
    assert account.updated_at > written
    assert family.paths == ["/oauth2.0/token", "/oauth2.0/me", "/oauth2.0/token"]


@pytest.mark.parametrize(
    "me",
    [
        b"",
        b"<html>502</html>",
        {"client_id": APP, "openid": OPENID, "unionid": "U" * 256},
        {"client_id": APP, "openid": OPENID, "unionid": "U\x00"},
        {"client_id": APP, "openid": OPENID},
        {"client_id": APP, "openid": "F" * 32, "unionid": "somebody else's"},
        {"client_id": "999", "openid": OPENID, "unionid": "another app's"},
        {"error": 100048, "error_description": "companyid not set"},
    ],
)
def test_a_unionid_that_cannot_be_learnt_stops_no_sign_in(family: Upstream, me: Any) -> None:
    account = bind()
    written = account.updated_at
    family.answer("/oauth2.0/me", me)
    assert identify()[1] == account
    account.refresh_from_db()
    assert (account.unionid, account.updated_at) == (None, written)


def test_a_binding_that_is_released_meanwhile_learns_nothing_and_breaks_nothing(family: Upstream) -> None:
    bind()

    def execute(call: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE"):
            SocialAccount.objects.all().delete()
        return call(sql, params, many, context)

    with connection.execute_wrapper(execute):
        assert identify()[1] is None, "and is asked for the mobile again"
    assert not SocialAccount.objects.exists()


# ---------------------------------------------------------------- signing in


def test_threat_7_a_disabled_account_does_not_come_back(qq: Upstream, person: Person) -> None:
    bind()
    User.objects.update(is_active=False)
    answer = person.callback()
    assert (answer.status_code, answer.json()["code"]) == (403, "account_disabled")


def test_threat_7_sign_in_itself_refuses() -> None:
    with pytest.raises(AccountDisabled):
        binding.sign_in(REQUEST, user(is_active=False))


@pytest.fixture
def heard() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Every signal that was sent: its name and its arguments."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def bound(**kwargs: Any) -> None:
        calls.append(("account_bound", kwargs))

    def signed_in(**kwargs: Any) -> None:
        calls.append(("signed_in", kwargs))

    signals.account_bound.connect(bound)
    signals.signed_in.connect(signed_in)
    yield calls
    signals.account_bound.disconnect(bound)
    signals.signed_in.disconnect(signed_in)


def test_a_shop_hears_of_a_bind_and_then_of_the_sign_in(heard: list[tuple[str, dict[str, Any]]]) -> None:
    account = bind()
    assert [name for name, _ in heard] == ["account_bound", "signed_in"]
    for _, said in heard:
        assert said["sender"] is SocialAccount
        assert (said["user"], said["social_account"], said["request"]) == (account.user, account, REQUEST)


def test_a_repeat_is_a_sign_in_and_no_bind(heard: list[tuple[str, dict[str, Any]]]) -> None:
    code = sms_code()
    bind(code=code)
    heard.clear()
    bind(code=code)
    assert [name for name, _ in heard] == ["signed_in"]


def test_what_failed_is_not_told(heard: list[tuple[str, dict[str, Any]]]) -> None:
    with pytest.raises(Invalid):
        bind(password="password1")
    with pytest.raises(AccountDisabled):
        binding.sign_in(REQUEST, user(is_active=False))
    assert not heard


def test_a_password_sign_in_has_no_social_account(heard: list[tuple[str, dict[str, Any]]]) -> None:
    owner = user()
    binding.sign_in(REQUEST, owner)
    assert [(name, said["user"], said["social_account"]) for name, said in heard] == [("signed_in", owner, None)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("signal", [signals.account_bound, signals.signed_in])
def test_signals_come_after_the_commit_and_a_broken_cart_stops_nothing(
    signal: Any, caplog: pytest.LogCaptureFixture
) -> None:
    seen = []

    def cart(request: HttpRequest, **kwargs: Any) -> None:
        seen.append(connection.in_atomic_block)
        raise ValueError("the cart is broken")

    signal.connect(cart)
    try:
        assert bind() == SocialAccount.objects.get()
    finally:
        signal.disconnect(cart)
    assert seen == [False]
    assert "the cart is broken" in caplog.text


# ---------------------------------------------------------------- what a grant contains by itself


class Told(Provider):
    """A provider whose grant already contains everything that there is."""

    kind = family = "qq"
    label = "Told"

    def __init__(self, grant: Grant, *, asks: bool = False) -> None:
        super().__init__(oauth.get("qq").settings)
        self.grant, self.asked, self.asks = grant, False, asks

    @property
    def asks_unionid(self) -> bool:
        return self.asks

    def unionid(self, grant: Grant) -> str | None:
        self.asked = True
        return super().unionid(grant)

    def identify(self) -> tuple[Identity, SocialAccount | None]:
        return binding.identify(self, lambda: self.grant)


def test_threat_54_a_virtual_account_is_refused_before_anything_is_looked_up(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    bind()
    with django_assert_num_queries(0), pytest.raises(SnapshotUser):
        Told(Grant(OPENID, unionid=UNIONID, virtual=True)).identify()


@pytest.mark.parametrize("asks", [False, True])
def test_a_unionid_that_the_grant_tells_joins_without_a_question(asks: bool) -> None:
    owner = user()
    row = {"provider": "qq", "app_id": "another", "openid": "E" * 32, "unionid": UNIONID}
    SocialAccount.objects.create(user=owner, **row)
    provider = Told(Grant(OPENID, unionid=UNIONID), asks=asks)
    identity, account = provider.identify()
    assert account is not None
    assert (account.user, account.openid, account.unionid) == (owner, OPENID, UNIONID)
    assert identity.unionid == UNIONID
    assert not provider.asked


def test_a_unionid_joins_within_its_family_alone() -> None:
    row = {"provider": "wechat", "app_id": "another", "openid": "E" * 32, "unionid": UNIONID}
    SocialAccount.objects.create(user=user(), **row)
    assert Told(Grant(OPENID, unionid=UNIONID)).identify()[1] is None


def test_a_unionid_that_has_changed_is_updated_and_one_that_is_the_same_is_not_written(
    django_assert_num_queries: DjangoAssertNumQueries, same_person: list[Any]
) -> None:
    """This happens when an app is moved to another developer."""
    account = bind(Identity("qq", APP, OPENID, "before"))
    assert Told(Grant(OPENID, unionid="after")).identify()[1] == account
    account.refresh_from_db()
    assert account.unionid == "after"
    with django_assert_num_queries(1):
        Told(Grant(OPENID, unionid="after")).identify()
    assert Told(Grant(OPENID)).identify()[1] == account, "a grant that tells none takes none away"
    account.refresh_from_db()
    assert (account.unionid, same_person) == ("after", [])


def test_two_accounts_of_one_person_are_told_of_once(same_person: list[Any]) -> None:
    other = user("hong", OTHER_MOBILE)
    row = {"provider": "qq", "app_id": "another", "openid": "E" * 32, "unionid": UNIONID}
    SocialAccount.objects.create(user=other, **row)
    mine = bind()
    for _ in range(2):
        assert Told(Grant(OPENID, unionid=UNIONID)).identify()[1] == mine
    [heard] = same_person
    assert (heard["sender"], heard["provider"], heard["unionid"]) == (SocialAccount, "qq", UNIONID)
    assert heard["user_ids"] == sorted([other.pk, mine.user_id])


def test_a_listener_that_fails_stops_no_sign_in(same_person: list[Any]) -> None:
    def fail(**facts: Any) -> None:
        raise ZeroDivisionError

    row = {"provider": "qq", "app_id": "another", "openid": "E" * 32, "unionid": UNIONID}
    SocialAccount.objects.create(user=user("hong", OTHER_MOBILE), **row)
    mine = bind()
    signals.same_person_found.connect(fail)
    try:
        assert Told(Grant(OPENID, unionid=UNIONID)).identify()[1] == mine
    finally:
        signals.same_person_found.disconnect(fail)


@pytest.mark.parametrize(
    ("avatar", "kept"),
    [
        ("https://thirdqq.qlogo.cn/ek_qqapp/A1-b_c/100?t=1&s=%20+:@!*~", True),
        ("https://a.example/" + "x" * 238, True),
        ("https://a.example/" + "x" * 239, False),
        ("http://a.example/a.png", False),
        ("//a.example/a.png", False),
        ("data:image/png;base64,AAAA", False),
        ("javascript:alert(1)", False),
        ("https://a.example:8443/a.png", False),
        ("https://user@a.example/a.png", False),
        ("https://a.example", False),
        ("https://a.example/a b", False),
        ("https://a.example/a;b", False),
        ("https://a.example/a,b", False),
        ("https://a.example/'", False),
        ('https://a.example/"', False),
        ("https://a.example/<", False),
        ("https://a.example/a\n", False),
        ("https://a.example/图", False),
        ("https://图.example/a", False),
        ("", False),
    ],
)
def test_threat_56_an_avatar_is_an_address_that_a_page_can_show_as_it_stands(avatar: str, kept: bool) -> None:
    identity, _ = Told(Grant(OPENID, profile=Profile("小明", avatar))).identify()
    assert (identity.avatar, identity.nickname) == (avatar if kept else "", "小明")


def test_who_is_signed_in_adopts_nothing(qq: Upstream, phonebind: Configure) -> None:
    phonebind(providers={"unionid": True})
    qq.person(unionid=UNIONID)
    owner = user()
    SocialAccount.objects.create(user=owner, provider="qq", app_id="101000002", openid="E" * 32, unionid=UNIONID)
    source = oauth.web("qq")
    identity, account = binding.identify(source, lambda: source.exchange("CODE"), adopt=False)
    assert (identity.unionid, account) == (UNIONID, None)
    assert binding.owners(identity) == [owner.pk]
    assert binding.owners(ME) == []
    assert SocialAccount.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_nobody_attaches_who_is_known_to_somebody_else_by_another_app() -> None:
    me, you = user(), user("you", OTHER_MOBILE)
    SocialAccount.objects.create(user=you, provider="qq", app_id="101000002", openid="E" * 32, unionid=UNIONID)
    identity = Identity("qq", APP, OPENID, UNIONID)
    with pytest.raises(AlreadyBound):
        binding.attach(REQUEST, identity, me)
    assert binding.attach(REQUEST, identity, you).user_id == you.pk
