"""What stands around an ASGI application: ``BoundedBodies(BoundedThreads(utf8(get_asgi_application())))``."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

from phonebind.content_types import as_utf8

Scope: TypeAlias = dict[str, Any]
Message: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class BodyTooLarge(Exception):
    """More than the bound has been sent."""


class Disconnected(Exception):
    """The client has left before its request was whole."""


def utf8(application: Application) -> Application:
    """No charset of a request reaches the application, where some of them are an error 500 on every URL."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = [
                (name, _as_utf8(value) if name == b"content-type" else value) for name, value in scope["headers"]
            ]
            scope = {**scope, "headers": headers}
        await application(scope, receive, send)

    return handle


def _as_utf8(value: bytes) -> bytes:
    return as_utf8(value.decode("latin1")).encode("latin1")


class BoundedBodies:
    """Receives the body of a request, so that the application finds it in memory and waits for nobody.

    Django writes a body to a temporary file before the first middleware runs, however long it is and however slowly it
    comes. Here the answer to a body that is too long is 413, and to one that takes too long 408.
    """

    def __init__(self, application: Application, *, most: int, seconds: float) -> None:
        """``most`` is bytes. ``seconds`` are for the whole body: no byte renews them."""
        self._application = application
        self._most = most
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. What is not HTTP passes."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await self._receive(scope, receive)
        except BodyTooLarge:
            await _refuse(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is longer than {self._most} bytes.")
        except TimeoutError:
            await _refuse(send, HTTPStatus.REQUEST_TIMEOUT, f"The body took longer than {self._seconds} seconds.")
        except Disconnected:
            pass
        else:
            await self._application(scope, _first(body, receive), send)

    async def _receive(self, scope: Scope, receive: Receive) -> bytes:
        """Raises BodyTooLarge as soon as it is known."""
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit() and (len(declared) > len(str(self._most)) or int(declared) > self._most):
            raise BodyTooLarge
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            body += message.get("body", b"")
            if len(body) > self._most:
                raise BodyTooLarge
            more = message.get("more_body", False)
        return bytes(body)


class BoundedThreads:
    """Lets so many requests into the application at once; the others wait in line.

    Django has a thread for each request that is under way, and with it, where no pool bounds them, a connection to the
    database. So a crowd would use up whatever the database has.
    """

    def __init__(self, application: Application, *, most: int) -> None:
        """``most`` is for one process."""
        self._application = application
        self._places = asyncio.Semaphore(most)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. What is not HTTP passes."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        async with self._places:
            await self._application(scope, receive, send)


def _first(body: bytes, receive: Receive) -> Receive:
    """Tells of the body, and then whatever ``receive`` does."""
    told = False

    async def tell() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body}

    return tell


async def _refuse(send: Send, status: HTTPStatus, message: str) -> None:
    body = json.dumps({"code": "invalid", "message": message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    # Or the server waits for the rest of the body, to use the connection again.
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
