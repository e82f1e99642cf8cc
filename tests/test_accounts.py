"""The user who owns a mobile."""

import time
from contextlib import suppress

import pytest
from django.contrib.auth.hashers import make_password
from pytest_django import Settings

from phonebind import accounts, limits, store
from phonebind.exceptions import (
    AccountDisabled,
    CredentialsInvalid,
    Invalid,
    PasswordWrong,
    ServerBusy,
    TooManyAttempts,
)
from server.users.models import User
from tests.support.edge import Busy, Configure

pytestmark = pytest.mark.django_db

MOBILE = "13900000001"
PASSWORD = "horse-staple-9"
ADDRESS = "192.0.2.1"


@pytest.fixture
def ming() -> User:
    return User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)


def guess(user: User, times: int, address: str = ADDRESS) -> None:
    for _ in range(times):
        with pytest.raises(PasswordWrong):
            accounts.check_password(user, "wrong", address)


# ---------------------------------------------------------------- found


def test_a_user_is_found_by_mobile_and_by_nothing_else(ming: User) -> None:
    """Threat 3."""
    User.objects.create_user("13900000002", email="13900000003@example.com", password=PASSWORD)
    assert accounts.find(MOBILE) == ming
    for mobile in ("13900000002", "13900000003", "ming", ""):
        assert accounts.find(mobile) is None


def test_the_field_is_the_hosts_choice(phonebind: Configure, ming: User) -> None:
    phonebind(mobile_field="last_name")
    assert accounts.find(MOBILE) is None
    User.objects.filter(pk=ming.pk).update(last_name=MOBILE)
    assert accounts.find(MOBILE) == ming


# ---------------------------------------------------------------- made


def test_a_new_user_has_the_mobile_for_a_username() -> None:
    user = accounts.new(MOBILE, PASSWORD)
    assert not User.objects.exists()
    user.save()
    saved = User.objects.get()
    assert (saved.username, saved.mobile, saved.is_active, saved.is_staff) == (MOBILE, MOBILE, True, False)
    assert saved.check_password(PASSWORD)
    assert saved.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("weak", ["password1", "12345678", "139000000011", "ab1", MOBILE])
def test_a_weak_password_is_told_beside_its_field(weak: str) -> None:
    with pytest.raises(Invalid) as refused:
        accounts.new(MOBILE, weak)
    assert set(refused.value.errors) == {"password"}
    assert refused.value.message in refused.value.errors["password"]


def test_who_took_my_mobile_for_a_username_does_not_keep_me_out() -> None:
    User.objects.create_user(MOBILE, password="squatter-pass-1")
    user = accounts.new(MOBILE, PASSWORD)
    user.save()
    assert user.get_username().startswith(f"{MOBILE}_")
    assert accounts.authenticate(MOBILE, PASSWORD, ADDRESS) == user


def test_who_took_the_username_in_another_spelling_does_not_either() -> None:
    """MariaDB takes trailing spaces and, were there letters, case for the same."""
    User.objects.create_user(f"{MOBILE} ", password="squatter-pass-1")
    accounts.new(MOBILE, PASSWORD).save()


def test_a_model_whose_username_is_the_mobile_needs_no_suffix(phonebind: Configure) -> None:
    phonebind(mobile_field="username")
    User.objects.create_user(MOBILE)
    assert accounts.new(MOBILE, PASSWORD).get_username() == MOBILE


# ---------------------------------------------------------------- held to a password


def test_the_right_password_costs_nothing(ming: User) -> None:
    for _ in range(8):
        accounts.check_password(ming, PASSWORD, ADDRESS)


def test_threat_12_five_wrong_passwords_lock_the_account_for_a_while(ming: User) -> None:
    guess(ming, 5)
    with pytest.raises(TooManyAttempts) as refused:
        accounts.check_password(ming, PASSWORD, "192.0.2.99")
    assert refused.value.retry_after in range(895, 901)


def test_threat_12_a_right_one_between_forgives_none(ming: User) -> None:
    guess(ming, 4)
    accounts.check_password(ming, PASSWORD, ADDRESS)
    guess(ming, 1)
    with pytest.raises(TooManyAttempts):
        accounts.check_password(ming, PASSWORD, ADDRESS)


