"""Sends due messages from the outbox to the endpoints of ``WEBHOOKS``.

Each endpoint has its own thread, so an endpoint that hangs delays no other. No transaction is open while a message is
being sent.
"""

import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from django.db import close_old_connections, connections
from django.utils import timezone

from phonebind import alarms, standard_webhooks, upstream
from phonebind.models import release_connection
from phonebind.operations import webhooks
from phonebind.operations.models import OutboxMessage
from phonebind.operations.webhooks import outbox

#: Seconds: for a whole response; between two looks for due messages; and after an error of ours.
TIMEOUT, POLL, PAUSE = 10, 1.0, 3.0
#: Seconds. Node closes a connection that was idle for five.
MAX_IDLE = 4
#: After ``MOST`` failures in a row an endpoint rests for ``REST`` seconds. The time doubles after each further failure,
#: up to ``LONGEST_REST``.
MOST, REST, LONGEST_REST = 3, 5, 300
#: The longest accepted Retry-After, in seconds.
LONGEST_WAIT = 3_600

GONE = 410
#: Statuses which say that the endpoint cannot accept any message now.
_NOT_NOW = (408, 425, 429)
#: Statuses whose Retry-After counts.
_LATER = (429, 503)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one try.

    ``error``: "" if the message was accepted. ``works``: whether the endpoint itself works; it may still refuse this
    message. ``gone``: it answered 410. ``wait``: the seconds that it asked for.
    """

    error: str = ""
    works: bool = True
    gone: bool = False
    wait: int = 0


def run(names: Sequence[str], stop: threading.Event, *, threads: int = 1, once: bool = False) -> None:
    """Send until ``stop`` is set. With ``once``: until no message is due. Returns after the last thread has ended."""
    workers = [threading.Thread(target=_work, args=(name, stop, once), name=name) for name in [*names] * threads]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def deliver(name: str) -> bool:
    """Send the message to this endpoint that has been due longest. False if none is due, or the endpoint rests."""
    if outbox.rests(name):
        return False
    message = outbox.claim(name)
    if message is None:
        return False
    # With a connection pool, give the connection back: the request may hang for a long time.
    release_connection()
    _settle(message, attempt(message))
    return True


def attempt(message: OutboxMessage) -> Outcome:
    """Send the message once."""
    endpoint = webhooks.endpoint(message.endpoint)
    body = content(message)
    signed = standard_webhooks.headers(str(message.pk), body, endpoint.secret, *endpoint.fallback_secrets)
    headers = {"Content-Type": "application/json", **signed}
    try:
        answer = upstream.exchange(endpoint.url, body, headers, upstream.Deadline(TIMEOUT), max_idle=MAX_IDLE)
    except upstream.UpstreamError as error:
        return Outcome(str(error), works=False)
    if 200 <= answer.status < 300:
        return Outcome()
    works = answer.status < 500 and answer.status not in _NOT_NOW
    wait = _seconds(answer.retry_after) if answer.status in _LATER else 0
    return Outcome(str(answer.status), works, gone=answer.status == GONE, wait=wait)


def content(message: OutboxMessage) -> bytes:
    """The body. Its bytes are the same for each try."""
    stamp = message.created_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    fields = {"type": message.type, "timestamp": stamp, "data": message.payload}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _work(name: str, stop: threading.Event, once: bool) -> None:
    try:
        while not stop.is_set():
            pause = _turn(name)
            if once and pause:
                return
            stop.wait(pause)
    finally:
        connections.close_all()


def _turn(name: str) -> float:
    """Send one message. Returns the seconds to wait before the next one."""
    try:
        close_old_connections()
        return 0.0 if deliver(name) else POLL
    except Exception:
        # The database may be unavailable, for example. No message is lost; sending continues when it is back.
        if alarms.is_due(f"webhooks:{name}:trouble"):
            logger.exception("Webhooks to %s are not sent for now", name)
        connections.close_all()
        return PAUSE


def _settle(message: OutboxMessage, outcome: Outcome) -> None:
    name = message.endpoint
    if outcome.gone:
        outbox.turn_off(name)
        outbox.put_back(message, outcome.error)
        logger.error(
            "The webhook endpoint %s has answered 410 and is off: see docs/en/how-to/operations/webhooks.md#receive",
            name,
        )
        return
    if outcome.works:
        outbox.works(name)
    else:
        _rest(name, outcome)
    if not outcome.error:
        outbox.taken(message)
    elif not outbox.failed(message, outcome.error, outcome.wait) and alarms.is_due(f"webhooks:{name}:given_up"):
        logger.error("A webhook to %s was given up after %s tries: %s", name, message.attempts, outcome.error)


def _rest(name: str, outcome: Outcome) -> None:
    failures = outbox.endpoint_failed(name)
    seconds = min(REST << min(failures - MOST, 10), LONGEST_REST) if failures >= MOST else 0
    if max(seconds, outcome.wait):
        outbox.rest(name, max(seconds, outcome.wait))
    if failures >= MOST and alarms.is_due(f"webhooks:{name}:rest"):
        logger.warning("The webhook endpoint %s has failed %s times in a row: %s", name, failures, outcome.error)


def _seconds(retry_after: str) -> int:
    """The seconds from a Retry-After header, a number or a date; at most ``LONGEST_WAIT``. 0 if it is invalid."""
    if retry_after.isascii() and retry_after.isdecimal():
        return min(int(retry_after[:9]), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):  # OverflowError: for a day of twenty digits
        return 0
    left = until.replace(tzinfo=until.tzinfo or UTC) - timezone.now()
    return min(max(int(left.total_seconds()), 0), LONGEST_WAIT)
