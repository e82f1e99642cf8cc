"""Everything outside the shop, as one small HTTP server that can hang: QQ, the SMS gateway, the phones."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

#: Seconds that a provider hangs; no client waits for the end.
HANG_SECONDS = 30


class Outside:
    """QQ's codes are ``OPENID.NUMBER``, and each is valid once."""

    def __init__(self) -> None:
        self.url = ""
        #: Paths that do not answer.
        self.hanging: set[str] = set()
        #: How many requests hang now, and the most that ever hung at once.
        self.held = self.most_held = 0
        self._used: set[str] = set()
        self._codes: dict[str, str] = {}
        self._sent: list[str] = []
        self._lock = threading.Lock()

    @property
    def sent(self) -> list[str]:
        """The mobiles that an SMS was sent to, in order."""
        return list(self._sent)

    def code(self, mobile: str) -> str:
        """The code in the last SMS on this phone, or ""."""
        return self._codes.get(mobile, "")

    def token(self, code: str) -> dict[str, Any]:
        with self._lock:
            if code in self._used:
                return {"error": 100020, "error_description": "code is reused error"}
            self._used.add(code)
        return {"access_token": f"token-{code}", "expires_in": 7776000, "openid": code.partition(".")[0]}

    def hang(self, connection: socket.socket) -> None:
        """Wait until the client gives up."""
        with self._lock:
            self.held += 1
            self.most_held = max(self.most_held, self.held)
        connection.settimeout(HANG_SECONDS)
        with contextlib.suppress(OSError):
            connection.recv(1)
        with self._lock:
            self.held -= 1

    def sms(self, message: dict[str, str]) -> dict[str, Any]:
        digits = "".join(char if char.isdigit() else " " for char in message["text"]).split()
        with self._lock:
            self._sent.append(message["mobile"])
            self._codes[message["mobile"]] = next(part for part in digits if len(part) == 6)
        return {"status": "ok"}


@contextmanager
def outside() -> Iterator[Outside]:
    """A running server at its own port."""
    world = Outside()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/oauth2.0/token":
                self._answer(url.path, lambda: world.token(parse_qs(url.query)["code"][0]))
            else:
                self._answer(url.path, lambda: {"ret": 0, "nickname": "小明"})

        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer("/sms", lambda: world.sms(message))

        def _answer(self, path: str, act: Any) -> None:
            if path in world.hanging:
                self.close_connection = True
                world.hang(self.connection)
                return
            body = json.dumps(act()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Do not log to the terminal."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 512

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client gave up, or was killed."""

    server = Server(("127.0.0.1", 0), Handler)
    world.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield world
    finally:
        server.shutdown()
        server.server_close()
