"""A project that is served by its own ``manage.py runserver``, as on its developer's machine."""

import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

from server.processes import spawn, stop
from tests.support.startproject import environment


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def served(project: Path, port: int) -> Iterator[str]:
    """The server runs with its reloader."""
    site = f"http://127.0.0.1:{port}"
    with (project / "log").open("w") as log:
        command = [sys.executable, "manage.py", "runserver", str(port)]
        process = spawn(command, cwd=project, env=environment(), stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while not _answers(f"{site}/login/"):
            assert process.poll() is None, (project / "log").read_text()
            assert time.monotonic() < deadline, (project / "log").read_text()
            time.sleep(0.1)
        yield site
    finally:
        stop(process)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
