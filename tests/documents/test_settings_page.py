"""The pages of the settings say what ``phonebind.conf`` and its check say."""

import ast
from collections.abc import Mapping
from typing import Any

import pytest
from pytest_django import Settings as Override

from phonebind.conf import NAMES, ProviderSettings, Settings
from phonebind.setting_checks import TYPES, check_settings
from tests.support.documents import LANGUAGES, blocks, read, rows, section

WORDS = {Mapping: "dict", str: "str", bool: "bool", list: "list", object: "function or str", float: "float", int: "int"}


def _word(kind: Any) -> str:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    # A float may be written as an int, and a list as any collection.
    found = [WORDS[each] for each in kinds if each in WORDS]
    return "float" if float in kinds else " or ".join(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_setting_is_there_once_with_its_type_and_its_default(language: str) -> None:
    text = read("reference/settings", language)
    found = [row for row in rows(text) if row[0].strip("`").isupper() and len(row) == 4]
    assert sorted(name.strip("`") for name, *_ in found) == sorted(NAMES)
    for cell, kind, default, meaning in found:
        name = cell.strip("`")
        assert kind == _word(TYPES[name]), name
        assert ast.literal_eval(default.strip("`")) == getattr(Settings(), name.lower()), name
        assert meaning


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_option_of_a_provider_is_there(language: str) -> None:
    found = rows(section(read("reference/settings", language), "options-of-a-provider"))
    assert [name.strip("`") for name, *_ in found] == list(ProviderSettings.__dataclass_fields__)
    made = ProviderSettings(client_id="1")
    for name, kind, default, _ in found[1:]:
        value = getattr(made, name.strip("`"))
        assert (kind, ast.literal_eval(default.strip("`"))) == (type(value).__name__, value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_examples_are_settings_that_the_check_takes(language: str, settings: Override) -> None:
    made: dict[str, Any] = {}
    for _, code in blocks(read("reference/settings", language), "python"):
        exec(code, made)  # noqa: S102 - it is ours
    defaults = Settings()
    differing = {name for name, value in made["PHONEBIND"].items() if value != getattr(defaults, name.lower())}
    assert differing == set(made["PHONEBIND"])
    settings.PHONEBIND = made["PHONEBIND"]
    assert check_settings() == []
