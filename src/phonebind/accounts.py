"""The user who owns a mobile: find it, make it, and check its password."""

from contextlib import AbstractContextManager, suppress
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import check_password as check_hash
from django.contrib.auth.hashers import get_hashers, identify_hasher, is_password_usable
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import EmailField, Manager, QuerySet
from django.forms import Field
from django.http import HttpRequest
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from phonebind import databases, limits, mobiles, slots
from phonebind.conf import conf, function
from phonebind.exceptions import AccountDisabled, CredentialsInvalid, Invalid, PasswordWrong, Text
from phonebind.models import release_connection
from phonebind.oauth import Identity

#: Characters of a new password. Existing passwords may be shorter or longer.
PASSWORD_LENGTH = range(8, 21)
#: Characters. No password is longer, so hashing it would be a waste.
PASSWORD_MAX = 4096
REQUIRED = Field.default_error_messages["required"]
PASSWORD_MESSAGE = _("The password must have 8 to 20 characters.")


def find(mobile: str) -> AbstractBaseUser | None:
    """The user with this mobile."""
    return _get(**{conf.mobile_field: stored(mobile)})


def mobile_of(user: Any) -> str:
    """The user's mobile as 11 digits, in whatever form the model stores it; "" without a mobile."""
    held = getattr(user, conf.mobile_field, None)
    return _national(held) if held else ""


def name_of(user: AbstractBaseUser) -> str:
    """The username, or the mobile where the model's username may be empty."""
    return str(user.get_username() or mobile_of(user))


def new(
    request: HttpRequest, identity: Identity | None, mobile: str, password: str | None, username: str = ""
) -> AbstractBaseUser:
    """A new account for this mobile, ready to be saved. The password is validated and hashed. Without a ``username``,
    the username is the mobile.

    ``ACCOUNT_FACTORY`` makes it, if set. ``identity`` is None for a person who registers without one. ``password`` is
    None for an account without a password. Raises Invalid: the password has the wrong length, or
    ``AUTH_PASSWORD_VALIDATORS`` or the factory refuse something; ValidationError if the mobile has an account by now;
    ServerBusy.
    """
    if password is None and not conf.bind_without_password:
        # Such an account could never be bound again.
        raise Invalid({"password": [REQUIRED]})
    if password is not None:
        check_length(password)
    try:
        user = _made(request, identity, _fields(mobile, username))
    except ValidationError as error:
        if find(mobile) is not None:
            # Another request was faster, perhaps a second click of the same person.
            raise
        raise Invalid({"mobile": error.messages}) from None
    if password is None:
        user.set_unusable_password()
    else:
        set_password(user, password)
    return user


def check_length(password: str) -> None:
    """Check the length of a new password. Raises Invalid."""
    if len(password) not in PASSWORD_LENGTH:
        raise Invalid({"password": [PASSWORD_MESSAGE]})


def set_password(user: AbstractBaseUser, password: str) -> None:
    """Validate and hash it like that of a new account. ``user`` is not saved. Raises Invalid, ServerBusy."""
    check_length(password)
    try:
        validate_password(password, cast("Any", user))
    except ValidationError as error:
        raise Invalid({"password": [_weakness(each) for each in error.error_list]}) from None
    with _hashing():
        user.set_password(password)


def has_password(user: AbstractBaseUser) -> bool:
    """Whether the account has a usable password. People who sign in by SMS have none."""
    return bool(user.password) and user.has_usable_password()


def needs_password(user: AbstractBaseUser) -> bool:
    """Whether an SMS code alone is not enough to bind this account: it has a password, or it needs a second way."""
    return has_password(user) or needs_second_way(user)


def needs_second_way(user: AbstractBaseUser) -> bool:
    """Whether no SMS alone is enough for this account, whatever is known about the number: it is an operator's; or it
    has no password, and the host does not bind such accounts.
    """
    return is_operator(user) or not (conf.bind_without_password or has_password(user))


def is_operator(user: AbstractBaseUser) -> bool:
    """Whether the account is staff or a superuser: more than one customer's data is at risk."""
    return bool(getattr(user, "is_staff", False) or getattr(user, "is_superuser", False))


