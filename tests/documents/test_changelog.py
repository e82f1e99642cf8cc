"""Both changelogs say the same, and the site shows all of them."""

import re
from pathlib import Path

import pytest

import phonebind
from tests.support.documents import LANGUAGES, ROOT

_FILES = {"en": "CHANGELOG.md", "zh": "CHANGELOG.zh-CN.md"}


def _parts(language: str) -> list[str]:
    """The parts between the headings."""
    return re.split(r"^#{2,4} .*\n", (ROOT / _FILES[language]).read_text(), flags=re.MULTILINE)


def _entries(part: str) -> int:
    return len(re.findall(r"^- ", part, re.MULTILINE))


def _names(part: str) -> set[str]:
    """The names in code, and the targets of links."""
    links = {link.replace("docs/zh/", "docs/en/") for link in re.findall(r"\]\((docs/[^)]+)\)", part)}
    return links | set(re.findall(r"`([^`]+)`", part))


def test_both_languages_tell_the_same() -> None:
    chinese, english = (_parts(language) for language in LANGUAGES)
    assert [_entries(part) for part in chinese] == [_entries(part) for part in english]
    for zh, en in zip(chinese[1:], english[1:], strict=True):
        assert _names(zh) == _names(en)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_newest_entry_is_this_version_or_the_next(language: str) -> None:
    versions = re.findall(
        r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", (ROOT / _FILES[language]).read_text(), re.MULTILINE
    )
    assert next(name for name, _ in versions if name != "Unreleased") == phonebind.__version__
    assert [name for name, date in versions if not date] in ([], ["Unreleased"])


def test_both_languages_have_the_same_versions() -> None:
    chinese, english = (re.findall(r"^## .*", (ROOT / _FILES[each]).read_text(), re.MULTILINE) for each in LANGUAGES)
    assert chinese == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_site_shows_all_of_it(language: str, site: Path) -> None:
    html = (site / language / phonebind.__version__ / "changelog/index.html").read_text()
    assert html.count("<h4") == len(re.findall(r"^#### ", (ROOT / _FILES[language]).read_text(), re.MULTILINE)) > 10
    assert 'href="../how-to/sms-pumping/"' in html
    assert 'examples/sms_bridge.py"' in html
