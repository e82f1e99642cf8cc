"""The cost of a request: its SQL statements, and how often something is sent to Valkey."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from redis.connection import AbstractConnection


class Meter:
    """Created by :func:`metering`."""

    def __init__(self) -> None:
        self.round_trips: list[None] = []

    def cost(self, act: Callable[[], Any]) -> tuple[int, int]:
        """The cost of a request that succeeds: SQL statements without those of transactions, and round trips to
        Valkey.
        """
        trips = len(self.round_trips)
        with CaptureQueriesContext(connection) as queries:
            answer = act()
        assert answer.status_code in (200, 201), answer.content
        statements = [query["sql"] for query in queries]
        own = [
            each for each in statements if not each.startswith("BEGIN") and each != "COMMIT" and "SAVEPOINT" not in each
        ]
        return len(own), len(self.round_trips) - trips


@contextmanager
def metering() -> Iterator[Meter]:
    """The sandbox gets a message about each image. That is not counted, because it is not part of phonebind."""
    meter, send = Meter(), AbstractConnection.send_packed_command

    def counted(self: Any, command: Any, *args: Any, **kwargs: Any) -> None:
        meter.round_trips.extend([] if "phonebind_sandbox" in str(command) else [None])
        send(self, command, *args, **kwargs)  # type: ignore[no-untyped-call]

    AbstractConnection.send_packed_command = counted  # type: ignore[method-assign]
    try:
        yield meter
    finally:
        AbstractConnection.send_packed_command = send  # type: ignore[method-assign]
