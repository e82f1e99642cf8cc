"""QQ as the contenders see it: HTTPS with keep-alive, a fixed delay, and a count of requests.

Run as ``python -m bench.upstream CERTIFICATE``; it prints its port. Person ``n`` has the openid ``openid(n)``, and each
code ``OPENID.ANYTHING`` belongs to them. ``GET /control?delay=0.1`` sets the delay in seconds; ``GET
/control?hangs=/sms/first`` names a path that gets no more answers. ``GET /count`` returns the calls and the new
connections since the last ``/count``.
"""

import asyncio
import hashlib
import json
import ssl
import sys
from collections.abc import Mapping
from urllib.parse import parse_qsl

import uvloop

from bench.contenders import CLIENT_ID


def openid(number: int) -> str:
    """The same as ``upper(md5(number::text))`` in SQL."""
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest().upper()


class Counts:
    """Calls and connections since the last ``/count``, the delay of answers in seconds, and the path that gets no
    answer.
    """

    calls = connections = 0
    delay = 0.0
    hangs = ""


def token(fields: Mapping[str, str]) -> str:
    """QQ's answer to a code: JSON or a form, with the openid or without it."""
    person = fields["code"].partition(".")[0]
    grant = {"access_token": f"token-{person}", "expires_in": 7776000, "refresh_token": f"refresh-{person}"}
    if fields.get("need_openid") == "1":
        grant["openid"] = person
    if fields.get("fmt") == "json":
        return json.dumps(grant)
    return "&".join(f"{name}={value}" for name, value in grant.items())


def me(fields: Mapping[str, str]) -> str:
    """The openid of a token, as JSON or JSONP."""
    told = json.dumps({"client_id": CLIENT_ID, "openid": _owner(fields)})
    return told if fields.get("fmt") == "json" else f"callback( {told} );\n"


def profile(fields: Mapping[str, str]) -> str:
    """QQ's profile of a person."""
    return json.dumps({"ret": 0, "msg": "", "nickname": "小明", "figureurl_qq_1": "", "gender": "男"})


def generic_token(fields: Mapping[str, str]) -> str:
    """The answer to a code for clients of generic OAuth 2."""
    return json.dumps(
        {"access_token": f"token-{fields['code'].partition('.')[0]}", "token_type": "bearer", "expires_in": 7776000}
    )


def generic_profile(fields: Mapping[str, str]) -> str:
    """The profile for clients of generic OAuth 2."""
    person = _owner(fields)
    return json.dumps({"sub": person, "id": person, "name": "小明", "email": f"{person.lower()}@qq.example"})


def control(fields: Mapping[str, str]) -> str:
    """Set the delay and the hanging path. The real provider has no such endpoint."""
    Counts.delay = float(fields.get("delay", "0"))
    Counts.hangs = fields.get("hangs", "")
    return "{}"


def count(fields: Mapping[str, str]) -> str:
    """The counts. The real provider has no such endpoint. The connection that asks is not counted."""
    counted = {"calls": Counts.calls, "connections": Counts.connections - 1}
    Counts.calls = Counts.connections = 0
    return json.dumps(counted)


def _owner(fields: Mapping[str, str]) -> str:
    return fields["access_token"].removeprefix("token-")


PROVIDERS = {
    "/oauth2.0/token": token,
    "/oauth2.0/me": me,
    "/user/get_user_info": profile,
    "/generic/token": generic_token,
    "/generic/userinfo": generic_profile,
    "/sms": lambda fields: '{"status": "ok"}',
    # The contract of the gateway "http" in docs/en/how-to/sms/bridge.md.
    "/sms/first": lambda fields: '{"code": "ok"}',
    "/sms/second": lambda fields: '{"code": "ok"}',
}
OURS = {"/control": control, "/count": count}


class Connection(asyncio.Protocol):
    """One client's connection, with one request at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        Counts.connections += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, parted, body = self._received.partition(b"\r\n\r\n")
        if not parted:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(body) < length:
            return
        self._received = body[length:]
        path, _, query = first.split()[1].partition("?")
        fields = dict(parse_qsl(query))
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            fields |= dict(parse_qsl(body[:length].decode()))
        bearer = headers.get("authorization", "").partition(" ")[2]
        fields = {"access_token": bearer} | fields
        if path in OURS:
            self._send(OURS[path](fields))
            return
        Counts.calls += 1
        if path == Counts.hangs:
            return
        asyncio.get_running_loop().call_later(Counts.delay, self._send, PROVIDERS[path](fields))

    def _send(self, text: str) -> None:
        assert self._transport
        if self._transport.is_closing():
            return
        body = text.encode()
        # QQ labels forms and JSONP as text/html. Clients of generic OAuth 2 expect application/json for JSON.
        kind = "application/json" if text.startswith("{") else "text/html"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)


async def main(certificate: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, ssl=context, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
