"""Each symptom on the page exists in the code: error codes, check ids, and log messages."""

import ast
import re

import pytest

from phonebind import exceptions
from phonebind.lifecycle import exceptions as life_exceptions
from tests.documents.test_checks_page import IDS
from tests.support.documents import LANGUAGES, ROOT, column, read, rows

CODES = {
    kind.code
    for module in (exceptions, life_exceptions)
    for name in module.__all__
    if hasattr(kind := getattr(module, name), "code")
}
#: These need no entry: the page of the error codes says enough.
RARE = {
    *("credentials_invalid", "receipt_unknown", "mobile_proof_invalid", "mobile_proof_too_weak"),
    *("mobile_proof_unavailable", "human_check_unavailable"),
}


def _texts() -> list[str]:
    """Every text in the code, with placeholders between its parts."""
    files = [path for package in ("src", "server") for path in (ROOT / package).rglob("*.py")]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text()))]
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def _seen(language: str) -> list[str]:
    """The code in the first column of each table."""
    return column(read("troubleshooting", language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_forty_and_each_has_a_cause_and_a_cure(language: str) -> None:
    table = rows(read("troubleshooting", language))
    assert len(table) >= 40
    assert all(len(row) == 3 and all(row) for row in table)


@pytest.mark.parametrize("language", LANGUAGES)
def test_codes_and_check_ids_are_those_of_the_code(language: str) -> None:
    named = _seen(language)
    assert {word for word in named if re.search(r"\.[EW]\d", word)} <= IDS
    codes = {word for word in named if re.fullmatch(r"[a-z]+_[a-z_]+", word)} - {"retry_after"}
    assert codes <= CODES
    of_the_contract = {kind.code for name in exceptions.__all__ if hasattr(kind := getattr(exceptions, name), "code")}
    assert of_the_contract - codes - {"invalid"} == RARE


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_the_log_are_in_the_code(language: str) -> None:
    texts = _texts()
    lines = {word for word in _seen(language) if " " in word or word.endswith(":")}
    assert len(lines) >= 8
    for line in lines:
        parts = [part.strip() for part in line.split("…")]
        assert any(all(part in text for part in parts) for text in texts), line
