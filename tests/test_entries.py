"""The wrappers of the WSGI and the ASGI application: they let no charset pass, and no body that is too large or
slow.
"""

import asyncio
import functools
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.utils.http import parse_header_parameters
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from phonebind.asgi import Application as AsgiApplication
from phonebind.asgi import BoundedBodies, BoundedThreads, Message, Receive, Scope, Send
from phonebind.asgi import utf8 as utf8_asgi
from phonebind.content_types import as_utf8
from phonebind.wsgi import Application as WsgiApplication
from phonebind.wsgi import utf8 as utf8_wsgi

CHARSETS = ["rot13", "hex", "base64", "punycode", "undefined", "idna", "uu", "utf-8", "gbk", "no-such", '"a;b"']
PATHS = ["/login/", "/login/bind/", "/sms_codes/13800000001/", "/oauth/qq/user/", "/no/such/page/"]
QUERY = "next=%2Fcart%e4&state=%ff&image_code_id=1&text=1"
MULTIPART = b'--b,c\r\nContent-Disposition: form-data; name="mobile"\r\n\r\n138\r\n--b,c--\r\n'
BODIES = {
    "application/json": b'{"mobile": "13800000001"}',
    "application/x-www-form-urlencoded": b"mobile=13800000001",
    'multipart/form-data; boundary="b,c"': MULTIPART,
}


@functools.cache
def wsgi_application() -> WsgiApplication:
    return utf8_wsgi(WSGIHandler())


@functools.cache
def asgi_application() -> AsgiApplication:
    return utf8_asgi(ASGIHandler())


def answer_wsgi(method: str, path: str, content_type: str, body: bytes, query: str = QUERY) -> int:
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
    }
    statuses: list[str] = []
    response = wsgi_application()(environ, lambda status, headers: statuses.append(status))
    response.close()  # type: ignore[attr-defined]
    return int(statuses[0][:3])


def scope(method: str = "POST", path: str = "/login/", query: str = "", **headers: str) -> dict[str, Any]:
    named = {"host": "127.0.0.1"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin1")) for name, value in named.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 80),
    }


class Wire:
    """The server's side: the messages to receive, and the messages that the application sends."""

    def __init__(self, *messages: Message) -> None:
        self.messages = list(messages)
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        if self.messages:
            return self.messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Message) -> None:
        self.sent.append(message)


def part(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def answer_asgi(method: str, path: str, content_type: str, body: bytes, query: str = QUERY) -> int:
    wire = Wire(part(body))
    async_to_sync(asgi_application())(scope(method, path, query, content_type=content_type), wire.receive, wire.send)
    return int(wire.sent[0]["status"])


Answer = Callable[..., int]


@pytest.fixture(params=[answer_wsgi, answer_asgi], ids=["wsgi", "asgi"])
def answer(request: pytest.FixtureRequest) -> Answer:
    found: Answer = request.param
    return found


# ---------------------------------------------------------------- charsets


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("charset", CHARSETS)
def test_no_charset_is_an_error(answer: Answer, charset: str) -> None:
    for path in PATHS:
        for method in ("GET", "POST"):
            for kind, body in BODIES.items():
                status = answer(method, path, f"{kind}; charset={charset}", body)
                assert status < 500, (path, method, kind)


@pytest.mark.parametrize(
    "content_type", ["text/plain; charset*=utf-8''a%00b", "text/plain; x*=bogus''x", "text/plain; charset*0=hex"]
)
def test_no_other_way_to_name_one_is_an_error(answer: Answer, content_type: str) -> None:
    assert answer("GET", "/no/such/page/", content_type, b"") == 404


def test_many_fields_in_the_query_are_no_error(answer: Answer) -> None:
    """With a charset in the request, Django reads the query before any middleware can answer 400."""
    assert answer("GET", "/no/such/page/", "application/json; charset=utf-8", b"", "a&" * 1001) == 404


def test_an_absent_content_type_stays_absent() -> None:
    seen: list[dict[str, Any]] = []
    utf8_wsgi(lambda environ, start_response: [seen.append(environ)])({}, print)  # type: ignore[list-item,func-returns-value]
    assert seen == [{}]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("application/json", "application/json"),
        ("application/json; version=2", "application/json; version=2"),
        ("application/json; charset=utf-8", "application/json"),
        ("Application/JSON;CHARSET=hex", "application/json"),
        ('multipart/form-data; boundary="b,c"; charset=hex', 'multipart/form-data; boundary="b,c"'),
        ("multipart/form-data; charset=hex; boundary=----Web1", 'multipart/form-data; boundary="----Web1"'),
        ("multipart/form-data; charset=hex; boundary*=utf-8''%22%0d", "multipart/form-data"),
        ("text/plain; x*=bogus''x", "text/plain"),
    ],
)
def test_all_but_the_charset_stays(before: str, after: str) -> None:
    assert as_utf8(before) == after


