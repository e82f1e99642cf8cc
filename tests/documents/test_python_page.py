"""The pages of the Python API have each public name, and no other."""

import importlib
import re

import pytest

from phonebind.exceptions import PhonebindError
from tests.support.documents import LANGUAGES, read, rows, section
from tests.test_public import EXPORTED, IMPORTED

PUBLIC = {f"{module}.{name}" for module, names in EXPORTED for name in names} | {
    f"{path}.{name}" for path, name in IMPORTED
}
#: The same objects under another name, and objects that the page describes in words.
ELSEWHERE = {"phonebind.human.base.Check", "phonebind.api.urls.urlpatterns"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_public_name_is_there_once_and_no_other(language: str) -> None:
    text = read("reference/python", language)
    described = re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE)
    constants = [row[0].strip("`") for row in rows(section(text, "constants"))]
    assert sorted([*described, *constants]) == sorted(PUBLIC - ELSEWHERE)
    assert "`phonebind.api.urls.urlpatterns`" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_entry_is_in_the_table_of_its_section_and_its_members_are_documented(language: str) -> None:
    text = read("reference/python", language)
    entries = re.findall(r"^::: ([\w.]+)\n(?:    options:\n      members: (\[.*\]|false)\n)?", text, re.MULTILINE)
    listed = re.findall(r"^\| \[`\w+`\]\[([\w.]+)\] \| .+ \|$", text, re.MULTILINE)
    assert listed == [path for path, _ in entries]
    for path, members in entries:
        module, _, name = path.rpartition(".")
        made = getattr(importlib.import_module(module), name)
        assert made.__doc__, path
        for member in members.strip("[]").split(", ") if members.startswith("[") else []:
            assert getattr(made, member).__doc__, f"{path}.{member}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_attributes_of_an_error_are_there(language: str) -> None:
    told = {
        name
        for row in rows(section(read("reference/python", language), "exceptions"))
        for name in re.findall(r"`(\w+)`", row[0])
    }
    own = {name for name in {*vars(PhonebindError), *PhonebindError.__annotations__} if not name.startswith("_")}
    # ``answered`` and ``remember`` are for our own gateways and edges. The others are methods.
    assert told == own - {"answered", "remember", "because", "finish"} | {"limit"}
