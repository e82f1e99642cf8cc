"""The vendors' SDKs, called in a process of their own environment (requirements/oracles.txt)."""

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
    return _ask("tests/sms/oracles/aliyun.py", questions)


def alipay(*questions: dict[str, Any]) -> list[Any]:
    """The answers of tests/oauth/oracles/alipay_sdk.py, one for each question."""
    # The SDK writes the time of this machine, and Alipay expects that of Beijing.
    return _ask("tests/oauth/oracles/alipay_sdk.py", questions, TZ="Asia/Shanghai")


def _ask(script: str, questions: tuple[dict[str, Any], ...], **environment: str) -> list[Any]:
    done = subprocess.run(
        [str(HOME / "bin/python"), str(ROOT / script)],
        input=json.dumps(questions),
        env={"NO_PROXY": "127.0.0.1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


def need() -> None:
    """Without the SDKs the test is skipped. It fails if PHONEBIND_REQUIRE_ALL=1 and this Python could have them."""
    if (HOME / "complete").exists():
        return
    required = REQUIRE_ALL and not (HOME / "refused").exists()
    (pytest.fail if required else pytest.skip)("NOT TESTED: the vendors' SDKs (make .oracles/complete)")
