"""docs/en/reference/versions.md agrees with the packages. So do the files that say how to take part in the project."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import phonebind
import phonebind_sandbox
from tests.support.documents import LANGUAGES, ROOT, read, rows

pytestmark = pytest.mark.once

SURFACES = sorted(path.stem for path in Path(__file__).parent.glob("*.txt"))
PROJECTS: list[dict[str, Any]] = [
    tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"] for folder in ("", "src/phonebind_sandbox")
]
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml"))
#: Files in the root of the project, each in both languages.
PAPERS = ("README", "CHANGELOG", "SECURITY", "CODE_OF_CONDUCT")


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_names_every_surface(language: str) -> None:
    pins = [name for row in rows(_policy(language)) for name in re.findall(r"/tests/public/(\w+)\.txt\)", row[-1])]
    assert sorted(pins) == SURFACES


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project["name"])
def test_it_names_the_versions_that_an_index_shows(language: str, project: dict[str, Any]) -> None:
    for name, classifier in (("Python", "Programming Language :: Python"), ("Django", "Framework :: Django")):
        [[_, versions]] = [row for row in rows(_policy(language)) if row[0] == name]
        shown = [
            each.removeprefix(f"{classifier} :: ") for each in project["classifiers"] if each.startswith(classifier)
        ]
        assert re.findall(r"\d+\.\d+", versions) == [version for version in shown if "." in version]
    assert project["requires-python"] == ">=3.11"
    assert "Development Status :: 5 - Production/Stable" in project["classifiers"]


def test_both_packages_have_one_version_and_the_same_addresses() -> None:
    assert phonebind.__version__ == phonebind_sandbox.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", phonebind.__version__)
    assert all(project["dynamic"] == ["version"] for project in PROJECTS)
    assert PROJECTS[0]["urls"] == PROJECTS[1]["urls"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_upgrading_names_migrations_that_are_there(language: str) -> None:
    named = re.findall(r"`(?:phonebind\.)?(\d{4}_\w+)`", read("upgrading", language))
    files = {
        path.stem for folder in ("src/phonebind", "server/users") for path in (ROOT / folder).glob("migrations/0*.py")
    }
    assert {name for name in files if not name.startswith("0001")} == set(named)


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_is_there_in_both_languages_and_says_the_same(name: str) -> None:
    english, chinese = ((ROOT / f"{name}{kind}.md").read_text() for kind in ("", ".zh-CN"))
    assert f"]({name}.zh-CN.md)" in english
    assert f"]({name}.md)" in chinese
    for part in (r"^#+ ", r"^[-*] ", r"^\d+\. ", r"^\|"):
        found = [len(re.findall(part, text, re.MULTILINE)) for text in (english, chinese)]
        assert found[0] == found[1], part


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_a_form_asks_in_both_languages(form: Path) -> None:
    told = yaml.safe_load(form.read_text())
    labels = [told["name"], told["description"]]
    fields = [field for field in told["body"] if field["type"] != "markdown"]
    labels += [field["attributes"]["label"] for field in fields]
    assert all(
        re.search(r"[\u4e00-\u9fff].*/ ?.*[A-Za-z]{3}", label) for label in labels if label != "PHONEBIND 设置"
    ), labels
    assert any(field.get("validations", {}).get("required") for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)


def test_vulnerabilities_are_reported_privately() -> None:
    told = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/config.yml").read_text())
    [link] = told["contact_links"]
    assert link["url"] == PROJECTS[0]["urls"]["Source"] + "/security/advisories/new"
    assert len(FORMS) == 3


def _policy(language: str) -> str:
    return read("reference/versions", language)
