"""The fakes at the network's edge: a server for QQ, a list for the SMS gateway, a fixed answer for a human check."""

import json
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from phonebind.human.base import Check
from phonebind.oauth.qq import TOKEN
from phonebind.oauth.qq_connect import PROFILE
from phonebind.sms import Message
from phonebind.testing.guard import problems, refuse_outside_tests

#: The right answer to a human check other than the image.
PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Person:
    """A person at QQ. Each has a new ``openid``, unless you give one. ``nickname`` and ``unionid`` may be empty."""

    openid: str = field(default_factory=lambda: secrets.token_hex(16).upper())
    nickname: str = "小明"
    unionid: str = ""


class Outbox:
    """The SMS gateway. In the settings of a real server it sends nothing, and the system checks report it."""

    def __init__(self, messages: list[Message]) -> None:
        self._messages = messages

    def check(self) -> list[str]:
        return problems()

    def send(self, message: Message) -> None:
        refuse_outside_tests()
        self._messages.append(message)


class Presence(Check):
    """Takes the place of a human check that computes or asks another server.

    Outside of a test run it accepts no answer.
    """

    name: ClassVar[str] = "testing"
    visual: ClassVar[bool] = False
    origins: Sequence[str] = ()

    def check(self) -> list[str]:
        return problems()

    def issue(self, mobile: str) -> Mapping[str, Any]:
        return {}

    def verify(self, mobile: str, address: str, answer: str) -> bool:
        refuse_outside_tests()
        return answer == PRESENT


class QQ(ThreadingHTTPServer):
    """A fake of QQ's server. It exchanges each code once, for the person that the code was issued for."""

    daemon_threads = False  # closing waits for the last answer, so that no thread runs into the next test

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._codes: dict[str, Person] = {}
        self._tokens: dict[str, tuple[Person, str]] = {}

    def issue_code(self, person: Person) -> str:
        code = secrets.token_hex(16)
        self._codes[code] = person
        return code

    def answer(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """The JSON that QQ returns with ``fmt=json``."""
        if path == TOKEN:
            person = self._codes.pop(query["code"], None)
            if person is None:
                return {"error": 100019, "error_description": "code to access token error"}
            token = secrets.token_hex(16)
            self._tokens[token] = person, query["client_id"]
            return {"access_token": token, "expires_in": 7776000, "openid": person.openid}
        person, client_id = self._tokens[query["access_token"]]
        if path == PROFILE:
            return {"ret": 0, "msg": "", "nickname": person.nickname}
        unionid = {"unionid": person.unionid} if person.unionid else {}
        return {"client_id": client_id, "openid": person.openid, **unionid}


class _Handler(BaseHTTPRequestHandler):
    server: QQ
    timeout = 5

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        body = json.dumps(self.server.answer(url.path, dict(parse_qsl(url.query)))).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Write nothing to the terminal."""


@contextmanager
def serving() -> Iterator[QQ]:
    with QQ(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
