"""Repeat an operation after a concurrent one has created, or locked, the rows that it needs."""

from collections.abc import Callable
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError

from phonebind import databases
from phonebind.binding import ATTEMPTS
from phonebind.exceptions import StorageUnavailable

T = TypeVar("T")


def at_last(act: Callable[[], T]) -> T:
    """What ``act`` returns. Raises StorageUnavailable if every attempt lost its race: then nothing has changed. Also
    raises it if the connection was lost: then ``act`` may have been committed.
    """
    failure: Exception | None = None
    for _ in range(ATTEMPTS):
        try:
            return act()
        except (IntegrityError, OperationalError, ValidationError) as error:
            failure = error
            if databases.is_lost(error):
                break
    raise StorageUnavailable from failure
