"""The pair of JWTs."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import coverage
import jwt
import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AbstractUser
from django.test import RequestFactory
from pytest_django import Settings
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from phonebind import accounts, audit, revocation, store, tokens
from phonebind.exceptions import AccountDisabled, StorageUnavailable, TokenInvalid
from server.processes import Valkey
from server.users.models import User
from tests.support.edge import Configure
from tests.support.racers import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> AbstractUser:
    user = get_user_model()(username="li", mobile="13900000001", password="!")
    user.save()
    return user


def owner(token: str) -> object:
    return JWTAuthentication().get_user(JWTAuthentication().get_validated_token(token.encode()))


def test_the_token_is_an_access_token_of_the_user(user: AbstractUser) -> None:
    pair = tokens.issue(user)
    assert set(pair) == {"token", "refresh"}
    assert owner(pair["token"]) == user


def test_a_refresh_token_gives_another_pair(user: AbstractUser) -> None:
    first = tokens.issue(user)
    time.sleep(0.001)
    second = tokens.refresh(first["refresh"])
    assert owner(second["token"]) == user
    assert second["refresh"] != first["refresh"]
    assert tokens.refresh(second["refresh"])


def forged(user: AbstractUser) -> str:
    return jwt.encode(dict(RefreshToken.for_user(user).payload), "x" * 32, algorithm="HS256")


def unsigned(user: AbstractUser) -> str:
    return jwt.encode(dict(RefreshToken.for_user(user).payload), "", algorithm="none")


def of_nobody(user: AbstractUser) -> str:
    return str(RefreshToken())


def of_another(user: AbstractUser) -> str:
    token = RefreshToken.for_user(user)
    token[api_settings.USER_ID_CLAIM] = "4711"
    return str(token)


def an_access_token(user: AbstractUser) -> str:
    return str(AccessToken.for_user(user))


@pytest.mark.parametrize("make", [forged, unsigned, of_nobody, of_another, an_access_token])
def test_other_tokens_are_refused(user: AbstractUser, make: Callable[[AbstractUser], str]) -> None:
    with pytest.raises(TokenInvalid):
        tokens.refresh(make(user))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "....", "eyJ9.e30.", "\x00", "ＡＢ"], ids=ascii)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens.refresh(token)


def test_an_old_token_is_refused(user: AbstractUser) -> None:
    refresh = tokens.issue(user)["refresh"]
    with time_machine.travel(api_settings.REFRESH_TOKEN_LIFETIME + timedelta(seconds=1)), pytest.raises(TokenInvalid):
        tokens.refresh(refresh)


def test_a_deleted_user_is_nobody(user: AbstractUser) -> None:
    refresh = tokens.issue(user)["refresh"]
    user.delete()
    with pytest.raises(TokenInvalid):
        tokens.refresh(refresh)


@pytest.mark.parametrize("theirs", [True, False])
def test_threat_7_a_disabled_account_gets_no_new_pair(
    user: AbstractUser, theirs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the host has turned simplejwt's own check off."""
    monkeypatch.setattr(api_settings, "CHECK_USER_IS_ACTIVE", theirs)
    refresh = tokens.issue(user)["refresh"]
    get_user_model().objects.update(is_active=False)
    with pytest.raises(AccountDisabled):
        tokens.refresh(refresh)


def test_a_changed_password_ends_it_where_the_host_wants_that(
    user: AbstractUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_settings, "CHECK_REVOKE_TOKEN", True)
    refresh = tokens.refresh(tokens.issue(user)["refresh"])["refresh"]
    get_user_model().objects.update(password="changed past save()")
    with pytest.raises(TokenInvalid):
        tokens.refresh(refresh)


# ---------------------------------------------------------------- a refresh token is used once


def test_threat_46_a_refresh_token_serves_once(user: AbstractUser) -> None:
    first = tokens.issue(user)["refresh"]
    second = tokens.refresh(first)["refresh"]
    with pytest.raises(TokenInvalid):
        tokens.refresh(first)
    assert tokens.refresh(second)


