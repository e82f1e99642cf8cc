"""The source distribution contains all files that ``make test`` needs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.release.building import unpacked
from tests.support import tree

#: Files that git tracks and the source distribution does not contain, and the other way round.
LEFT_OUT: set[str] = set()
ADDED = {"PKG-INFO"}

#: A sample of the whole suite: a test that reads all files, HTTP with a real Valkey, the domain, the sandbox.
QUICK = [
    *("tests/documents/test_pages.py", "tests/documents/test_terms.py", "tests/test_public.py", "tests/public"),
    *(
        "tests/api/test_contract.py",
        "tests/test_binding.py",
        "tests/sandbox/test_inbox.py",
    ),
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(tree.ROOT, tmp_path_factory.mktemp("source"))


def run(source: Path, *command: str) -> str:
    """Run with the packages that are installed here, and with no files of ours except those of the source
    distribution.
    """
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "PYTHONPATH": f"{source / 'src'}:{source}",
        "PHONEBIND_TEST_DB": "sqlite",
    }
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not tree.is_checkout(), reason="a source distribution cannot be compared with git")
def test_it_has_the_files_that_git_tracks_and_no_others(source: Path) -> None:
    names = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    assert names - ADDED == set(tree.files()) - LEFT_OUT
    assert names >= ADDED


def test_make_finds_what_make_test_needs(source: Path) -> None:
    """make only prints what it would do. That names every file it needs."""
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    commands = run(source, "make", "-n", "test")
    assert "scripts/test" in commands
    assert "requirements/install.py requirements/docs.txt" in commands
    scripts = re.findall(r"scripts/\w+", (source / "scripts/test").read_text())
    assert "scripts/part" in scripts
    assert all(os.access(source / script, os.X_OK) for script in scripts)


def test_lint_and_tests_pass_there(source: Path) -> None:
    run(source, sys.executable, "-m", "ruff", "check", "--no-cache")
    assert " passed" in run(source, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *QUICK)
