"""The pages of the limits say what ``phonebind.limits`` says."""

import ast

import pytest
from django.utils import translation

from phonebind import exceptions, signals
from phonebind.limits import RULES
from tests.support.documents import LANGUAGES, read, rows, section

WINDOWS = {"en": ("fixed", "sliding"), "zh": ("固定", "滑动")}
#: What the end of a limit's name says about what the limit counts.
COUNTED = {
    "address": ("address", "地址"),
    "mobile": ("mobile number", "手机号"),
    "site": ("site", "全站"),
    "identity": ("identity", "身份"),
    "user": ("account", "账号"),
    "operator": ("operator", "操作员"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_limit_is_there_once_with_its_default_its_window_and_its_error(language: str) -> None:
    found = [row for row in rows(read("reference/limits", language)) if len(row) == 6]
    assert sorted(row[0].strip("`") for row in found) == sorted(RULES)
    for cell, default, window, counted, error, meaning in found:
        name = cell.strip("`")
        rule = RULES[name]
        assert ast.literal_eval(default.strip("`")) == (rule.limit, rule.seconds), name
        assert window == WINDOWS[language][rule.sliding], name
        assert error.strip("`") == rule.error.code, name
        said = [words[language == "zh"] for part, words in COUNTED.items() if f"_{part}_" in f"_{name}_"]
        assert not said or counted == said[0], name
        assert meaning


@pytest.mark.parametrize(("language", "code"), [("zh", "zh-hans"), ("en", "en")])
def test_what_a_visitor_sees_is_the_message(language: str, code: str) -> None:
    found = {
        row[0].strip("`"): row[1] for row in rows(section(read("reference/limits", language), "what-a-visitor-sees"))
    }
    kinds = [kind for each in exceptions.__all__ if isinstance(kind := getattr(exceptions, each), type)]
    limited = [kind for kind in kinds if issubclass(kind, exceptions.Limited) and "code" in vars(kind)]
    with translation.override(code):
        assert found == {kind.code: str(kind.message) for kind in limited}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_budget_that_warns_is_there(language: str) -> None:
    table = rows(section(read("reference/limits", language), "alarms"))
    budgets = {name: alarm for name, rule in RULES.items() if (alarm := rule.alarms)}
    assert {name for row in table for name in budgets if f"`{name}`" in row[0]} == set(budgets)
    for name, alarm in budgets.items():
        [told] = [used_up for budget, _, used_up in table if f"`{name}`" in budget]
        [signal] = [each for each, sent in vars(signals).items() if sent is alarm.signal]
        assert f"`{signal}`" in told
