"""django-allauth, a separate site, signs in through the sandbox over real HTTP."""

import json
import subprocess
import sys
from typing import Any

import pytest

from phonebind_sandbox.conf import apps
from phonebind_sandbox.people import PEOPLE
from phonebind_sandbox.wechat_answers import openid


def allauth(provider: str, sandbox: str, person: str) -> Any:
    """Sign in. Returns the person's identity at allauth."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.sandbox.allauth_host", provider, sandbox, person]
    return json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)


@pytest.mark.parametrize("person", ["xiaolan", "fox"])
def test_weibo(served: str, person: str) -> None:
    signed_in = allauth("weibo", served, person)
    assert signed_in["uid"] == PEOPLE[person].weibo_uid
    assert signed_in["extra_data"]["screen_name"] == PEOPLE[person].nickname


@pytest.mark.parametrize("person", ["xiaolan", "fox"])
def test_wechat(served: str, person: str) -> None:
    signed_in = allauth("weixin", served, person)
    [app] = apps("wechat_web").values()
    assert signed_in["uid"] == openid(PEOPLE[person], app)
    # It decodes the answer as Latin-1, as the answer's type implies, and then repairs the text.
    assert signed_in["extra_data"]["nickname"] == PEOPLE[person].nickname