@given(
    st.lists(
        st.sampled_from(
            ["charset", "boundary", "=", "*", "0", ";", '"', "'", "%00", "utf-8", "hex", " ", "\xe4", "a/b", "\\"]
        )
        | st.characters(max_codepoint=255)
    ).map("".join)
)
def test_what_is_left_can_be_read(header: str) -> None:
    _, parameters = parse_header_parameters(as_utf8(header))
    assert "charset" not in {name.lower() for name in parameters}
    as_utf8(header).encode("latin1")


# ---------------------------------------------------------------- bodies


class Spy:
    """An application that records what it was given."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.received: list[Message] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        if scope["type"] == "http":
            self.received += [await receive(), await receive()]


GONE: Message = {"type": "http.disconnect"}


def bounded(wire: Wire, spy: Spy, *, seconds: float = 60, **headers: str) -> int:
    application = BoundedBodies(spy, most=10, seconds=seconds)
    asyncio.run(application(scope(**headers), wire.receive, wire.send))
    return int(wire.sent[0]["status"]) if wire.sent else 0


def test_a_body_is_given_as_a_whole() -> None:
    spy = Spy()
    assert (
        bounded(Wire(part(b"12345", more=True), {"type": "http.request", "more_body": True}, part(b"67890"), GONE), spy)
        == 0
    )
    assert spy.received == [{"type": "http.request", "body": b"1234567890"}, GONE]


@pytest.mark.parametrize("declared", ["11", "200000000", "9" * 5000])
def test_threat_44_a_declared_length_is_refused_before_anything_is_read(declared: str) -> None:
    wire, spy = Wire(part(b"1")), Spy()
    assert bounded(wire, spy, content_length=declared) == 413
    assert len(wire.messages) == 1
    assert spy.scopes == []
    headers = dict(wire.sent[0]["headers"])
    assert headers[b"connection"] == b"close"
    assert int(headers[b"content-length"]) == len(wire.sent[1]["body"])
    assert json.loads(wire.sent[1]["body"])["code"] == "invalid"


@pytest.mark.parametrize("declared", ["10", "0", "-1", "nonsense", ""])
def test_what_is_not_above_the_bound_is_read(declared: str) -> None:
    spy = Spy()
    bounded(Wire(part(b"1234567890"), GONE), spy, content_length=declared)
    assert spy.received[0]["body"] == b"1234567890"


def test_threat_44_chunks_end_at_the_bound() -> None:
    wire, spy = Wire(*[part(b"123456", more=True)] * 4), Spy()
    assert bounded(wire, spy) == 413
    assert (len(wire.messages), spy.scopes) == (2, [])


def test_threat_44_a_slow_body_ends_at_the_deadline() -> None:
    wire, spy = Wire(part(b"1", more=True)), Spy()
    assert bounded(wire, spy, seconds=0.05) == 408
    assert spy.scopes == []


def test_threat_44_no_byte_renews_the_deadline() -> None:
    class Trickle(Wire):
        async def receive(self) -> Message:
            await asyncio.sleep(0.02)
            return part(b"", more=True)

    assert bounded(Trickle(), Spy(), seconds=0.1) == 408


def test_who_leaves_early_is_answered_nothing() -> None:
    wire, spy = Wire(part(b"1", more=True), GONE), Spy()
    assert bounded(wire, spy) == 0
    assert spy.scopes == []


def test_what_is_not_http_passes() -> None:
    spy = Spy()

    async def live() -> None:
        wire = Wire()
        lifespan = {"type": "lifespan"}
        await BoundedBodies(utf8_asgi(spy), most=10, seconds=1)(lifespan, wire.receive, wire.send)
        assert spy.scopes == [lifespan]

    asyncio.run(live())


def test_so_many_are_in_the_application_at_once_and_all_are_answered() -> None:
    inside: list[int] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        inside.append(1)
        await asyncio.sleep(0.01)
        most.append(len(inside))
        inside.pop()
        await send({"type": "http.response.start", "status": 200})

    async def crowd() -> None:
        bounded_threads = BoundedThreads(application, most=3)
        await asyncio.gather(*(bounded_threads(scope(), wire.receive, wire.send) for wire in wires))
        await bounded_threads({"type": "lifespan"}, Wire().receive, Wire().send)

    most: list[int] = []
    wires = [Wire() for _ in range(10)]
    asyncio.run(crowd())
    assert max(most) == 3
    assert [len(wire.sent) for wire in wires] == [1] * 10


@pytest.mark.django_db(transaction=True)
def test_threat_44_the_reference_server_is_bounded_under_asgi(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = True  # as on a site with a sandbox
    database = connections.settings["default"]
    monkeypatch.setitem(database, "CONN_MAX_AGE", 60)
    from server.asgi import application  # noqa: PLC0415 - the import runs Django's checks

    def ask(wire: Wire, **headers: str) -> int:
        async_to_sync(application)(scope(**headers), wire.receive, wire.send)
        return int(wire.sent[0]["status"])

    assert database["CONN_MAX_AGE"] == 0
    assert ask(Wire(), content_length="65537") == 413
    assert ask(Wire(*[part(b"x" * 40_000, more=True)] * 2)) == 413
    assert ask(Wire(part(b"mobile=1")), content_type="application/x-www-form-urlencoded; charset=rot13") < 500
