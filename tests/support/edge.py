"""The edge of the network: a server in place of QQ that gives the answers of a test, and an outbox in place of the SMS
gateway.
"""

import json
import re
import select
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email.message import Message as Headers
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, TypeAlias
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from phonebind import signals, slots, sms_codes
from phonebind.exceptions import ServerBusy, SmsNotSent, SmsUnconfirmed
from phonebind.slots import Slots
from phonebind.sms import NOTICES, Message

OPENID = "0123456789ABCDEF0123456789ABCDEF"
UNIONID = "UID_FEDCBA9876543210FEDCBA9876543210"

#: The delay of an answer that comes too late for a short deadline: seconds after it, so that the client does not find
#: it there if the machine stands still for a while; and before the default deadline, so that a client that keeps that
#: one instead gets the answer.
LATE = 2.5


@dataclass
class Answer:
    """The answer at one path: a whole body, or raw bytes of HTTP for a fault outside the body."""

    body: bytes
    status: int = 200
    delay: float = 0
    raw: tuple[bytes, ...] | None = None
    pause: float = 0


@dataclass
class Upstream:
    """Answers by path. Remembers the requests, and over how many connections they came."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    #: Headers and body of each request, as they arrived.
    raw: list[tuple["Headers[str, str]", bytes]] = field(default_factory=list)
    connections: int = 0

    def answer(self, path: str, body: bytes | dict[str, Any], **more: Any) -> None:
        self.answers[path] = Answer(json.dumps(body).encode() if isinstance(body, dict) else body, **more)

    def person(self, openid: str = OPENID, unionid: str | None = None, nickname: str = "小明") -> None:
        """All steps succeed, for this person."""
        client_id = "101000001"
        self.answer("/oauth2.0/token", {"access_token": "T", "expires_in": 7776000, "openid": openid})
        me = {"client_id": client_id, "openid": openid} | ({"unionid": unionid} if unionid else {})
        self.answer("/oauth2.0/me", me)
        self.answer("/user/get_user_info", {"ret": 0, "msg": "", "nickname": nickname})

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    #: With the default of 5, the sixth client at the same moment waits a second for its next try.
    request_queue_size = 128
    upstream: Upstream

    def get_request(self) -> Any:
        self.upstream.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client gave up during the answer, as it should."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # otherwise each answer waits 40 ms for the one before to be acknowledged
    server: _Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self._answer(url.path, {name: values[0] for name, values in parse_qs(url.query).items()}, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_json = "json" in self.headers.get("Content-Type", "json")
        fields = json.loads(body) if is_json else {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self._answer(urlsplit(self.path).path, fields, body)

    def _answer(self, path: str, query: dict[str, str], body: bytes) -> None:
        self.server.upstream.requests.append((path, query))
        self.server.upstream.raw.append((self.headers, body))
        answer = self.server.upstream.answers[path]
        if answer.delay and select.select([self.connection], [], [], answer.delay)[0]:
            self.close_connection = True  # the client has given up
            return
        if answer.raw is None:
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            return
        for piece in answer.raw:
            self.wfile.write(piece)
            self.wfile.flush()
            time.sleep(answer.pause)
        self.close_connection = True

    def log_message(self, *args: Any) -> None:
        """Do not log to the terminal."""


class Outbox:
    """A gateway that keeps its messages. ``refuse`` makes it fail, ``mute`` leaves it open whether it sent the SMS, and
    ``error`` is raised instead of sending.
    """

    notices: ClassVar[Sequence[str]] = NOTICES
    sent: ClassVar[list[Message]] = []
    refuse: ClassVar[bool] = False
    mute: ClassVar[bool] = False
    error: ClassVar[Exception | None] = None

    def check(self) -> list[str]:
        return []

    def send(self, message: Message) -> None:
        if Outbox.error:
            raise Outbox.error
        if Outbox.refuse:
            raise SmsNotSent
        Outbox.sent.append(message)
        if Outbox.mute:
            raise SmsUnconfirmed


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A server at the other end of a real connection."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.upstream = Upstream(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.upstream
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def qq(upstream: Upstream, phonebind: "Configure") -> Upstream:
    """QQ, with a person at the keyboard."""
    phonebind(providers={"base_url": upstream.url})
    upstream.person()
    return upstream


class Configure:
    """``phonebind(site_name="店")`` changes PHONEBIND for one test; ``providers`` changes QQ's entry."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __call__(self, providers: dict[str, Any] | None = None, **changes: Any) -> None:
        current = dict(self.settings.PHONEBIND)
        if providers is not None:
            current["PROVIDERS"] = {"qq": {**current["PROVIDERS"]["qq"], **providers}}
        self.settings.PHONEBIND = current | {name.upper(): value for name, value in changes.items()}


