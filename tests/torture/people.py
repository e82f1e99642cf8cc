"""People at the shop: each has a browser that keeps cookies, and tries again when told to."""

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlencode, urlsplit
from uuid import uuid4

import redis

from phonebind import store
from tests.torture.outside import Outside

PASSWORD = "horse-staple-9"
#: Seconds until a person gives up, if each answer says to try later.
STUBBORN = 90

T = TypeVar("T")
_codes = itertools.count()


@dataclass(frozen=True)
class Reply:
    """An answer; ``status`` is 0 if the connection broke before there was one."""

    status: int
    data: Any = None
    seconds: float = 0

    @property
    def outcome(self) -> str:
        return str(self.data.get("code", self.status)) if isinstance(self.data, dict) else str(self.status)


@dataclass
class Shop:
    """The address of the server under test, and the services around it."""

    port: int
    outside: Outside
    valkey: redis.Redis
    #: The process id of the server's first process.
    pid: int
    #: All answers, counted by status and outcome.
    outcomes: Counter[str] = field(default_factory=Counter)
    #: Requests without an answer so far.
    under_way: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        with self._lock:
            self.under_way += 1

    def count(self, reply: Reply) -> None:
        with self._lock:
            self.under_way -= 1
            self.outcomes[f"{reply.status} {reply.outcome}" if reply.status else "broken off"] += 1

    def image_code(self) -> dict[str, str]:
        """An image code with the right text. It is written to the store directly, because drawing is not tested
        here.
        """
        image_code_id = str(uuid4())
        self.valkey.set(store.key("image", image_code_id), "AAAA", ex=300)
        return {"image_code_id": image_code_id, "text": "AAAA"}


class Person:
    """One browser at one address. By default the address follows from ``mobile``."""

    def __init__(self, shop: Shop, openid: str, mobile: str, address: str = "") -> None:
        self.shop, self.openid, self.mobile = shop, openid, mobile
        number = int(mobile[-8:])
        self.address = address or f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        self.cookies: dict[str, str] = {}

    # ------------------------------------------------------------ single requests

    def request(self, method: str, path: str, form: dict[str, str] | None = None, token: str = "") -> Reply:
        """On its own connection, like a phone that comes out of a tunnel; signed in if there is a token."""
        headers = {"X-Forwarded-For": self.address, "Connection": "close", "Content-Type": "application/json"}
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.shop.port, timeout=60)
        self.shop.begin()
        start = time.perf_counter()
        try:
            connection.request(method, path, json.dumps(form) if form is not None else None, headers)
            answer = connection.getresponse()
            body = answer.read()
            seconds = time.perf_counter() - start
            for name, value in answer.getheaders():
                if name.lower() == "set-cookie":
                    cookie, _, rest = value.partition("=")
                    self.cookies[cookie] = rest.partition(";")[0]
            is_json = answer.getheader("Content-Type", "").startswith("application/json")
            reply = Reply(answer.status, json.loads(body) if is_json else None, seconds)
        except (OSError, http.client.HTTPException):
            reply = Reply(0)
        finally:
            connection.close()
        self.shop.count(reply)
        return reply

    def authorize(self) -> Reply:
        return self.request("GET", "/oauth/qq/authorization/?next=/cart.html")

    def call_back(self, login_url: str, code: str = "") -> Reply:
        """``code`` is a code of QQ; a new one by default."""
        state = parse_qs(urlsplit(login_url).query)["state"][0]
        code = code or f"{self.openid}.{next(_codes)}"
        return self.request("GET", f"/oauth/qq/user/?{urlencode({'code': code, 'state': state})}")

    def ask_for_sms(self, mobile: str = "", ticket: str = "") -> Reply:
        form = {**self.shop.image_code(), "access_token": ticket}
        return self.request("POST", f"/sms_codes/{quote(mobile or self.mobile)}/", form)

    def bind(self, ticket: str, sms_code: str, password: str = PASSWORD) -> Reply:
        form = {"mobile": self.mobile, "password": password, "sms_code": sms_code, "access_token": ticket}
        return self.request("POST", "/oauth/qq/user/", form)

    # ------------------------------------------------------------ the whole way, repeated as often as necessary

    def ticket(self) -> str:
        """Sign in at QQ for the first time."""
        reply = self.persist(lambda: self.call_back(self.persist(self.authorize).data["login_url"]))
        return str(reply.data["access_token"])

    def arrive_and_bind(self) -> Reply:
        """From the first click to being signed in. Raises AssertionError if repeating does not help."""
        reply = self.persist(lambda: self.call_back(self.persist(self.authorize).data["login_url"]))
        if "token" in reply.data:
            return reply
        while True:
            ticket = reply.data["access_token"]
            bound = self.persist(partial(self.bind, ticket, self.sms_code(ticket)))
            if bound.outcome != "sms_code_invalid":
                return bound

    def persist(self, act: Callable[[], Reply]) -> Reply:
        """Repeat the request while there is no answer, or one that says to try again."""
        end = time.monotonic() + STUBBORN
        while True:
            reply = act()
            if reply.status not in (0, 429, 502, 503) and reply.outcome != "code_invalid":
                return reply
            assert time.monotonic() < end, f"locked out: {reply}"
            wait = reply.data.get("retry_after", 0.2) if reply.data else 0.2
            time.sleep(min(wait, 2))

    def sms_code(self, ticket: str) -> str:
        """If the answer was lost, but not the SMS, the code is on the phone all the same."""
        before = self.shop.outside.code(self.mobile)
        end = time.monotonic() + STUBBORN
        while True:
            reply = self.ask_for_sms(ticket=ticket)
            code = self.shop.outside.code(self.mobile)
            if reply.status == 200 or code != before:
                return code
            assert time.monotonic() < end, f"no SMS: {reply}"
            time.sleep(0.2)


def at_once(acts: Sequence[Callable[[], T]]) -> list[T]:
    """Each in its own thread; all start at the same moment."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], T]) -> T:
        gate.wait(60)
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(run, acts))
