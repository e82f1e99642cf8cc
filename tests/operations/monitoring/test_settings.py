"""The settings of this app in ``PHONEBIND``, and the messages about wrong ones."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django import Settings

from phonebind import calls
from phonebind.operations import checks
from phonebind.operations.monitoring import metrics, workers
from tests.support.edge import Configure

pytestmark = pytest.mark.once


def found(settings: Settings, **changes: Any) -> list[str]:
    settings.PHONEBIND = {**settings.PHONEBIND, **changes}
    return [f"{error.id} {error.msg}" for check in checks.CHECKS for error in check()]


def test_nothing_is_wrong_with_what_the_demo_sets(settings: Settings) -> None:
    assert found(settings) == []
    assert found(settings, METRICS_TOKEN="", TRACING=False) == []
    assert found(settings, METRICS_TOKEN="a" * 20, TRACING=True) == []


@pytest.mark.parametrize(
    "token", ["short", "a" * 19, "with a space in the midst", "密" * 30, "a" * 257, 'quo"te-1234567890123']
)
def test_e020_a_token_that_is_guessed_or_no_header_carries_is_not_repeated(settings: Settings, token: str) -> None:
    [error] = found(settings, METRICS_TOKEN=token)
    assert error.startswith("phonebind.E025 ")
    assert token not in error


def test_e020_the_library_is_missing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phonebind.operations.checks.find_spec", lambda name: None)
    [error] = found(settings, METRICS_TOKEN="a" * 20)
    assert "phonebind[metrics]" in error


@pytest.mark.parametrize("missing", ["opentelemetry", "opentelemetry.trace"])
def test_e021_the_library_is_missing(settings: Settings, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """``opentelemetry`` alone is a namespace package. Other packages of OpenTelemetry share it."""
    monkeypatch.setattr("phonebind.operations.checks.find_spec", lambda name: None if name == missing else sys)
    [error] = found(settings, METRICS_TOKEN="", TRACING=True)
    assert error.startswith("phonebind.E026 ")


@pytest.mark.parametrize("changes", [{"METRICS_TOKEN": 1}, {"TRACING": "yes"}, {"NO_SUCH": 1}])
def test_what_is_mistyped_is_told_by_the_core(settings: Settings, changes: dict[str, Any]) -> None:
    assert found(settings, **changes) == []


def test_manage_py_check_runs_them(phonebind: Configure) -> None:
    phonebind(metrics_token="short")
    with pytest.raises(SystemCheckError, match=r"phonebind\.E025"):
        call_command("check", tags=["phonebind"])


def test_the_docstring_lists_every_id() -> None:
    source = Path(checks.__file__).read_text()
    assert set(re.findall(r"E0\d\d", checks.__doc__ or "")) == set(re.findall(r"phonebind\.(E0\d\d)", source))


# ---------------------------------------------------------------- the start


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[..., list[str]]]:
    """Start the app with these settings, without observers so far. Returns the features that are switched on."""
    kept = list(calls.observers)
    metrics.stop()
    calls.observers.clear()

    def ready(**changes: Any) -> list[str]:
        settings.PHONEBIND = {**settings.PHONEBIND, **changes}
        apps.get_app_config("phonebind_operations").ready()
        return [getattr(each, "__module__", "").rpartition(".")[2] for each in calls.observers]

    yield ready
    metrics.stop()
    metrics.install()
    calls.observers[:] = kept


@pytest.mark.parametrize(
    ("changes", "observers"),
    [
        ({}, ["metrics"]),
        ({"METRICS_TOKEN": ""}, []),
        ({"METRICS_TOKEN": "", "TRACING": True}, ["tracing"]),
        ({"TRACING": True}, ["metrics", "tracing"]),
        ({"TRACING": "yes"}, []),
        ({"NO_SUCH_SETTING": 1}, []),
    ],
    ids=repr,
)
def test_each_part_is_on_where_the_settings_say_so(
    start: Callable[..., list[str]], changes: dict[str, Any], observers: list[str]
) -> None:
    assert start(**changes) == observers


def test_whoever_finds_no_room_counts_nothing(
    start: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(workers.VARIABLE, str(tmp_path / "none"))
    assert start() == []
