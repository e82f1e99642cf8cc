"""Browsers in a separate process, so that their CPU time is not counted for anything else.

``begin`` sends many people to sign in and keeps the requests with which they will come back. ``fire`` sends these
requests: a number at the same time, or a number per second. Each browser has its own address in X-Forwarded-For, which
the limits read.
"""

import asyncio
import multiprocessing
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection
from statistics import quantiles
from typing import Any, cast

import uvloop

from bench.contenders import Answer, Contender, Request, Site
from bench.upstream import openid

#: Seconds until a browser gives up.
PATIENCE = 30
#: Seconds that a connection may be idle and still be used. Servers close idle connections (gunicorn after two seconds),
#: and a request that is sent at that moment gets no answer.
MAX_IDLE = 1.0


@dataclass
class Result:
    """The answers that the browsers got."""

    seconds: float = 0.0
    #: Seconds of each good answer.
    times: list[float] = field(default_factory=list)
    #: The number of answers by status. "ok" means a good answer.
    outcomes: Counter[str] = field(default_factory=Counter)
    #: The first answer that was not good.
    surprise: str = ""
    #: All answers that were not good, by person or by the request's place in the list.
    others: dict[int, Answer] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return self.outcomes.total()

    @property
    def errors(self) -> int:
        return self.count - self.outcomes["ok"]

    @property
    def per_second(self) -> float:
        return self.outcomes["ok"] / self.seconds

    def all_good(self) -> "Result":
        """This result. Raises RuntimeError if an answer was not good."""
        if self.errors:
            raise RuntimeError(f"{dict(self.outcomes)}: {self.surprise}")
        return self

    def percentile(self, number: int) -> float:
        """Milliseconds."""
        return quantiles(self.times, n=100)[number - 1] * 1000


class Load:
    """The client of the process with the browsers."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        self._process = context.Process(target=_main, args=(far,), daemon=True)
        self._process.start()

    def begin(self, contender: Contender, site: Site, people: Iterable[int], *, at_once: int = 8) -> None:
        """Send these people to sign in. Raises RuntimeError if one of them cannot."""
        self._ask("begin", contender.name, site, list(people), at_once)

    def get_ready(self, site: Site, requests: Sequence[Request], *, like: int = 200) -> None:
        """Set the requests for the next ``fire``, each from another browser. A good answer has the status ``like``."""
        self._ask("get_ready", site, list(requests), like)

    def fire(self, *, at_once: int = 0, rate: float = 0.0, seconds: float = 1e9) -> Result:
        """Send the prepared requests for at most ``seconds``: ``at_once`` at the same time, or ``rate`` per second."""
        return cast("Result", self._ask("fire", at_once, rate, seconds))

    def ask(self, site: Site, requests: Sequence[Request], *, at_once: int = 8) -> list[Answer]:
        """Send these requests, each from another browser, and return their answers."""
        return cast("list[Answer]", self._ask("ask", site, list(requests), at_once))

    def start(self, **how: Any) -> Callable[[], Result]:
        """Start :meth:`fire`. Returns a function that waits for its result."""
        self._pipe.send(("fire", how.get("at_once", 0), how.get("rate", 0.0), how.get("seconds", 1e9)))
        return lambda: cast("Result", self._answer())

    def stop(self) -> None:
        self._process.kill()
        self._process.join()

    def _ask(self, *job: Any) -> Any:
        self._pipe.send(job)
        return self._answer()

    def _answer(self) -> Any:
        answer = self._pipe.recv()
        if isinstance(answer, str):
            raise RuntimeError(answer)  # noqa: TRY004 - the error of the other process, as text
        return answer


def encode(request: Request, number: int) -> bytes:
    """The request of browser ``number`` as bytes."""
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    headers = {"Host": "127.0.0.1", "X-Forwarded-For": address, **request.headers}
    if request.body or request.method == "POST":
        headers["Content-Length"] = str(len(request.body))
    lines = [f"{request.method} {request.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + request.body


class _Browser(asyncio.Protocol):
    """One keep-alive connection, with one request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None
        self._used = 0.0

    async def send(self, request: bytes, port: int) -> Answer:
        loop = asyncio.get_running_loop()
        if loop.time() - self._used > MAX_IDLE:
            self.close()
        if self._transport is None or self._transport.is_closing():
            await loop.create_connection(lambda: self, "127.0.0.1", port)
        self._answer = loop.create_future()
        self._received.clear()
        assert self._transport
        self._transport.write(request)
        answer = await self._answer
        self._used = loop.time()
        return answer

    def close(self) -> None:
        if self._transport:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = parse(bytes(self._received))
        if answer and self._answer and not self._answer.done():
            if ("connection", "close") in answer.headers and self._transport:
                self._transport.close()
            self._answer.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("closed without an answer"))


def parse(received: bytes) -> Answer | None:
    """A complete answer, or None if more bytes must come."""
    head, parted, body = received.partition(b"\r\n\r\n")
    if not parted:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    fields = dict(headers)
    whole: bytes | None = body
    if fields.get("transfer-encoding") == "chunked":
        whole = _join(body)
    elif len(body) < int(fields.get("content-length", "0")):
        whole = None
    return None if whole is None else Answer(int(first.split()[1]), headers, whole)


