"""Our own JSON contract, for every vendor without a file here: a small service of the host receives it and sends the
SMS.

It is signed by `Standard Webhooks <https://www.standardwebhooks.com>`_, which has verifiers in ten languages. The
contract is in docs/en/how-to/sms/bridge.md, and such a service is in ``examples/sms_bridge.py``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from phonebind import standard_webhooks
from phonebind.sms import http_receipts
from phonebind.sms.base import NOTICES, Message
from phonebind.sms.receipts import Receipt
from phonebind.sms.vendor import Call, Codes, Reading, Vendor, text


@dataclass(frozen=True, kw_only=True, repr=False)
class Http(Vendor):
    """``endpoint``: your service. ``secret``: shared with it, ``whsec_`` and at least 24 random bytes in base64."""

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
        return [] if standard_webhooks.is_secret(self.secret) else [f"secret must be {standard_webhooks.SECRET}"]

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
        signed = standard_webhooks.headers(message.id, body, self.secret)
        return Call(self.endpoint, body, {"Content-Type": "application/json", **signed})

    def read(self, answer: Any) -> Reading:
        message_id, wait = answer.get("message_id"), answer.get("retry_after")
        known = isinstance(message_id, str)
        seconds = wait if type(wait) is int and 0 < wait <= 86_400 else None  # True is an int, too
        return Reading(text(answer["code"]), message_id if known else None, seconds)

    def receipts(self, headers: Mapping[str, str], body: bytes) -> list[Receipt]:
        """One receipt in each body. The bridge signs it as we sign our requests."""
        is_signed = standard_webhooks.is_signed(headers, body, self.secret)
        return http_receipts.pushed(body) if is_signed else []
