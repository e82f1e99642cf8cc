"""The account that owns a mobile: how it is found and made, and its password."""

import hashlib
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, ClassVar, cast

import pytest
from django.contrib.auth.hashers import BasePasswordHasher, PBKDF2PasswordHasher, make_password
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import RequestFactory
from pytest_django import Settings

from phonebind import accounts, limits, store
from phonebind.exceptions import (
    AccountDisabled,
    CredentialsInvalid,
    Invalid,
    PasswordWrong,
    PhonebindError,
    ServerBusy,
    TooManyAttempts,
)
from phonebind.oauth import Identity
from server import settings as server_settings
from server.users.models import User
from tests.support.edge import Busy, Configure
from tests.support.services import TEST_DB

pytestmark = pytest.mark.django_db

MOBILE = "13900000001"
PASSWORD = "horse-staple-9"
ADDRESS = "192.0.2.1"


def new(mobile: str, password: str) -> Any:
    return accounts.new(RequestFactory().post("/"), Identity("qq", "101000001", "O"), mobile, password)


@pytest.fixture
def cheap(settings: Settings) -> None:
    """For tests with many passwords: hashing costs nothing."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ming() -> User:
    return User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)


def guess(user: User, times: int, address: str = ADDRESS) -> None:
    """Enter wrong passwords, as a person who has proved the account's mobile."""
    for _ in range(times):
        with pytest.raises(PasswordWrong):
            accounts.check_password(user, "wrong", address)


def sign_in(name: str, password: str = "wrong", address: str = ADDRESS) -> tuple[str, int | None]:
    """The outcome, and the seconds to wait."""
    try:
        accounts.authenticate(name, password, address)
    except PhonebindError as error:
        return error.code, error.retry_after
    return "signed_in", None


# ---------------------------------------------------------------- an account is found


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


# ---------------------------------------------------------------- an account is made


def test_a_new_user_has_the_mobile_for_a_username() -> None:
    user = new(MOBILE, PASSWORD)
    assert not User.objects.exists()
    user.save()
    saved = User.objects.get()
    assert (saved.username, saved.mobile, saved.is_active, saved.is_staff) == (MOBILE, MOBILE, True, False)
    assert saved.check_password(PASSWORD)


def test_a_new_password_is_hashed_as_owasp_asks(settings: Settings) -> None:
    """The hasher of the reference server does this, not the cheap one of the tests."""
    settings.PASSWORD_HASHERS = server_settings.PASSWORD_HASHERS
    user = new(MOBILE, PASSWORD)
    assert user.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize("weak", ["password1", "12345678", "139000000011", "ab1", MOBILE])
def test_a_weak_password_is_told_beside_its_field(weak: str) -> None:
    with pytest.raises(Invalid) as refused:
        new(MOBILE, weak)
    assert set(refused.value.errors) == {"password"}
    assert refused.value.message in refused.value.errors["password"]


def test_who_took_my_mobile_for_a_username_does_not_keep_me_out() -> None:
    User.objects.create_user(MOBILE, password="squatter-pass-1")
    user = new(MOBILE, PASSWORD)
    user.save()
    assert user.get_username().startswith(f"{MOBILE}_")
    assert accounts.authenticate(MOBILE, PASSWORD, ADDRESS) == user


def test_who_took_the_username_in_another_spelling_does_not_either() -> None:
    """MariaDB ignores trailing spaces and, in letters, case when it compares."""
    User.objects.create_user(f"{MOBILE} ", password="squatter-pass-1")
    new(MOBILE, PASSWORD).save()


def test_a_model_whose_username_is_the_mobile_needs_no_suffix(phonebind: Configure) -> None:
    phonebind(mobile_field="username")
    User.objects.create_user(MOBILE)
    assert new(MOBILE, PASSWORD).get_username() == MOBILE


# ---------------------------------------------------------------- the account's password is asked for


def test_the_right_password_costs_nothing(ming: User) -> None:
    for _ in range(8):
        accounts.check_password(ming, PASSWORD, ADDRESS)


def test_threat_12_five_wrong_passwords_at_the_bind_lock_it_for_a_while(ming: User) -> None:
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


