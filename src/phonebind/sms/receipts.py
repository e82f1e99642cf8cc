"""Receipts: what the carrier says has become of an SMS, as the vendor passes it on later.

Hardly any vendor signs them, so they tell a person something and are counted, and decide nothing: no limit, no code and
no sign-in depends on one. Where ``SMS_RECEIPTS`` is "", nothing of this is written or asked.
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

#: Why an SMS failed. off: the phone is, or out of service. full: it could not store the SMS. blocked: by the carrier or
#: by the person. number: nobody has it. carrier: only the operator can repair that. unknown: all else.
REASONS = ("off", "full", "blocked", "number", "carrier", "unknown")
#: For ``SMS_RECEIPTS``: vendors are asked, and push nothing.
PULL = "pull"
#: Milliseconds that an SMS and its receipt are known: as long as the person may be at the form.
KEPT = 600_000

_ID = re.compile(r"[0-9a-z]{16,32}")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, repr=False)
class Receipt:
    """What a vendor says of one SMS, in our words. ``reason`` is one of ``REASONS`` where it failed, and ``advice``
    what the operator must do where the reason is "carrier".
    """

    vendor_id: str
    #: 11 digits.
    mobile: str
    state: State
    reason: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Expected:
    """An SMS whose receipt is to come. ``id`` is that of its message, ``vendor_id`` what the vendor called it: "" for
    one that no vendor has named, or not yet.
    """

    id: str
    gateway: str
    vendor_id: str
    #: In full: vendors are asked by it. The keys of the codes have it as well, for as long.
    mobile: str
    #: Seconds since 1970.
    sent_at: float


class Outcome(NamedTuple):
    state: State
    #: "" where it was delivered.
    reason: str


@runtime_checkable
class Pushes(Protocol):
    """A gateway whose vendor sends receipts to us."""

    #: The body of the answer that the vendor takes for "do not send this again".
    acknowledgement: ClassVar[bytes]

    def receipts(self, headers: Mapping[str, str], body: bytes) -> list[Receipt]:
        """What the vendor sent; nothing for a body that is none of the vendor's."""


@runtime_checkable
class Tells(Protocol):
    """A gateway whose vendor tells the receipt of one SMS when it is asked."""

    def pull(self, sms: Expected) -> Receipt | None:
        """None where the vendor knows of none yet. Raises SmsNotSent where the vendor does not answer."""


def is_on() -> bool:
    return bool(conf.sms_receipts)


def may_come_from(gateway: object) -> bool:
    """Whether this gateway brings receipts, by the way that ``SMS_RECEIPTS`` has open."""
    if not is_on():
        return False
    return isinstance(gateway, Tells) or (conf.sms_receipts != PULL and isinstance(gateway, Pushes))


def expect(gateway: str, message: Message, vendor_id: str | None = None) -> None:
    """Know the message again when its receipt comes; without the vendor's id none will, and the person who asks waits.
    It is on its way, so a store that is down changes nothing.
    """
    sent_at = time.time()
    facts = json.dumps([gateway, vendor_id or "", message.mobile, sent_at])
    try:
        with store.connection() as client:
            # Two keys of two hash tags: each is written whole, and one is worth nothing without the other.
            client.set(_key(message.id), facts, px=KEPT, nx=not vendor_id)
            if vendor_id:
                client.set(_index(gateway, vendor_id, message.mobile), json.dumps([message.id, sent_at]), px=KEPT)
    except StorageUnavailable:
        logger.warning("An SMS was sent whose receipt nobody will know: the store is unavailable")


def record(gateway: str, receipts: Iterable[Receipt]) -> None:
    """Take note of what came from this gateway. The first word about an SMS is the last; what matches none, by the
    vendor's id and by the number, is dropped. Raises StorageUnavailable.
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
    """The SMS of this message, and what became of it. Raises ReceiptUnknown, StorageUnavailable."""
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
    """A receipt finds its SMS by this alone, so that the number is matched with the id. A digest, since what comes in a
    receipt may be long.
    """
    facts = json.dumps([gateway, vendor_id, mobile])
    return store.key("sms_receipt_of", hashlib.sha256(facts.encode()).hexdigest())
