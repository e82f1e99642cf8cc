"""Servers of other projects that run the reference server's application, each in its own process."""

import http.client
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from server.processes import spawn, stop
from tests.support.ports import free_port
from tests.support.services import valkey_server
from tests.support.site import ROOT, SERVICES

_GRANIAN = ["-m", "granian", "--workers", "1", "--interface"]
#: By name: the module that must be installed, and the command line of Python for a port.
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


@contextmanager
def serving(name: str, data: Path, **environ: str) -> Iterator[int]:
    """The port where the demo answers. Skips the test with a message if the server is not installed."""
    module, command = COMMANDS[name]
    if not find_spec(module):
        pytest.skip(f"NOT TESTED: {module} is not installed (requirements/servers.txt)")
    port = free_port()
    with running([sys.executable, *command(port)], data, port, **environ):
        yield port


@contextmanager
def serving_uwsgi(data: Path, *options: str, **environ: str) -> Iterator[int]:
    """uWSGI with its defaults, except for threads; from any package."""
    program = shutil.which("uwsgi", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if not program:
        pytest.skip("NOT TESTED: uWSGI is not installed (requirements/servers.txt has pyuwsgi)")
    port = free_port()
    command = [program, "--http-socket", f"127.0.0.1:{port}", "--module", "server.wsgi", "--master", "--threads", "32"]
    # uWSGI closes each connection and does not announce it. But the sandbox in it is asked over kept connections.
    command += ["--add-header", "Connection: close"]
    # It brings its own interpreter, which does not find our packages.
    path = os.pathsep.join(sys.path)
    with running([*command, "--die-on-term", *options], data, port, PYTHONPATH=path, **environ):
        yield port


@contextmanager
def running(command: list[str], data: Path, port: int, **environ: str) -> Iterator[None]:
    """The running command, from the moment when it answers at the port."""
    data.mkdir(parents=True, exist_ok=True)
    own = {name: value for name, value in os.environ.items() if name not in SERVICES}
    demo = {"DEBUG": "1", "PORT": str(port), "DATA_DIR": str(data), "REDIS_URL": valkey_server().url}
    env = own | demo | environ
    migrate = [sys.executable, "-m", "server.manage", "migrate", "-v0"]
    with (data / "log").open("w") as log:
        subprocess.run(migrate, cwd=ROOT, env=env, check=True, stdout=log, stderr=log)
        process = spawn(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        try:
            _wait_until_it_answers(port)
            yield
        except AssertionError:
            sys.stderr.write((data / "log").read_text())
            raise
        finally:
            stop(process, timeout=20)


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
