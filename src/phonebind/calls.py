"""The one seam to who measures our calls to other people's servers, as ``phonebind.life`` is one to the account life.

Nobody is told anything unless an app has put an observer here: no import, and one look at an empty list.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

logger = logging.getLogger(__name__)


class Observer(Protocol):
    """Told of each call twice. Both names are ours or the settings': nothing of a request is in them."""

    def __call__(self, provider: str, step: str) -> Callable[[str], None]:
        """The call begins. ``provider``: the name of a provider, an SMS gateway or another service, as the settings or
        its class have it; ``step``: what is asked for. What is returned is called once, in the same thread, when the
        call has ended: with "answered", "failed", or what ``signals.sms_attempted`` calls an SMS that was not sent.
        """


observers: list[Observer] = []

_UNOBSERVED = nullcontext()


def observed(provider: str, step: str, outcomes: Mapping[type, str] | None = None) -> AbstractContextManager[None]:
    """For a block that is one call. ``outcomes``: what each class of exception is called; else "failed"."""
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
    """What the narrowest class of the error is called."""
    return next((outcomes[kind] for kind in type(error).__mro__ if kind in outcomes), otherwise)


def _begun(observer: Observer, provider: str, step: str) -> Callable[[str], None] | None:
    try:
        return observer(provider, step)
    except Exception:
        # Whoever only looks on turns no answer into an error.
        logger.exception("A call is not observed")
        return None


def _ended(end: Callable[[str], None], outcome: str) -> None:
    try:
        end(outcome)
    except Exception:
        logger.exception("The end of a call is not observed")
