"""Wrappers of an ASGI application: ``BoundedBodies(BoundedThreads(utf8(get_asgi_application())))``."""

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
    """The body is longer than the limit."""


class Disconnected(Exception):
    """The client disconnected before its request was complete."""


def utf8(application: Application) -> Application:
    """Remove the charset of each request before the application: some charsets cause an error 500 on every URL."""

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
    """Receives the body of a request first, so that the application reads it from memory and never waits for it.

    Django writes a body to a temporary file before the first middleware runs, however long the body is and however
    slowly it arrives. Here a body that is too long is answered with 413, and one that takes too long with 408.
    """

    def __init__(self, application: Application, *, most: int, seconds: float) -> None:
        """``most``: bytes. ``seconds``: the time for the whole body. New bytes do not extend it."""
        self._application = application
        self._most = most
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request. Other protocols pass through."""
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
        """Raises BodyTooLarge as soon as the length is known to be too much."""
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
    """Lets at most ``most`` requests into the application at once. The others wait in line.

    Django has a thread for each request in progress. Without a connection pool, each thread has a database connection.
    So a crowd would use up the database's connections.
    """

    def __init__(self, application: Application, *, most: int) -> None:
        """``most`` applies to one process."""
        self._application = application
        self._places = asyncio.Semaphore(most)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request. Other protocols pass through."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        async with self._places:
            await self._application(scope, receive, send)


def _first(body: bytes, receive: Receive) -> Receive:
    """A receive function that returns the body first, and then calls ``receive``."""
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
    # Otherwise the server waits for the rest of the body, to reuse the connection.
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
