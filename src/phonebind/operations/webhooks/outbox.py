"""The outbox: messages that are written in the transaction of a change, and the state of each.

While one sender sends a message, no other sender takes it: ``due_at`` is a lease by the database's clock. If the sender
dies, another takes the message over after the lease. So each message is sent at least once. It is sent twice only if a
sender died.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

from django.db import connections, transaction
from django.db.models import F, Min, Q, QuerySet
from django.utils import timezone

from phonebind.conf import conf
from phonebind.databases import primary
from phonebind.operations import webhooks
from phonebind.operations.models import OutboxMessage, WebhookEndpoint, message_id
from phonebind.operations.webhooks.clock import UtcNow

#: Maximum number of rows in one statement: many sessions may end at once. PostgreSQL accepts 65,535 parameters.
BATCH = 500
#: Seconds for which a message belongs to one sender. One try, including the DNS look-up, always takes less time.
LEASE = 60
#: Seconds to wait after each failure. After one further failure the message is given up. In total, about 69 hours.
BACKOFF = (5, 60, 300, 1_800, 7_200, 21_600, 43_200, 86_400, 86_400)


def write(type_: str, facts: Sequence[Mapping[str, Any]], using: str) -> None:
    """Write one message per fact and per endpoint that wants the type, with one statement, in the open transaction.

    A change on another database alias is ignored: it concerns a copy of the accounts.
    """
    names = webhooks.wanting(type_)
    if not names or not facts or using != primary(OutboxMessage):
        return
    now = timezone.now()
    rows = (
        OutboxMessage(endpoint=name, type=type_, payload=webhooks.data(type_, each), created_at=now, due_at=UtcNow())
        for each in facts
        for name in names
    )
    messages(using).bulk_create(rows, batch_size=BATCH)


def claim(name: str) -> OutboxMessage | None:
    """Take the message to this endpoint that has been due longest. No other sender gets it for ``LEASE`` seconds.

    Returns None if no message is due, or if another sender was faster.
    """
    due = messages().filter(endpoint=name, due_at__lte=UtcNow()).order_by("due_at")
    can_skip = connections[due.db].features.has_select_for_update_skip_locked
    with transaction.atomic(due.db) if can_skip else nullcontext():
        message = (due.select_for_update(skip_locked=True) if can_skip else due).first()
        if message is None:
            return None
        # On a database without SKIP LOCKED, this statement alone decides which sender gets the message.
        mine = messages().filter(pk=message.pk, attempts=message.attempts, due_at__lte=UtcNow())
        if not mine.update(due_at=_in(LEASE), attempts=F("attempts") + 1, last_error=""):
            return None
    message.attempts += 1
    return message


def taken(message: OutboxMessage) -> None:
    """Record that the message was delivered, even if another sender is sending it by now."""
    messages().filter(pk=message.pk).update(delivered_at=timezone.now(), due_at=None, last_error="")


def failed(message: OutboxMessage, error: str, wait: int = 0) -> bool:
    """Record a failed try. The message is tried again after the next backoff, and not before ``wait`` seconds.

    Returns False if the message is given up.
    """
    left = BACKOFF[message.attempts - 1 :]
    due_at = _in(max(left[0], wait)) if left else None
    _settle(message, due_at, error)
    return bool(left)


def put_back(message: OutboxMessage, error: str) -> None:
    """Put the message back because its endpoint is off. The try does not count."""
    _settle(message, UtcNow(), error, attempts=message.attempts - 1)


def rests(name: str) -> bool:
    """Whether the endpoint must get no message now."""
    return endpoints().filter(Q(rests_until__gt=UtcNow()) | Q(off_at__isnull=False), pk=name).exists()


def endpoint_failed(name: str) -> int:
    """Count a failure of the endpoint itself. Returns how many have failed in a row, including this one."""
    row, _ = endpoints().get_or_create(pk=name)
    endpoints().filter(pk=name).update(failures=F("failures") + 1)
    return row.failures + 1


def rest(name: str, seconds: int) -> None:
    """Send nothing to the endpoint for this time."""
    endpoints().update_or_create(pk=name, defaults={"rests_until": _in(seconds)})


def turn_off(name: str) -> None:
    """Send nothing to the endpoint until an operator deletes its row."""
    endpoints().update_or_create(pk=name, defaults={"off_at": timezone.now()})


def works(name: str) -> None:
    """Record that the endpoint works."""
    # Usually there is no row. A SELECT is cheaper than a DELETE, which locks.
    if endpoints().filter(pk=name, off_at=None).exists():
        endpoints().filter(pk=name, off_at=None).delete()


def send_again(chosen: Iterable[OutboxMessage]) -> int:
    """Make these messages due now, as if they were new. Returns how many.

    It applies to messages that were delivered, were given up, or wait after a failure.
    """
    settled = messages().filter(Q(due_at=None) | ~Q(last_error=""), pk__in=[each.pk for each in chosen])
    return settled.update(due_at=UtcNow(), attempts=0, delivered_at=None, last_error="")


def waiting(names: Iterable[str]) -> int:
    """How many messages these endpoints have not received yet. Messages that were given up do not count."""
    return messages().filter(endpoint__in=list(names), due_at__isnull=False).count()


def oldest() -> float:
    """Seconds since the oldest undelivered message to an endpoint in the settings was written; 0 if there is none.
    Messages that were given up do not count.
    """
    due = messages().filter(endpoint__in=list(conf.webhooks), due_at__isnull=False)
    since = due.aggregate(since=Min("created_at"))["since"]
    return max((timezone.now() - since).total_seconds(), 0.0) if since else 0.0


def prune(*, days: int, batch: int, given_up: bool = False) -> int:
    """Delete messages older than ``days`` that were delivered, or whose endpoint is no longer in the settings.

    ``given_up``: also delete messages that were given up. Returns how many were deleted. Each batch is one transaction.
    """
    before = timezone.now() - timedelta(days=days)
    over = Q(delivered_at__isnull=False) | ~Q(endpoint__in=list(conf.webhooks))
    if given_up:
        over |= Q(due_at=None)
    # The primary key is ordered by time, so the database finds old rows through it. This does not work on MariaDB 10.7
    # to 10.9, because they compare UUIDs in another order; so ``created_at`` is compared too.
    last = message_id(int(before.timestamp() * 1000))
    old = messages().filter(over, pk__lt=last, created_at__lt=before).order_by("pk")
    deleted = 0
    while some := list(old.values_list("pk", flat=True)[:batch]):
        deleted += messages().filter(pk__in=some).delete()[0]
    return deleted


def messages(using: str | None = None) -> "QuerySet[OutboxMessage]":
    """All messages, on the primary database."""
    return OutboxMessage.objects.using(using or primary(OutboxMessage))


def endpoints() -> "QuerySet[WebhookEndpoint]":
    """The rows of failing endpoints, on the primary database."""
    return WebhookEndpoint.objects.using(primary(WebhookEndpoint))


def _settle(message: OutboxMessage, due_at: Any, error: str, **more: Any) -> None:
    # If the lease has expired, the message may belong to another sender. Then this changes nothing.
    mine = messages().filter(pk=message.pk, attempts=message.attempts, delivered_at=None)
    mine.update(due_at=due_at, last_error=error[:64], **more)


def _in(seconds: int) -> Any:
    return UtcNow() + timedelta(seconds=seconds)
