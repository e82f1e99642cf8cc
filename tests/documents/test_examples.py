"""What the documents say of ``examples/`` exists: files, versions, and the same commands in both languages."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.support.documents import LANGUAGES, ROOT, blocks, excerpts, read, rows

EXAMPLES = ROOT / "examples"
READMES = sorted(path for path in EXAMPLES.rglob("README.md") if "node_modules" not in path.parts)
#: Pages that show parts of examples.
PAGES = ("how-to/vue", "how-to/allauth", "how-to/mini-program")
_LINK = re.compile(r"\]\(([^)#]+)")

pytestmark = pytest.mark.once


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_both_readmes_have_the_same_commands_and_lead_somewhere(readme: Path) -> None:
    chinese = readme.with_name("README.zh-CN.md")
    assert blocks(chinese.read_text()) == blocks(readme.read_text())
    for told in (readme, chinese):
        for link in _LINK.findall(told.read_text()):
            assert (told.parent / link).exists(), link


def test_each_example_is_in_the_list() -> None:
    table = [row for row in rows((EXAMPLES / "README.md").read_text()) if len(row) == 3]
    listed = {row[0].partition("]")[0].strip("[") for row in table}
    there = {path.name for path in EXAMPLES.iterdir() if path.is_dir() or path.suffix in (".py", ".js")}
    assert listed == there - {"run.py"}


def test_they_are_installed_with_the_versions_that_are_tested() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    known = {requirement for extra in extras.values() for requirement in extra}
    lines = [line for line in (EXAMPLES / "requirements.txt").read_text().splitlines() if line[0] not in "#."]
    assert len(lines) == 3
    assert [line for line in lines if line not in known] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_what_pages_show_of_them_stands_there(page: str, language: str) -> None:
    shown = [each for each in excerpts(read(page, language)) if each[0].startswith("examples/")]
    assert shown
    for name, code in shown:
        file = (ROOT / name).read_text()
        # Three dots stand for lines that are left out.
        for part in code.split("…\n"):
            assert part.strip() in file, f"{name}:\n{part}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nginx_sends_the_policy_that_the_browser_of_the_tests_gets(language: str) -> None:
    """The page has its tokens in localStorage. tests/journeys/test_vue_shop.py runs it with this policy."""
    config = (EXAMPLES / "vue_shop/frontend/vite.config.ts").read_text()
    [policy] = re.findall(r'"(default-src [^"]+)"', config)
    [(_, block)] = blocks(read("how-to/vue", language), "nginx")
    assert f'add_header Content-Security-Policy "{policy}" always;' in block
    assert "unsafe" not in policy
    assert "listen 443 ssl;" in block