def _weakness(error: ValidationError) -> Text:
    """A validator's message. It may name the username, but the person has only entered the mobile."""
    named = (error.params or {}).get("verbose_name")
    if error.code == "password_too_similar" and named == _field_name(get_user_model().USERNAME_FIELD):
        return _("The password is too similar to the mobile number.")
    return error.messages[0]


def _field_name(field: str) -> str:
    return str(cast("Any", get_user_model()._meta.get_field(field)).verbose_name)


def signs_in_by_password(user: AbstractBaseUser) -> bool:
    """Whether the account has a password, and a name that finds this account."""
    named = (_by_login(name) for name in (user.get_username(), mobile_of(user)) if name)
    return has_password(user) and any(found is not None and found.pk == user.pk for found in named)


def check_password(
    user: AbstractBaseUser, password: str | None, address: str, *, counted: str = "password_bind"
) -> None:
    """For people who have proved the account's mobile. Their wrong passwords are counted apart from those of a sign-in
    by password. Otherwise a person who merely knows a mobile could keep its owner from the first bind. ``counted``: the
    limit by account, for people who have proved something else.

    Raises Invalid if there is no password, PasswordWrong, TooManyAttempts for the account or the address, or
    ServerBusy; then AccountDisabled.
    """
    if password is None:
        raise Invalid({"password": [REQUIRED]})
    claims = (("password_address", address), (counted, str(user.pk)))
    if not limits.attempt(lambda: _is_right(user, password), *claims):
        raise PasswordWrong
    check_enabled(user)


def authenticate(username: str, password: str, address: str) -> AbstractBaseUser:
    """The user with this username or mobile, and this password.

    Raises CredentialsInvalid, which does not tell whether such a user exists; TooManyAttempts; ServerBusy;
    AccountDisabled.
    """
    user = _by_login(username)
    # Otherwise each spelling of a number would have its own guesses.
    username = mobiles.clean(username)
    # A name without an account is counted in the same way, so that `retry_after` tells nothing.
    claims = (
        ("password_address", address),
        ("password_name", username),
        ("password_account", str(user.pk) if user else f"-{username}"),
    )
    if not limits.attempt(lambda: _is_right(user, password, alike=True), *claims) or user is None:
        raise CredentialsInvalid
    check_enabled(user)
    return user


def check_enabled(user: AbstractBaseUser) -> None:
    """Every sign-in passes here. Raises AccountDisabled: for inactive users, and for those that the host's manager
    hides or that the host's simplejwt rule (USER_AUTHENTICATION_RULE) refuses.
    """
    rule = getattr(settings, "SIMPLE_JWT", {}).get("USER_AUTHENTICATION_RULE")
    if not user.is_active or _is_hidden(user) or (rule and not function(rule)(user)):
        raise AccountDisabled


def may_hide() -> bool:
    """Whether the host's manager of users may hide some of them."""
    manager = get_user_model()._default_manager
    is_plain = type(manager).get_queryset is Manager.get_queryset and manager._queryset_class is QuerySet  # type: ignore[attr-defined]
    return not is_plain


def _is_hidden(user: AbstractBaseUser) -> bool:
    """Soft deletion leaves the row, and often does not change ``is_active``. Only a manager of the host is asked."""
    if not may_hide():
        return False
    manager = get_user_model()._default_manager
    return not manager.using(databases.primary(type(user))).filter(pk=user.pk).exists()


def _made(request: HttpRequest, identity: Identity | None, fields: dict[str, Any]) -> AbstractBaseUser:
    if not conf.account_factory:
        return get_user_model()(**fields)
    user = function(conf.account_factory)(request, identity, fields)
    if not isinstance(user, get_user_model()) or not user._state.adding:
        raise TypeError(f"ACCOUNT_FACTORY must return a {get_user_model().__name__} that is not saved yet")
    return user


def _fields(mobile: str, chosen: str) -> dict[str, Any]:
    """The fields of a new account: the mobile, and the username. The username is ``chosen``, or the mobile if none was
    chosen. It is left out where the model's username is an e-mail address.
    """
    fields = {conf.mobile_field: stored(mobile)}
    username = get_user_model()._meta.get_field(get_user_model().USERNAME_FIELD)
    if username.name not in fields and not isinstance(username, EmailField):
        fields[username.name] = chosen or free_username(mobile)
    return fields


