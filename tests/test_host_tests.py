"""A shop's own tests, run by its own ``manage.py test``: they sign somebody in through the sandbox, or a fake.

The test runner turns DEBUG off; the shop's settings are the tutorial's, with DEBUG on, and nothing is done for us.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from server.processes import Valkey
from tests.support import documents
from tests.support.startproject import append, blocks, environment, run, start, write

PAGE = "docs/en/how-to/testing.md"
#: The files of that page, by name.
FILES = {block.file: block.text for block in blocks(PAGE) if block.file}
#: What signs in through the sandbox, as the page has it.
TESTS = FILES["shop/test_sandbox.py"]


@pytest.fixture
def shop(tmp_path: Path, valkey: Valkey) -> Path:
    start(tmp_path)
    write(tmp_path, {"shop/tests.py": TESTS})
    return tmp_path


def test_they_pass(shop: Path) -> None:
    done = run(shop, "test")
    assert done.returncode == 0, done.stderr
    assert "Ran 2 tests" in done.stderr
    assert "System check identified no issues" in done.stdout


def test_they_pass_in_processes_of_their_own(shop: Path) -> None:
    # They share the sandbox and its switches, so none is turned.
    quiet = re.sub(r"    def test_qq_is_down.*?(?=    def )", "", TESTS, flags=re.DOTALL)
    write(shop, {"shop/tests.py": quiet, "shop/test_more.py": quiet.replace("xiaolan", "sam")})
    done = run(shop, "test", "--parallel=2", "--pattern=test*.py")
    assert done.returncode == 0, done.stderr
    assert "Ran 2 tests" in done.stderr


def test_threat_22_with_debug_off_in_the_settings_they_do_not_begin(shop: Path) -> None:
    append(shop / "config/settings.py", "DEBUG = False\n")
    done = run(shop, "test")
    assert done.returncode == 1
    assert "phonebind_sandbox.E001" in done.stderr
    assert "phonebind.E005" in done.stderr
    assert "Ran" not in done.stderr


# ---------------------------------------------------------------- phonebind.testing, and all of the page


def test_those_of_the_documentation_pass_in_processes_of_their_own(shop: Path) -> None:
    write(shop, {"shop/tests.py": FILES["shop/tests.py"], "shop/test_more.py": FILES["shop/tests.py"]})
    done = run(shop, "test", "--parallel=2", "--pattern=test*.py")
    assert done.returncode == 0, done.stderr
    assert "Ran 8 tests" in done.stderr


def test_those_of_the_documentation_pass_under_pytest(shop: Path) -> None:
    write(shop, FILES)
    # Whatever else is installed beside our own tests is not what a shop has.
    plugins = ["-p", "no:cacheprovider", "-p", "no:valkey", "-p", "no:schemathesis"]
    command = [sys.executable, "-m", "pytest", "-q", *plugins, "--ds=config.settings", *sorted(FILES)]
    done = subprocess.run(command, cwd=shop, env=environment(), capture_output=True, text=True, check=False)
    assert "12 passed" in done.stdout, done.stdout + done.stderr


def test_the_job_of_the_documentation_passes(shop: Path) -> None:
    """Its commands but those that install: all files of the page, by Django's own runner."""
    write(shop, FILES)
    [job] = [text for _, text in documents.blocks(documents.read("how-to/testing"), "yaml")]
    steps = [step["run"].split() for step in yaml.safe_load(job)["jobs"]["test"]["steps"] if "run" in step]
    commands = [arguments for program, *arguments in steps if program == "python"]
    assert len(commands) == 3
    for _, *arguments in commands:
        done = run(shop, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "Ran 11 tests" in done.stderr
