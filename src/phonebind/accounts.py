"""The user who owns a mobile: found, made, and held to a password."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, cast

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.crypto import get_random_string

from phonebind import limits, slots
from phonebind.conf import conf
from phonebind.exceptions import AccountDisabled, CredentialsInvalid, Invalid, PasswordWrong, ServerBusy
from phonebind.models import release_connection, validate_mobile


def find(mobile: str) -> AbstractBaseUser | None:
    """The user whose mobile this is."""
    return _get(**{conf.mobile_field: mobile})


def new(mobile: str, password: str) -> AbstractBaseUser:
    """An account for this mobile, ready to be saved: the password is validated and hashed, the username is the mobile.

    Raises Invalid with what ``AUTH_PASSWORD_VALIDATORS`` says; ServerBusy.
    """
    model = get_user_model()
    user = model(**{model.USERNAME_FIELD: _free_username(mobile), conf.mobile_field: mobile})
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid({"password": error.messages}) from None
    with _hashing():
        user.set_password(password)
    return user


def check_password(user: AbstractBaseUser, password: str, address: str) -> None:
    """Raises PasswordWrong, TooManyAttempts for the account or the address, or ServerBusy; then AccountDisabled."""
    if not _is_right(lambda: user.check_password(password), str(user.pk), address):
        raise PasswordWrong
    check_enabled(user)


def authenticate(username: str, password: str, address: str) -> AbstractBaseUser:
    """The user with this username or mobile and password.

    Raises CredentialsInvalid, which does not tell whether there is such a user; TooManyAttempts; ServerBusy;
    AccountDisabled.
    """
    user = _by_login(username)
    if user is None:
        # The same way as for a user, so that neither the clock nor `retry_after` tells.
        _is_right(lambda: get_user_model()().set_password(password), f"-{username}", address)
        raise CredentialsInvalid
    try:
        check_password(user, password, address)
    except PasswordWrong:
        raise CredentialsInvalid from None
    return user


def check_enabled(user: AbstractBaseUser) -> None:
    """The gate on every way in. Raises AccountDisabled."""
    if not user.is_active:
        raise AccountDisabled


def _is_right(check: Callable[[], bool | None], account: str, address: str) -> bool:
    """Whether ``check``, which hashes, says so. Every other answer counts against the account and the address."""
    claims = (("password_address", address), ("password_account", account))
    limits.try_out(*claims)
    try:
        with _hashing():
            right = bool(check())
    except ServerBusy:
        limits.give_back(*claims)
        raise
    settle = limits.give_back if right else limits.count
    settle(*claims)
    return right


def _hashing() -> AbstractContextManager[None]:
    release_connection()
    return slots.HASHING.take(conf.hash_slots)


def _by_login(username: str) -> AbstractBaseUser | None:
    try:
        validate_mobile(username)
    except ValidationError:
        return _get(**{get_user_model().USERNAME_FIELD: username})
    # The owner of a mobile comes before someone who took it for a username.
    return find(username) or _get(**{get_user_model().USERNAME_FIELD: username})


def _free_username(mobile: str) -> str:
    """The mobile; with a suffix where someone without this mobile took it for a username."""
    model = get_user_model()
    if conf.mobile_field == model.USERNAME_FIELD:
        return mobile
    taken = model._base_manager.filter(**{model.USERNAME_FIELD: mobile}).exists()
    return f"{mobile}_{get_random_string(6)}" if taken else mobile


def _get(**lookup: Any) -> AbstractBaseUser | None:
    # Both fields are unique. Not first(): to sort one row takes the ORM a fifth of the time.
    found = get_user_model()._base_manager.filter(**lookup)[:1]
    return cast("AbstractBaseUser | None", next(iter(found), None))
