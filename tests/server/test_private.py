"""Other users of the machine can read none of our files, with any umask, and also when the files existed before."""

import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server import demo, private
from tests.server.test_settings import run
from tests.support.site import serving
from tests.support.visitor import Visitor


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    former = os.umask(0o022)
    yield
    os.umask(former)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_threat_22_other_users_read_nothing_of_the_demo(tmp_path: Path) -> None:
    """In a new directory, and in one whose files were readable before."""
    data = tmp_path / "new"
    for _ in range(2):
        with serving(data) as site:
            answer = Visitor(site.url).post("/authorizations/", username=demo.MOBILE, password=demo.PASSWORD)
            assert answer.status == 200
            found = {path.name: mode(path) for path in [data, *data.rglob("*")] if path.name != "log"}  # the test's
        assert {"db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm", "lock", "valkey.log", "appendonlydir"} <= found.keys()
        assert {name: oct(bits) for name, bits in found.items() if bits & 0o077} == {}
        data.chmod(0o755)
        for name in ("db.sqlite3", "lock", "valkey.log"):
            (data / name).chmod(0o644)


CONNECTED = """
import django, glob, os
django.setup()
from django.db import connection
connection.cursor().execute("CREATE TABLE IF NOT EXISTS people (mobile TEXT)")
print(*(oct(os.stat(name).st_mode)[-3:] for name in glob.glob("{}*")))
"""


def test_threat_22_sqlite_is_private_wherever_it_lies_and_whoever_makes_it(tmp_path: Path) -> None:
    file = tmp_path / "shop.sqlite3"
    environ = {"DEBUG": "1", "DATABASE_URL": f"sqlite:///{file}", "DJANGO_SETTINGS_MODULE": "server.settings"}
    for _ in range(2):
        answer = run(CONNECTED.format(file), **environ)
        assert answer.stdout.split() == ["600"] * 3, answer.stderr
        file.chmod(0o644)
    command = [sys.executable, "-m", "server.manage", "migrate", "--verbosity", "0"]
    subprocess.run(command, env=os.environ | environ, check=True)
    assert mode(file) == 0o600


def test_a_database_that_cannot_be_is_told_of_by_sqlite(tmp_path: Path) -> None:
    environ = {"DATABASE_URL": f"sqlite:///{tmp_path}/nowhere/db.sqlite3", "DJANGO_SETTINGS_MODULE": "server.settings"}
    assert "OperationalError: unable to open database file" in run(CONNECTED, DEBUG="1", **environ).stderr


def test_locks_of_sqlite_outlive_it(tmp_path: Path) -> None:
    """They would not, if the file were opened and closed."""
    file = tmp_path / "db.sqlite3"
    file.touch()
    code = f"""
import sqlite3, subprocess, sys
from pathlib import Path
from server import private
held = sqlite3.connect({str(file)!r}, isolation_level=None)
held.execute("BEGIN EXCLUSIVE")
private.file(Path({str(file)!r}))
other = "import sqlite3; sqlite3.connect({str(file)!r}, timeout=0, isolation_level=None).execute('BEGIN EXCLUSIVE')"
print(subprocess.run([sys.executable, "-c", other], stderr=subprocess.PIPE, text=True).stderr)
"""
    assert "database is locked" in run(code).stdout


def test_a_directory_of_all_users_is_not_closed_but_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(OSError, match="Choose another DATA_DIR"):
        private.directory(tmp_path)
    assert mode(tmp_path) == 0o1777


def test_what_is_not_ours_to_close_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(self: Path, bits: int) -> None:
        raise PermissionError

    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    for _ in range(2):
        private.directory(tmp_path)
    expected = f"{tmp_path} stays open to other users: its mode cannot be changed."
    assert caplog.record_tuples == [("server.private", logging.WARNING, expected)]


def test_bits_that_are_not_the_others_stay(tmp_path: Path) -> None:
    tmp_path.chmod(0o2775)
    private.directory(tmp_path)
    assert mode(tmp_path) == 0o2700
