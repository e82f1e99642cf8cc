"""Nodes: several gunicorns of the reference server at once, each with its own port."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.processes import spawn, stop
from tests.support.ports import free_port
from tests.support.services import valkey_server
from tests.support.site import ROOT, SERVICES

CONFIG = "python:server.gunicorn_conf"
COMMAND = [sys.executable, "-m", "gunicorn", "-c"]


@dataclass
class Node:
    """A master process with its workers, and its log."""

    port: int
    process: subprocess.Popen[str]
    log: Path

    def ask(self, path: str, method: str = "GET") -> tuple[int, Any]:
        """Status and JSON. The request goes to the node's address, as that of a probe. Status 0 if it does not
        answer.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return 0, None
        finally:
            connection.close()
        return answer.status, json.loads(body) if answer.headers.get_content_type() == "application/json" else None

    def wait_until_ready(self, seconds: float = 60) -> "Node":
        """Raises AssertionError with the end of its log if it never becomes ready."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.ask("/readyz")[0] == 200:
                return self
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())


def start(data: Path, port: int, *, config: str = CONFIG, **environ: str) -> Node:
    """Begin to start a node. ``environ`` is added to that of the demo; the tests' own services are not passed on."""
    data.mkdir(parents=True, exist_ok=True)
    own = {name: value for name, value in os.environ.items() if name not in SERVICES}
    demo = {"DEBUG": "1", "PORT": str(port), "BIND": f"127.0.0.1:{port}", "DATA_DIR": str(data)}
    demo |= {"REDIS_URL": valkey_server().url, "WORKERS": "2", "THREADS": "8"}
    with (data / "log").open("w") as log:
        process = spawn([*COMMAND, config], cwd=ROOT, env=own | demo | environ, stdout=log, stderr=log)
    return Node(port, process, data / "log")


@contextmanager
def running(data: Path, **environ: str) -> Iterator[Node]:
    """A node that is ready."""
    with nodes(data, 1, **environ) as [node]:
        yield node.wait_until_ready()


@contextmanager
def nodes(data: Path, many: int, **environ: str) -> Iterator[list[Node]]:
    """``many`` nodes that begin to start at the same moment."""
    with ExitStack() as stack:
        started = []
        for number in range(many):
            started.append(start(data / str(number), free_port(), **environ))
            stack.callback(end, started[-1])
        yield started


def end(node: Node) -> None:
    """End it at once, whatever it is doing."""
    if node.process.poll() is None:
        node.process.kill()  # its workers notice it, and end
    stop(node.process)
