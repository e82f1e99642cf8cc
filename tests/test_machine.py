"""One module finds out which tools are missing and reports the tests that are skipped for that."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import machine

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.once


def test_what_is_hidden_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHONEBIND_HIDE", "Chromium MariaDB Node nginx Python")
    told = ", ".join(machine.missing())
    assert all(
        name in told
        for name in (
            "Chromium (Debian: chromium-headless-shell)",
            "MariaDB",
            "Node (Debian: nodejs, npm)",
            "nginx",
            "Python 3.12 or 3.13",
        )
    )
    assert machine.commands("Chromium") == machine.commands("MariaDB") == []


def test_half_a_mariadb_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The server without the command that creates its tables."""
    for name in ("mariadbd", "chromium"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.delenv("PHONEBIND_HIDE", raising=False)
    monkeypatch.setattr(machine, "_PATH", str(tmp_path))
    assert machine.commands("Chromium") == [str(tmp_path / "chromium")]
    assert machine.commands("MariaDB") == []


def test_the_suite_on_mariadb_says_what_it_needs() -> None:
    environment = os.environ | {"PHONEBIND_TEST_DB": "mariadb", "PHONEBIND_HIDE": "MariaDB"}
    command = [sys.executable, "-m", "pytest", "-q", "tests/test_signals.py"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "needs the whole of MariaDB (Debian: mariadb-server)" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout


def test_where_all_is_required_nothing_is_left_out() -> None:
    environment = os.environ | {"PHONEBIND_REQUIRE_ALL": "1", "PHONEBIND_HIDE": "Chromium"}
    done = subprocess.run([ROOT / "scripts/test"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "required here: Chromium" in done.stderr) == (1, True)
