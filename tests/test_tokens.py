"""The JWT pair."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import coverage
import jwt
import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from phonebind import tokens
from phonebind.exceptions import AccountDisabled, TokenInvalid

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
    """Also where the host has turned simplejwt's own check off."""
    monkeypatch.setattr(api_settings, "CHECK_USER_IS_ACTIVE", theirs)
    refresh = tokens.issue(user)["refresh"]
    get_user_model().objects.update(is_active=False)
    with pytest.raises(AccountDisabled):
        tokens.refresh(refresh)


def test_a_changed_password_ends_it_where_the_host_wants_that(
    user: AbstractUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_settings, "CHECK_REVOKE_TOKEN", True)
    refresh = tokens.issue(user)["refresh"]
    assert tokens.refresh(refresh)
    user.set_password("another-9")
    user.save()
    with pytest.raises(TokenInvalid):
        tokens.refresh(refresh)


USED_UP = """
import django
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
from phonebind import tokens
from phonebind.exceptions import TokenInvalid
call_command("migrate", verbosity=0)
old = tokens.issue(get_user_model().objects.create(username="li"))["refresh"]
new = tokens.refresh(old)["refresh"]
try:
    tokens.refresh(old)
except TokenInvalid:
    tokens.refresh(new)
    print("used up")
"""


def test_with_the_blacklist_a_refresh_token_serves_once() -> None:
    """In a process of its own: simplejwt looks for that app once, when it is imported."""
    root = Path(__file__).parents[1]
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.support.blacklist_settings"}
    if measuring := coverage.Coverage.current():
        environ["COVERAGE_PROCESS_START"] = str(root / "pyproject.toml")
        environ["COVERAGE_FILE"] = str(measuring.get_option("run:data_file"))
    script = "import coverage; coverage.process_startup()\n" + USED_UP
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
    assert done.stdout == "used up\n", done.stderr
    assert "rest_framework_simplejwt.token_blacklist" not in django_settings.INSTALLED_APPS
