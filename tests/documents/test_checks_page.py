"""The pages of the system checks have each id that the code has."""

import inspect
import re

import pytest

from phonebind import checks
from phonebind.lifecycle import checks as life_checks
from tests.support.documents import LANGUAGES, ROOT, read, rows

SOURCES = [
    path.read_text()
    for package in ("phonebind", "phonebind_sandbox")
    for path in (ROOT / "src" / package).rglob("*.py")
]
#: An id in quotes, as the code writes it. Docstrings have the ids without quotes.
ID = re.compile(r"\"(phonebind(?:_[a-z]+)?\.[EW]\d{3})\"")
IDS = {found for text in SOURCES for found in ID.findall(text)}


def _table(language: str) -> list[tuple[str, str]]:
    return [
        (row[0].strip("`"), row[1]) for row in rows(read("reference/checks", language)) if len(row) == 4 and all(row)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_id_is_there_once_with_its_cause_and_its_cure(language: str) -> None:
    assert len(IDS) > 40
    assert sorted(name for name, _ in _table(language)) == sorted(IDS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_which_run_with_deploy_alone(language: str) -> None:
    functions = [*checks.DEPLOY_CHECKS, checks._long_name, *life_checks.DEPLOY_CHECKS]
    deploy = {found for each in functions for found in ID.findall(inspect.getsource(inspect.unwrap(each)))}
    assert {name for name, when in _table(language) if when == "check --deploy"} == deploy