def _join(chunks: bytes) -> bytes | None:
    """The body of a chunked answer, or None before its last chunk has come."""
    body = b""
    while True:
        size, parted, rest = chunks.partition(b"\r\n")
        length = int(size, 16) if parted else 0
        if not parted or len(rest) < length + 2:
            return None
        if not length:
            return body
        body += rest[:length]
        chunks = rest[length + 2 :]


class _Far:
    """The server side, in the process with the browsers."""

    def __init__(self) -> None:
        self._ready: deque[tuple[int, bytes]] = deque()
        self._port = 0
        self._is_good: Callable[[Answer], bool] = lambda answer: answer.status == 200
        self._browsers: list[_Browser] = []

    async def begin(self, name: str, site: Site, people: list[int], at_once: int) -> int:
        contender: Contender = import_module(f"bench.contenders.{name}").CONTENDER
        self._prepare(site.port, contender.is_signed_in)
        waiting = deque(people)
        # Keep the order in which people began, because states and sessions expire.
        ready: dict[int, bytes] = {}

        async def some() -> None:
            browser = _Browser()
            while waiting:
                number = waiting.popleft()
                begun = None
                if contender.begin:
                    begun = await browser.send(encode(contender.begin(site), number), site.port)
                request = contender.call_back(site, begun, f"{openid(number)}.{time.time_ns()}")
                ready[number] = encode(request, number)
            browser.close()

        await asyncio.gather(*(some() for _ in range(at_once)))
        self._ready.extend((number, ready[number]) for number in people)
        return len(self._ready)

    async def get_ready(self, site: Site, requests: list[Request], like: int) -> int:
        self._prepare(site.port, lambda answer: answer.status == like)
        self._ready.extend((number, encode(request, number)) for number, request in enumerate(requests))
        return len(self._ready)

    async def ask(self, site: Site, requests: list[Request], at_once: int) -> list[Answer]:
        waiting = deque(enumerate(requests))
        answers: dict[int, Answer] = {}

        async def some() -> None:
            browser = _Browser()
            while waiting:
                number, request = waiting.popleft()
                answers[number] = await browser.send(encode(request, number), site.port)
            browser.close()

        await asyncio.gather(*(some() for _ in range(at_once)))
        return [answers[number] for number in range(len(requests))]

    async def fire(self, at_once: int, rate: float, seconds: float) -> Result:
        result, start = Result(), time.perf_counter()
        if rate:
            await self._at_rate(rate, start + seconds, result)
        else:
            browsers = [self._browser() for _ in range(at_once)]
            await asyncio.gather(*(self._run(browser, start + seconds, result) for browser in browsers))
            self._browsers += browsers
        result.seconds = time.perf_counter() - start
        for browser in self._browsers:
            browser.close()
        self._browsers.clear()
        self._ready.clear()
        return result

    def _prepare(self, port: int, is_good: Callable[[Answer], bool]) -> None:
        self._ready.clear()
        self._port, self._is_good = port, is_good

    def _browser(self) -> _Browser:
        return self._browsers.pop() if self._browsers else _Browser()

    async def _run(self, browser: _Browser, end: float, result: Result) -> None:
        while self._ready and time.perf_counter() < end:
            await self._one(browser, *self._ready.popleft(), result)

    async def _at_rate(self, rate: float, end: float, result: Result) -> None:
        """Send at this rate without waiting for earlier answers: a crowd does not wait either."""
        under_way: set[asyncio.Task[None]] = set()
        due = time.perf_counter()

        async def one(number: int, request: bytes) -> None:
            browser = self._browser()
            await self._one(browser, number, request, result)
            self._browsers.append(browser)

        while self._ready and due < end:
            await asyncio.sleep(max(0, due - time.perf_counter()))
            task = asyncio.ensure_future(one(*self._ready.popleft()))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            due += 1 / rate
        await asyncio.gather(*under_way)

    async def _one(self, browser: _Browser, number: int, request: bytes, result: Result) -> None:
        start = time.perf_counter()
        try:
            answer = await asyncio.wait_for(browser.send(request, self._port), PATIENCE)
        except (OSError, TimeoutError) as error:
            browser.close()
            outcome, told = type(error).__name__, str(error)
        else:
            outcome = "ok" if self._is_good(answer) else str(answer.status)
            told = f"{answer.status} {answer.body[:300]!r}"
            if outcome != "ok":
                result.others[number] = answer
        if outcome == "ok":
            result.times.append(time.perf_counter() - start)
        result.outcomes[outcome] += 1
        if outcome != "ok" and not result.surprise:
            result.surprise = told


def _main(pipe: Connection) -> None:
    far = _Far()
    loop = uvloop.new_event_loop()
    while True:
        name, *job = pipe.recv()
        run: Callable[..., Awaitable[Any]] = getattr(far, name)
        try:
            pipe.send(loop.run_until_complete(run(*job)))
        except Exception as error:  # noqa: BLE001 - reported to the other process
            pipe.send(f"{type(error).__name__}: {error}")
