"""The hook for measuring our calls to other servers, as ``phonebind.life`` is the hook for the account life.

Without an observer from an app it costs nothing: no import, only one look at an empty list.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

logger = logging.getLogger(__name__)


class Observer(Protocol):
    """Called twice for each call. Both names are ours or from the settings; they contain nothing of a request."""

    def __call__(self, provider: str, step: str) -> Callable[[str], None]:
        """The call begins. ``provider``: the name of a provider, an SMS gateway or another service, from the settings
        or from its class. ``step``: the operation. The returned function is called once, in the same thread, when the
        call has ended: with "answered", "failed", or the outcome of ``signals.sms_attempted`` for an SMS that was not
        sent.
        """


observers: list[Observer] = []

_UNOBSERVED = nullcontext()


def observed(provider: str, step: str, outcomes: Mapping[type, str] | None = None) -> AbstractContextManager[None]:
    """For a block that makes one call. ``outcomes``: the outcome by class of exception; otherwise "failed"."""
    return _observed(provider, step, outcomes or {}) if observers else _UNOBSERVED


@contextmanager
def _observed(provider: str, step: str, outcomes: Mapping[type, str]) -> Iterator[None]:
    ends = [end for observer in observers if (end := _begun(observer, provider, step))]
    outcome = "answered"
    try:
        yield
    except BaseException as error:
        outcome = named(error, outcomes, "failed")
        raise
    finally:
        for end in reversed(ends):
            _ended(end, outcome)


def named(error: BaseException, outcomes: Mapping[type, str], otherwise: str) -> str:
    """The outcome of the most specific class of the error."""
    return next((outcomes[kind] for kind in type(error).__mro__ if kind in outcomes), otherwise)


def _begun(observer: Observer, provider: str, step: str) -> Callable[[str], None] | None:
    try:
        return observer(provider, step)
    except Exception:
        # An observer must not turn an answer into an error.
        logger.exception("The observer failed at the start of a call")
        return None


def _ended(end: Callable[[str], None], outcome: str) -> None:
    try:
        end(outcome)
    except Exception:
        logger.exception("The observer failed at the end of a call")
