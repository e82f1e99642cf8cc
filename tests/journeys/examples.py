"""The shops of ``examples/``, started by the command of their README."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from server.processes import spawn, stop
from tests.support.ports import free_port
from tests.support.runserver import wait_for
from tests.support.site import ROOT, SERVICES

EXAMPLES = ROOT / "examples"
#: The environment of a user's shell: it has none of the services and settings of these tests.
ENVIRONMENT: Mapping[str, str] = {
    name: value for name, value in os.environ.items() if name not in {*SERVICES, "DJANGO_SETTINGS_MODULE", "DATA_DIR"}
} | {"PYTHONPATH": str(ROOT / "src")}


@contextmanager
def running(name: str, data: Path, **environ: str) -> Iterator[str]:
    """The address of the shop. At the end, every process that the shop started is stopped."""
    data.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, str(EXAMPLES / "run.py"), name, str(port)]
    with (data / "log").open("w") as log:
        env = {**ENVIRONMENT, "DATABASE": str(data / "db.sqlite3"), **environ}
        process = spawn(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/", process, data / "log")
        started = psutil.Process(process.pid).children(recursive=True)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)
    assert psutil.wait_procs(started, timeout=10)[1] == []
