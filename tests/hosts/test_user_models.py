"""Each kind of user model that hosts have keeps the contract: a project of its own, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import coverage
import pytest

HERE = Path(__file__).parent
KINDS = sorted(path.parent.name for path in HERE.glob("kinds/*/models.py"))

pytestmark = pytest.mark.once


@pytest.mark.parametrize("kind", KINDS)
def test_the_contract_holds_for(kind: str) -> None:
    # What such a host alone makes us do is measured too.
    run = ["coverage", "run", "-m", "pytest"] if coverage.Coverage.current() else ["pytest"]
    options = ["-q", "-p", "no:cacheprovider", "--ds=tests.hosts.settings", str(HERE / "contract.py")]
    environment = os.environ | {"PHONEBIND_USER_KIND": kind}
    done = subprocess.run(
        [sys.executable, "-m", *run, *options], env=environment, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stdout[-8000:] + done.stderr[-2000:]


def test_there_are_kinds() -> None:
    assert len(KINDS) >= 16
