"""Which database is read: the primary, to which rows are written. A replica lags behind it, so its rows may be out of
date.

A host that sends reads to replicas puts our router before its own. Then Django's sessions, and the user of a session,
are read from the primary too:

    DATABASE_ROUTERS = ["phonebind.databases.PrimaryRouter", "shop.routers.PrimaryReplicaRouter"]
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.signals import request_finished
from django.db import DataError, Error, OperationalError, connections, router, transaction
from django.db.models import Model, QuerySet

View = TypeVar("View", bound=Callable[..., Any])


#: Raised for a character that a database cannot store, such as a nickname's emoji in utf8mb3. The last is the driver's.
MAY_REFUSE_TEXT = (DataError, OperationalError, UnicodeEncodeError)
#: The codes of MariaDB and MySQL for it: illegal mix of collations, invalid string, incorrect value, no conversion.
_NO_ROOM = frozenset({1267, 1300, 1366, 3854, 3988})
#: Errors of the clients of MariaDB and MySQL, such as "server has gone away". Those of the server have other codes.
_CLIENT_ERRORS = range(2000, 3000)
#: The states of PostgreSQL for a connection that fails, and for a server that shuts down.
_SHUT_DOWN = ("08", "57P")
#: The labels of our apps.
OWN = ("phonebind", "phonebind_lifecycle", "phonebind_operations")


def primary(model: type[Model], **hints: Any) -> str:
    """The alias of the database that rows of this model are written to."""
    return router.db_for_write(model, **hints)


def people() -> "QuerySet[AbstractBaseUser]":
    """All users on the primary, including those that a manager of the host hides."""
    model = get_user_model()
    return QuerySet(model, using=primary(model))


def own_transactions(view: View) -> View:
    """For a view whose domain function commits: ``ATOMIC_REQUESTS`` of no alias puts a transaction around it."""
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


def after_commit(using: str | None, act: Callable[..., object], *arguments: Any) -> None:
    """Call ``act`` once the open transaction on this alias is committed. Its exceptions are logged, and do not fail the
    request.

    Not a ``functools.partial``: Django logs the name of a callback that failed, and a partial has no name, which is
    another error.
    """

    def later() -> None:
        act(*arguments)

    transaction.on_commit(later, using=using, robust=True)


def is_lost(error: Exception) -> bool:
    """Whether the error of the database says that the connection is gone. Then nobody knows whether the transaction was
    committed, and the act must not be repeated: its second try would be judged by what its first try has changed.
    """
    if not isinstance(error, OperationalError):
        return False
    code = error.args[0] if error.args else None
    if isinstance(code, int):
        return code in _CLIENT_ERRORS
    # PostgreSQL's drivers: an error that is not the server's has no state.
    state = getattr(error.__cause__, "sqlstate", getattr(error.__cause__, "pgcode", ""))
    return state is None or state.startswith(_SHUT_DOWN)


def _release_stuck(**kwargs: object) -> None:
    """Close each connection that counts as inside a transaction, although no ``atomic`` block is open.

    If the server goes away after a commit, Django keeps the connection, with autocommit off. The next ``atomic`` then
    fails while it begins, and leaves such a connection. Django never opens it again: without this, each request of the
    thread would fail until the process ends.
    """
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block and not connection.atomic_blocks and not connection.allow_thread_sharing:
            connection.in_atomic_block = False
            with suppress(Error):
                connection.close()
            if connection.closed_in_transaction:
                connection.connection = None  # Django has closed it before, and kept it as inside a transaction


def install() -> None:
    """Release stuck connections after each request, whichever code left them."""
    request_finished.connect(_release_stuck, dispatch_uid="phonebind.databases")


def refuses_text(error: Exception) -> bool:
    """Whether the error is a character that the database refuses."""
    if isinstance(error, OperationalError):
        return bool(error.args) and error.args[0] in _NO_ROOM
    return isinstance(error, MAY_REFUSE_TEXT)


class PrimaryRouter:
    """Reads users, bindings, events and Django's sessions from the database that they are written to. The routers after
    it choose that database, and decide everything else.
    """

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        """Django calls it to find where to read rows of this model."""
        decides = model._meta.app_label in OWN or issubclass(model, (get_user_model(), AbstractBaseSession))
        return primary(model, **hints) if decides else None
