"""A gunicorn worker whose threads do not wait for clients (except for slow readers of an answer above 1 MiB).

gunicorn's own ``gthread`` gives a connection to a thread at its first byte, and the thread reads the rest without a
deadline. So as many connections as there are threads, each with half a request, stop the server. Here the poller, in
the main thread, collects each request. A thread only gets whole requests, and leaves the unsent rest of an answer to
the poller. Receiving a request and sending an answer may each take REQUEST_DEADLINE seconds; new bytes do not extend
this. At the limit of connections, a new one closes the one that has waited longest.

HTTP/1.1 only, with or without TLS; a proxy such as nginx can speak HTTP/2 in front. It uses internals of gunicorn 27.
"""

import errno
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from importlib import import_module
from typing import Any

from django.conf import settings
from gunicorn import util
from gunicorn.sock import ssl_context
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from server.connection import BodyTooLarge, Connection

#: Seconds in which a refused client may read the reason before the connection is reset.
_LINGER = 2
#: Signals that end a worker. They are blocked from before the fork until the worker has its own handlers.
ENDING = frozenset({signal.SIGTERM, signal.SIGQUIT, signal.SIGINT})
#: Bytes of answers for slow readers, in a process.
_MOST_KEPT = 32 * 1024 * 1024


class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """``worker_class = "server.worker.Worker"``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """gunicorn calls it."""
        super().__init__(*args, **kwargs)
        self.cfg.set("sendfile", "false")  # a thread would wait during it
        #: Connections that wait for the network, oldest first.
        self.waiting: dict[Connection, None] = {}
        self._next_look = 0.0
        #: Requests that a thread has, or will have when one is free. And the gauge for metrics, if they are on.
        self.busy = 0
        self._gauge: Any = None

    def init_process(self) -> None:
        """Runs in the new process. Does not return."""
        # Once, not for each connection as in gunicorn: it takes 15 ms of CPU.
        self.tls = ssl_context(self.cfg) if self.cfg.is_ssl else None
        super().init_process()

    def init_signals(self) -> None:
        """From here on the worker can be ended. A signal that came before is delivered now."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    def load_wsgi(self) -> None:
        """The application gets the real socket, as gunicorn documents it: the sandbox uses it to break connections."""
        super().load_wsgi()
        if settings.PHONEBIND["METRICS_TOKEN"] and import_module("phonebind.operations.monitoring.metrics").counts():
            self._gauge = import_module("phonebind.operations.monitoring.series").threads_in_use()
        application: Callable[..., Iterable[bytes]] = self.wsgi

        def handle(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            environ["gunicorn.socket"] = environ["gunicorn.socket"].raw
            return application(environ, start_response)

        self.wsgi: Any = handle

    # ---------------------------------------------------------------- the poller's thread

    def accept(self, listener: Any) -> bool:
        """Accept a new connection; at the limit, close the oldest one that waits. False if there was none."""
        try:
            sock, client = listener.accept()
            sock.settimeout(0)
            if self.tls:
                # The first recv makes the handshake, under the same deadline.
                sock = self.tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._end_oldest()
            return False
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections:
            self._end_oldest()
        most_body, deadline = settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.REQUEST_DEADLINE
        addresses = client, listener.getsockname()
        conn = Connection(self.cfg, sock, *addresses, most_body=most_body, deadline=deadline)
        self._begin(conn)
        return True

    def set_accept_enabled(self, enabled: bool) -> None:
        """Whether to listen. A worker that ends accepts all clients that have connected, and then stops listening.

        gunicorn leaves these clients in the kernel's queue until its last request is answered. Then they are reset.
        """
        super().set_accept_enabled(enabled)
        for listener in [] if self.alive else self.sockets:
            while self.accept(listener):
                pass
            listener.close()

    def _begin(self, conn: Connection) -> None:
        """A request often arrives together with its connection. Then the poller is not needed."""
        try:
            more = conn.receive()
        except OSError:
            more = False
        if not more:
            self._end(conn)
        elif not self._hand_on(conn):
            self._wait(conn, selectors.EVENT_READ, self._receive)

    def finish_request(self, conn: Connection, future: "Future[bool]") -> None:
        """A thread has answered. ``enqueue_req`` registers this callback."""
        self.busy -= 1
        self._go_on(conn, keep=not future.cancelled() and future.exception() is None and future.result())

    def murder_keepalived(self, force: bool = False) -> None:
        """Close connections that wait too long, or all. gunicorn calls it after each round of events."""
        now = time.monotonic()
        if force or now >= self._next_look:
            self._next_look = now + 0.5
            if self._gauge:
                self._gauge.set(min(self.busy, self.cfg.threads))
            for conn in [conn for conn in self.waiting if force or conn.timeout <= now]:
                self._end(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """This worker stops: it does not wait for connections that have begun no request by the deadline."""
        for conn in self.waiting:
            if not conn.begun() and not conn.sock.kept:
                conn.timeout = min(conn.timeout, deadline)

    def _receive(self, conn: Connection) -> None:
        if not conn.receive():
            self._end(conn)
        elif not self._hand_on(conn) and conn.rests and conn.begun():
            conn.rests = False
            conn.timeout = time.monotonic() + settings.REQUEST_DEADLINE

    def _hand_on(self, conn: Connection) -> bool:
        """Give a whole request to a thread, or refuse it. False if the request is not complete."""
        try:
            if not conn.next_request():
                return False
        except OSError:  # the client ended in the middle, or closed the connection
            self._end(conn)
        except BodyTooLarge:
            util.write_error(conn.sock, 413, "Content Too Large", "")
            self._go_on(conn, keep=False)
        except Exception as error:  # noqa: BLE001 - no input may end the poller
            self.handle_error(None, conn.sock, conn.client, error)
            self._go_on(conn, keep=False)
        else:
            self._stop_waiting(conn)
            conn.rests = False
            self.busy += 1
            self.enqueue_req(conn)
        return True

    def _go_on(self, conn: Connection, *, keep: bool) -> None:
        """After an answer: send the rest of it, take the next request, or close."""
        self._stop_waiting(conn)
        if conn.sock.kept:
            self._wait(conn, selectors.EVENT_WRITE, partial(self._send, keep=keep))
            self._bound_kept()
        elif not keep:
            self._linger(conn)
        elif not self._hand_on(conn):
            conn.rests = not conn.begun()
            # A worker that stops does not wait for the next request for long: `_cap_keepalive` was before this answer.
            rest = self.cfg.keepalive if self.alive else min(self.cfg.keepalive, STOP_KEEPALIVE_LINGER)
            seconds = rest if conn.rests else settings.REQUEST_DEADLINE
            self._wait(conn, selectors.EVENT_READ, self._receive, seconds)

    def _send(self, conn: Connection, *, keep: bool) -> None:
        conn.sock.flush()
        if not conn.sock.kept:
            self._go_on(conn, keep=keep)

    def _linger(self, conn: Connection) -> None:
        """Closing a socket with unread data would discard the answer (RFC 9112, section 9.6)."""
        try:
            conn.raw.shutdown(socket.SHUT_WR)
        except OSError:
            self._end(conn)
        else:
            self._wait(conn, selectors.EVENT_READ, self._discard, _LINGER)

    def _discard(self, conn: Connection) -> None:
        if not conn.receive():
            self._end(conn)
        conn.forget()

    # ---------------------------------------------------------------- waiting connections

    def _wait(
        self, conn: Connection, event: int, then: Callable[[Connection], None], seconds: float | None = None
    ) -> None:
        conn.timeout = time.monotonic() + (settings.REQUEST_DEADLINE if seconds is None else seconds)
        self.waiting[conn] = None
        self.poller.register(conn.raw, event, partial(self._happened, conn, then))

    def _happened(self, conn: Connection, then: Callable[[Connection], None], _: socket.socket) -> None:
        if conn in self.waiting:  # not closed earlier in the same round
            try:
                then(conn)
            except OSError:
                self._end(conn)

    def _stop_waiting(self, conn: Connection) -> None:
        if conn in self.waiting:
            del self.waiting[conn]
            self.poller.unregister(conn.raw)

    def _end(self, conn: Connection) -> None:
        self._stop_waiting(conn)
        self.nr_conns -= 1
        util.close(conn.raw)

    def _end_oldest(self) -> None:
        if self.waiting:
            self._end(next(iter(self.waiting)))

    def _bound_kept(self) -> None:
        slow = [conn for conn in self.waiting if conn.sock.kept]
        excess = sum(len(conn.sock.kept) for conn in slow) - _MOST_KEPT
        for conn in slow:
            if excess <= 0:
                break
            excess -= len(conn.sock.kept)
            self._end(conn)

    # ---------------------------------------------------------------- in a thread

    def handle(self, conn: Connection) -> bool:
        """Answer the request. Returns whether another one may follow."""
        keep: bool = super().handle(conn)
        try:
            conn.sock.flush()
        except OSError:
            conn.sock.kept.clear()
            return False
        return keep

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        # The whole body was read, so nothing of it is left on the socket.
        return keepalive