@pytest.mark.usefixtures("cheap")
def test_threat_43_guesses_at_the_sign_in_do_not_keep_the_owner_from_the_bind(ming: User) -> None:
    names = ["ming", MOBILE] * 20
    outcomes = Counter(sign_in(name, address=f"192.0.2.{number}")[0] for number, name in enumerate(names))
    assert outcomes == {"credentials_invalid": 10, "too_many_attempts": 30}
    accounts.check_password(ming, PASSWORD, ADDRESS)


def test_wrong_passwords_at_the_bind_do_not_lock_the_sign_in(ming: User) -> None:
    guess(ming, 5)
    assert sign_in("ming", PASSWORD) == ("signed_in", None)


@pytest.mark.usefixtures("cheap")
def test_threat_12_an_address_guesses_fifty_times_at_all_accounts_together() -> None:
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


@pytest.mark.parametrize("name", ["ming", MOBILE, "nobody", "13900000009"])
def test_threat_12_five_wrong_passwords_lock_a_name_whether_it_is_known_or_not(ming: User, name: str) -> None:
    assert [sign_in(name) for _ in range(5)] == [("credentials_invalid", None)] * 5
    for address in (ADDRESS, "192.0.2.2"):
        outcome, wait = sign_in(name, PASSWORD, address)
        assert outcome == "too_many_attempts"
        assert wait in range(890, 901)


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("names", [("ming", MOBILE), (MOBILE, "ming")])
def test_threat_47_a_lock_does_not_tell_which_mobile_is_whose(ming: User, names: tuple[str, str]) -> None:
    """An attacker who locks one name of an account tries the other name. The answer is the same as for a name that no
    account has.
    """
    for _ in range(6):
        sign_in(names[0])
    related, stranger = ([sign_in(name)[0] for _ in range(6)] for name in (names[1], "13900000009"))
    assert related == stranger == ["credentials_invalid"] * 5 + ["too_many_attempts"]


@pytest.mark.usefixtures("cheap")
def test_threat_12_an_account_has_twenty_wrong_passwords_over_all_its_names(ming: User) -> None:
    for name in ("ming", "small-ming", "old-ming", "young-ming"):
        User.objects.filter(pk=ming.pk).update(username=name)
        for _ in range(5):
            assert sign_in(name) == ("credentials_invalid", None)
    User.objects.filter(pk=ming.pk).update(username="big-ming")
    outcome, wait = sign_in("big-ming", PASSWORD)
    assert outcome == "too_many_attempts"
    assert wait in range(890, 901)


@pytest.mark.usefixtures("cheap")
def test_threat_47_windows_that_touch_do_not_tell_which_mobile_is_whose(ming: User) -> None:
    """An attacker chooses when the window of each name begins. In all cases the limit of the name is reached before the
    limit of the account.
    """

    def begin_anew(*names: str) -> None:
        with store.connection() as client:
            client.delete(*(limits.key("password_name", name) for name in names))

    for _ in range(2):
        for _ in range(5):
            assert sign_in("ming") == sign_in(MOBILE) == ("credentials_invalid", None)
        assert sign_in("ming")[0] == sign_in(MOBILE)[0] == "too_many_attempts"
        begin_anew("ming", MOBILE)


