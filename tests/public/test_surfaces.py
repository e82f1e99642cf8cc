"""The public surface does not change within a major version: docs/en/reference/versions.md."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documents import ROOT

pytestmark = pytest.mark.once

HERE = Path(__file__).parent
WRITTEN = {path.stem: path.read_text().splitlines() for path in HERE.glob("*.txt")}


@pytest.fixture(scope="module")
def live() -> dict[str, list[str]]:
    """The surface of the current code, from another process: the reference server with all apps."""
    command = [sys.executable, "-W", "error", "-m", "tests.public", "--print"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_it_is_as_it_was(name: str, live: dict[str, list[str]]) -> None:
    """If the change is intended, ``python -m tests.public`` writes the file again. A line that is removed or changed
    needs a new major version.
    """
    gone, new = set(WRITTEN[name]) - set(live[name]), set(live[name]) - set(WRITTEN[name])
    assert (gone, new) == (set(), set())


def test_every_surface_is_written_down(live: dict[str, list[str]]) -> None:
    assert live.keys() == WRITTEN.keys()
    assert all(len(lines) > 8 for lines in live.values())


def test_every_surface_finds_what_it_is_about(live: dict[str, list[str]]) -> None:
    """A surface that finds nothing would check nothing. So the test looks for one well-known line of each."""
    known = {
        "http": "POST /authorizations/ 200.token",
        "urls": "phonebind_pages:login login/",
        "webhooks": "account-bound provider",
        "settings": "PROVIDERS.client_id",
        "errors": "400 sms_code_invalid",
        "signals": "account_bound user",
        "checks": "phonebind.E021",
        "python": "phonebind.binding.sign_in(request, user, social_account=)",
        "audit": "outcome bound",
        "extras": "image",
        "tables": "phonebind_socialaccount.provider",
        "templates": "phonebind/base.html main",
        "styles": "--accent",
        "commands": "phonebind_sms send --gateway",
        "variables": "SECRET_KEY",
        "metrics": "phonebind_sms outcome",
        "sandbox": "phonebind_sandbox:inbox_json inbox.json",
    }
    assert {name for name, line in known.items() if line not in live[name]} == set()
    assert known.keys() == live.keys()
