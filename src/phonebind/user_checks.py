"""System checks of the host's user model. They report what would cause an error 500 for some customer."""

from collections.abc import Collection, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, cast

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.core.exceptions import FieldDoesNotExist
from django.db import models, router

from phonebind.conf import SETTING, conf, function

Messages = list[CheckMessage]

SAMPLE = "13800000000"
_NO_CODE = SimpleNamespace(co_names=())
#: A mobile gets a suffix if another user has it as a username.
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
        length = _stored_length()
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
            return [] if conf.account_factory else _unnamed(model)
        hint = f"New accounts have none: let it be null, or make them yourself: {SETTING}['ACCOUNT_FACTORY']."
        return [Error(f"{label} holds e-mail addresses that must not be empty.", hint=hint, id="phonebind.E006")]
    if isinstance(field, models.CharField) and (field.max_length or USERNAME_LENGTH) >= USERNAME_LENGTH:
        return []
    hint = "New accounts get their mobile as username, and six more characters if another user has that name."
    return [Error(f"{label} must be a CharField for {USERNAME_LENGTH} characters.", hint=hint, id="phonebind.E006")]


def check_mobile_format(**kwargs: Any) -> Messages:
    """Two functions that are not each other's inverse: people would not find their accounts again."""
    if isinstance(conf.mobile_format, str) or check_account_factory():
        return []
    to_stored, to_national = map(function, conf.mobile_format)
    try:
        back = to_national(to_stored(SAMPLE))
    except Exception as error:  # noqa: BLE001 - a function of the host may raise anything
        back = repr(error)
    if back == SAMPLE:
        return []
    return [Error(f"{SETTING}['MOBILE_FORMAT'] makes {back!r} of {SAMPLE!r}.", id="phonebind.E010")]


def check_account_factory(**kwargs: Any) -> Messages:
    named = [("ACCOUNT_FACTORY", conf.account_factory)] if conf.account_factory else []
    named += [("MOBILE_FORMAT", part) for part in conf.mobile_format if not isinstance(conf.mobile_format, str)]
    return [
        Error(f"{SETTING}[{name!r}]: {problem}", id="phonebind.E010")
        for name, setting in named
        for problem in _is_no_function(setting)
    ]


def check_new_accounts(**kwargs: Any) -> Messages:
    """Fields that we do not know and that a new account needs: the first customer fails, or the second."""
    model = get_user_model()
    if conf.account_factory or check_mobile_field() or check_username_field():
        return []
    label, hint = model._meta.label, f"The model's save() may set it. Otherwise: {_FACTORY_HINT}"
    sure, perhaps = [*_empty_fields(model), *_equal_fields(model)], [*_blank_fields(model), *_equal_by_condition(model)]
    if _fills_in_itself(model):
        sure, perhaps = [], [*sure, *perhaps]
    return [
        *(Error(f"{label}: {problem}", hint=_FACTORY_HINT, id="phonebind.E011") for problem in sure),
        *(Warning(f"{label}: {problem}", hint=hint, id="phonebind.W009") for problem in perhaps),
    ]


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
    check_databases,
    check_account_factory,
    check_mobile_format,
    check_new_accounts,
)


def _unnamed(model: type[Any]) -> Messages:
    """The ``__str__`` of Django's own user models fails without a username: in the admin, and in templates."""
    if {model.__str__.__module__, model.get_username.__module__} != {"django.contrib.auth.base_user"}:
        return []
    hint = f"Give the model a __str__ that has an answer without {model.USERNAME_FIELD}, such as the mobile number."
    return [Warning(f"str() of a new account of {model._meta.label} fails.", hint=hint, id="phonebind.W013")]


def _stored_length() -> int:
    """The length of a mobile in the form of MOBILE_FORMAT; 0 if the function fails."""
    if isinstance(conf.mobile_format, str):
        return len(conf.mobile_format.format(SAMPLE))
    try:
        return len(str(function(conf.mobile_format[0])(SAMPLE)))
    except Exception:  # noqa: BLE001 - check_mobile_format reports it
        return 0


def _is_no_function(named: Any) -> Iterator[str]:
    try:
        found = function(named)
    except ImportError as error:
        yield f"{named!r} cannot be imported: {error}."
        return
    if not callable(found):
        yield f"{named!r} is no function."


def _filled(model: type[Any]) -> Collection[str]:
    """The fields that phonebind sets on a new account."""
    username = model._meta.get_field(model.USERNAME_FIELD)
    return {conf.mobile_field, "password", *([] if isinstance(username, models.EmailField) else [username.name])}


def _unknown_fields(model: type[Any]) -> Mapping[str, Any]:
    """All other fields, except those that Django or the database fills in."""
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
    """Unique fields that would have the same value in two new accounts."""
    for names in _unique_together(model):
        if _constant_fields(model).issuperset(names):
            yield f"{', '.join(names)} must be unique and would be the same for each new account."


def _equal_by_condition(model: type[Any]) -> Iterator[str]:
    """Fields that are unique under a condition, and equal in new accounts, which may meet the condition."""
    for constraint in _unique_constraints(model):
        names = _names(constraint)
        if constraint.condition is not None and names and _constant_fields(model).issuperset(names):
            yield f"{', '.join(names)} must be unique where {constraint.condition}, and would be the same for each."


def _blank_fields(model: type[Any]) -> Iterator[str]:
    """Fields that must not be empty, in a model that validates itself in save()."""
    if not any(
        "full_clean" in getattr(vars(part).get("save"), "__code__", _NO_CODE).co_names for part in model.__mro__
    ):
        return
    for name, field in _unknown_fields(model).items():
        if not field.blank and field.get_default() == "":
            yield f"{name} must not be blank, and the model validates itself as it is saved."


def _constant_fields(model: type[Any]) -> set[str]:
    return {
        name
        for name, field in _unknown_fields(model).items()
        if (field.default is models.NOT_PROVIDED or not callable(field.default)) and field.get_default() is not None
    }


def _unique_together(model: type[models.Model]) -> set[tuple[str, ...]]:
    """The fields of each uniqueness that holds for all rows."""
    found: set[tuple[str, ...]] = {(field.name,) for field in model._meta.concrete_fields if field.unique}
    for part in (model, *model._meta.get_parent_list()):
        found |= {tuple(names) for names in part._meta.unique_together}
    return found | {_names(constraint) for constraint in _unique_constraints(model) if constraint.condition is None}


def _unique_constraints(model: type[models.Model]) -> list[models.UniqueConstraint]:
    parts = (model, *model._meta.get_parent_list())
    constraints = [constraint for part in parts for constraint in part._meta.constraints]
    return [constraint for constraint in constraints if isinstance(constraint, models.UniqueConstraint)]


def _names(constraint: models.UniqueConstraint) -> tuple[str, ...]:
    """The fields, including those of expressions: expressions of equal values are equal."""
    wholes: Any = constraint.expressions
    parts = [part for whole in wholes for part in ([whole] if isinstance(whole, models.F) else whole.flatten())]
    return (*constraint.fields, *(cast("Any", part).name for part in parts if isinstance(part, models.F)))


def _fills_in_itself(model: type[Any]) -> bool:
    return model.save.__module__ != "django.contrib.auth.base_user" or models.signals.pre_save.has_listeners(model)
