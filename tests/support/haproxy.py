"""The HAProxy of docs/en/how-to/nodes.md#haproxy, word for word except for addresses, in front of the tests' nodes."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.processes import spawn, stop
from tests.support import certificate, documents
from tests.support.ports import free_port

_PEM = "/etc/ssl/shop.example.com.both.pem"
_SERVERS = re.compile(r"(?<=\n)    server .*\n(?:    server .*\n)*")


def program() -> str:
    """The path of HAProxy. Skips the test with a message if there is none."""
    found = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if not found:
        pytest.skip("NOT TESTED: haproxy is not installed (Debian: haproxy)")
    return found


def documented() -> str:
    """The configuration in the document."""
    return documents.code("how-to/nodes", "haproxy")[0]


def is_valid(directory: Path) -> subprocess.CompletedProcess[str]:
    """Whether HAProxy itself accepts the document's configuration."""
    file = directory / "haproxy.cfg"
    pem = certificate.write(directory / "both.pem")
    file.write_text(documented().replace(_PEM, str(pem)))
    return subprocess.run([program(), "-c", "-f", file], capture_output=True, text=True, check=False)


@contextmanager
def in_front_of(ports: Sequence[int], directory: Path) -> Iterator[int]:
    """Its own port, with plain HTTP. It trusts the address that clients send, because all of them are at one
    address.
    """
    port = free_port()
    text = documented()
    for before, after in {
        f"bind :443 ssl crt {_PEM}": f"bind 127.0.0.1:{port}",
        "    http-request set-header X-Forwarded-For %[src]\n": "",
    }.items():
        assert before in text
        text = text.replace(before, after)
    servers = "".join(f"    server node{number} 127.0.0.1:{one}\n" for number, one in enumerate(ports))
    text, replaced = _SERVERS.subn(servers, text)
    assert replaced == 1
    file = directory / "haproxy.cfg"
    file.write_text(text)
    with (directory / "haproxy.log").open("w") as log, spawn([program(), "-db", "-f", file], stderr=log) as proxy:
        try:
            _wait_for(port, directory / "haproxy.log")
            yield port
        finally:
            stop(proxy)


def _wait_for(port: int, log: Path) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return
