"""A shop's own tests, run by its own ``manage.py test``: they sign a person in through the sandbox, or with a fake.

The test runner turns DEBUG off. The shop's settings are those of the tutorial, with DEBUG on, and are not changed for
us.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from server.processes import Valkey
from tests.support.startproject import append, blocks, environment, run, start, write

#: What a shop's developer would write after reading docs/en/how-to/sandbox.md.
TESTS = '''
from random import randrange
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import LiveServerTestCase

# The Valkey outlives a run, and processes share it.
MOBILE = f"139{randrange(10**8):08}"
IMAGE = str(uuid4())


class SignInTest(LiveServerTestCase):
    def setUp(self):
        here = f"{self.live_server_url}/sandbox"
        phonebind = dict(settings.PHONEBIND)
        phonebind["PROVIDERS"] = {"qq": {**phonebind["PROVIDERS"]["qq"], "base_url": f"{here}/qq"}}
        phonebind["SMS"] = {**phonebind["SMS"], "url": f"{here}/sms/"}
        changed = self.settings(PHONEBIND=phonebind)
        changed.enable()
        self.addCleanup(changed.disable)

    def arrive(self):
        """Sign in with QQ as Xiaolan; what the site answers to its callback."""
        login_url = self.client.get("/oauth/qq/authorization/").json()["login_url"]
        self.assertTrue(login_url.startswith(self.live_server_url))
        page = urlsplit(login_url)
        callback = self.client.post(f"{page.path}?{page.query}", {"person": "xiaolan"}).headers["Location"]
        return self.client.get(f"/oauth/qq/user/?{urlsplit(callback).query}").json()

    def test_somebody_new_binds_a_mobile_and_is_known_from_then_on(self):
        self.assertIs(settings.DEBUG, False)  # this is a test runner's process
        ticket = self.arrive()["access_token"]
        self.assertEqual(self.client.get(f"/image_codes/{IMAGE}/").status_code, 200)
        text = self.client.get(f"/sandbox/image_codes/{IMAGE}.json").json()["text"]
        sent = self.client.get(
            f"/sms_codes/{MOBILE}/", {"image_code_id": IMAGE, "text": text, "access_token": ticket}
        )
        self.assertEqual(sent.status_code, 200, sent.content)
        code = self.client.get("/sandbox/inbox.json", {"mobile": MOBILE}).json()[0]["code"]
        form = {"mobile": MOBILE, "password": "horse-staple-9", "sms_code": code, "access_token": ticket}
        bound = self.client.post("/oauth/qq/user/", form)
        self.assertEqual(bound.status_code, 201, bound.content)
        self.assertEqual(self.arrive()["user_id"], get_user_model().objects.get(mobile=MOBILE).pk)
'''


@pytest.fixture
def shop(tmp_path: Path, valkey: Valkey) -> Path:
    start(tmp_path)
    write(tmp_path, {"shop/tests.py": TESTS})
    return tmp_path


def test_they_pass(shop: Path) -> None:
    done = run(shop, "test")
    assert done.returncode == 0, done.stderr
    assert "Ran 1 test" in done.stderr
    assert "System check identified no issues" in done.stdout


def test_they_pass_in_processes_of_their_own(shop: Path) -> None:
    write(shop, {"shop/test_more.py": TESTS.replace("xiaolan", "sam")})
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


# ---------------------------------------------------------------- phonebind.testing


def documented() -> tuple[str, str]:
    """The two files of docs/en/how-to/testing.md: for Django's runner, and for pytest-django."""
    django, pytest_django = (block.text for block in blocks("docs/en/how-to/testing.md"))
    return django, pytest_django


def test_those_of_the_documentation_pass(shop: Path) -> None:
    write(shop, {"shop/tests.py": documented()[0], "shop/test_more.py": documented()[0]})
    done = run(shop, "test", "--parallel=2", "--pattern=test*.py")
    assert done.returncode == 0, done.stderr
    assert "Ran 8 tests" in done.stderr


def test_those_of_the_documentation_pass_under_pytest(shop: Path) -> None:
    write(shop, {"shop/test_sign_in.py": "".join(documented())})
    # A shop does not have the other plugins that are installed beside our own tests.
    plugins = ["-p", "no:cacheprovider", "-p", "no:valkey", "-p", "no:schemathesis"]
    command = [sys.executable, "-m", "pytest", "-q", *plugins, "--ds=config.settings", "shop/test_sign_in.py"]
    done = subprocess.run(command, cwd=shop, env=environment(), capture_output=True, text=True, check=False)
    assert "5 passed" in done.stdout, done.stdout + done.stderr
