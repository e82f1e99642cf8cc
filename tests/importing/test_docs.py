"""The documents name what the code has, in both languages."""

import inspect
import re

import pytest
from django.core.management.base import BaseCommand
from django.utils.translation import override

from phonebind.importing.findings import KINDS
from phonebind.management.commands import phonebind_import
from phonebind.management.commands.phonebind_import import Command
from tests.support.documents import LANGUAGES, blocks, column, read, rows, section

pytestmark = [
    pytest.mark.once,
    pytest.mark.parametrize("text", [read("how-to/importing", language) for language in LANGUAGES]),
]


def test_the_kinds_and_what_they_bear_on(text: str) -> None:
    told = [(row[0].strip("`"), row[1]) for row in rows(section(text, "what-it-finds")) if len(row) == 3]
    words = {"the row": "row", "all its rows": "row", "the user": "user", "the users": "user", "nothing": "nothing"}
    words |= {"该行": "row", "相关的所有行": "row", "用户": "user", "无": "nothing"}
    assert [(name, words[bears]) for name, bears in told] == [(kind.name, kind.bears.value) for kind in KINDS]


def test_the_options(text: str) -> None:
    told = {option for word in column(text) for option in re.findall(r"--[\w-]+", word)}
    assert told == _options(Command()) - _options(BaseCommand())


def test_what_one_sees_is_what_it_says(text: str) -> None:
    [(_, seen)] = blocks(text, "text")
    found = dict(re.findall(r"^(\w+): ([A-Z].*)$", seen, re.MULTILINE))
    last = found.pop("CommandError")
    assert len(found) == 2
    with override("en"):
        assert found.items() <= {kind.name: str(kind.says) for kind in KINDS}.items()
    source = re.sub(r'"\s+"', "", inspect.getsource(phonebind_import))
    assert last.replace("2", "%(count)s", 1) in source


def _options(command: BaseCommand) -> set[str]:
    parser = command.create_parser("manage.py", "phonebind_import")
    return {option for action in parser._actions for option in action.option_strings}
