"""Our own JSON contract, for every vendor that has no file here: a small service of yours takes it and sends.

Signed as `Standard Webhooks <https://www.standardwebhooks.com>`_, so that verifiers in ten languages exist. See
docs/sms.md for the contract, and ``examples/sms_bridge.py`` for such a service.
"""

import base64
import binascii
import hmac
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from phonebind.sms import http_receipts
from phonebind.sms.base import NOTICES, Message
from phonebind.sms.receipts import Receipt
from phonebind.sms.vendor import Call, Codes, Reading, Vendor, text

PREFIX = "whsec_"
#: Bytes; what Standard Webhooks asks for.
SHORTEST_KEY = 24
#: Seconds that the stamp of what the bridge signed may differ from our clock.
TOLERANCE = 300

_STAMP = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, kw_only=True, repr=False)
class Http(Vendor):
    """``endpoint``: your service. ``secret``: ``whsec_`` and at least 24 random bytes in base64, shared with it."""

    name: ClassVar[str] = "http"
    notices: ClassVar[Sequence[str]] = NOTICES
    acknowledgement: ClassVar[bytes] = b'{"code":"ok"}'
    words: ClassVar[Sequence[str]] = ("secret",)
    codes: ClassVar[Codes] = Codes(
        sent="ok",
        number="invalid_phone_number delivery_rejected",
        limit="rate_limited",
        not_now="unavailable",
        operator={
            "the bridge refuses our signature (compare secret and both clocks), or its vendor refuses its keys": (
                "authentication_failed"
            ),
            "the bridge cannot send this kind of message: see its log": "unsupported_request",
            "the balance at the bridge's vendor is used up: pay there": "out_of_balance",
        },
    )

    endpoint: str
    secret: str

    def check(self) -> list[str]:
        return super().check() or self._secret_problems()

    def _secret_problems(self) -> list[str]:
        try:
            long_enough = self.secret.startswith(PREFIX) and len(self._key()) >= SHORTEST_KEY
        except (binascii.Error, ValueError):
            long_enough = False
        return [] if long_enough else [f"secret must be {PREFIX} and {SHORTEST_KEY} bytes or more in base64"]

    def _key(self) -> bytes:
        return base64.b64decode(self.secret.removeprefix(PREFIX), validate=True)

    def call(self, message: Message) -> Call:
        fields = {
            "id": message.id,
            "to": message.e164,
            "purpose": message.purpose,
            "language": message.language,
            "code": message.code,
            "minutes": message.minutes,
            "text": message.text,
        }
        body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        return Call(self.endpoint, body, {"Content-Type": "application/json", **self.signature(message.id, body)})

    def signature(self, message_id: str, body: bytes) -> dict[str, str]:
        """The three headers."""
        stamp = str(int(time.time()))
        return {
            "webhook-id": message_id,
            "webhook-timestamp": stamp,
            "webhook-signature": self._signed(message_id, stamp, body),
        }

    def _signed(self, message_id: str, stamp: str, body: bytes) -> str:
        signed = hmac.digest(self._key(), f"{message_id}.{stamp}.".encode() + body, "sha256")
        return f"v1,{base64.b64encode(signed).decode()}"

    def read(self, answer: Any) -> Reading:
        message_id, wait = answer.get("message_id"), answer.get("retry_after")
        known = isinstance(message_id, str)
        seconds = wait if type(wait) is int and 0 < wait <= 86_400 else None  # True is an int, too
        return Reading(text(answer["code"]), message_id if known else None, seconds)

    def receipts(self, headers: Mapping[str, str], body: bytes) -> list[Receipt]:
        """One a body, signed by the bridge as we sign."""
        return http_receipts.pushed(body) if self._is_signed(headers, body) else []

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        id_, stamp, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
        if not _STAMP.fullmatch(stamp) or abs(time.time() - int(stamp)) > TOLERANCE:
            return False
        ours = self._signed(id_, stamp, body).encode()
        # Several while a secret is being changed.
        return any(hmac.compare_digest(ours, theirs.encode()) for theirs in signatures.split(" "))
