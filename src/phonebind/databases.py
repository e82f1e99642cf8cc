"""Which database decides: the one that is written to. A replica lags behind it, so what a replica says may not be true
any more, or not yet.

A host that sends reads to replicas puts our router before its own, so that Django's sessions and its session's user
are read where they were written too:

    DATABASE_ROUTERS = ["phonebind.databases.PrimaryRouter", "shop.routers.PrimaryReplicaRouter"]
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import DataError, OperationalError, connections, router, transaction
from django.db.models import Model, QuerySet

View = TypeVar("View", bound=Callable[..., Any])


#: Where a database has no room for a character: the emoji of a nickname in utf8mb3, say. The last is the driver's.
MAY_REFUSE_TEXT = (DataError, OperationalError, UnicodeEncodeError)
#: MariaDB's and MySQL's for that: illegal mix of collations, invalid string, incorrect value, no conversion.
_NO_ROOM = frozenset({1267, 1300, 1366, 3854, 3988})
#: The labels of our apps.
_OWN = ("phonebind", "phonebind_lifecycle", "phonebind_operations")


def primary(model: type[Model], **hints: Any) -> str:
    """The alias of the database that decides what rows of this model there are."""
    return router.db_for_write(model, **hints)


def people() -> "QuerySet[AbstractBaseUser]":
    """All users, whomever a manager of the host's hides, as the primary has them."""
    model = get_user_model()
    return QuerySet(model, using=primary(model))


def own_transactions(view: View) -> View:
    """A view whose domain commits by itself: on no alias does ``ATOMIC_REQUESTS`` put a transaction around it."""
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


def after_commit(using: str | None, act: Callable[..., object], *arguments: Any) -> None:
    """Do it once what is open on this alias is committed. What it raises is logged, and turns no answer into an error.

    Django writes down the name of what has failed, and a ``functools.partial`` has none: that is an error of its own.
    """

    def later() -> None:
        act(*arguments)

    transaction.on_commit(later, using=using, robust=True)


def refuses_text(error: Exception) -> bool:
    """Whether it is a character that the database refuses."""
    if isinstance(error, OperationalError):
        return bool(error.args) and error.args[0] in _NO_ROOM
    return isinstance(error, MAY_REFUSE_TEXT)


class PrimaryRouter:
    """Reads users, bindings, events and Django's sessions from where they are written; the routers after it say where
    that is, and decide everything else.
    """

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        """Django asks it where to read rows of this model."""
        decides = model._meta.app_label in _OWN or issubclass(model, (get_user_model(), AbstractBaseSession))
        return primary(model, **hints) if decides else None
