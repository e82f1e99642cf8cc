"""``examples/mini_program.py``, run as a command against the running site."""

import json
import re
import subprocess
import sys

import pytest

from tests.journeys.examples import EXAMPLES
from tests.support import machine
from tests.support.services import REQUIRE_ALL
from tests.support.site import ROOT

pytestmark = pytest.mark.once

MOBILE = "13900000006"


def run(site: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", str(EXAMPLES / "mini_program.py"), site, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={})


def requests(said: str) -> list[str]:
    """The paths without the values that each run makes up, and the status of each answer."""
    plain = re.sub(r"[0-9a-f-]{36}", "ID", said)
    found = re.findall(r"^(?:GET|POST) (\S+)$|^  (\d{3}) ", plain, re.MULTILINE)
    return [path or status for path, status in found]


def test_the_first_time_it_binds_and_then_it_comes_straight_in(site: str) -> None:
    first = run(site, "--person", "fox", "--mobile", MOBILE)
    assert (first.returncode, first.stderr) == (0, "")
    refreshed = ["/authorizations/refresh/", "200"]
    sign_in = ["/oauth/wechat_miniprogram/native/", "200"]
    sms = ["/image_codes/ID/", "200", f"/sms_codes/{MOBILE}/", "200"]
    assert requests(first.stdout) == [*sign_in, *sms, "/oauth/wechat_miniprogram/user/", "201", *refreshed]
    again = run(site, "--person", "fox")
    assert (again.returncode, again.stderr) == (0, "")
    assert requests(again.stdout) == [*sign_in, *refreshed]
    users = [re.findall(r"# Signed in: user (\d+)", done.stdout) for done in (first, again)]
    assert users[0] == users[1] != []
    assert "horse-staple" not in first.stdout


def test_a_refusal_ends_it_with_the_answer(site: str) -> None:
    done = run(site, "--person", "liming", "--mobile", "123")
    assert done.returncode == 1
    assert '"code": "invalid"' in done.stderr or '"code":"invalid"' in done.stderr


@pytest.mark.parametrize(("person", "mobile"), [("sam", "13900000007"), ("nameless", "")], ids=["sms", "phone button"])
def test_the_code_for_a_mini_program_does_the_same(site: str, person: str, mobile: str) -> None:
    """``examples/mini_program.js``, with a ``wx`` object that is written in Node.js."""
    found = machine.commands("Node")
    if not found:
        (pytest.fail if REQUIRE_ALL else pytest.skip)("NOT TESTED: Node is not installed (Debian: nodejs, npm)")
    command = [found[0], "tests/front_ends/mini_program.js", site, person, *filter(None, [mobile])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    username = said["bound"]
    assert re.fullmatch(mobile or r"139\d{8}", username)
    assert said["again"] == username
    assert said["account"] == [username, username]
    assert said["renewed"] is True
    assert said["ended"] == [401, "token_invalid"]
    assert said.get("wrong") == ("invalid" if mobile else None)
