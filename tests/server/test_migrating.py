"""Several nodes start at the same time on an empty database."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import pytest
from django.db import connection, connections
from pytest_django import Settings

from server import migrating
from server.migrating import locked
from tests.support.nodes import Node, nodes
from tests.support.site import ROOT
from tests.support.torture import scale

#: On all three databases. The tests' own database is not used.
pytestmark = pytest.mark.django_db(transaction=True)

MANAGE = [sys.executable, "-m", "server.manage"]


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables of a node for a database that was made just now."""
    name = f"empty_{time.time_ns()}"
    quote = connection.ops.quote_name
    url = urlsplit(os.environ["DATABASE_URL"])
    if connection.vendor == "sqlite":
        database = f"sqlite:///{tmp_path / name}.sqlite3"
    else:
        database = urlunsplit(url._replace(path=f"/{name}"))
        _execute(f"CREATE DATABASE {quote(name)}")
    yield {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    if connection.vendor != "sqlite":
        force = " WITH (FORCE)" if connection.vendor == "postgresql" else ""
        _execute(f"DROP DATABASE {quote(name)}{force}")


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def migrate(empty: dict[str, str], data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"DATA_DIR": str(data), "LIFECYCLE": "1", "OPERATIONS": "1"} | empty
    command = [*MANAGE, "migrate", "--no-input", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def says(node: Node, words: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while words not in node.log.read_text():
        assert node.process.poll() is None, node.log.read_text()
        assert time.monotonic() < deadline, node.log.read_text()
        time.sleep(0.05)


# ---------------------------------------------------------------- all of them migrate


@pytest.mark.parametrize("attempt", range(scale(4, 1)))
def test_nodes_that_start_at_once_all_come_up(empty: dict[str, str], tmp_path: Path, attempt: int) -> None:
    with nodes(tmp_path, 3, **empty) as started:
        for node in started:
            assert node.wait_until_ready().ask("/login/")[0] == 200
        assert [node.log.name for node in started if "Traceback" in node.log.read_text()] == []


def test_a_node_that_dies_while_it_migrates_leaves_the_others_able_to(empty: dict[str, str], tmp_path: Path) -> None:
    environ = empty | {"PHONEBIND_TEST_PAUSE": "30", "DJANGO_SETTINGS_MODULE": "tests.support.slow_migrations"}
    with nodes(tmp_path / "dies", 1, **environ) as [dies]:
        says(dies, "migrates, and takes its time")
        with nodes(tmp_path / "others", 2, **empty) as others:
            for node in others:
                says(node, "waiting for another node, which migrates the database.")
            dies.process.kill()
            for node in others:
                node.wait_until_ready()


# ---------------------------------------------------------------- one command migrates


@pytest.mark.once
def test_a_start_waits_for_the_command(empty: dict[str, str], tmp_path: Path) -> None:
    with nodes(tmp_path, 2, **empty, MIGRATE="0") as started:
        for node in started:
            says(node, "phonebind: waiting for ")
        assert all(node.ask("/healthz") == (0, None) for node in started)
        assert " is the first; python -m server.manage migrate)." in started[0].log.read_text()
        done = migrate(empty, tmp_path / "job")
        assert (done.returncode, done.stderr) == (0, "")
        for node in started:
            node.wait_until_ready()


def test_a_start_waits_for_the_database_too(empty: dict[str, str], tmp_path: Path) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite is no server")
    nowhere = urlunsplit(urlsplit(empty["DATABASE_URL"])._replace(path="/there_is_none"))
    with nodes(tmp_path, 1, **empty | {"DATABASE_URL": nowhere}, MIGRATE="0", MIGRATE_DEADLINE="2") as [node]:
        says(node, "phonebind: waiting for the database.")
        assert node.process.wait(60) == 1


@pytest.mark.once
def test_a_start_does_not_wait_for_ever(empty: dict[str, str], tmp_path: Path) -> None:
    with nodes(tmp_path, 1, **empty, MIGRATE="0", MIGRATE_DEADLINE="1") as [node]:
        assert node.process.wait(60) == 1
        last = node.log.read_text().splitlines()[-1]
        assert last.startswith("phonebind: waited 1 s for ")
        assert "Traceback" not in node.log.read_text()


@pytest.mark.once
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_start_that_waits_can_be_ended(empty: dict[str, str], tmp_path: Path, told: signal.Signals) -> None:
    # As a shell starts a background process: SIGINT is ignored, as for the first process of a container.
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with nodes(tmp_path, 1, **empty, MIGRATE="0") as [node]:
            says(node, "phonebind: waiting for ")
            node.process.send_signal(told)
            assert node.process.wait(10) == 128 + told
            assert not psutil.pid_exists(node.process.pid)
    finally:
        signal.signal(signal.SIGINT, former)


# ---------------------------------------------------------------- the lock


def test_the_command_waits_for_whoever_migrates(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(migrating, "_PAUSE", 0.05)
    order: list[str] = []
    inside, may_end = threading.Event(), threading.Event()

    def first() -> None:
        with closing(connections["default"]) as own, locked(own):
            order.append("first begins")
            inside.set()
            may_end.wait(30)
            order.append("first ends")

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(30)
    threading.Timer(0.5, may_end.set).start()
    with locked(connection):
        order.append("second begins")
    thread.join()
    assert order == ["first begins", "first ends", "second begins"]
    assert capsys.readouterr().err == "phonebind: waiting for another node, which migrates the database.\n"


def test_the_lock_is_given_back() -> None:
    """Over a connection that a pool keeps open."""
    for _ in range(3):
        with locked(connection):
            pass
    with closing(connection.copy()) as other, locked(other):
        pass


def test_who_waits_in_vain_for_the_lock_says_so(settings: Settings) -> None:
    settings.MIGRATE_DEADLINE = 0
    other = connection.copy()
    with closing(other), locked(connection), pytest.raises(SystemExit) as told, locked(other):
        pass
    assert told.value.code == "phonebind: waited 0 s for another node, which migrates the database, and gave up."
