"""A start without its database ends with one line, which does not show the password."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.site import ROOT, SERVICES

STARTS = {
    "make run": ["server.run"],
    "gunicorn": ["gunicorn", "-c", "python:server.gunicorn_conf"],
    "migrate": ["server.manage", "migrate"],
}
PASSWORD = "s3cret%2Fw0rd"


def start(entry: str, data: Path, url: str) -> "subprocess.CompletedProcess[str]":
    own = {name: value for name, value in os.environ.items() if name not in SERVICES}
    place = {"DATA_DIR": str(data), "PORT": "0", "BIND": "127.0.0.1:0", "DATABASE_URL": url}
    env = own | {"DEBUG": "1", "DJANGO_SETTINGS_MODULE": "server.settings"} | place
    command = [sys.executable, "-m", *STARTS[entry]]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=90, check=False)


@pytest.mark.parametrize("entry", STARTS)
def test_a_database_that_is_away_is_said_plainly(entry: str, tmp_path: Path) -> None:
    ended = start(entry, tmp_path, f"postgres://shop:{PASSWORD}@127.0.0.1:1/shop")
    assert (ended.returncode, ended.stdout) == (1, "")
    first, *rest = ended.stderr.splitlines()
    assert first.startswith("phonebind: the database of DATABASE_URL does not answer: ")
    assert 'server at "127.0.0.1", port 1 failed: Connection refused' in first
    told = ["phonebind: the web server did not start; its last lines are above."]
    assert rest == (told if entry == "make run" else [])
    assert "s3cret" not in ended.stderr
    assert "w0rd" not in ended.stderr


@pytest.mark.parametrize("url", ["postgres://shop:1{}s3cret@127.0.0.1:1/shop", "mysql://shop:w{}s3cret@127.0.0.1/shop"])
@pytest.mark.parametrize("sign", "/?#")
def test_a_part_of_a_password_is_no_name_of_a_host(url: str, sign: str, tmp_path: Path) -> None:
    ended = start("migrate", tmp_path, url.format(sign))
    assert ended.returncode == 1
    assert ended.stderr.startswith("phonebind: DATABASE_URL is not the URL of a database")
    assert "%2F" in ended.stderr
    assert "s3cret" not in ended.stderr


def test_an_at_sign_elsewhere_is_no_obstacle(tmp_path: Path) -> None:
    for url in (
        f"sqlite:///{tmp_path}/a@b.sqlite3",
        "postgres://me@azure:s3cret@127.0.0.1:1/shop?application_name=a@b",
    ):
        ended = start("migrate", tmp_path, url)
        assert "is not the URL" not in ended.stderr
        assert (ended.returncode == 0) == url.startswith("sqlite")
