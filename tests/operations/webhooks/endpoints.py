"""Services that receive webhooks: test servers that verify messages as the library of Standard Webhooks does."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

from phonebind.operations.models import OutboxMessage
from phonebind.operations.webhooks import outbox

SECRET = "whsec_d2ViaG9va3MtZm9yLW9wZXJhdGlvbnMtdGVzdHM="
OTHER_SECRET = "whsec_YW5vdGhlci1zZWNyZXQtb2Ytb3BlcmF0aW9ucw=="


@dataclass
class Reply:
    """``hang``: seconds before the answer begins; ``drip``: seconds after each byte of the body."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hang: float = 0
    drip: float = 0


@dataclass
class Service:
    url: str = ""
    secret: str = SECRET
    #: The replies, in order. The last one repeats.
    replies: list[Reply] = field(default_factory=lambda: [Reply()])
    #: Ids and contents in order of arrival, accepted or not.
    ids: list[str] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)
    #: Headers, with lower-case names.
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    #: Ids that arrived while a request with the same id was still being answered.
    doubled: list[str] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def entry(self, **more: Any) -> dict[str, Any]:
        """The entry in ``WEBHOOKS``."""
        return {"url": self.url, "secret": SECRET, **more}

    def types(self) -> list[str]:
        return [message["type"] for message in self.messages]

    def has_got(self, count: int) -> bool:
        return len(self.ids) > count

    def came(self, headers: dict[str, str], body: bytes, message: Any) -> Reply:
        with self.lock:
            key = headers["webhook-id"]
            if key in self.busy:
                self.doubled.append(key)
            self.busy.append(key)
            self.ids.append(key)
            self.headers.append(headers)
            self.bodies.append(body)
            self.messages.append(message)
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    service: Service

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a sender that gives up in the middle."""


class _Handler(BaseHTTPRequestHandler):
    """There is no GET: the sender must not follow redirects."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        service, body = self.server.service, self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        message = Webhook(service.secret).verify(body, headers)
        reply = service.came(headers, body, message)
        try:
            self.answer(reply)
        finally:
            service.busy.remove(headers["webhook-id"])

    def answer(self, reply: Reply) -> None:
        time.sleep(reply.hang)
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in [bytes([byte]) for byte in reply.body] if reply.drip else [reply.body]:
            self.wfile.write(piece)
            time.sleep(reply.drip)

    def log_message(self, *args: Any) -> None:
        """Write no log."""


@contextmanager
def serve(*replies: Reply) -> Iterator[Service]:
    server = _Server(("127.0.0.1", 0), _Handler)
    url = f"http://127.0.0.1:{server.server_port}/hooks"
    server.service = Service(url, replies=list(replies) or [Reply()])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def put(*names: str, count: int = 1, user_id: int = 7) -> list[OutboxMessage]:
    """Messages that are due, as an act writes them."""
    before = set(outbox.messages().values_list("pk", flat=True))
    outbox.write("account-enabled", [{"user_id": user_id}] * count, outbox.messages().db)
    rows = outbox.messages().exclude(pk__in=before)
    return sorted((row for row in rows if not names or row.endpoint in names), key=lambda row: row.pk)


def make_due(message: OutboxMessage) -> OutboxMessage:
    """Make the message due, as if its time had come."""
    outbox.messages().filter(pk=message.pk).update(due_at=message.created_at)
    return now(message)


def now(message: OutboxMessage) -> OutboxMessage:
    return outbox.messages().get(pk=message.pk)
