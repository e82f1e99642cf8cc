"""``make clean`` removes all that make and the scripts put into the tree, and nothing else."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.tree import CACHES, MADE, ROOT

#: Ignored by git, but an operator's own, or of no use to anybody else.
KEPT = {"deploy/secrets", "deploy/site.env", "bench/node_modules"}
TARGET = re.compile(r"^([^\s:=#]+/)\S+:(?!=)", re.MULTILINE)


def _recipe() -> str:
    return (ROOT / "Makefile").read_text().partition("\nclean:\n")[2].partition("\n\n")[0]


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make here")
def test_it_removes_all_that_is_made_and_keeps_the_rest(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    made = MADE | CACHES | {"src/phonebind/__pycache__"}
    for name in made | KEPT:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").touch()
    subprocess.run(["make", "clean"], cwd=tmp_path, capture_output=True, check=True)
    assert {name for name in made if (tmp_path / name).exists()} == set()
    assert {name for name in KEPT if not (tmp_path / name / "file").exists()} == set()


def test_it_names_each_of_them_once() -> None:
    named = re.findall(r"\S+", " ".join(re.findall(r"rm -rf (.*)", _recipe().partition("\tfind")[0])))
    assert sorted(named) == sorted(MADE | CACHES - {"__pycache__"})


def test_what_git_ignores_and_what_make_installs_is_made() -> None:
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split() if "*" not in line}
    assert ignored - {"__pycache__", "node_modules"} - KEPT <= MADE | CACHES
    targets = {folder.rstrip("/") for folder in TARGET.findall((ROOT / "Makefile").read_text())}
    assert targets
    assert targets <= MADE
