"""A shop's own tests, run by its own ``manage.py test``: they sign a person in through the sandbox, or with a fake.

The test runner turns DEBUG off. The shop's settings are those of the tutorial, with DEBUG on, and are not changed for
us.
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
#: The file that signs in through the sandbox, as the page shows it.
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
    # The processes share the sandbox and its switches, so no test may change a switch.
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


# ---------------------------------------------------------------- phonebind.testing, and the whole page


def test_those_of_the_documentation_pass_in_processes_of_their_own(shop: Path) -> None:
    write(shop, {"shop/tests.py": FILES["shop/tests.py"], "shop/test_more.py": FILES["shop/tests.py"]})
    done = run(shop, "test", "--parallel=2", "--pattern=test*.py")
    assert done.returncode == 0, done.stderr
    assert "Ran 8 tests" in done.stderr


def test_those_of_the_documentation_pass_under_pytest(shop: Path) -> None:
    write(shop, FILES)
    # A shop does not have the other plugins that are installed beside our own tests.
    plugins = ["-p", "no:cacheprovider", "-p", "no:valkey", "-p", "no:schemathesis"]
    command = [sys.executable, "-m", "pytest", "-q", *plugins, "--ds=config.settings", *sorted(FILES)]
    done = subprocess.run(command, cwd=shop, env=environment(), capture_output=True, text=True, check=False)
    assert "12 passed" in done.stdout, done.stdout + done.stderr


def test_the_job_of_the_documentation_passes(shop: Path) -> None:
    """Run its commands, except those that install: all files of the page, with Django's own runner."""
    write(shop, FILES)
    [job] = [text for _, text in documents.blocks(documents.read("how-to/testing"), "yaml")]
    steps = [step["run"].split() for step in yaml.safe_load(job)["jobs"]["test"]["steps"] if "run" in step]
    commands = [arguments for program, *arguments in steps if program == "python"]
    assert len(commands) == 3
    for _, *arguments in commands:
        done = run(shop, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "Ran 11 tests" in done.stderr
