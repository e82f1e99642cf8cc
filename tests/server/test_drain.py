"""A node is told to end. The proxies learn it first. Every client that comes meanwhile, or is connected, is served."""

import http.client
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from server.gunicorn_conf import graceful_timeout
from tests.support.nodes import Node, end, running, start
from tests.support.ports import free_port

#: Seconds.
DRAIN = 3


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with running(tmp_path, DRAIN=str(DRAIN)) as node:
        yield node


def told_to_end(node: Node) -> float:
    """The time of the signal."""
    node.process.send_signal(signal.SIGTERM)
    while node.ask("/readyz")[0] == 200:
        time.sleep(0.01)
    return time.monotonic()


@contextmanager
def visitors(node: Node, until: Callable[[], bool]) -> Iterator[Counter[int]]:
    """Four clients send requests again and again, each on a new connection, while the block runs and ``until`` is
    false.
    """
    seen: Counter[int] = Counter()

    def come() -> None:
        while not until():
            seen[node.ask("/login/")[0]] += 1

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        for thread in threads:
            thread.join()


def test_it_says_so_first_and_serves_until_the_proxies_know(node: Node) -> None:
    began = told_to_end(node)
    status, said = node.ask("/readyz")
    assert (status, said["status"], said["database"]) == (503, "ending", "ok")
    assert node.ask("/healthz") == (200, {"status": "alive"}), "nobody shall kill it"
    # A proxy that probes once a second has seen it twice by then.
    over = began + DRAIN - 0.5
    with visitors(node, lambda: time.monotonic() > over) as seen:
        pass
    assert seen.keys() == {200}
    assert node.process.wait(15) == 0
    assert time.monotonic() - began < DRAIN + 6
    assert node.log.read_text().count("Traceback") == 0


def test_all_that_connects_is_answered_to_the_last_moment(node: Node) -> None:
    """A client that is connected is never reset. A client that is too late gets no connection, and a proxy takes
    another node.
    """
    reset: list[str] = []
    answered: Counter[bytes] = Counter()

    def come() -> None:
        while True:
            try:
                client = socket.create_connection(("127.0.0.1", node.port), timeout=10)
            except ConnectionRefusedError:
                return
            with client:
                try:
                    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    answered[client.recv(12)] += 1
                except OSError as error:
                    reset.append(type(error).__name__)

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    node.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    assert node.process.wait(15) == 0
    assert answered.keys() == {b"HTTP/1.1 200"}
    # Clients that connect in the microseconds between the last accept and the end.
    assert len(reset) <= 2 < answered.total() / 100


def test_a_connection_that_is_kept_is_told(node: Node) -> None:
    kept = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)

    def ask() -> http.client.HTTPResponse:
        kept.request("GET", "/healthz")
        answer = kept.getresponse()
        answer.read()
        return answer

    for _ in range(2):
        assert ask().headers["Connection"] == "keep-alive"
    told_to_end(node)
    answer = ask()
    assert (answer.status, answer.headers["Connection"]) == (200, "close")
    kept.close()


def test_what_is_under_way_is_finished(node: Node) -> None:
    """Its last byte comes after all other connections were closed."""
    head = b"POST /authorizations/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", node.port), timeout=20) as client:
        client.sendall(head + b"Content-Length: 2\r\n\r\n{")
        began = told_to_end(node)
        time.sleep(max(0, began + DRAIN + 0.5 - time.monotonic()))
        client.sendall(b"}")
        assert client.recv(65536).startswith(b"HTTP/1.1 400 ")
    assert node.process.wait(15) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_told_again_it_ends_at_once(node: Node, number: signal.Signals) -> None:
    began = told_to_end(node)
    node.process.send_signal(number)
    assert node.process.wait(DRAIN - 0.5) == 0
    assert time.monotonic() - began < DRAIN - 0.5


def test_a_worker_that_is_killed_meanwhile_is_replaced_and_knows(node: Node) -> None:
    told_to_end(node)
    for worker in psutil.Process(node.process.pid).children():
        worker.kill()
    # The listener is still open, so a request waits for the next worker.
    assert node.ask("/readyz")[1]["status"] == "ending"
    assert node.ask("/login/")[0] == 200
    assert node.process.wait(DRAIN + 10) == 0


@pytest.mark.parametrize("environ", [{}, {"DRAIN": "0"}], ids=["as the demo is", "DRAIN=0"])
def test_without_a_drain_nobody_is_waited_for(tmp_path: Path, environ: dict[str, str]) -> None:
    with running(tmp_path, **environ) as node:
        ends_by_itself(node)


def test_a_worker_that_has_just_been_forked_hears_the_signal(tmp_path: Path) -> None:
    """It still has the master's signal handlers, and they would drop the signal."""
    slow = tmp_path / "slow_start.py"
    slow.write_text(
        "from server.gunicorn_conf import *\n"
        "import time\n\n\n"
        "def post_fork(server, worker):\n"
        f"    open({str(tmp_path / 'forked')!r}, 'a').write('.')\n"
        "    time.sleep(1.5)\n"
    )
    node = start(tmp_path / "0", free_port(), config=f"file:{slow}")
    try:
        forked = tmp_path / "forked"
        while not forked.exists() or len(forked.read_text()) < 2:
            assert node.process.poll() is None, node.log.read_text()
            time.sleep(0.01)
        time.sleep(0.3)  # until the master waits for signals
        ends_by_itself(node)
    finally:
        end(node)


def ends_by_itself(node: Node) -> None:
    """Every worker gets the signal. gunicorn waits `graceful_timeout` for a worker that does not, and kills it."""
    began = time.monotonic()
    node.process.send_signal(signal.SIGTERM)
    assert node.process.wait(30) == 0
    assert time.monotonic() - began < graceful_timeout
