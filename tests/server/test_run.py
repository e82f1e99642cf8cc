"""``make run`` ends everything that it starts, however it ends itself."""

import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from server import demo
from tests.support.site import serving, start
from tests.support.visitor import Visitor


def eventually(holds: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    children: list[psutil.Process] = psutil.Process(process.pid).children(recursive=True)
    return children


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def said(process: subprocess.Popen[str], data: Path) -> str:
    assert process.wait(30) == 1
    return (data / "log").read_text()


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda number: number.name
)
def test_whatever_ends_it_nothing_stays(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as site:
        # Valkey, gunicorn, and the two workers. The second worker may start a moment later.
        assert eventually(lambda: len(descendants(site.process)) == 4)
        started = descendants(site.process)
        site.process.send_signal(number)
        assert site.process.wait(30) == (-number if number == signal.SIGKILL else 0)
        assert eventually(lambda: gone(started))


def test_it_says_where_to_sign_in_beside_the_session_edition(tmp_path: Path) -> None:
    with serving(tmp_path, FRONT_END="session") as site:
        assert site.process.stdout
        said = "".join(site.process.stdout.readline() for _line in range(7))
        assert f"{site.url}/pages/login/" in said
        assert Visitor(site.url).get("/pages/login/").status == 200


def test_it_ends_as_well_when_valkey_was_killed_and_otherwise_starts_it_again(tmp_path: Path) -> None:
    with serving(tmp_path) as site:
        started = descendants(site.process)
        [valkey] = [process for process in started if process.name() == "valkey-server"]
        valkey.kill()
        image = f"{site.url}/image_codes/6f0ef2a6-54c0-4f0e-8a0e-0d4c0d4d2f11/"
        assert eventually(lambda: Visitor(site.url).get(image).status == 200)
        [valkey] = [process for process in descendants(site.process) if process.name() == "valkey-server"]
        valkey.kill()
        site.process.terminate()
        assert site.process.wait(30) == 0
        assert eventually(lambda: gone(started))


def test_it_ends_when_the_web_server_does(tmp_path: Path) -> None:
    with serving(tmp_path) as site:
        started = descendants(site.process)
        [gunicorn] = [child for child in psutil.Process(site.process.pid).children() if child.name() != "valkey-server"]
        gunicorn.kill()
        assert "the web server ended" in said(site.process, tmp_path)
        assert eventually(lambda: gone(started))


def test_a_second_start_keeps_the_data_and_the_known_account(tmp_path: Path) -> None:
    for _ in range(2):
        with serving(tmp_path) as site:
            answer = Visitor(site.url).post("/authorizations/", username=demo.MOBILE, password=demo.PASSWORD)
            assert answer.status == 200
    with sqlite3.connect(tmp_path / "db.sqlite3") as database:
        assert database.execute("SELECT count(*) FROM users_user").fetchone() == (1,)
    database.close()


def test_a_directory_with_a_long_name_serves_too(tmp_path: Path) -> None:
    with serving(tmp_path / ("long" * 40)) as site:
        assert Visitor(site.url).get("/login/").status == 200


@pytest.mark.parametrize("port", ["busy", "80000", "http"])
def test_a_port_that_cannot_be_had_is_said_plainly(tmp_path: Path, port: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = str(other.getsockname()[1]) if port == "busy" else port
        with start(tmp_path, PORT=number) as process:
            words = said(process, tmp_path)
    assert f"cannot listen on port {number}" in words
    assert "Traceback" not in words


def test_two_of_them_do_not_share_a_directory(tmp_path: Path) -> None:
    with serving(tmp_path / "data"), start(tmp_path / "data") as second:
        assert "another phonebind runs on" in said(second, tmp_path / "data")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_is_not_ours_is_said_plainly(tmp_path: Path) -> None:
    with start(tmp_path, DATA_DIR="/proc/phonebind") as process:
        assert "Traceback" not in said(process, tmp_path)
