"""A start without its database ends with one line, which does not show the password."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from server import environment
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


def test_a_part_of_a_password_is_no_name_of_a_host(tmp_path: Path) -> None:
    ended = start("migrate", tmp_path, "postgres://shop:1/s3cret@127.0.0.1:1/shop")
    assert ended.returncode == 1
    assert ended.stderr.startswith("phonebind: DATABASE_URL is not the URL of a database")
    assert "%2F" in ended.stderr
    assert "s3cret" not in ended.stderr


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """What a DATABASE_URL means. Empty if it is refused."""
    monkeypatch.setattr(environment, "_faults", {})

    def read(url: str) -> dict[str, Any]:
        monkeypatch.setenv("DATABASE_URL", url)
        return environment.database("DATABASE_URL", "", prepare=True)

    return read


@pytest.mark.parametrize(
    "url",
    [
        "postgres://shop:1{}s3cret@127.0.0.1/shop",
        "mysql://shop:w{}s3cret@127.0.0.1/shop",
        "postgres://shop:a@s3{}cret@127.0.0.1/shop",
    ],
)
@pytest.mark.parametrize("sign", "/?#[]")
def test_a_sign_that_would_cut_the_password_is_refused(
    read: Callable[[str], dict[str, Any]], url: str, sign: str
) -> None:
    assert read(url.format(sign)) == {}
    [fault] = environment._faults
    assert quote(sign, safe="") in fault
    assert "cret" not in fault


@pytest.mark.parametrize(
    ("url", "host", "name", "password"),
    [
        ("sqlite:////data/a@b.sqlite3", "", "/data/a@b.sqlite3", ""),
        ("postgres://me@azure:s3cret@127.0.0.1:1/shop?application_name=a@b", "127.0.0.1", "shop", "s3cret"),
        ("postgres://me:s3@cret@127.0.0.1:1/shop@1", "127.0.0.1", "shop@1", "s3@cret"),
        ("postgres://me:s%2F%3F%23cret@db/shop", "db", "shop", "s/?#cret"),
        ("postgres:///shop?host=/run/pg&user=me@x", "", "shop", ""),
        ("mysql:///shop?unix_socket=/run/mysqld/a@b.sock", "", "shop", ""),
    ],
)
def test_an_at_sign_elsewhere_is_no_obstacle(
    read: Callable[[str], dict[str, Any]], url: str, host: str, name: str, password: str
) -> None:
    found = read(url)
    assert (found["HOST"], found["NAME"], found["PASSWORD"]) == (host, name, password)
    assert not environment._faults