def test_threat_46_another_spelling_is_the_same_token(user: AbstractUser) -> None:
    """Base64 has spare bits in the last character: several spellings are the same signature."""
    token = tokens.issue(user)["refresh"]
    tokens.refresh(token)
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=":
        for spelling in (token[:-1] + last, token + last):
            with pytest.raises(TokenInvalid):
                tokens.refresh(spelling)


@pytest.mark.django_db(transaction=True)
def test_threat_46_of_forty_at_once_one_succeeds(user: AbstractUser) -> None:
    for _ in range(3):
        token = tokens.issue(user)["refresh"]

        def refresh(token: str = token) -> bool:
            try:
                return bool(tokens.refresh(token))
            except TokenInvalid:
                return False

        assert sum(together(refresh, [()] * 40)) == 1


def test_threat_46_a_refresh_that_failed_used_nothing_up(user: AbstractUser, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tokens.issue(user)["refresh"]
    with monkeypatch.context() as patch:
        patch.setattr(tokens, "_pair", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tokens.refresh(token)
    assert tokens.refresh(token)


def test_threat_20_without_valkey_a_refresh_token_waits(user: AbstractUser, valkey: Valkey) -> None:
    token = tokens.issue(user)["refresh"]
    valkey.stop()
    with pytest.raises(StorageUnavailable):
        tokens.refresh(token)
    valkey.start()
    assert tokens.refresh(token)


# ---------------------------------------------------------------- an end to all sessions


def test_threat_46_a_chain_ends_ninety_days_after_its_sign_in(user: AbstractUser) -> None:
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as clock:
        refresh, days = tokens.issue(user)["refresh"], 0
        for _ in range(40):
            clock.shift(timedelta(days=7))
            try:
                refresh = tokens.refresh(refresh)["refresh"]
            except TokenInvalid:
                break
            days += 7
            lives = jwt.decode(refresh, options={"verify_signature": False})["exp"] - time.time()
            assert 0 < lives <= min(14, 90 - days) * 86_400
        assert days == 84


def test_a_site_sets_its_own_end(user: AbstractUser, phonebind: Configure) -> None:
    phonebind(sign_in_max_age=3600)
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as clock:
        refresh = tokens.issue(user)["refresh"]
        clock.shift(1800)
        refresh = tokens.refresh(refresh)["refresh"]
        clock.shift(1800)
        with pytest.raises(TokenInvalid):
            tokens.refresh(refresh)


def test_an_access_token_ends_with_its_chain(user: AbstractUser, phonebind: Configure) -> None:
    phonebind(sign_in_max_age=3600)
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as clock:
        refresh = tokens.issue(user)["refresh"]
        clock.shift(1800)
        access = tokens.refresh(refresh)["token"]
        assert jwt.decode(access, options={"verify_signature": False})["exp"] == time.time() + 1800


def test_threat_46_the_end_holds_where_it_was_set_shorter(user: AbstractUser, phonebind: Configure) -> None:
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as clock:
        refresh = tokens.issue(user)["refresh"]
        phonebind(sign_in_max_age=3600)
        clock.shift(3600)
        with pytest.raises(TokenInvalid):
            tokens.refresh(refresh)


def test_a_token_from_before_there_was_an_end_counts_from_its_issue(user: AbstractUser) -> None:
    assert tokens.refresh(str(RefreshToken.for_user(user)))
    odd = RefreshToken.for_user(user)
    odd[tokens.AUTH_TIME] = "yesterday"
    with pytest.raises(TokenInvalid):
        tokens.refresh(str(odd))


# ---------------------------------------------------------------- after the end


def disable(user: AbstractUser) -> None:
    user.is_active = False
    user.save()
    user.is_active = True
    user.save()


def change_password(user: AbstractUser) -> None:
    user.set_password("another-9")
    user.save()


class Proxy(User):
    class Meta:
        proxy = True
        app_label = "users"


def change_password_as_a_proxy(user: AbstractUser) -> None:
    change_password(Proxy.objects.get(pk=user.pk))


ENDS = [disable, change_password, change_password_as_a_proxy]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.django_db(transaction=True)
def test_threat_46_disabling_and_a_new_password_end_every_chain(
    user: AbstractUser, end: Callable[[AbstractUser], None]
) -> None:
    chains = [tokens.issue(user)["refresh"], tokens.refresh(tokens.issue(user)["refresh"])["refresh"]]
    access = tokens.issue(user)["token"]
    end(user)
    for refresh in chains:
        with pytest.raises(TokenInvalid):
            tokens.refresh(refresh)
    with pytest.raises(AuthenticationFailed):
        accepted(access)
    # A new sign-in starts at once, even in the same millisecond.
    new = tokens.issue(user)
    assert accepted(new["token"]) == user
    assert tokens.refresh(new["refresh"])


@pytest.mark.django_db(transaction=True)
def test_threat_46_a_new_hash_of_the_same_password_ends_nothing(user: AbstractUser, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    user.password = make_password("horse-staple-9", hasher="pbkdf2_sha256")
    user.save()
    elsewhere = tokens.issue(user)["refresh"]
    assert accounts.authenticate("li", "horse-staple-9", "192.0.2.1") == user
    user.refresh_from_db()
    assert user.password.startswith("md5$")
    assert tokens.refresh(elsewhere)


def test_saving_a_user_ends_nothing(user: AbstractUser) -> None:
    refresh = tokens.issue(user)["refresh"]
    user.first_name = "Ming"
    user.save()
    assert tokens.refresh(refresh)


def test_threat_46_in_an_outage_the_operator_hears_that_tokens_were_not_ended(
    user: AbstractUser, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    valkey.stop()
    change_password(user)
    assert f"phonebind.revocation.revoke({user.pk})" in caplog.text
    assert "ERROR" in caplog.text
    valkey.start()
    user.refresh_from_db()
    assert user.check_password("another-9")


def test_threat_46_a_sign_in_that_overlaps_the_end_is_ended_too(user: AbstractUser) -> None:
    """The sign-in has read the user before the end, and issues its tokens after it."""
    request = RequestFactory().post("/authorizations/")
    began = audit.began(request)
    revocation.revoke(user.pk)
    pair = tokens.issue(user, audit.began(request))
    assert audit.began(request) == began
    with pytest.raises(TokenInvalid):
        tokens.refresh(pair["refresh"])


def test_threat_46_a_clock_that_is_behind_moves_no_end_back(user: AbstractUser) -> None:
    token = tokens.issue(user)["refresh"]
    revocation.revoke(user.pk)
    with time_machine.travel(datetime.now(UTC) - timedelta(seconds=5)):
        revocation.revoke(user.pk)
    with pytest.raises(TokenInvalid):
        tokens.refresh(token)


def test_threat_46_an_end_is_known_as_long_as_anything_that_began_before(
    user: AbstractUser, settings: Settings
) -> None:
    for seconds in (60, 400 * 86_400):
        settings.SESSION_COOKIE_AGE = seconds
        revocation.revoke(user.pk)
        with store.connection() as client:
            [key] = client.keys("*:ended")
            assert client.ttl(key) > max(seconds, 90 * 86_400)


def test_a_host_without_a_store_saves_its_users(
    user: AbstractUser, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """The host's own tests may run without one."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    change_password(user)
    disable(user)
    assert "were not ended" in caplog.text


# ---------------------------------------------------------------- access tokens


def accepted(token: str) -> object:
    request = APIRequestFactory().get("/", headers={"Authorization": f"Bearer {token}"})
    found = tokens.Authentication().authenticate(Request(request))
    assert found
    return found[0]


def test_an_access_token_is_taken(user: AbstractUser) -> None:
    assert accepted(tokens.issue(user)["token"]) == user
    assert accepted(str(AccessToken.for_user(user))) == user


def test_an_access_token_that_began_at_no_time_is_none(user: AbstractUser) -> None:
    odd = AccessToken.for_user(user)
    odd[tokens.AUTH_TIME] = "yesterday"
    with pytest.raises(AuthenticationFailed):
        accepted(str(odd))


def test_threat_46_a_used_token_is_known_until_it_has_expired(user: AbstractUser) -> None:
    token = tokens.issue(user)["refresh"]
    tokens.refresh(token)
    with store.connection() as client:
        [key] = client.keys("*:used:*")
        assert client.ttl(key) > api_settings.REFRESH_TOKEN_LIFETIME.total_seconds()


def test_without_valkey_no_access_token_is_taken_for_good(user: AbstractUser, valkey: Valkey) -> None:
    token = tokens.issue(user)["token"]
    valkey.stop()
    with pytest.raises(APIException) as refused:
        accepted(token)
    assert refused.value.status_code == 503


def test_the_reference_server_asks() -> None:
    assert django_settings.REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"] == ["phonebind.tokens.Authentication"]


# ---------------------------------------------------------------- with simplejwt's blacklist


USED_UP = """
import django
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
from rest_framework_simplejwt.tokens import RefreshToken
from phonebind import store, tokens
from phonebind.exceptions import TokenInvalid
call_command("migrate", verbosity=0)
old = tokens.issue(get_user_model().objects.create(username="li"))["refresh"]
new = tokens.refresh(old)["refresh"]
try:
    tokens.refresh(old)
except TokenInvalid:
    newer = tokens.refresh(new)["refresh"]
    print("used up")
# Another process writes it down at the same moment, and the store has forgotten.
with store.connection() as client:
    client.flushall()
RefreshToken.check_blacklist = lambda token: None
try:
    tokens.refresh(new)
except TokenInvalid:
    print("twice")
tokens.refresh(newer)
"""


def test_with_the_blacklist_a_refresh_token_serves_once() -> None:
    """In another process: simplejwt looks for that app once, when it is imported."""
    root = Path(__file__).parents[1]
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.support.blacklist_settings"}
    if measuring := coverage.Coverage.current():
        environ["COVERAGE_PROCESS_START"] = str(root / "pyproject.toml")
        environ["COVERAGE_FILE"] = str(measuring.get_option("run:data_file"))
    script = "import coverage; coverage.process_startup()\n" + USED_UP
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
    assert done.stdout == "used up\ntwice\n", done.stderr
    assert "rest_framework_simplejwt.token_blacklist" not in django_settings.INSTALLED_APPS


# ---------------------------------------------------------------- what the host has set for simplejwt


class Claiming(TokenObtainPairSerializer):
    """A class that a host derives from simplejwt's own, to have its own claims in every token."""

    @classmethod
    def get_token(cls, user: Any) -> Any:
        token = super().get_token(user)
        token["nickname"] = user.first_name
        return token


def has_no_letters(user: AbstractUser) -> bool:
    return user.is_active and not user.first_name


def test_the_hosts_own_claims_are_in_every_token(user: AbstractUser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_settings, "TOKEN_OBTAIN_SERIALIZER", f"{__name__}.Claiming")
    user.first_name = "小明"
    user.save()
    pair = tokens.issue(user)
    again = tokens.refresh(pair["refresh"])
    for token in (pair["token"], again["token"], again["refresh"]):
        claims = jwt.decode(token, options={"verify_signature": False})
        assert (claims["nickname"], "auth_time" in claims) == ("小明", True)


def test_a_sign_in_is_written_down_where_the_host_wants_that(
    user: AbstractUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = tokens.issue(user)
    user.refresh_from_db()
    assert user.last_login is None
    monkeypatch.setattr(api_settings, "UPDATE_LAST_LOGIN", True)
    tokens.refresh(pair["refresh"])
    user.refresh_from_db()
    assert user.last_login is None
    tokens.issue(user)
    user.refresh_from_db()
    assert user.last_login is not None


def test_threat_7_whom_the_hosts_own_rule_refuses_stays_out(user: AbstractUser, settings: Settings) -> None:
    settings.SIMPLE_JWT = {"USER_AUTHENTICATION_RULE": f"{__name__}.has_no_letters"}
    accounts.check_enabled(user)
    pair = tokens.issue(user)
    user.first_name = "refused"
    user.save()
    with pytest.raises(AccountDisabled):
        accounts.check_enabled(user)
    with pytest.raises(AccountDisabled):
        tokens.refresh(pair["refresh"])
