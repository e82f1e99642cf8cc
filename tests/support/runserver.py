"""A project that is served by its own ``manage.py runserver``, as on its developer's machine."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from server.processes import spawn, stop
from tests.support.startproject import environment


@contextmanager
def served(project: Path, port: int) -> Iterator[str]:
    """The server runs with its reloader."""
    site = f"http://127.0.0.1:{port}"
    with (project / "log").open("w") as log:
        command = [sys.executable, "manage.py", "runserver", str(port)]
        process = spawn(command, cwd=project, env=environment(), stdout=log, stderr=log)
    try:
        wait_for(f"{site}/login/", process, project / "log")
        yield site
    finally:
        stop(process)


def wait_for(url: str, process: "subprocess.Popen[str]", log: Path) -> None:
    """Wait until the address answers, with any status."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(url, timeout=5):
                return
        except HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())
