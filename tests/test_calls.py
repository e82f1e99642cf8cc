"""A callback that measures calls to other servers gets each of them. An error in it does no harm to the call."""

import logging
from collections.abc import Callable, Iterator

import pytest

from phonebind import calls
from phonebind.exceptions import SmsNotSent, SmsUnconfirmed
from phonebind.sms.registry import OUTCOMES

pytestmark = pytest.mark.once


@pytest.fixture
def heard() -> Iterator[list[str]]:
    told: list[str] = []

    def observe(provider: str, step: str) -> Callable[[str], None]:
        told.append(f"{provider} {step}")
        return told.append

    calls.observers.append(observe)
    yield told
    calls.observers.remove(observe)


def test_a_call_is_told_of_when_it_begins_and_when_it_ends(heard: list[str]) -> None:
    with calls.observed("qq", "token"):
        assert heard == ["qq token"]
    assert heard == ["qq token", "answered"]


def test_how_it_failed_is_told_by_the_narrowest_class(heard: list[str]) -> None:
    for error in (SmsUnconfirmed(), SmsNotSent(), ValueError(), KeyboardInterrupt()):
        with pytest.raises(type(error)), calls.observed("aliyun", "sms", OUTCOMES):
            raise error
    assert heard[1::2] == ["unknown", "not_now", "failed", "failed"]


def test_without_an_observer_nothing_is_made() -> None:
    kept, calls.observers[:] = list(calls.observers), []
    try:
        assert calls.observed("qq", "token") is calls.observed("qq", "me")
        with pytest.raises(ValueError, match="mine"), calls.observed("qq", "token"):
            raise ValueError("mine")
    finally:
        calls.observers[:] = kept


def test_an_observer_that_breaks_breaks_nothing(heard: list[str], caplog: pytest.LogCaptureFixture) -> None:
    def refuse(provider: str, step: str) -> Callable[[str], None]:
        raise OSError

    def refuse_later(provider: str, step: str) -> Callable[[str], None]:
        def end(outcome: str) -> None:
            raise OSError

        return end

    calls.observers[:0] = [refuse, refuse_later]
    try:
        with caplog.at_level(logging.ERROR), calls.observed("qq", "token"):
            pass
    finally:
        del calls.observers[:2]
    assert heard == ["qq token", "answered"]
    said = [record.getMessage() for record in caplog.records]
    assert said == ["The observer failed at the start of a call", "The observer failed at the end of a call"]