def stored(mobile: str) -> Any:
    """11 digits in the form that the model stores, and that :func:`find` looks for."""
    form = conf.mobile_format
    return form.format(mobile) if isinstance(form, str) else function(form[0])(mobile)


def _national(held: Any) -> str:
    """The model's value as 11 digits; "" if it is no mobile of mainland China."""
    form = conf.mobile_format
    mobile = mobiles.clean(str(held)) if isinstance(form, str) else function(form[1])(held)
    return mobile if mobiles.is_mobile(mobile) else ""


def _is_right(user: AbstractBaseUser | None, password: str, *, alike: bool = False) -> bool:
    """Hash and compare. ``alike``: a wrong password runs every hasher that the site accepts once, and so does any
    password for a name without an account. Otherwise the time would tell who has an account, and whose hash is old.
    """
    with _hashing():
        if user is not None and not user.password:
            user = None  # There is nothing to compare with, and Django accepts None as a hash.
        try:
            right = user is not None and user.check_password(password)
        except ValueError:
            # The library of its hasher is not installed, so no hasher has run.
            right, user = False, None
        except ValidationError:
            # The password was right, and got a new hash. But the model validates itself in save(), and is not valid.
            right = user is not None and check_hash(password, user.password)
        if not right and alike:
            _run_other_hashers(user, password)
        return right


def _run_other_hashers(user: AbstractBaseUser | None, password: str) -> None:
    """The hashers that ``check_password`` has not run; and for the one that ran, the rounds that an old hash lacks."""
    first, *_ = hashers = get_hashers()
    has_run = None
    if user is not None:
        try:
            has_run = identify_hasher(user.password) if is_password_usable(user.password) else first
        except ValueError:
            has_run = first
        if has_run is not first:
            # For the first hasher, Django does this itself.
            has_run.harden_runtime(password, user.password)
    for hasher in hashers:
        if hasher is not has_run:
            # Some of Django's default hashers need a library that may not be installed.
            with suppress(ValueError):
                hasher.encode(password, hasher.salt())


def _hashing() -> AbstractContextManager[None]:
    release_connection()
    return slots.HASHING.take(conf.hash_slots)


def by_login(account: str) -> AbstractBaseUser | None:
    """The user with this username or mobile, found as in the sign-in by password. A name without an account takes as
    many queries.
    """
    mobile = mobiles.clean(account)
    if not mobiles.is_mobile(mobile):
        return _named(account)
    found = [find(mobile), *(_named(name) for name in dict.fromkeys((mobile, account)))]
    return next((user for user in found if user is not None), None)


def is_username_taken(username: str) -> bool:
    """Whether a user has it, by the database's comparison: another user with it could not be made."""
    try:
        return databases.people().filter(**{get_user_model().USERNAME_FIELD: username}).exists()
    except databases.MAY_REFUSE_TEXT as error:
        if not databases.refuses_text(error):
            raise
        return False


def _by_login(username: str) -> AbstractBaseUser | None:
    mobile = mobiles.clean(username)
    if not mobiles.is_mobile(mobile):
        return _named(username)
    # The owner of a mobile comes before a person who chose that number as a username, as cleaned or as typed.
    return find(mobile) or _named(mobile) or (_named(username) if username != mobile else None)


def _named(username: str) -> AbstractBaseUser | None:
    """Only an exact match counts. Some databases treat "１３８…" as "138…", and a lock would tell whose name it is."""
    field = get_user_model().USERNAME_FIELD
    try:
        user = _get(**{field: username})
    except databases.MAY_REFUSE_TEXT as error:
        if not databases.refuses_text(error):
            raise
        # A name that the database cannot store belongs to no user.
        return None
    return user if user is not None and getattr(user, field) == username else None


def free_username(mobile: str) -> str:
    """The mobile, with a suffix if another user chose it as a username."""
    taken = databases.people().filter(**{get_user_model().USERNAME_FIELD: mobile}).exists()
    return f"{mobile}_{get_random_string(6)}" if taken else mobile


def _get(**lookup: Any) -> AbstractBaseUser | None:
    # Both fields are unique. Not first(): sorting one row takes a fifth of the ORM's time.
    found = databases.people().filter(**lookup)[:1]
    return next(iter(found), None)
