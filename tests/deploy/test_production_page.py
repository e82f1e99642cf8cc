"""What docs/en/how-to/production.md says of Django's checks: for the page's variables, and for the reader's own
project.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from server.processes import Valkey
from tests.deploy.files import DEPLOY, variables
from tests.support import documents
from tests.support.site import ROOT
from tests.support.startproject import append, manage, run, start

pytestmark = pytest.mark.once

_SANDBOX = re.compile(r'^.*include\("phonebind_sandbox.*\n|, "phonebind_sandbox"', re.MULTILINE)
SECRETS = ("DATABASE_PASSWORD", "ALIYUN_KEY_ID", "ALIYUN_KEY_SECRET", "ALIYUN_SIGN_NAME", "QQ_APP_ID", "QQ_APP_KEY")
ENVIRON = {"SECRET_KEY": "0PNJ-qk5Vm2eJX6x1a9Gm0oS0tZ2d9hS3nq8l0KQ5mGm7c1rT4vYw8xZ"} | {
    name: f"a-{name.lower()}" for name in SECRETS
}


def warnings(told: str) -> set[str]:
    """The ids of the warnings."""
    return set(re.findall(r"\((\w+\.[A-Z]\d+)\)", told))


@pytest.mark.parametrize("language", documents.LANGUAGES)
def test_the_variables_of_the_page_have_the_warnings_of_the_page(language: str, tmp_path: Path) -> None:
    """The variables of step 6, with values."""
    filled = variables(DEPLOY / "systemd/environment.example") | {
        "SECRET_KEY": ENVIRON["SECRET_KEY"],
        "QQ_CLIENT_SECRET": "of-the-console",
        "SMS_OPTIONS": '{"access_key_id": "LTAI", "access_key_secret": "secret", "sign_name": "速通互联验证码"}',
        "DATA_DIR": str(tmp_path),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "src"),
    }
    command = [sys.executable, "-m", "server.manage", "check", "--deploy"]
    done = subprocess.run(command, cwd=ROOT, env=filled, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    page = documents.read("how-to/production", language)
    told = {word for word in documents.column(page) if word.startswith(("phonebind.", "security."))}
    assert warnings(done.stderr) == told


@pytest.fixture
def shop(tmp_path: Path, valkey: Valkey) -> Path:
    """The shop of the README, without the sandbox, and with the page's settings after its own."""
    start(tmp_path)
    for file in ("config/settings.py", "config/urls.py"):
        path = tmp_path / file
        without = _SANDBOX.sub("", path.read_text())
        assert "phonebind_sandbox" not in without
        path.write_text(without)
    [block] = [code for code in documents.code("how-to/production", "python") if "PHONEBIND |=" in code]
    append(tmp_path / "config/settings.py", f"import os\nos.environ.update({ENVIRON})\n{block}")
    return tmp_path


def test_checks_for_production_find_nothing_but_what_is_to_be_decided_later(shop: Path) -> None:
    done = run(shop, "check", "--deploy")
    assert done.returncode == 0, done.stderr
    assert warnings(done.stderr) == {"security.W005", "security.W021"}


def test_probes_come_by_plain_http_and_browsers_are_sent_to_https(shop: Path) -> None:
    asked = "[Client().get(path, headers={'host': 'shop.example.com'}).status_code for path in ('/healthz', '/login/')]"
    told = manage(shop, "shell", "-v0", "-c", f"from django.test import Client; print({asked})")
    assert told == "[200, 301]\n"
