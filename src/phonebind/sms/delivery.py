"""What a worker does with a message from ``phonebind.sms.queue``."""

import logging

from phonebind import alarms
from phonebind.conf import conf
from phonebind.exceptions import (
    PhonebindError,
    SmsMisconfigured,
    SmsNotSent,
    SmsRefused,
    SmsUnconfirmed,
    SmsVendorLimit,
    StorageUnavailable,
)
from phonebind.options import UNUSABLE
from phonebind.sms import parcels
from phonebind.sms.base import Gateway, Message
from phonebind.sms.parcels import Parcel
from phonebind.sms.queue import Queue
from phonebind.sms.registry import attempt, make

#: Seconds before each retry of a message that was not sent, because the gateway was not reached or was too busy.
DELAYS = (2, 5, 10)

logger = logging.getLogger(__name__)


def deliver(message_id: str, number: int) -> Message | None:
    """Send the message, as retry number ``number``.

    Returns the message if it was not sent and never will be, so that the caller can invalidate its code.
    """
    parcel = _taken(message_id, number)
    if parcel is None:
        return None
    if parcel.left <= 0:
        _complain("messages expire before a worker takes them: are there enough workers?")
        return parcel.message
    return parcel.message if _is_lost(parcel) else None


def late(message_id: str, number: int) -> Message | None:
    """The message that Celery has discarded because it expired. None if another worker has taken it."""
    parcel = _taken(message_id, number)
    if parcel is None:
        return None
    _complain("messages expire before a worker takes them: are there enough workers?")
    return parcel.message


def _taken(message_id: str, number: int) -> Parcel | None:
    """The message for the first caller. None for all others: the broker may deliver it more than once."""
    try:
        return parcels.take(message_id, number)
    except parcels.Missing:
        _complain("a message is not in this worker's store: does it have the CACHES of the web servers?")
        return None
    except parcels.Unreadable:
        _complain("a message cannot be read: the workers need the SECRET_KEY and the release of the web servers")
        return None
    except StorageUnavailable:
        # Without the store, it is unknown whether another worker has taken it.
        _complain("a message is not sent, since the store is unavailable")
        return None


def _is_lost(parcel: Parcel) -> bool:
    """Try to send it. Returns True if it was not sent and will not be retried."""
    try:
        queue, gateway = _gateways()
    except UNUSABLE:
        _complain("the worker's settings cannot send: run manage.py check with them")
        return True
    try:
        attempt(gateway, parcel.message)
    except SmsUnconfirmed as error:
        _tell(parcel, "may have been sent", error)
    except (SmsMisconfigured, SmsRefused, SmsVendorLimit) as error:
        _tell(parcel, "is not sent", error)
        return True
    except SmsNotSent as error:
        is_tried_again = _is_tried_again(queue, parcel)
        _tell(parcel, "is tried again" if is_tried_again else "is not sent", error)
        return not is_tried_again
    except Exception as error:  # noqa: BLE001 - Celery would log its text, which may contain secrets
        _complain(f"the gateway raised {type(error).__name__}, which is a mistake in its code")
    else:
        _tell(parcel, "is sent")
    return False


def _gateways() -> tuple[Queue, Gateway]:
    """The gateway that queues, and the gateway that sends. Raises one of ``options.UNUSABLE``."""
    queue = make(conf.sms)
    if not isinstance(queue, Queue):
        raise TypeError("the worker's settings name another gateway than celery")
    return queue, make(queue.via)


def _is_tried_again(queue: Queue, parcel: Parcel) -> bool:
    """Whether there is time for a retry, and the broker has taken it or may have taken it."""
    if parcel.attempt >= len(DELAYS) or parcel.left < DELAYS[parcel.attempt] + conf.total_timeout:
        return False
    try:
        queue.hand_over(Parcel(parcel.message, parcel.until, parcel.attempt + 1), DELAYS[parcel.attempt])
    except SmsUnconfirmed:
        return True
    except (SmsNotSent, StorageUnavailable):
        return False
    return True


def _tell(parcel: Parcel, what: str, error: PhonebindError | None = None) -> None:
    """Log the outcome of one message. The person was only told that it is on its way."""
    why = f" ({error.detail or type(error).__name__})" if error else ""
    logger.info("SMS queue: message %s %s%s", parcel.message.id, what, why)


def _complain(what: str) -> None:
    if alarms.is_due(f"sms queue {what}"):
        logger.error("SMS queue: %s", what)
