"""Each kind of user model that hosts have keeps the contract: a project of its own, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import coverage
import pytest

from tests.support.services import TEST_DB

HERE = Path(__file__).parent
KINDS = sorted(path.parent.name for path in HERE.glob("kinds/*/models.py"))

#: On the other databases those that differ there: a plain one, more fields, two tables, hidden rows, another key.
SOME = ["abstract_user", "inherited", "made_by_factory", "soft_deleted", "uuid_key"]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS if TEST_DB == "sqlite" else SOME)
def test_the_contract_holds_for(kind: str) -> None:
    # What such a host alone makes us do is measured too.
    run = ["coverage", "run", "-m", "pytest"] if coverage.Coverage.current() else ["pytest"]
    # A plugin that nothing there uses takes as long to load as Django.
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--nomigrations"]
    options += ["--ds=tests.hosts.settings", str(HERE / "contract.py")]
    environment = os.environ | {"PHONEBIND_USER_KIND": kind}
    done = subprocess.run(
        [sys.executable, "-m", *run, *options], env=environment, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stdout[-8000:] + done.stderr[-2000:]


@pytest.mark.once
def test_there_are_kinds() -> None:
    assert len(KINDS) >= 16
