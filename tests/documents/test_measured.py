"""What commands write into the pages: the same in both languages, in the form that the commands write."""

import json
import re
from pathlib import Path

import pytest

from bench.report import Block, Table, publish
from tests.mutants import pages
from tests.mutants.pages import Outcome
from tests.support.documents import LANGUAGES, filled, read
from tests.torture import report

_SURVIVED = Outcome("take", "a >= b", "a > b", "survived")
_KILLED = Outcome("take", "a", "b", "killed")


def test_both_languages_show_the_same_figures() -> None:
    chinese, english = (filled(read("explanation/performance", language)) for language in LANGUAGES)
    assert len(english) > 20
    assert [*chinese.items()] == [*english.items()]


def test_both_languages_show_the_same_runs() -> None:
    # The other tables of that page are written by hand.
    chinese, english = (
        re.findall(
            r"^\| .* \| (?:sqlite|postgres|mariadb)\b.*$", read("explanation/reliability", language), re.MULTILINE
        )
        for language in LANGUAGES
    )
    assert len(english) > 80
    assert chinese == english


def test_both_languages_show_the_same_mutants_and_have_a_reason_for_each() -> None:
    found = {}
    for language in LANGUAGES:
        text = read("explanation/mutants", language)
        assert pages.updated(text, language, {}) == text, "what the command writes"
        assert pages.unexplained(text, language) == 0
        found[language] = re.findall(r"^- (`.*`): |^\| (`.*)$", text, re.MULTILINE)
    assert len(found["en"]) > 80
    assert found["zh"] == found["en"]


def test_the_bench_writes_into_the_page_of_each_language(tmp_path: Path) -> None:
    old = "<!-- cost -->\nold\n<!-- /cost -->\n<!-- plan -->\n<!-- /plan -->\n"
    folders = [tmp_path / language for language in LANGUAGES]
    for folder in folders:
        folder.mkdir()
        (folder / "speed.md").write_text(f"{folder.name}\n{old}end\n")
    table = Table("cost", ["what", "ms"])
    table.add("sign-in", 1.234)
    publish([table, Block("plan", "two\nlines\n")], "speed", folders)
    for folder in folders:
        assert (folder / "speed.md").read_text() == (
            f"{folder.name}\n<!-- cost -->\n| what | ms |\n| --- | ---: |\n| sign-in | 1.23 |\n<!-- /cost -->\n"
            "<!-- plan -->\n```text\ntwo\nlines\n```\n<!-- /plan -->\nend\n"
        )
    with pytest.raises(ValueError, match="no place for <!-- other -->"):
        publish([Table("other", ["what"])], "speed", folders)


@pytest.mark.parametrize("language", LANGUAGES)
def test_mutants_keep_their_reasons_from_run_to_run(language: str) -> None:
    text = read("explanation/mutants", language)
    new = pages.updated(text, language, {"limits": [_SURVIVED, _KILLED]})
    assert "| `limits` | 2 | 1 | 1 | 0 | 50.0 |" in new
    assert pages.shares(new) == pages.shares(text) | {"limits": 50.0}
    assert pages.unexplained(new, language) == 1
    explained = re.sub(r"(`a >= b` → `a > b`): .*", r"\1: because", new)
    again = pages.updated(explained, language, {"limits": [_SURVIVED, _KILLED, _KILLED]})
    assert "- `take`: `a >= b` → `a > b`: because\n" in again
    assert pages.unexplained(again, language) == 0
    assert "| `limits` | 3 | 2 | 1 | 0 | 66.7 |" in again
    assert new.partition("\n## ")[0] == text.partition("\n## ")[0]


def test_a_run_replaces_its_rows_and_tells_of_those_without_a_place() -> None:
    page = "| what | on | seen |\n|---|---|---|\n| a race | sqlite | won: 1 |\n| a race | postgres | won: 2 |\ntext\n"
    lines = [
        json.dumps({"what": "a race", "database": "postgres", "seen": {"won": 3, "lost_ones": 0}}),
        json.dumps({"what": "a fault", "database": "sqlite", "seen": {"met": 1}}),
    ]
    text, homeless = report.placed(page, report.rows(lines))
    assert text == page.replace("won: 2", "won: 3; lost ones: 0")
    assert homeless == ["| a fault | sqlite | met: 1 |"]
