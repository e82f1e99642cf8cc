"""Other people's servers around the reference server's application, each in a process of its own."""

import http.client
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from server.processes import spawn, stop
from tests.support.services import valkey_server
from tests.support.site import ROOT

#: By name: the module that must be there, and the command for a port.
COMMANDS: Mapping[str, tuple[str, Callable[[int], list[str]]]] = {
    "uvicorn": ("uvicorn", lambda port: ["-m", "uvicorn", "server.asgi:application", "--port", str(port)]),
    "granian-asgi": ("granian", lambda port: [*_GRANIAN, "asgi", "--port", str(port), "server.asgi:application"]),
    "granian-wsgi": (
        "granian",
        lambda port: [*_GRANIAN, "wsgi", "--blocking-threads", "16", "--port", str(port), "server.wsgi:application"],
    ),
    "gunicorn-gevent": (
        "gevent",
        lambda port: ["-m", "gunicorn", "-k", "gevent", "-b", f"127.0.0.1:{port}", "server.wsgi"],
    ),
}
_GRANIAN = ["-m", "granian", "--workers", "1", "--interface"]


@contextmanager
def serving(name: str, data: Path, port: int | None = None, **environ: str) -> Iterator[int]:
    """The port where the demo answers. Skips the test where the server is not installed, and says so."""
    module, command = COMMANDS[name]
    if not find_spec(module):
        pytest.skip(f"NOT TESTED: {module} is not installed (pip install {module})")
    port = port or free_port()
    with running([sys.executable, *command(port)], data, port, **environ):
        yield port


@contextmanager
def running(command: list[str], data: Path, port: int, **environ: str) -> Iterator[None]:
    """The command, from when it answers at the port."""
    data.mkdir(parents=True, exist_ok=True)
    demo = {"DEBUG": "1", "PORT": str(port), "DATA_DIR": str(data), "REDIS_URL": valkey_server().url}
    with (data / "log").open("w") as log:
        process = spawn(command, cwd=ROOT, env={**os.environ, **demo, **environ}, stdout=log, stderr=log)
        try:
            _wait_until_it_answers(port)
            yield
        except AssertionError:
            sys.stderr.write((data / "log").read_text())
            raise
        finally:
            stop(process, timeout=20)


def free_port() -> int:
    """Nobody's, a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def uwsgi() -> str | None:
    """Its command, of whichever package."""
    return shutil.which("uwsgi", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")


def _wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/login/")
            assert connection.getresponse().status == 200
        except OSError:
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
    raise AssertionError("the server did not answer")