@pytest.mark.parametrize("name", ["ming", "nobody"])
def test_threat_47_while_a_password_is_hashed_nobody_can_tell_an_unknown_name_by_how_long_others_wait(
    ming: User, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    waits: dict[str, list[int]] = {}

    def hashed(*args: object, **kwargs: object) -> bool:
        with store.connection() as client:
            for rule in ("password_name", "password_account", "password_address"):
                waits[rule] = [client.ttl(key) for key in client.keys(f"*{rule}*")]
        return False

    monkeypatch.setattr(accounts, "_is_right", hashed)
    assert sign_in(name) == ("credentials_invalid", None)
    assert waits == {rule: [limits.TRIAL] for rule in ("password_name", "password_account", "password_address")}


@pytest.mark.usefixtures("cheap")
def test_unknown_names_count_against_the_address() -> None:
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


# ---------------------------------------------------------------- other spellings


#: What the collation utf8mb4_unicode_ci treats as equal to "ming" and to 13900000001.
SPELLINGS = {
    "ming": ["MING", "Ming", "ｍｉｎｇ", "míng", "ming ", "ming\x01", "mi\u200bng"],
    MOBILE: ["١٣٩٠٠٠٠٠٠٠١", "①3900000001", f"{MOBILE}\x01"],
}


@pytest.fixture
def loose(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database that treats these spellings as equal: MariaDB with a common collation, or a simulation of it."""
    if TEST_DB != "mariadb":
        monkeypatch.setattr(accounts, "_get", _get_loosely)
        yield
        return
    columns = {"username": "varchar(150) NOT NULL", "mobile": "varchar(11) NULL"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT collation_name FROM information_schema.columns WHERE column_name = 'username'")
        [usual] = cursor.fetchone()
        for collation in ("utf8mb4_unicode_ci", usual):
            for name, kind in columns.items():
                definition = f"{kind.split()[0]} COLLATE {collation} {kind.partition(' ')[2]}"
                cursor.execute(f"ALTER TABLE {User._meta.db_table} MODIFY {name} {definition}")
            if collation != usual:
                yield


def _get_loosely(**lookup: str) -> User | None:
    [(field, value)] = lookup.items()
    return next((user for user in User.objects.all() if _folded(getattr(user, field)) == _folded(value)), None)


def _folded(value: str | None) -> str:
    decimal = "".join(str(unicodedata.digit(char, char)) for char in value or "")
    return "".join(char for char in unicodedata.normalize("NFKD", decimal).casefold() if char.isalnum())


@pytest.mark.usefixtures("loose", "cheap")
@pytest.mark.parametrize(
    ("name", "spelling"), [(name, spelling) for name in SPELLINGS for spelling in SPELLINGS[name]], ids=ascii
)
def test_threat_47_only_an_exact_name_is_an_accounts(name: str, spelling: str) -> None:
    """For a spelling that the database treats as equal, neither an answer nor a lock shows whose name it is."""
    User.objects.create_user("ming", password=PASSWORD)
    User.objects.create_user(MOBILE, password=PASSWORD)
    assert accounts._get(username=spelling) == User.objects.get(username=name), "the database is not so loose"
    assert sign_in(spelling, PASSWORD) == ("credentials_invalid", None)
    for _ in range(6):
        sign_in(spelling)
    assert limits.key("password_account", str(User.objects.get(username=name).pk)) not in stored_keys()
    assert [sign_in(name)[0] for _ in range(5)] == ["credentials_invalid"] * 5


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize(
    "spelling", [f"\u202d+86 {MOBILE}\u202c", "１３９０００００００１", f"86{MOBILE}", f" {MOBILE}"]
)
def test_a_mobile_is_a_name_however_it_was_pasted(spelling: str) -> None:
    user = User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)
    assert accounts.authenticate(spelling, PASSWORD, ADDRESS) == user
    for _ in range(5):
        sign_in(spelling)
    assert sign_in(MOBILE, PASSWORD)[0] == "too_many_attempts", "each spelling has guesses of its own"


@pytest.mark.usefixtures("cheap")
def test_a_name_that_looks_like_a_mobile_is_one_all_the_same() -> None:
    """Some sites made such usernames. But the owner of the mobile comes first."""
    named = User.objects.create_user(f"+86{MOBILE}", password=PASSWORD)
    assert accounts.authenticate(f"+86{MOBILE}", PASSWORD, ADDRESS) == named
    with pytest.raises(CredentialsInvalid):
        accounts.authenticate(MOBILE, PASSWORD, ADDRESS)
    owner = User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)
    assert accounts.authenticate(f"+86{MOBILE}", PASSWORD, ADDRESS) == owner


def stored_keys() -> set[str]:
    with store.connection() as client:
        return {key.decode() for key in client.scan_iter()}


@pytest.mark.parametrize("name", ["１３９０００００００２", "Ming2", "明"])
def test_a_name_is_whatever_somebody_is_called(name: str) -> None:
    user = User.objects.create_user("x", password=PASSWORD)
    User.objects.filter(pk=user.pk).update(username=name)  # not through the manager, which writes "13900000002"
    assert accounts.authenticate(name, PASSWORD, ADDRESS) == user


# ---------------------------------------------------------------- what a wrong password costs


class Counting(BasePasswordHasher):
    """Counts its rounds. They stand for the work that an attacker could measure with a clock."""

    rounds: ClassVar[Counter[str]] = Counter()
    iterations: ClassVar[int] = 100
    algorithm: str

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        rounds = self.iterations if iterations is None else iterations
        Counting.rounds[self.algorithm] += rounds
        digest = hashlib.sha256(f"{rounds}{salt}{password}".encode()).hexdigest()
        return f"{self.algorithm}${rounds}${salt}${digest}"

    def decode(self, encoded: str) -> dict[str, Any]:
        algorithm, rounds, salt, digest = encoded.split("$")
        return {"algorithm": algorithm, "iterations": int(rounds), "salt": salt, "hash": digest}

    def verify(self, password: str, encoded: str) -> bool:
        known = self.decode(encoded)
        return self.encode(password, known["salt"], known["iterations"]) == encoded

    def must_update(self, encoded: str) -> bool:
        return bool(self.decode(encoded)["iterations"] != self.iterations)

    def harden_runtime(self, password: str, encoded: str) -> None:
        known = self.decode(encoded)
        if known["iterations"] < self.iterations:
            self.encode(password, known["salt"], self.iterations - known["iterations"])


class First(Counting):
    algorithm = "first"


class Second(Counting):
    algorithm = "second"


class Third(Counting):
    algorithm = "third"


class Unlisted(Counting):
    algorithm = "unlisted"


class Missing(Counting):
    """Its library is not installed. It fails as Django's own hashers do then."""

    algorithm = "missing"
    library = "no_such_library"

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        self._load_library()  # type: ignore[attr-defined]
        raise AssertionError


ALL_OF_THEM = ["First", "Second", "Third"]
HASHES = {
    "nobody": None,
    "the first": First().encode("horse-staple-9", "salt"),
    "the first, of fewer rounds": First().encode("horse-staple-9", "salt", 30),
    "another": Second().encode("horse-staple-9", "salt"),
    "another, of fewer rounds": Second().encode("horse-staple-9", "salt", 30),
    "the last, of fewer rounds": Third().encode("horse-staple-9", "salt", 1),
    "of a hasher that is accepted no more": Unlisted().encode("horse-staple-9", "salt"),
    "unusable": "!no password",
    "empty": "",
    "gibberish": "gibberish",
    "gibberish with dollars": "$$$",
    "pbkdf2 where that is not accepted": PBKDF2PasswordHasher().encode("horse-staple-9", "salt", 1),
}


@pytest.fixture
def counting(settings: Settings) -> Counter[str]:
    settings.PASSWORD_HASHERS = [f"{__name__}.{name}" for name in ALL_OF_THEM]
    Counting.rounds.clear()
    return Counting.rounds


def user_with(encoded: str | None) -> None:
    if encoded is not None:
        User.objects.create(username="ming", mobile=MOBILE, password=encoded)


@pytest.mark.parametrize("name", ["ming", MOBILE])
@pytest.mark.parametrize("kind", HASHES)
def test_threat_47_a_wrong_password_costs_one_run_of_every_hasher(counting: Counter[str], kind: str, name: str) -> None:
    """The cost is the same for each kind of hash, and also when there is no account."""
    user_with(HASHES[kind])
    counting.clear()
    assert sign_in(name) == ("credentials_invalid", None)
    assert counting == {"first": 100, "second": 100, "third": 100}


@pytest.mark.parametrize("kind", ["nobody", "another", "unusable", "gibberish"])
def test_threat_47_a_hasher_whose_library_is_missing_is_skipped(
    counting: Counter[str], settings: Settings, kind: str
) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.{name}" for name in ("First", "Missing", "Second", "Third")]
    user_with(HASHES[kind])
    counting.clear()
    assert sign_in("ming") == ("credentials_invalid", None)
    assert counting == {"first": 100, "second": 100, "third": 100}


def test_threat_47_an_account_whose_hasher_has_no_library_is_like_any_other(
    counting: Counter[str], settings: Settings
) -> None:
    """It was an error 500, which showed who has an account."""
    settings.PASSWORD_HASHERS = [f"{__name__}.{name}" for name in ("First", "Missing", "Second", "Third")]
    user_with("missing$salt$hash")
    counting.clear()
    assert sign_in("ming") == ("credentials_invalid", None)
    assert counting == {"first": 100, "second": 100, "third": 100}
    with pytest.raises(PasswordWrong):
        accounts.check_password(User.objects.get(), PASSWORD, ADDRESS)


def test_threat_47_a_disabled_account_costs_the_same(counting: Counter[str]) -> None:
    user_with(HASHES["another"])
    User.objects.update(is_active=False)
    counting.clear()
    assert sign_in("ming") == ("credentials_invalid", None)
    assert counting == {"first": 100, "second": 100, "third": 100}


def test_a_right_password_costs_its_own_hasher_and_the_first_once(counting: Counter[str]) -> None:
    user_with(HASHES["the first"])
    counting.clear()
    assert sign_in("ming", PASSWORD) == ("signed_in", None)
    assert counting == {"first": 100}
    User.objects.update(password=HASHES["another"])
    counting.clear()
    assert sign_in("ming", PASSWORD) == ("signed_in", None)
    assert counting == {"second": 100, "first": 100}  # the password was hashed again


def test_at_the_bind_who_has_the_account_is_known_and_nothing_more_is_hashed(counting: Counter[str]) -> None:
    user_with(HASHES["another"])
    counting.clear()
    guess(User.objects.get(), 1)
    assert counting == {"second": 100}


# ---------------------------------------------------------------- disabled, old, locked


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
    phonebind(limits={"password_bind": (1, 5), "password_name": (1, 5)})
    guess(ming, 1)
    assert sign_in("ming") == ("credentials_invalid", None)
    with pytest.raises(TooManyAttempts) as refused:
        accounts.check_password(ming, PASSWORD, ADDRESS)
    assert refused.value.retry_after in range(1, 6)
    assert sign_in("ming", PASSWORD)[0] == "too_many_attempts"
    with store.connection() as client:
        assert client.pexpire(limits.key("password_bind", str(ming.pk)), 1)
        assert client.pexpire(limits.key("password_name", "ming"), 1)
    time.sleep(0.01)
    accounts.check_password(ming, PASSWORD, ADDRESS)
    assert sign_in("ming", PASSWORD) == ("signed_in", None)


@pytest.mark.parametrize("username", [MOBILE, "nobody"])
def test_of_two_locks_the_addresss_is_told(ming: User, username: str) -> None:
    """A client at a locked address does not learn which accounts are locked too."""
    limits.take(*[("password_name", username)] * 5)
    limits.take(*[("password_address", ADDRESS)] * 50)
    with store.connection() as client:
        assert client.expire(limits.key("password_name", username), 100)
    with pytest.raises(TooManyAttempts) as refused:
        accounts.authenticate(username, PASSWORD, ADDRESS)
    assert refused.value.retry_after in range(800, 901)


# ---------------------------------------------------------------- no free slot to hash


def stored() -> dict[bytes, object]:
    """Everything that Valkey stores, without its lifetime."""
    with store.connection() as client:
        return {key: client.hgetall(key) for key in client.scan_iter()}


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
@pytest.mark.parametrize("name", ["ming", MOBILE, "nobody", "13900000009"])
def test_who_finds_no_place_is_told_so_and_it_costs_nothing(ming: User, busy: Busy, name: str, password: str) -> None:
    """The answer is the same with and without such a user, and for a right and a wrong password."""
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
            new(MOBILE, PASSWORD)
        with pytest.raises(Invalid):
            new(MOBILE, "password1")
    assert new(MOBILE, PASSWORD).check_password(PASSWORD)


def test_nobody_holds_a_place_longer_than_they_hash(ming: User, busy: Busy) -> None:
    """If one of these kept its slot, the next would find none."""
    for name, password in (("ming", PASSWORD), ("ming", "wrong"), ("nobody", PASSWORD)) * 2:
        with suppress(CredentialsInvalid):
            accounts.authenticate(name, password, ADDRESS)
    new("13900000002", PASSWORD)
    with busy():
        pass


@pytest.mark.parametrize("name", ["ming", "nobody"])
def test_whoever_hashes_has_a_place(
    ming: User, busy: Busy, name: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    free: list[bool] = []

    def encoded(self: Counting, password: str, salt: str, iterations: int | None = None) -> str:
        try:
            with busy():
                free.append(True)
        except ServerBusy:
            free.append(False)
        return "first$100$salt$hash"

    settings.PASSWORD_HASHERS = [f"{__name__}.First", f"{__name__}.Second"]
    monkeypatch.setattr(Counting, "encode", encoded)
    assert sign_in(name) == ("credentials_invalid", None)
    new("13900000002", PASSWORD)
    assert free == [False, False, False]


# ---------------------------------------------------------------- accounts that the host creates


def test_a_factory_makes_new_accounts(phonebind: Configure, db: None) -> None:
    seen: list[Any] = []

    def factory(request: Any, identity: Identity, fields: dict[str, Any]) -> User:
        seen.append((request.path, identity.openid, fields))
        return User(**fields, first_name=identity.nickname or "nobody")

    phonebind(account_factory=factory)
    user = new(MOBILE, PASSWORD)
    assert seen == [("/", "O", {"mobile": MOBILE, "username": MOBILE})]
    assert (user.first_name, user.check_password(PASSWORD), user.pk) == ("nobody", True, None)


def test_a_factory_may_refuse_somebody(phonebind: Configure, db: None) -> None:
    def factory(*_: Any) -> User:
        raise ValidationError("by invitation only")

    phonebind(account_factory=factory)
    with pytest.raises(Invalid) as caught:
        new(MOBILE, PASSWORD)
    assert caught.value.errors == {"mobile": ["by invitation only"]}


@pytest.mark.parametrize("made", [None, "user", User()], ids=["nothing", "a text", "one that is saved"])
def test_a_factory_that_makes_no_new_account_is_told_so(phonebind: Configure, db: None, made: Any) -> None:
    if isinstance(made, User):
        made = User.objects.create_user(username="saved")
    phonebind(account_factory=lambda *_: made)
    with pytest.raises(TypeError, match="not saved yet"):
        new(MOBILE, PASSWORD)


@pytest.mark.parametrize("length", [7, 21])
def test_a_new_password_has_8_to_20_characters(phonebind: Configure, db: None, length: int) -> None:
    with pytest.raises(Invalid) as caught:
        new(MOBILE, ("x7" * length)[:length])
    assert list(caught.value.errors) == ["password"]


def test_a_mobile_in_another_form(phonebind: Configure, db: None) -> None:
    phonebind(mobile_field="first_name", mobile_format="+86-{}")
    user = new(MOBILE, PASSWORD)
    user.save()
    assert user.first_name == f"+86-{MOBILE}"
    assert accounts.find(MOBILE) == user
    assert accounts.mobile_of(user) == MOBILE
    user.first_name = "+1 555 0100"
    assert accounts.mobile_of(user) == ""


def test_who_has_no_name_is_called_by_the_mobile() -> None:
    assert accounts.name_of(User(username="", mobile=MOBILE)) == MOBILE
    assert accounts.name_of(User(username="", mobile=None)) == ""
    assert accounts.name_of(User(username="anne", mobile=MOBILE)) == "anne"


@pytest.mark.parametrize(("stored", "expected"), [("", False), (None, False), ("!abc", False), ("pbkdf2$x", True)])
def test_who_has_a_password(stored: str | None, expected: bool) -> None:
    assert accounts.has_password(User(password=cast("Any", stored))) is expected


@pytest.mark.parametrize(
    ("fields", "forbids", "expected"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"password": "pbkdf2$x"}, False, True),
        ({"is_staff": True}, False, True),
        ({"is_superuser": True}, False, True),
    ],
)
def test_threat_3_an_sms_alone_opens_no_operators_account(
    phonebind: Configure, fields: dict[str, Any], forbids: bool, expected: bool
) -> None:
    """An SMS alone does not sign in to an operator's account without a password (``createsuperuser --noinput``)."""
    phonebind(bind_without_password=not forbids)
    assert accounts.needs_password(User(**{"password": "!", **fields})) is expected


def test_a_model_without_passwords_knows_no_right_one(ming: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ming.password = cast("Any", None)
    with pytest.raises(PasswordWrong):
        accounts.check_password(ming, PASSWORD, ADDRESS)


def test_a_new_hash_that_cannot_be_saved_keeps_nobody_out(
    ming: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """The model validates itself when it is saved, and an old row is not valid."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]

    def save(*args: Any, **kwargs: Any) -> None:
        raise ValidationError("no city")

    monkeypatch.setattr(User, "save", save)
    accounts.check_password(ming, PASSWORD, ADDRESS)
    with pytest.raises(PasswordWrong):
        accounts.check_password(User.objects.get(pk=ming.pk), "another", ADDRESS)


def test_a_factory_that_comes_second_is_asked_again(phonebind: Configure, ming: User) -> None:
    """The factory validates what it makes, and another request was faster. That is not a fault of this person."""

    def factory(*_: Any) -> User:
        raise ValidationError({"mobile": "is taken"})

    phonebind(account_factory=factory)
    with pytest.raises(ValidationError):
        new(str(ming.mobile), PASSWORD)
