"""System checks of the host's user model: whatever of it would make an error 500 at some customer is told here."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.core.exceptions import FieldDoesNotExist
from django.db import models, router
from django.utils.module_loading import import_string

from phonebind.conf import SETTING, conf

Messages = list[CheckMessage]

#: A mobile that is taken as a username by somebody else gets a suffix.
USERNAME_LENGTH = 18
_FACTORY_HINT = f"Give it a default, let it be null, or make new accounts yourself: {SETTING}['ACCOUNT_FACTORY']."


def check_mobile_field(**kwargs: Any) -> Messages:
    model, name = get_user_model(), conf.mobile_field
    problem, hint = "", ""
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        problem, hint = f" has no field {name!r}", "Inherit from phonebind.models.MobileUser, or set MOBILE_FIELD."
    else:
        length = len(conf.mobile_format.format("1" * 11)) if isinstance(conf.mobile_format, str) else 11
        if not isinstance(field, models.CharField) or (field.max_length or length) < length:
            problem = f".{name} must be a CharField for {length} characters"
        elif (name,) not in _unique_together(model):
            problem, hint = f".{name} must be unique", "Two accounts with one mobile could not be told apart."
    return [Error(f"{model._meta.label}{problem}.", hint=hint, id="phonebind.E003")] if problem else []


def check_username_field(**kwargs: Any) -> Messages:
    model = get_user_model()
    field = model._meta.get_field(model.USERNAME_FIELD)
    if field.name == conf.mobile_field:
        return []
    label = f"{model._meta.label}.USERNAME_FIELD"
    if isinstance(field, models.EmailField):
        if field.null or conf.account_factory:
            return []
        hint = f"New accounts have none: let it be null, or make them yourself: {SETTING}['ACCOUNT_FACTORY']."
        return [Error(f"{label} holds e-mail addresses that must not be empty.", hint=hint, id="phonebind.E006")]
    if isinstance(field, models.CharField) and (field.max_length or USERNAME_LENGTH) >= USERNAME_LENGTH:
        return []
    hint = "New accounts get their mobile as username, and six more characters where somebody else has that name."
    return [Error(f"{label} must be a CharField for {USERNAME_LENGTH} characters.", hint=hint, id="phonebind.E006")]


def check_tokens(**kwargs: Any) -> Messages:
    model, ours = get_user_model(), getattr(settings, "SIMPLE_JWT", {})
    name, serializer = ours.get("USER_ID_FIELD", "id"), ours.get("TOKEN_OBTAIN_SERIALIZER")
    found: Messages = []
    if not hasattr(model, name):
        message = f"SIMPLE_JWT['USER_ID_FIELD'] is {name!r}, and {model._meta.label} has no such field."
        found.append(Error(message, hint=f"Its primary key is {model._meta.pk.name!r}.", id="phonebind.E008"))
    if serializer:
        try:
            import_string(serializer).get_token  # noqa: B018 - what it lacks is told
        except (AttributeError, ImportError) as error:
            message = f"SIMPLE_JWT['TOKEN_OBTAIN_SERIALIZER'] makes no token: {error}."
            found.append(Error(message, hint="It needs a class method get_token(user).", id="phonebind.E008"))
    return found


def check_account_factory(**kwargs: Any) -> Messages:
    named = [("ACCOUNT_FACTORY", conf.account_factory)] if conf.account_factory else []
    named += [("MOBILE_FORMAT", part) for part in conf.mobile_format if not isinstance(conf.mobile_format, str)]
    return [
        Error(f"{SETTING}[{name!r}]: {problem}", id="phonebind.E010")
        for name, function in named
        for problem in _is_no_function(function)
    ]


def check_new_accounts(**kwargs: Any) -> Messages:
    """Fields that we do not know and that a new account needs: the first customer fails, or the second."""
    model = get_user_model()
    if conf.account_factory or check_mobile_field() or check_username_field():
        return []
    problems = [*_empty_fields(model), *_equal_fields(model)]
    if not problems:
        return []
    label = model._meta.label
    if _fills_in_itself(model):
        hint = f"Its save() may do it. Otherwise: {_FACTORY_HINT}"
        return [Warning(f"{label}: {problem}", hint=hint, id="phonebind.W009") for problem in problems]
    return [Error(f"{label}: {problem}", hint=_FACTORY_HINT, id="phonebind.E011") for problem in problems]


def check_databases(**kwargs: Any) -> Messages:
    model, bindings = get_user_model(), apps.get_model("phonebind", "SocialAccount")
    databases = router.db_for_write(model), router.db_for_write(bindings)
    if len(set(databases)) == 1:
        return []
    message = f"{model._meta.label} and {bindings._meta.label} are on different databases: {' and '.join(databases)}."
    hint = "An account and its binding are made in one transaction: send both to one database in DATABASE_ROUTERS."
    return [Error(message, hint=hint, id="phonebind.E009")]


CHECKS = (
    check_mobile_field,
    check_username_field,
    check_tokens,
    check_databases,
    check_account_factory,
    check_new_accounts,
)


def _is_no_function(named: Any) -> Iterator[str]:
    try:
        function = import_string(named) if isinstance(named, str) else named
    except ImportError as error:
        yield f"{named!r} cannot be imported: {error}."
        return
    if not callable(function):
        yield f"{named!r} is no function."


def _filled(model: type[Any]) -> Collection[str]:
    """The fields that a new account is made with."""
    username = model._meta.get_field(model.USERNAME_FIELD)
    return {conf.mobile_field, "password", *([] if isinstance(username, models.EmailField) else [username.name])}


def _unknown_fields(model: type[Any]) -> Mapping[str, Any]:
    """The others, but for those that Django or the database fills in."""
    return {
        field.name: field
        for field in model._meta.concrete_fields
        if field.name not in _filled(model)
        and not isinstance(field, models.AutoField)
        and not (field.remote_field and field.remote_field.parent_link)
        and not getattr(field, "auto_now", False)
        and not getattr(field, "auto_now_add", False)
        and not field.generated
        and field.db_default is models.NOT_PROVIDED
    }


def _empty_fields(model: type[Any]) -> Iterator[str]:
    for name, field in _unknown_fields(model).items():
        if not field.null and field.get_default() is None:
            yield f"{name} must not be null and has no default, so no account can be made."


def _equal_fields(model: type[Any]) -> Iterator[str]:
    """What must be unique and would be the same for two new accounts."""
    constant = {
        name
        for name, field in _unknown_fields(model).items()
        if (field.default is models.NOT_PROVIDED or not callable(field.default)) and field.get_default() is not None
    }
    for names in _unique_together(model):
        if constant.issuperset(names):
            yield f"{', '.join(names)} must be unique and would be the same for each new account."


def _unique_together(model: type[models.Model]) -> set[tuple[str, ...]]:
    """The fields of each uniqueness that holds for all rows."""
    found: set[tuple[str, ...]] = {(field.name,) for field in model._meta.concrete_fields if field.unique}
    for part in (model, *model._meta.get_parent_list()):
        found |= {tuple(names) for names in part._meta.unique_together}
        found |= {tuple(constraint.fields) for constraint in part._meta.total_unique_constraints if constraint.fields}
    return found


def _fills_in_itself(model: type[Any]) -> bool:
    return model.save.__module__ != "django.contrib.auth.base_user" or models.signals.pre_save.has_listeners(model)
