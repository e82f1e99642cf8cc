"""What a person is told about an SMS that did not arrive, and the endpoint for vendors' receipts."""

import logging
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from phonebind import alarms, limits, slots, store, upstream
from phonebind.conf import conf
from phonebind.exceptions import ReceiptUnknown, SmsNotSent, StorageUnavailable, Text
from phonebind.sms import receipts, registry
from phonebind.sms.receipts import Expected, Outcome, Pushes, Tells

#: Seconds after the sending, and between two calls to a vendor: carriers need that long.
PATIENCE = 20

WAITING = "waiting"
#: By the reason, or by the state if there is no reason.
MESSAGES: Mapping[str, Text] = {
    WAITING: _("There is no news from the carrier yet. An SMS may take a minute: then ask again here."),
    "delivered": _("The carrier says that the phone has the SMS. Please look among blocked messages too."),
    "off": _("The carrier says that this phone is off or out of service."),
    "full": _("The carrier says that this phone could not store the SMS: its memory may be full."),
    "blocked": _("The carrier blocks this SMS to this number. Ask the carrier, or use another number."),
    "number": _("The carrier says that this number cannot be reached. Please check it."),
    "carrier": _("The carrier did not deliver the SMS. We have to repair that: please try again later."),
    "unknown": _("The carrier did not deliver the SMS and gives no reason. Please ask for another code."),
}


logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """The state of an SMS. ``reason``: one of ``receipts.REASONS`` if it failed, otherwise ""."""

    state: str
    reason: str

    @property
    def message(self) -> Text:
        return MESSAGES[self.reason or self.state]

    @property
    def body(self) -> dict[str, Any]:
        """The body of every JSON answer."""
        return {"state": self.state, "reason": self.reason, "message": self.message}


def news(id_: str, address: str) -> News:
    """News of the SMS whose message has this id, which the client knows. If no receipt came, the vendor is asked.

    Raises ReceiptUnknown, TooManyRequests, StorageUnavailable.
    """
    if not receipts.is_on():
        raise ReceiptUnknown
    limits.take(("receipt_address_hour", address))
    sms, outcome = receipts.known(id_)
    if outcome is None and time.time() - sms.sent_at >= PATIENCE:
        outcome = _asked(sms)
    return News(*(outcome or (WAITING, "")))


def _asked(sms: Expected) -> Outcome | None:
    """The vendor's answer, if it has a call for this and was not called lately. A vendor that fails has no news."""
    gateways = [gateway for gateway in _named(sms.gateway) if isinstance(gateway, Tells)]
    if not sms.vendor_id or not gateways or not store.first(store.key("sms_receipt_asked", sms.id), PATIENCE):
        return None
    with suppress(SmsNotSent), slots.SMS.take(conf.sms_slots), upstream.Deadline().shared():
        for gateway in gateways:
            with suppress(SmsNotSent):
                if receipt := gateway.pull(sms):
                    receipts.record(sms.gateway, [receipt])
                    return receipts.known(sms.id)[1]
    return None


def accept(name: str, secret: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Record a receipt that a vendor sent to the path of this gateway. Returns the body of the answer, whatever the
    receipt contains: a vendor whose request is refused sends the same again.

    Raises ReceiptUnknown for an unknown path.
    """
    gateways = [gateway for gateway in _named(name) if isinstance(gateway, Pushes)]
    if not _is_secret(secret) or not gateways:
        raise ReceiptUnknown
    try:
        for gateway in gateways:
            receipts.record(name, gateway.receipts(headers, body))
    except StorageUnavailable:
        if alarms.is_due("sms receipts"):
            logger.warning("Receipts of SMS are lost: the store is unavailable")
    return gateways[0].acknowledgement


def _is_secret(text: str) -> bool:
    known = conf.sms_receipts
    # As bytes: with str, compare_digest accepts only ASCII.
    given = text.encode(errors="replace")
    return known not in ("", receipts.PULL) and secrets.compare_digest(given, known.encode())


def _named(name: str) -> Iterator[object]:
    """All gateways of this name: behind a failover there may be two, with one account each."""
    return (gateway for gateway in registry.senders() if registry.name_of(gateway) == name)
