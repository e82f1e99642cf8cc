"""Each kind of user model lets people change their number and password, or says why not; in a process of its own."""

import os
import subprocess
import sys

import pytest

from tests.hosts.test_user_models import KINDS, SOME
from tests.support.services import TEST_DB
from tests.support.site import ROOT


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS if TEST_DB == "sqlite" else SOME)
def test_numbers_and_passwords_of(kind: str) -> None:
    environment = {**os.environ, "PHONEBIND_USER_KIND": kind}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nomigrations"]
    command += ["--ds=tests.hosts.settings", str(ROOT / "tests/hosts/numbers.py")]
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
    assert not done.returncode, done.stdout[-8000:]
    assert " passed" in done.stdout
