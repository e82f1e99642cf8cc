"""The meaning of vendors' receipt codes for a person, and the reading of a body with many receipts."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from phonebind.sms.receipts import Receipt


class Meanings:
    """A vendor's codes by reason. ``carrier`` groups codes by what the operator must do. Any other code is unknown."""

    def __init__(self, *, carrier: Mapping[str, str], **reasons: str) -> None:
        self._advice = {code: advice for advice, codes in carrier.items() for code in codes.split()}
        self._reasons = {code: reason for reason, codes in reasons.items() for code in codes.split()}
        self._reasons |= dict.fromkeys(self._advice, "carrier")

    def failed(self, vendor_id: str, mobile: str, code: str) -> Receipt:
        return Receipt(vendor_id, mobile, "failed", self._reasons.get(code, "unknown"), self._advice.get(code, ""))


def each(body: bytes, read: Callable[[Any], Receipt]) -> list[Receipt]:
    """The receipts of a JSON array. Entries that cannot be read are left out."""
    try:
        rows = json.loads(body)
    except (ValueError, RecursionError):
        return []
    found = []
    for row in rows if isinstance(rows, list) else []:
        try:
            found.append(read(row))
        except (LookupError, TypeError, ValueError, AttributeError):
            continue
    return found
