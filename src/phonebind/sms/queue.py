"""Passes messages to Celery. Its workers send them with another gateway.

The request ends at once, and the person does not learn the outcome. So this is for hosts that want it, and it is not
the default. A message waits for less than a minute. It is sent once, even if the broker delivers it twice. If it was
not sent, its code is invalidated.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from django.utils.module_loading import import_string
from redis.backoff import NoBackoff
from redis.retry import Retry

from phonebind import alarms
from phonebind.conf import conf
from phonebind.exceptions import SmsNotSent, SmsUnconfirmed
from phonebind.options import UNUSABLE
from phonebind.sms import inner, parcels
from phonebind.sms.base import Message
from phonebind.sms.parcels import Parcel
from phonebind.sms.registry import make

try:
    from celery import Celery
    from kombu.connection import Connection
    from kombu.exceptions import KombuError
except ImportError as error:
    raise ImportError("Celery is not installed: pip install 'phonebind[celery]'") from error

#: The name of the task in ``phonebind.sms_tasks``.
TASK = "phonebind.send_sms"
#: Seconds within which a message must have been sent, including the time for sending. Its code is valid for five
#: minutes, so at least four are left when it arrives.
LATEST = 60
#: Shown in place of the arguments in a worker's log, in its events, and on pages that show its tasks.
SHOWN = "(…)"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, repr=False)
class Queue:
    """A gateway that queues messages.

    ``app``: the dotted path of the host's Celery app. Celery's own current app is only valid in one thread. ``via``:
    the options of the gateway that the workers send with. ``expires``: the seconds that a message may wait.
    """

    name: ClassVar[str] = "celery"
    composite: ClassVar[bool] = True
    #: What has happened if nothing was raised.
    done: ClassVar[str] = "Handed over to Celery; the log of its worker tells how it ended"

    app: str
    via: Mapping[str, Any]
    expires: float = 45

    @property
    def inner(self) -> Sequence[Mapping[str, Any]]:
        return [self.via]

    @property
    def celery(self) -> Celery:
        """The host's Celery app. Raises ImportError and similar errors."""
        return import_string(self.app)

    def check(self) -> list[str]:
        return [*self._expiry_problems(), *self._via_problems(), *self._app_problems()]

    def _expiry_problems(self) -> list[str]:
        expires: Any = self.expires
        is_number = isinstance(expires, (int, float)) and not isinstance(expires, bool)
        if is_number and 0 < expires <= LATEST - conf.total_timeout:
            return []
        return [f"expires must be a number of seconds, and together with TOTAL_TIMEOUT {LATEST} at most"]

    def _via_problems(self) -> list[str]:
        with suppress(*UNUSABLE):
            if isinstance(make(self.via), Queue):
                return ["via: celery cannot send by celery"]
        label = inner.label(self.via)
        return [f"via {label}".rstrip() + f": {problem}" for problem in inner.problems(self.via)]

    def _app_problems(self) -> list[str]:
        try:
            found = self.celery
            if not isinstance(found, Celery):
                return ["app must be the dotted path of your Celery app"]
        except UNUSABLE as error:
            return [f"app: {type(error).__name__}: {error}"]
        return [*_broker_problems(found), *_conf_problems(found)]

    def send(self, message: Message) -> None:
        """Queue the message.

        Raises SmsNotSent if the broker cannot be reached, SmsUnconfirmed if the broker does not confirm that it took
        the message, and StorageUnavailable.
        """
        self.hand_over(Parcel(message, time.time() + self.expires))

    def hand_over(self, parcel: Parcel, countdown: float = 0) -> None:
        """Queue a parcel. A worker sends it, ``countdown`` seconds from now at the earliest. Raises what :meth:`send`
        raises.
        """
        parcels.put(parcel)
        app = self.celery
        with _channel(app) as (connection, channel):
            try:
                app.send_task(
                    TASK,
                    args=(parcel.message.id, parcel.attempt),
                    producer=app.amqp.Producer(channel, auto_declare=False),
                    countdown=countdown or None,
                    expires=max(parcel.left, 0),
                    ignore_result=True,
                    serializer="json",
                    argsrepr=SHOWN,
                    kwargsrepr=SHOWN,
                    retry=False,
                )
            except _broken(connection) as error:
                raise _told(SmsUnconfirmed(), "the broker does not say that it took the message", error) from None


def _broker_problems(app: Celery) -> Iterator[str]:
    try:
        # This imports the library for this kind of broker. It opens no connection.
        app.connection_for_write().transport.driver_type  # noqa: B018 - it only has to load
    except UNUSABLE as error:
        # Do not show the error's text: a password with a slash in it is read as a port, and the text quotes it.
        yield f"app: its broker_url cannot be used ({type(error).__name__}): is the password in it percent-encoded?"


def _conf_problems(app: Celery) -> Iterator[str]:
    if app.conf.task_always_eager:
        yield "app: task_always_eager has no effect on SMS, and without a worker none is sent: name another gateway"
    if not {"json", "application/json"}.intersection(app.conf.accept_content):
        yield "app: accept_content must have 'json': without it, the workers discard all SMS"


@contextmanager
def _channel(app: Celery) -> Iterator[tuple[Connection, Any]]:
    """A new connection, not one of a pool. If it cannot be opened, it is certain that no message was handed over.

    A connection of a pool may be dead, and that only becomes visible after something was sent on it.
    """
    with app.connection_for_write(transport_options=_patience(app)) as connection:
        connection.connect_timeout = conf.connect_timeout
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            channel = connection.channel()
        except _broken(connection) as error:
            raise _told(SmsNotSent(), "the broker cannot be reached", error) from None
        yield connection, channel


def _broken(connection: Connection) -> tuple[type[Exception], ...]:
    return (OSError, KombuError, *connection.connection_errors, *connection.channel_errors)


def _patience(app: Celery) -> dict[str, Any]:
    """Timeouts for the broker. Celery's are infinite with one kind of broker, and longer than ours with the other."""
    connection, each = app.connection_for_write(), conf.total_timeout / 3
    if connection.transport.driver_type != "redis":
        return {"read_timeout": each, "write_timeout": each}
    if connection.transport_cls != "sentinel":
        return _bounds(each)
    # Each connection asks the sentinels one after another, each of them four times by default.
    each /= max(len(connection.alt), 1)
    own = connection.transport_options.get("sentinel_kwargs") or {}
    return {**_bounds(each), "sentinel_kwargs": {**own, **_bounds(each), "retry": Retry(NoBackoff(), 0)}}


def _bounds(seconds: float) -> dict[str, float]:
    return {"socket_connect_timeout": min(conf.connect_timeout, seconds), "socket_timeout": seconds}


def _told(outcome: SmsNotSent, what: str, error: Exception) -> SmsNotSent:
    if alarms.is_due(f"sms queue {what}"):
        logger.warning("SMS queue: %s (%s)", what, type(error).__name__)
    return outcome.because(f"{what} ({type(error).__name__})")