@pytest.fixture
def phonebind(settings: Settings) -> Configure:
    """Settings like a shop's: QQ without the unionid permission, an outbox for SMS, and no service that knows about
    numbers.
    """
    Outbox.sent.clear()
    Outbox.refuse = Outbox.mute = False
    Outbox.error = None
    configure = Configure(settings)
    configure({"unionid": False}, sms={"gateway": "tests.support.edge.Outbox"}, mobile_proofs={}, number_state={})
    return configure


@pytest.fixture
def same_person() -> Iterator[list[dict[str, Any]]]:
    """The arguments that the signal of that name was sent with."""
    heard: list[dict[str, Any]] = []

    def hear(**facts: Any) -> None:
        heard.append(facts)

    signals.same_person_found.connect(hear)
    yield heard
    signals.same_person_found.disconnect(hear)


#: ``with busy(): …``: all slots to hash are taken, and no request waits for one.
Busy: TypeAlias = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def busy(phonebind: Configure, monkeypatch: pytest.MonkeyPatch) -> Busy:
    """There is one slot to hash, and the test can take it."""
    phonebind(hash_slots=1)
    places = Slots(ServerBusy, patience=0, longest=0)
    monkeypatch.setattr(slots, "HASHING", places)
    return lambda: places.take(1)


class Person:
    """One browser that speaks the contract."""

    def __init__(self) -> None:
        self.http = Client()

    def login_url(self, next_url: str = "/cart.html") -> dict[str, str]:
        """The query of the login URL."""
        answer = self.http.get("/oauth/qq/authorization/", {"next": next_url})
        assert answer.status_code == 200, answer.content
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.json()["login_url"]).query).items()}

    def callback(self, state: str | None = None, code: str = "CODE") -> Any:
        return self.http.get("/oauth/qq/user/", {"code": code, "state": state or self.login_url()["state"]})

    def sms_code(self, mobile: str) -> str:
        """The code as the person reads it from the phone."""
        sms_codes.issue(mobile, "192.0.2.1")
        found = re.search(r"\d{6}", Outbox.sent[-1].text)
        assert found
        return found[0]

    def ask_for_sms(self, mobile: str, *, ticket: str = "", address: str = "127.0.0.1", **headers: str) -> Any:
        """Get an image, then ask for the SMS. ``ticket``, if given, is the ``access_token`` of the callback."""
        query = {**self.see_image(address), "access_token": ticket}
        return self.http.get(f"/sms_codes/{mobile}/", query, headers=headers, REMOTE_ADDR=address)

    def see_image(self, address: str = "127.0.0.1") -> dict[str, str]:
        """The form fields for an image that was read correctly."""
        image_code_id, texts = str(uuid4()), []

        def see(text: str, **kwargs: Any) -> None:
            texts.append(text)

        signals.image_code_issued.connect(see)
        try:
            self.http.get(f"/image_codes/{image_code_id}/", REMOTE_ADDR=address)
        finally:
            signals.image_code_issued.disconnect(see)
        return {"image_code_id": image_code_id, "text": "".join(texts)}

    def bind(self, *, address: str = "127.0.0.1", **form: str) -> Any:
        return self.http.post("/oauth/qq/user/", form, content_type="application/json", REMOTE_ADDR=address)


@pytest.fixture
def person() -> Person:
    return Person()
