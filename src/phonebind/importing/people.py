"""Reads the users: the data that matters for bindings and for unique mobile numbers. Never a password or a name."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.utils.translation import gettext as _

from phonebind import accounts, databases, masking, mobiles
from phonebind.conf import conf
from phonebind.importing.base import PAGE, ImportRefused, as_text
from phonebind.importing.scratch import Scratch

#: The state of a mobile number: there is none (NULL), it is an empty text, or it is not one of ours.
NULL, BLANK, MALFORMED = "null", "blank", "malformed"

_MOMENTS = ("last_login", "date_joined")


def keys() -> Callable[[Any], str | None]:
    """A function that writes a user's key in one way for the scratch file, from the value of a table or a form."""
    field = get_user_model()._meta.pk

    def key(value: Any) -> str | None:
        try:
            # 1.5 would become 1, which is the key of another user.
            is_whole = not isinstance(value, (float, Decimal)) or int(value) == value
            return None if value is None else str(field.to_python(value) if is_whole else value)
        except (ValidationError, ArithmeticError, TypeError, ValueError):  # infinity, and bytes for a UUID
            # No user has this key.
            return str(value)

    return key


def values() -> Callable[[str], Any]:
    """A function that converts the text of :func:`keys` to the type of the model's key."""
    return get_user_model()._meta.pk.to_python


def shown(person: str) -> str:
    """The key for a report. It is masked if it is a mobile number, which is the key in some models."""
    return masking.mobile(person) or person


def count() -> int:
    """The number of users."""
    return databases.people().count()


def load(scratch: Scratch) -> Iterator[int]:
    """Copy all users. Yields the number of rows after each page. Raises ImportRefused if ``MOBILE_FIELD`` is wrong."""
    model = get_user_model()
    if not _has(conf.mobile_field):
        message = _("%(model)s has no field %(field)s: set MOBILE_FIELD.")
        raise ImportRefused(message % {"model": model._meta.label, "field": conf.mobile_field})
    read, users = _reader(), _users()
    page = list(users[:PAGE])
    while page:
        hidden = _hidden([user.pk for user in page])
        scratch.add("people", (read(user, is_hidden=user.pk in hidden) for user in page))
        yield len(page)
        page = list(users.filter(pk__gt=page[-1].pk)[:PAGE]) if len(page) == PAGE else []


def _users() -> Any:
    """The users in the order of their key, with the fields that are read."""
    model, users = get_user_model(), databases.people().order_by("pk")
    names = dict.fromkeys(["pk", conf.mobile_field, model.USERNAME_FIELD, *filter(_has, ("is_active", *_MOMENTS))])
    if _is_plain() and _has("is_active"):
        # The creation of a million model objects takes half a minute.
        return users.values_list(*names, named=True)
    # If ``is_active`` is computed from other fields, they are loaded when it is read.
    return users.only(*names)


def _is_plain() -> bool:
    """Whether the field contains just the 11 digits."""
    return conf.mobile_format == "{}"


def _has(name: str) -> bool:
    try:
        return bool(get_user_model()._meta.get_field(name).concrete)
    except FieldDoesNotExist:
        return False


def _hidden(pks: list[Any]) -> set[Any]:
    """The users that the host's default manager hides: they can neither sign in nor bind."""
    if not accounts.may_hide():
        return set()
    manager = get_user_model()._default_manager.using(databases.primary(get_user_model()))
    return set(pks) - set(manager.filter(pk__in=pks).values_list("pk", flat=True))


def _reader() -> Callable[..., tuple[Any, ...]]:
    """A function that makes a row of the scratch file from a user."""
    field, username = conf.mobile_field, get_user_model().USERNAME_FIELD
    moments = [name if _has(name) else None for name in _MOMENTS]

    is_plain = _is_plain()

    def read(user: Any, *, is_hidden: bool) -> tuple[Any, ...]:
        held = getattr(user, field)
        if is_plain and type(held) is str and mobiles.is_mobile(held):
            mobile, state = held, ""
        else:
            mobile = accounts.mobile_of(user)
            state = _state(held, mobile)
        name = None if username == field else _name(getattr(user, username))
        told = [getattr(user, moment) if moment else None for moment in moments]
        disabled = int(is_hidden or not user.is_active)
        return (str(user.pk), mobile, state, name, disabled, *(moment and as_text(moment) for moment in told))

    return read


def _state(held: Any, mobile: str) -> str:
    if held is None:
        return NULL
    if not held:
        return BLANK
    return "" if mobile and held == accounts.stored(mobile) else MALFORMED


def _name(username: Any) -> str | None:
    """The username in one spelling if it could be a mobile number, otherwise None."""
    name = mobiles.clean(str(username or ""))
    return name if mobiles.is_mobile(name) else None
