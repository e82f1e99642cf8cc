"""Each target for a short time, always from the same seed. PHONEBIND_TORTURE=full: 4 seconds each, from a new seed."""

import importlib.util
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.services import REQUIRE_ALL
from tests.support.torture import FULL
from tests.torture.report import Note
from tests.torture.targets import TARGETS, WHOLE_REQUESTS

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _atheris() -> None:
    if importlib.util.find_spec("atheris") is None:
        (pytest.fail if REQUIRE_ALL else pytest.skip)("atheris is not installed: it has wheels for Linux only")


@pytest.mark.parametrize(
    ("names", "runs"), [(sorted(TARGETS.keys() - WHOLE_REQUESTS), 3000), (sorted(WHOLE_REQUESTS), 400)]
)
def test_threat_18_bytes_that_nobody_thought_of(note: Note, names: list[str], runs: int) -> None:
    bounds = ["-max_total_time=4", f"-seed={random.randrange(1, 2**31)}"] if FULL else [f"-runs={runs}"]
    command = [sys.executable, "-m", "tests.torture.fuzz", *names, *bounds]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
    assert "Is the code instrumented" not in done.stderr
    done_runs = [int(number) for number in re.findall(r"^Done (\d+) runs", done.stderr, re.MULTILINE)]
    assert len(done_runs) == len(names)
    assert FULL or min(done_runs) >= runs  # libFuzzer may end a few runs late
    for name, number in zip(names, done_runs, strict=True):
        note(f"fuzz, led by coverage: {name}", runs=number, findings=0)
