"""The alarms and the dashboard use existing metrics only."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phonebind import sms
from phonebind.operations.events import words
from phonebind.operations.monitoring import labels
from tests.operations.monitoring.counts import NAMES
from tests.support.documents import LANGUAGES, column, named, read, rows

pytestmark = pytest.mark.once

DEPLOY = Path(__file__).parents[3] / "deploy"
RULES, RULES_TEST = DEPLOY / "prometheus/alerts.yaml", DEPLOY / "prometheus/alerts_test.yaml"
DASHBOARD = DEPLOY / "grafana/phonebind.json"

#: With the metrics and labels that Prometheus and the reference server's workers add.
KNOWN = {**NAMES, "phonebind_threads_in_use": ()}
FROM_OUTSIDE = {"instance", "le"}
#: The possible values of a label, where the set is closed.
VALUES = {
    ("phonebind_events_total", "type"): frozenset(words.ACTIONS),
    ("phonebind_events_total", "outcome"): words.OUTCOMES | words.error_codes(),
    ("phonebind_sms_total", "outcome"): {"sent", "not_now", "operator", "number", "limit", "unknown"},
    ("phonebind_sms_total", "purpose"): labels.SMS_PURPOSES,
    ("phonebind_sms_codes_total", "purpose"): sms.PURPOSES,
    ("phonebind_sms_codes_total", "outcome"): {"right", "wrong", "burnt", "expired"},
}


def expressions() -> Iterator[str]:
    """The expressions of the alarms, and of the dashboard."""
    yield from re.findall(r"^ +expr: (?:\|\n)?(.*?)(?=^ +(?:for|labels):)", RULES.read_text(), re.MULTILINE | re.DOTALL)
    for panel in _dashboard()["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def _dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def _selectors(expression: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    for name, matchers in re.findall(r"(phonebind_\w+)(?:\{(.*?)\})?", expression):
        yield name.removesuffix("_bucket"), re.findall(r'(\w+)(=~|!=|!~|=)"([^"]*)"', matchers)


def test_what_they_ask_for_is_counted_under_these_labels() -> None:
    asked = [selector for expression in expressions() for selector in _selectors(expression)]
    assert len(asked) > 30
    for name, matchers in asked:
        assert name in KNOWN
        assert {label for label, _, _ in matchers} <= {*KNOWN[name], *FROM_OUTSIDE}


def test_what_they_select_is_a_value_that_there_is() -> None:
    for expression in expressions():
        for name, matchers in _selectors(expression):
            for label, how, value in matchers:
                known: Any = VALUES.get((name, label))
                words = value.split("|") if how == "=~" else [value]
                if known and re.fullmatch(r"[a-z_|]+", value):
                    assert set(words) <= set(known), (name, label, value)


def test_what_they_group_by_is_a_label_of_it() -> None:
    for expression in expressions():
        groups = {word.strip() for group in re.findall(r"by \((.*?)\)", expression) for word in group.split(",")}
        there = {label for name, _ in _selectors(expression) for label in KNOWN[name]}
        assert groups <= there | FROM_OUTSIDE, expression


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {name for panel in _dashboard()["panels"] for t in panel["targets"] for name, _ in _selectors(t["expr"])}
    assert shown == set(KNOWN)


def test_the_dashboard_is_one_that_grafana_imports() -> None:
    dashboard = _dashboard()
    assert (dashboard["uid"], dashboard["schemaVersion"]) == ("phonebind", 39)
    variables = {each["name"] for each in dashboard["templating"]["list"]}
    assert variables == {"datasource", "instance"}
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        assert panel["type"] in ("timeseries", "gauge", "stat")
        assert panel["title"]
        assert panel["description"]
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert max(x for x, _ in cells) < 24
        assert not taken & cells
        taken |= cells
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert 'instance=~"$instance"' in target["expr"]
            used = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert used <= {word for name, _ in _selectors(target["expr"]) for word in (*KNOWN[name], "instance")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_alarm_has_its_tests_and_its_row_in_the_document(language: str) -> None:
    alarms = re.findall(r"alert: (\w+)", RULES.read_text())
    assert len(alarms) == len(set(alarms)) == 10
    tested = RULES_TEST.read_text()
    # Each alarm is tested at rest and raised.
    assert all(len(re.findall(rf"alertname: {alarm}\b", tested)) >= 2 for alarm in alarms)
    document = read("how-to/operations/metrics", language)
    assert [word for word in column(document) if word.startswith("Phonebind")] == alarms


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_metric_is_documented_with_its_labels(language: str) -> None:
    told = [re.fullmatch(r"(phonebind_\w+)(?:\{(.*)\})?", word) for word in column(read("reference/metrics", language))]
    assert {found[1]: tuple((found[2] or "").split(",")) if found[2] else () for found in told if found} == KNOWN


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_closed_label_is_documented_with_its_values(language: str) -> None:
    table = [row for row in rows(read("reference/metrics", language)) if len(row) == 2]
    told = [(label, set(named(values))) for first, values in table for label in named(first)]
    closed = {"purpose": labels.SMS_PURPOSES, "reason": labels.REASONS, "window": labels.WINDOWS.keys()}
    assert {label: values for label, values in told if label in closed} == closed
    outcomes = [values for label, values in told if label == "outcome"]
    assert outcomes[1:] == [VALUES["phonebind_sms_total", "outcome"], VALUES["phonebind_sms_codes_total", "outcome"]]


def promtool(*arguments: str | Path) -> str:
    """The output of promtool. The test is skipped with a message if promtool is not installed."""
    command = shutil.which("promtool")
    if not command:
        pytest.skip("NOT TESTED: promtool is not installed (Debian: prometheus)")
    done = subprocess.run([command, *arguments], cwd=RULES.parent, capture_output=True, text=True, check=False)
    return f"{done.returncode} {done.stdout}{done.stderr}"


def test_promtool_reads_the_rules() -> None:
    assert promtool("check", "rules", RULES.name).startswith("0 ")


def test_promtool_sees_each_alarm_raised_and_at_rest() -> None:
    assert promtool("test", "rules", RULES_TEST.name).startswith("0 ")


#: A bound, a wrong bound that makes an alarm fire too early or never, and the test that finds the error.
_OTHERS = (
    ("> 0.8", "> 0.7", "a quiet day"),
    ("> 3 *", "> 300 *", "a quiet week, and then somebody guesses codes"),
    ("> 0.1\n", "> 0.3\n", "one gateway fails, and the other sends in its place"),
    ("> 5\n", "> 4\n", "a quiet day"),
)


@pytest.mark.parametrize(("bound", "other", "finder"), _OTHERS)
def test_promtool_finds_another_bound(tmp_path: Path, bound: str, other: str, finder: str) -> None:
    """A test of the rules is worth nothing if it passes with any rules."""
    text, tests = RULES.read_text(), RULES_TEST.read_text()
    assert bound in text
    (tmp_path / RULES.name).write_text(text.replace(bound, other))
    # This group alone: the group of a quiet week takes two seconds.
    head, *groups = tests.split("  - name: ")
    [group] = [each for each in groups if each.startswith(f"{finder}\n")]
    (tmp_path / RULES_TEST.name).write_text(f"{head}  - name: {group}")
    assert promtool("test", "rules", tmp_path / RULES_TEST.name).startswith("1 ")
