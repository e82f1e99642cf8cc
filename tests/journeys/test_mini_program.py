"""``examples/mini_program.py``, run as a command against the running site."""

import re
import subprocess
import sys

import pytest

from tests.journeys.examples import EXAMPLES

pytestmark = pytest.mark.once

MOBILE = "13900000006"


def run(site: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", str(EXAMPLES / "mini_program.py"), site, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={})


def requests(said: str) -> list[str]:
    """The paths, without what is made up for each run; and the statuses that answered them."""
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
