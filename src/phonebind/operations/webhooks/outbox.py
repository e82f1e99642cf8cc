"""The outbox: what is written in an act's transaction, and what becomes of it.

A message belongs to one sender while it is being sent: its ``due_at`` is a lease by the database's clock, and a sender
that dies leaves it to be taken over. So each is sent at least once, and twice only after a death.
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

#: Rows of one statement: of as many sessions as somebody ends at once. PostgreSQL takes 65,535 parameters.
BATCH = 500
#: Seconds for which a message is one sender's. All that one try may take, with the look-up of a name, ends before.
LEASE = 60
#: Seconds after each failure; after one more the message is given up. In all, some 69 hours.
BACKOFF = (5, 60, 300, 1_800, 7_200, 21_600, 43_200, 86_400, 86_400)


def write(type_: str, facts: Sequence[Mapping[str, Any]], using: str) -> None:
    """One message for each of the facts to each endpoint that wants the type, by one statement, in the transaction that
    is open. A copy of the accounts on another alias is nobody's business.
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
    """The message to this endpoint that has been due for longest: nobody else's for ``LEASE`` seconds. None where there
    is none, or another sender was faster.
    """
    due = messages().filter(endpoint=name, due_at__lte=UtcNow()).order_by("due_at")
    can_skip = connections[due.db].features.has_select_for_update_skip_locked
    with transaction.atomic(due.db) if can_skip else nullcontext():
        message = (due.select_for_update(skip_locked=True) if can_skip else due).first()
        if message is None:
            return None
        # Where there is no such lock, this alone decides.
        mine = messages().filter(pk=message.pk, attempts=message.attempts, due_at__lte=UtcNow())
        if not mine.update(due_at=_in(LEASE), attempts=F("attempts") + 1, last_error=""):
            return None
    message.attempts += 1
    return message


def taken(message: OutboxMessage) -> None:
    """It was delivered, whoever else may be sending it by now."""
    messages().filter(pk=message.pk).update(delivered_at=timezone.now(), due_at=None, last_error="")


def failed(message: OutboxMessage, error: str, wait: int = 0) -> bool:
    """It was not, for this reason: it is tried later, not before ``wait`` seconds. False where it is given up."""
    left = BACKOFF[message.attempts - 1 :]
    due_at = _in(max(left[0], wait)) if left else None
    _settle(message, due_at, error)
    return bool(left)


def put_back(message: OutboxMessage, error: str) -> None:
    """It was not, since its endpoint is off: it waits for that, and this was no try of it."""
    _settle(message, UtcNow(), error, attempts=message.attempts - 1)


def rests(name: str) -> bool:
    """Whether nothing is to be sent to this endpoint now."""
    return endpoints().filter(Q(rests_until__gt=UtcNow()) | Q(off_at__isnull=False), pk=name).exists()


def endpoint_failed(name: str) -> int:
    """It did not work as an endpoint. How often in a row, this time among them."""
    row, _ = endpoints().get_or_create(pk=name)
    endpoints().filter(pk=name).update(failures=F("failures") + 1)
    return row.failures + 1


def rest(name: str, seconds: int) -> None:
    """Send nothing to it for so long."""
    endpoints().update_or_create(pk=name, defaults={"rests_until": _in(seconds)})


def turn_off(name: str) -> None:
    """Send nothing to it until somebody says otherwise."""
    endpoints().update_or_create(pk=name, defaults={"off_at": timezone.now()})


def works(name: str) -> None:
    """It works."""
    # Mostly there is no row: to look is cheaper than to lock.
    if endpoints().filter(pk=name, off_at=None).exists():
        endpoints().filter(pk=name, off_at=None).delete()


def send_again(chosen: Iterable[OutboxMessage]) -> int:
    """Those of them that were delivered or given up, or wait after a failure, are due now, as if they were new. How
    many.
    """
    settled = messages().filter(Q(due_at=None) | ~Q(last_error=""), pk__in=[each.pk for each in chosen])
    return settled.update(due_at=UtcNow(), attempts=0, delivered_at=None, last_error="")


def waiting(names: Iterable[str]) -> int:
    """How many messages these endpoints are still to get. What was given up does not count."""
    return messages().filter(endpoint__in=list(names), due_at__isnull=False).count()


def oldest() -> float:
    """Seconds since the oldest message was written that an endpoint of the settings is still to get; 0 where there is
    none. What was given up does not count.
    """
    due = messages().filter(endpoint__in=list(conf.webhooks), due_at__isnull=False)
    since = due.aggregate(since=Min("created_at"))["since"]
    return max((timezone.now() - since).total_seconds(), 0.0) if since else 0.0


def prune(*, days: int, batch: int, given_up: bool = False) -> int:
    """Delete what was written so long ago and delivered, or is for an endpoint that the settings do not name any more;
    with ``given_up`` that too. How many there were. Each batch is a transaction of its own.
    """
    before = timezone.now() - timedelta(days=days)
    over = Q(delivered_at__isnull=False) | ~Q(endpoint__in=list(conf.webhooks))
    if given_up:
        over |= Q(due_at=None)
    # Found by the key, which is by time: but not as MariaDB 10.7 to 10.9 compare them.
    last = message_id(int(before.timestamp() * 1000))
    old = messages().filter(over, pk__lt=last, created_at__lt=before).order_by("pk")
    deleted = 0
    while some := list(old.values_list("pk", flat=True)[:batch]):
        deleted += messages().filter(pk__in=some).delete()[0]
    return deleted


def messages(using: str | None = None) -> "QuerySet[OutboxMessage]":
    """All of them, where they are written."""
    return OutboxMessage.objects.using(using or primary(OutboxMessage))


def endpoints() -> "QuerySet[WebhookEndpoint]":
    """The endpoints that fail."""
    return WebhookEndpoint.objects.using(primary(WebhookEndpoint))


def _settle(message: OutboxMessage, due_at: Any, error: str, **more: Any) -> None:
    # Where the lease was too short, it is another sender's by now.
    mine = messages().filter(pk=message.pk, attempts=message.attempts, delivered_at=None)
    mine.update(due_at=due_at, last_error=error[:64], **more)


def _in(seconds: int) -> Any:
    return UtcNow() + timedelta(seconds=seconds)
