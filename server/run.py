"""``make run``: start Valkey, the database and the web server together, and end them together.

Reads PORT (8000), DATA_DIR (.data), DATABASE_URL, and REDIS_URL or its alternatives (``server.stores``). Exit code 0
after a signal to end, 1 if something did not start or has failed.
"""

import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import NoReturn

from server import demo, private
from server.processes import StartError, Valkey, spawn, stop

WELCOME = """
phonebind runs on {origin}

  Sign in          {origin}/{pages}login/
  SMS inbox        {origin}/sandbox/inbox/
  Break things     {origin}/sandbox/faults/
  Known account    {demo.MOBILE}, password {demo.PASSWORD}
                   (any other mobile number makes a new account)

Ctrl-C ends it.
"""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Told(BaseException):
    """A signal has asked us to end."""


def main() -> None:
    """Run until a signal asks to end."""
    for number in SIGNALS:
        signal.signal(number, _told)
    os.umask(0o077)  # only we may read what we and our children create
    try:
        with ExitStack() as stack:
            _run(stack)
    except Told:
        return
    except (StartError, OSError) as error:
        print(f"phonebind: {error}", file=sys.stderr)
        sys.exit(1)


def _told(number: int, frame: FrameType | None) -> NoReturn:
    # One signal is enough: a second Ctrl-C must not interrupt the cleanup.
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise Told


def _run(stack: ExitStack) -> None:
    environ = {"DEBUG": "1", "DATA_DIR": ".data", **os.environ}
    data = Path(environ["DATA_DIR"]).resolve()
    private.directory(data)
    _lock(data, stack)
    listener = stack.enter_context(_listen(environ.get("PORT") or "8000"))
    port = listener.getsockname()[1]
    elsewhere = any(environ.get(name) for name in ("REDIS_URL", "REDIS_CLUSTER", "REDIS_SENTINELS"))
    valkey = None if elsewhere else _valkey(data, stack)
    environ |= {"DATA_DIR": str(data), "PORT": str(port), "BIND": f"fd://{listener.fileno()}"}
    if valkey:
        environ["REDIS_URL"] = valkey.url
    web = _web(environ, listener, stack)
    _wait_until_it_answers(web, port)
    origin = f"http://127.0.0.1:{port}"
    # In the session edition /login/ is an address of the API, not a page.
    pages = "pages/" if environ.get("FRONT_END") == "session" else ""  # the same rule as in the settings
    print(WELCOME.format(origin=origin, pages=pages, demo=demo), flush=True)
    _watch(web, valkey)


def _lock(data: Path, stack: ExitStack) -> None:
    """Two servers in one directory would overwrite each other's Valkey data. The lock ends with this process."""
    private.file(data / "lock")
    lock = stack.enter_context((data / "lock").open("w"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StartError(f"another phonebind runs on {data}. Choose another DATA_DIR, or end it.") from None


def _listen(port: str) -> socket.socket:
    """Listen before anything is started. So a busy port is reported at once, and no other process can take the port."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", int(port)))
    except (OSError, OverflowError, ValueError) as error:
        listener.close()
        raise StartError(f"cannot listen on port {port}: {error}. Choose another: make run PORT=8001") from None
    listener.listen(512)
    listener.set_inheritable(True)
    return listener


def _valkey(data: Path, stack: ExitStack) -> Valkey:
    valkey = Valkey(data)
    valkey.start()
    stack.callback(valkey.stop)
    return valkey


def _web(environ: dict[str, str], listener: socket.socket, stack: ExitStack) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gunicorn", "-c", "python:server.gunicorn_conf"]
    web = spawn(command, env=environ, pass_fds=[listener.fileno()])
    stack.callback(stop, web)
    return web


def _wait_until_it_answers(web: subprocess.Popen[str], port: int, seconds: float = 60) -> None:
    # We listen already, so a request waits for the first worker. The loop also notices if the server ends early.
    deadline = time.monotonic() + seconds
    while web.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/login/")
            status = connection.getresponse().status
        except OSError:
            continue
        finally:
            connection.close()
        if status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
            return
        break
    raise StartError("the web server did not start; its last lines are above.")


def _watch(web: subprocess.Popen[str], valkey: Valkey | None) -> None:
    """Start Valkey again if it dies, as a supervisor would. End if the web server ends."""
    while web.poll() is None:
        if valkey and valkey.ended():
            print("phonebind: Valkey ended; starting it again.", file=sys.stderr)
            valkey.start()
        time.sleep(0.5)
    raise StartError(f"the web server ended (exit code {web.returncode}).")


if __name__ == "__main__":
    main()
