"""The HAProxy of docs/en/how-to/nodes.md#haproxy: it finds the ready nodes, and clients cannot reach the probes."""

import http.client
import signal
import time
from pathlib import Path

from tests.support import haproxy
from tests.support.nodes import Node, running


def test_haproxy_takes_the_document(tmp_path: Path) -> None:
    done = haproxy.is_valid(tmp_path)
    assert (done.returncode, "ALERT" in done.stderr) == (0, False), done.stderr


def ask(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def wait_for(port: int, status: int) -> None:
    deadline = time.monotonic() + 30
    while ask(port, "/login/") != status:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_node_that_ends_is_left_before_it_is_gone(tmp_path: Path) -> None:
    with running(tmp_path, DRAIN="8") as node, haproxy.in_front_of([node.port], tmp_path) as port:
        wait_for(port, 200)
        assert [ask(port, path) for path in ("/healthz", "/readyz", "/admin/")] == [404] * 3
        began = time.monotonic()
        node.process.send_signal(signal.SIGTERM)
        wait_for(port, 503)
        assert time.monotonic() - began < 6, "two checks, a second apart"
        _still_serves(node)


def _still_serves(node: Node) -> None:
    assert node.ask("/login/")[0] == 200
