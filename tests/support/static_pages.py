"""A front end's static files, on their own port, as a shop serves them beside its API."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

FRONT_ENDS = Path(__file__).parents[1] / "front_ends"
#: Besides the files: pages of the shop, which all look alike. Every other path is not found.
SHOP = ("/", "/index.html", "/cart.html", "/goods/1.html", "/list.html", "/商品.html")
_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


@dataclass
class Pages:
    """``kind`` is a folder of ``tests/front_ends``; ``config`` is the configuration that the pages read."""

    port: int
    kind: str = "tutorial"
    config: dict[str, Any] = field(default_factory=dict)

    def content(self, path: str) -> tuple[bytes, str] | None:
        if path == "/config.js":
            return f"const config = {json.dumps(self.config)};".encode(), _TYPES[".js"]
        name = "shop.html" if path in SHOP else path.lstrip("/")
        found = [file for file in (FRONT_ENDS / name, FRONT_ENDS / self.kind / name) if file.is_file()]
        return (found[0].read_bytes(), _TYPES[found[0].suffix]) if found else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    pages: Pages


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        content = self.server.pages.content(unquote(urlsplit(self.path).path))
        self.send_response(HTTPStatus.OK if content else HTTPStatus.NOT_FOUND)
        body, kind = content or (b"404", _TYPES[".html"])
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Do not log to the terminal."""


@contextmanager
def serving() -> Iterator[Pages]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.pages = Pages(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.pages
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
