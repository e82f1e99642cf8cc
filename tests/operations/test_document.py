"""A project that follows docs/en/how-to/operations has all of it."""

import subprocess
from pathlib import Path

import pytest

from tests.support.documents import blocks, excerpts, read
from tests.support.startproject import append, environment, manage, start

PAGE = read("how-to/operations/index")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("new")
    start(directory)
    files = excerpts(PAGE)
    assert [name for name, _ in files] == ["config/settings.py", "config/urls.py"]
    for name, code in files:
        append(directory / name, code)
    return directory


def test_its_commands_run(project: Path) -> None:
    [[first, second]] = [text.splitlines() for kind, text in blocks(PAGE) if kind == "sh" and "migrate" in text]
    assert manage(project, *first.split()[2:]) == "System check identified no issues (0 silenced).\n"
    assert "phonebind_operations" in manage(project, *second.split()[2:])
    [report] = [text.splitlines() for kind, text in blocks(PAGE) if kind == "sh" and "report" in text]
    said = [manage(project, *line.partition(" >")[0].split()[2:]) for line in report]
    assert ["2026-08" in said[0], said[1]] == [True, "month,purpose,gateway,outcome,count,price,cost\n"]
    [prune] = [text for kind, text in blocks(read("how-to/operations/events")) if kind == "sh"]
    assert manage(project, *prune.split()[2:])


def test_its_admin_shows_what_the_page_says(project: Path) -> None:
    script = """
from django.contrib.auth import get_user_model
from django.test import Client
user = get_user_model().objects.create_superuser("root", mobile="13900000001", password="correct-horse-8")
client = Client(headers={"host": "localhost"})
client.force_login(user)
html = client.get("/admin/", headers={"accept-language": "en"}).content.decode()
print([word in html for word in ("Operations", "Charts", "Events", "Webhook messages", "Failing webhook endpoints")])
"""
    assert manage(project, "shell", "-v0", "-c", script) == f"{[True] * 5}\n"


def test_its_webhooks_are_sent(project: Path) -> None:
    page = read("how-to/operations/webhooks")
    [make] = [text for kind, text in blocks(page) if kind == "sh" and "whsec_" in text]
    made = subprocess.run(["bash", "-c", make], capture_output=True, text=True, check=True, env=environment()).stdout
    [setting] = [text for kind, text in blocks(page) if kind == "python" and text.startswith("PHONEBIND = {")]
    own = setting.replace("PHONEBIND =", "PHONEBIND |=").replace("whsec_…", made.strip())
    append(project / "config/settings.py", own.replace("crm.example/hooks", "127.0.0.1:9"))
    assert manage(project, "check") == "System check identified no issues (0 silenced).\n"
    manage(project, "migrate")
    script = """
from django.contrib.auth import get_user_model
get_user_model().objects.create_user("ada", mobile="13900000002")
"""
    manage(project, "shell", "-v0", "-c", script)
    assert manage(project, "phonebind_webhooks", "crm", "--once") == "1 messages wait.\n"
