"""The pages of the signals have each signal, and the arguments that the code sends with it."""

import ast
import re
from collections.abc import Iterator

import pytest
from django.dispatch import Signal

from phonebind import limits, signals
from tests.support.documents import LANGUAGES, ROOT, blocks, read, rows

NAMES = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
#: The signals that are sent with the fields of an ``Alarm``.
ALARMS = {
    name
    for name in NAMES
    if getattr(signals, name) in [rule.alarms.signal for rule in limits.RULES.values() if rule.alarms]
}


def _sent() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each call in the code that sends a signal: the signal's name, and its arguments without the sender."""
    for path in (ROOT / "src/phonebind").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                name, _, method = ast.unparse(call.func).rpartition(".")
                names = tuple(each.arg for each in call.keywords if each.arg and each.arg != "sender")
                if method in ("send", "send_robust") and name.startswith("signals."):
                    yield name.removeprefix("signals."), names
                elif (name, method) == ("alarm.signal", "send_robust"):
                    yield from ((each, names) for each in ALARMS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_signal_is_there_once_with_its_arguments(language: str) -> None:
    table = [row for row in rows(read("reference/signals", language)) if len(row) == 3]
    assert sorted(row[0].strip("`") for row in table) == sorted(NAMES)
    told = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[1])) for row in table}
    sent = {name: set(names) for name, names in _sent()}
    assert told == sent
    assert all(set(names) == told[name] for name, names in _sent())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_examples_listen_to_what_there_is(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = {name: list(getattr(signals, name).receivers) for name in NAMES}
    try:
        for _, code in blocks(read("reference/signals", language), "python"):
            exec(code, {"__name__": "shop.receivers"})  # noqa: S102 - it is ours
        signals.budget_low.send_robust(None, rule="sms_site_day", limit=10, seconds=60, used=8)
        assert "sms_site_day: 8 of 10 are used" in capsys.readouterr().out
    finally:
        for name, receivers in before.items():
            getattr(signals, name).receivers[:] = receivers
            getattr(signals, name).sender_receivers_cache.clear()
