"""Receipts of our own JSON contract, one in each body: ``{"id", "message_id", "to", "status", "reason"}``.

See docs/en/how-to/sms/receipts.md#receipts-of-your-bridge.
"""

import json
from typing import Any

from phonebind import mobiles
from phonebind.sms.receipts import REASONS, Receipt
from phonebind.sms.vendor import text

_ADVICE = "the bridge says that only you can repair it: see its own log"


def pushed(body: bytes) -> list[Receipt]:
    try:
        return [_receipt(json.loads(body))]
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return []


def _receipt(told: Any) -> Receipt:
    vendor_id, mobile = text(told["message_id"]), mobiles.clean(text(told["to"]))
    if {"delivered": True, "failed": False}[told["status"]]:
        return Receipt(vendor_id, mobile, "delivered")
    said = told.get("reason")
    reason = said if said in REASONS else "unknown"
    return Receipt(vendor_id, mobile, "failed", reason, _ADVICE if reason == "carrier" else "")