def test_threat_12_an_address_guesses_fifty_times_at_all_accounts_together(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    *others, last = [User.objects.create_user(f"u{number}", password=PASSWORD) for number in range(11)]
    for user in others:
        guess(user, 5)
    with pytest.raises(TooManyAttempts):
        accounts.check_password(last, PASSWORD, ADDRESS)
    accounts.check_password(last, PASSWORD, "192.0.2.2")


def test_a_locked_address_does_not_lock_the_account(ming: User, phonebind: Configure) -> None:
    phonebind(limits={"password_address": (0, 60)})
    for _ in range(6):
        with pytest.raises(TooManyAttempts):
            accounts.check_password(ming, PASSWORD, ADDRESS)
    phonebind(limits={})
    accounts.check_password(ming, PASSWORD, ADDRESS)


def test_threat_7_a_disabled_account_is_told_so_only_with_the_right_password(ming: User) -> None:
    ming.is_active = False
    guess(ming, 1)
    with pytest.raises(AccountDisabled):
        accounts.check_password(ming, PASSWORD, ADDRESS)


def test_an_account_without_a_password_has_none_to_guess() -> None:
    user = User.objects.create_user("qq-only", mobile=MOBILE)
    for password in ("", "None", "!", user.password):
        with pytest.raises(PasswordWrong):
            accounts.check_password(user, password, ADDRESS)


# ---------------------------------------------------------------- the password sign-in


@pytest.mark.parametrize("name", ["ming", MOBILE])
def test_username_or_mobile_will_do(ming: User, name: str) -> None:
    assert accounts.authenticate(name, PASSWORD, ADDRESS) == ming


def test_a_username_that_looks_like_a_mobile_still_works_where_nobody_owns_that() -> None:
    user = User.objects.create_user(MOBILE, password=PASSWORD)
    assert accounts.authenticate(MOBILE, PASSWORD, ADDRESS) == user


def test_the_owner_of_a_mobile_comes_before_who_took_it_for_a_username(ming: User) -> None:
    User.objects.create_user(MOBILE, password="squatter-pass-1")
    assert accounts.authenticate(MOBILE, PASSWORD, ADDRESS) == ming
    with pytest.raises(CredentialsInvalid):
        accounts.authenticate(MOBILE, "squatter-pass-1", ADDRESS)


def test_wrong_and_unknown_are_told_apart_by_nothing(ming: User) -> None:
    outcomes = []
    for name in ("ming", MOBILE, "nobody", "13900000009"):
        with pytest.raises(CredentialsInvalid) as refused:
            accounts.authenticate(name, "wrong", ADDRESS)
        outcomes.append((refused.value.code, refused.value.message, refused.value.errors, refused.value.__cause__))
    assert len(set(map(str, outcomes))) == 1


def test_unknown_names_are_locked_like_known_ones(ming: User) -> None:
    for name in ("ming", "nobody", "13900000009"):
        for _ in range(5):
            with pytest.raises(CredentialsInvalid):
                accounts.authenticate(name, "wrong", ADDRESS)
        with pytest.raises(TooManyAttempts) as refused:
            accounts.authenticate(name, "wrong", ADDRESS)
        assert refused.value.retry_after in range(890, 901)


def test_while_a_password_is_hashed_nobody_can_tell_an_unknown_name_by_how_long_others_wait(
    ming: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[int] = []

    def hashed(*args: object) -> bool:
        for name in ("password_account", "password_address"):
            with store.connection() as client:
                waits.extend(client.ttl(key) for key in client.keys(f"*{name}*"))
        return False

    monkeypatch.setattr(User, "check_password", hashed)
    monkeypatch.setattr(User, "set_password", hashed)
    for name in ("ming", "nobody"):
        with store.connection() as client:
            client.flushall()
        with pytest.raises(CredentialsInvalid):
            accounts.authenticate(name, "wrong", ADDRESS)
    assert waits == [limits.TRIAL] * 4


def test_unknown_names_count_against_the_address(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for number in range(50):
        with pytest.raises(CredentialsInvalid):
            accounts.authenticate(f"nobody-{number}", "wrong", ADDRESS)
    with pytest.raises(TooManyAttempts):
        accounts.authenticate("nobody", "wrong", ADDRESS)


def test_a_name_like_an_accounts_number_locks_another_lock(ming: User) -> None:
    for _ in range(5):
        with pytest.raises(CredentialsInvalid):
            accounts.authenticate(str(ming.pk), "wrong", ADDRESS)
    assert accounts.authenticate("ming", PASSWORD, ADDRESS) == ming


def test_an_unknown_name_takes_as_long_as_a_known_one(ming: User) -> None:
    def spent(name: str) -> float:
        started = time.process_time()
        with pytest.raises(CredentialsInvalid):
            accounts.authenticate(name, "wrong", ADDRESS)
        return time.process_time() - started

    known, unknown = (min(spent(name) for _ in range(4)) for name in ("ming", "nobody"))
    assert 0.5 < unknown / known < 2


@pytest.mark.parametrize("name", ["ming", MOBILE])
def test_threat_7_a_disabled_account_does_not_sign_in_by_password(ming: User, name: str) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(AccountDisabled):
        accounts.authenticate(name, PASSWORD, ADDRESS)
    with pytest.raises(CredentialsInvalid):
        accounts.authenticate(name, "wrong", ADDRESS)


def test_a_password_from_an_older_system_is_rehashed_on_the_way() -> None:
    User.objects.create(username="old", mobile=MOBILE, password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    accounts.authenticate("old", PASSWORD, ADDRESS)
    assert User.objects.get().password.startswith("argon2")


def test_the_lock_opens_by_itself(ming: User, phonebind: Configure) -> None:
    phonebind(limits={"password_account": (1, 1)})
    guess(ming, 1)
    with pytest.raises(TooManyAttempts) as refused:
        accounts.check_password(ming, PASSWORD, ADDRESS)
    assert refused.value.retry_after == limits.rule("password_account").seconds
    time.sleep(1.01)
    accounts.check_password(ming, PASSWORD, ADDRESS)


@pytest.mark.parametrize("username", [MOBILE, "nobody"])
def test_of_two_locks_the_addresss_is_told(ming: User, username: str) -> None:
    """Whoever comes from a locked address does not learn which accounts are locked too."""
    account = str(ming.pk) if username == MOBILE else f"-{username}"
    limits.take(*[("password_account", account)] * 5)
    limits.take(*[("password_address", ADDRESS)] * 50)
    with store.connection() as client:
        client.expire(store.key("password_account", account), 100)
    with pytest.raises(TooManyAttempts) as refused:
        accounts.authenticate(username, PASSWORD, ADDRESS)
    assert refused.value.retry_after in range(800, 901)


# ---------------------------------------------------------------- no place to hash


def stored() -> dict[bytes, object]:
    """All that Valkey knows, but for how long."""
    with store.connection() as client:
        return {key: client.hgetall(key) for key in client.scan_iter()}


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
@pytest.mark.parametrize("name", ["ming", MOBILE, "nobody", "13900000009"])
def test_who_finds_no_place_is_told_so_and_it_costs_nothing(ming: User, busy: Busy, name: str, password: str) -> None:
    """The same whether there is such a user or not, and whether it was the right password."""
    with pytest.raises(CredentialsInvalid):
        accounts.authenticate(name, "wrong", ADDRESS)
    before = stored()
    with busy():
        for _ in range(8):
            with pytest.raises(ServerBusy):
                accounts.authenticate(name, password, ADDRESS)
    assert stored() == before
    accounts.check_password(ming, PASSWORD, ADDRESS)


@pytest.mark.parametrize("name", ["ming", "nobody"])
def test_who_has_no_attempt_left_does_not_come_to_the_queue(ming: User, busy: Busy, name: str) -> None:
    for _ in range(5):
        with pytest.raises(CredentialsInvalid):
            accounts.authenticate(name, "wrong", ADDRESS)
    with busy(), pytest.raises(TooManyAttempts):
        accounts.authenticate(name, "wrong", ADDRESS)


def test_no_account_is_made_without_a_place_to_hash(busy: Busy) -> None:
    with busy():
        with pytest.raises(ServerBusy):
            accounts.new(MOBILE, PASSWORD)
        with pytest.raises(Invalid):
            accounts.new(MOBILE, "password1")
    assert accounts.new(MOBILE, PASSWORD).check_password(PASSWORD)


def test_nobody_holds_a_place_longer_than_they_hash(ming: User, busy: Busy) -> None:
    """Each of these would find none after one that kept it."""
    for name, password in (("ming", PASSWORD), ("ming", "wrong"), ("nobody", PASSWORD)) * 2:
        with suppress(CredentialsInvalid):
            accounts.authenticate(name, password, ADDRESS)
    accounts.new("13900000002", PASSWORD)
    with busy():
        pass


@pytest.mark.parametrize("name", ["ming", "nobody"])
def test_whoever_hashes_has_a_place(ming: User, busy: Busy, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    free: list[bool] = []

    def hashed(*args: object) -> bool:
        try:
            with busy():
                free.append(True)
        except ServerBusy:
            free.append(False)
        return False

    monkeypatch.setattr(User, "check_password", hashed)
    monkeypatch.setattr(User, "set_password", hashed)
    with pytest.raises(CredentialsInvalid):
        accounts.authenticate(name, "wrong", ADDRESS)
    accounts.new("13900000002", PASSWORD)
    assert free == [False, False]
