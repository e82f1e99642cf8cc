"""The contract holds for each kind of user model that hosts have: each in its own project, in its own process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import coverage
import pytest

from tests.support.services import TEST_DB
from tests.support.site import ROOT

HERE = Path(__file__).parent
KINDS = sorted(path.parent.name for path in HERE.glob("kinds/*/models.py"))

#: On the other databases, only the kinds that differ there: two tables, hidden rows, another key.
SOME = ["inherited", "soft_deleted", "uuid_key"]


@contextmanager
def forks(file: str) -> Iterator[Callable[[str], tuple[int, str]]]:
    """A function that runs that file for a kind, and returns how pytest ended and what it printed."""
    environment = {**os.environ}
    # The coverage of code that only such a host reaches is measured too.
    if measuring := coverage.Coverage.current():
        environment["COVERAGE_PROCESS_START"] = str(ROOT / "pyproject.toml")
        environment["COVERAGE_FILE"] = str(measuring.get_option("run:data_file"))
    command = [sys.executable, "-m", "tests.hosts.forks", file]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        asks, answers = process.stdin, process.stdout

        def ask(kind: str) -> tuple[int, str]:
            asks.write(f"{kind}\n")
            asks.flush()
            status, said = json.loads(answers.readline())
            return status, said

        yield ask


@pytest.fixture(scope="module")
def run() -> Iterator[Callable[[str], tuple[int, str]]]:
    with forks("contract.py") as ready:
        yield ready


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS if TEST_DB == "sqlite" else SOME)
def test_the_contract_holds_for(run: Callable[[str], tuple[int, str]], kind: str) -> None:
    status, said = run(kind)
    assert not status, said[-10000:]
    assert " passed" in said


@pytest.mark.once
def test_there_are_kinds() -> None:
    assert len(KINDS) >= 16
