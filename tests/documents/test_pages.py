"""Every page exists in Chinese and in English, and both say the same. Code is the same, and each link has a target."""

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from docs.site.around import moved
from tests.support.documents import DOCS, LANGUAGES, PAGES, ROOT, anchors, blocks, page, prose, read, targets
from tests.support.tree import files

_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)|src=\"([^\"#]+)\"")
BOTH = [pytest.param(language, name, id=f"{language}/{name}") for name in PAGES for language in LANGUAGES]


def test_nothing_stands_beside_the_two_languages() -> None:
    """Except short redirect pages at old addresses, pictures, and the files that build the site."""
    assert {path.name for path in DOCS.iterdir() if path.is_dir()} == {"zh", "en", "images", "site"}
    for old, new in moved().items():
        assert (DOCS / new).exists(), old
        assert len((DOCS / f"{old}.md").read_text().splitlines()) == 1, "it only leads on"


@pytest.mark.parametrize(("language", "name"), BOTH)
def test_a_page_is_there_in_this_language_and_written(language: str, name: str) -> None:
    assert page(language, name).exists(), "page for page, in the same commit"
    assert "to be written" not in read(name, language)


@pytest.mark.parametrize("name", PAGES)
def test_both_languages_have_the_same_sections_code_and_tables(name: str) -> None:
    chinese, english = (read(name, language) for language in LANGUAGES)
    assert anchors(chinese) == anchors(english)
    assert _code(chinese) == _code(english), "but for comments"
    for part in (r"^ *[-*] ", r"^ *\d+\. ", r"^\|", r"^ *!\[|<img "):
        assert len(re.findall(part, chinese, re.MULTILINE)) == len(re.findall(part, english, re.MULTILINE)), part


def _code(text: str) -> list[tuple[str, str]]:
    comment = r"[ \t]*(?:(?<!\S)#(?!\S)|//|<!--|--) .*$"
    return [(kind, re.sub(r"\n+", "\n", re.sub(comment, "", code, flags=re.MULTILINE))) for kind, code in blocks(text)]


@pytest.mark.parametrize(("language", "name"), BOTH)
def test_its_code_is_code(language: str, name: str, tmp_path: Path) -> None:
    for kind, code in blocks(read(name, language)):
        match kind:
            case "python":
                ast.parse(code)
            case "json":
                json.loads(code)
            case "toml":
                tomllib.loads(code)
            case "yaml":
                list(yaml.safe_load_all(code))
            case "sh":
                checked = subprocess.run(["bash", "-n"], input=code, capture_output=True, text=True, check=False)
                assert (checked.returncode, checked.stderr) == (0, "")
            case _:
                assert kind, f"say which language it is:\n{code}"


@pytest.mark.parametrize(("language", "name"), BOTH)
def test_its_links_lead_to_pages_of_its_language_and_to_headings(language: str, name: str) -> None:
    here = page(language, name)
    for link, anchor, source in _LINK.findall(prose(here.read_text())):
        target = link or source
        if "://" in target or target.startswith("mailto:"):
            continue
        there = (here.parent / target).resolve() if target else here
        assert there.exists(), target
        if there.suffix == ".md" and DOCS in there.parents:
            assert there.is_relative_to(DOCS / language), f"{target} is in the other language"
            assert not anchor or anchor in targets(there.read_text()), f"{target}#{anchor}"


def test_every_document_that_the_code_names_is_there() -> None:
    """Messages and comments name pages, such as docs/en/how-to/servers.md#gevent."""
    named = re.compile(rb"docs/(?:zh|en|images)/[a-z0-9/.-]*[a-z](?:#[a-z0-9-]+)?")
    read_by = [name for name in files() if not name.startswith(("docs/", "CHANGELOG"))]
    names = [found.decode() for name in read_by for found in named.findall((ROOT / name).read_bytes())]
    assert len(names) > 100
    for name in sorted(set(names)):
        path, _, anchor = name.partition("#")
        assert (ROOT / path).exists(), name
        assert not anchor or anchor in targets((ROOT / path).read_text()), name
