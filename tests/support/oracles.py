"""The vendors' SDKs, asked in a process of the environment that they have for themselves (requirements/oracles.txt)."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.services import REQUIRE_ALL
from tests.support.site import ROOT

HOME = ROOT / ".oracles"

Ask = Callable[..., list[Any]]


def aliyun(*questions: dict[str, Any]) -> list[Any]:
    """The answers of tests/sms/oracles/aliyun.py, one for each question."""
    command = [str(HOME / "bin/python"), str(ROOT / "tests/sms/oracles/aliyun.py")]
    environment = {"NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        command, input=json.dumps(questions), env=environment, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


def need() -> None:
    """Without them the test is skipped, or fails where PHONEBIND_REQUIRE_ALL=1 and this Python could have them."""
    if (HOME / "complete").exists():
        return
    required = REQUIRE_ALL and not (HOME / "refused").exists()
    (pytest.fail if required else pytest.skip)("NOT TESTED: the vendors' SDKs (make .oracles/complete)")
