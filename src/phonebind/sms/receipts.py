"""Receipts: what the carrier reports of an SMS after it was sent, passed on by the vendor.

Hardly any vendor signs them. So they are only shown to the person and counted: no limit, no code and no sign-in depends
on a receipt. If ``SMS_RECEIPTS`` is "", nothing is stored and no vendor is asked.
"""

import hashlib
import json
import logging
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from phonebind import alarms, signals, store
from phonebind.conf import conf
from phonebind.exceptions import ReceiptUnknown, StorageUnavailable
from phonebind.sms.base import Message

State: TypeAlias = Literal["delivered", "failed"]

#: Why an SMS failed. off: the phone is off, or out of service. full: it could not store the SMS. blocked: by the
#: carrier or by the person. number: the number is not assigned. carrier: only the operator can fix it. unknown: any
#: other reason.
REASONS = ("off", "full", "blocked", "number", "carrier", "unknown")
#: A value of ``SMS_RECEIPTS``: vendors are asked, and cannot push receipts.
PULL = "pull"
#: Milliseconds for which an SMS and its receipt are stored: as long as the person may stay at the form.
KEPT = 600_000

_ID = re.compile(r"[0-9a-z]{16,32}")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, repr=False)
class Receipt:
    """A vendor's report on one SMS, in our words.

    If it failed, ``reason`` is one of ``REASONS``. If the reason is "carrier", ``advice`` is what the operator must do.
    """

    vendor_id: str
    #: 11 digits.
    mobile: str
    state: State
    reason: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Expected:
    """An SMS whose receipt is awaited. ``id`` is that of its message.

    ``vendor_id`` is the vendor's id for it, or "" if no vendor has given one yet.
    """

    id: str
    gateway: str
    vendor_id: str
    #: The full number: vendors are asked by it. The store's keys of SMS codes also contain it, for as long.
    mobile: str
    #: Seconds since 1970.
    sent_at: float


class Outcome(NamedTuple):
    state: State
    #: "" if it was delivered.
    reason: str


@runtime_checkable
class Pushes(Protocol):
    """A gateway whose vendor sends receipts to us."""

    #: The body of our response that tells the vendor not to send the receipts again.
    acknowledgement: ClassVar[bytes]

    def receipts(self, headers: Mapping[str, str], body: bytes) -> list[Receipt]:
        """The receipts in the vendor's request. An empty list if the body is not the vendor's."""


@runtime_checkable
class Tells(Protocol):
    """A gateway whose vendor returns the receipt of one SMS when it is asked."""

    def pull(self, sms: Expected) -> Receipt | None:
        """The receipt, or None if the vendor has none yet. Raises SmsNotSent if the vendor does not answer."""


def is_on() -> bool:
    return bool(conf.sms_receipts)


def may_come_from(gateway: object) -> bool:
    """Whether this gateway reports receipts in the way that ``SMS_RECEIPTS`` allows."""
    if not is_on():
        return False
    return isinstance(gateway, Tells) or (conf.sms_receipts != PULL and isinstance(gateway, Pushes))


def expect(gateway: str, message: Message, vendor_id: str | None = None) -> None:
    """Remember the message until its receipt comes. Without the vendor's id, no receipt can match, and the page waits.

    The SMS is already on its way, so an unavailable store is only logged.
    """
    sent_at = time.time()
    facts = json.dumps([gateway, vendor_id or "", message.mobile, sent_at])
    try:
        with store.connection() as client:
            # Two keys with two hash tags. Each is written in one command, and one is useless without the other.
            client.set(_key(message.id), facts, px=KEPT, nx=not vendor_id)
            if vendor_id:
                client.set(_index(gateway, vendor_id, message.mobile), json.dumps([message.id, sent_at]), px=KEPT)
    except StorageUnavailable:
        logger.warning("The receipt of an SMS will not be found: the store is unavailable")


def record(gateway: str, receipts: Iterable[Receipt]) -> None:
    """Store the receipts of this gateway. The first receipt of an SMS counts, and later ones are ignored.

    A receipt that matches no SMS by the vendor's id and the number is dropped. Raises StorageUnavailable.
    """
    for receipt in receipts:
        with store.connection() as client:
            found = client.get(_index(gateway, receipt.vendor_id, receipt.mobile))
            if not found:
                continue
            id_, sent_at = json.loads(found)
            is_first = client.set(_outcome_key(id_), json.dumps([receipt.state, receipt.reason]), nx=True, px=KEPT)
        if is_first:
            _count(gateway, receipt, max(time.time() - sent_at, 0.0))


def known(id_: str) -> tuple[Expected, Outcome | None]:
    """The SMS of this message id, and its outcome if known. Raises ReceiptUnknown, StorageUnavailable."""
    if not _ID.fullmatch(id_):
        raise ReceiptUnknown
    with store.connection() as client:
        facts, outcome = client.mget(_key(id_), _outcome_key(id_))
    if not facts:
        raise ReceiptUnknown
    return Expected(id_, *json.loads(facts)), Outcome(*json.loads(outcome)) if outcome else None


def _count(gateway: str, receipt: Receipt, seconds: float) -> None:
    signals.sms_receipt_received.send_robust(
        sender=None, gateway=gateway, state=receipt.state, reason=receipt.reason, seconds=seconds
    )
    if receipt.reason == "carrier" and alarms.is_due(f"sms receipt {gateway} {receipt.advice}"):
        logger.error("SMS gateway %s: carriers do not deliver what it sends: %s", gateway, receipt.advice)


def _key(id_: str) -> str:
    return store.key("sms_receipt", id_)


def _outcome_key(id_: str) -> str:
    return store.key("sms_receipt_outcome", id_)


def _index(gateway: str, vendor_id: str, mobile: str) -> str:
    """The only key by which a receipt finds its SMS. It contains the number, so the number must match the vendor's id.

    It is a digest, because the values in a receipt may be long.
    """
    facts = json.dumps([gateway, vendor_id, mobile])
    return store.key("sms_receipt_of", hashlib.sha256(facts.encode()).hexdigest())
