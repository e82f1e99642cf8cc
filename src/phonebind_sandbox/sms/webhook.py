"""The HTTP contract of phonebind, for a small service that an operator writes for any other vendor.

Requests are signed as in `Standard Webhooks <https://www.standardwebhooks.com>`_. The inbox and the switches call this
vendor ``http``.
"""

import base64
import hmac
import json
import re
import time
from collections.abc import Mapping
from hashlib import sha256

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from phonebind_sandbox import faults, state
from phonebind_sandbox.bodies import Unreadable, read_object
from phonebind_sandbox.conf import HTTP_SMS_SECRET
from phonebind_sandbox.faults import Faults
from phonebind_sandbox.gate import sandbox_view
from phonebind_sandbox.sms_codes import HTTP_CODES, HTTP_STATUS, SmsRefused

from . import push, receipts, sending
from .limits import DAY, HOUR, MINUTE, Limit
from .receipts import Receipt
from .texts import national

VENDOR = "http"
#: Seconds by which the client's clock may be wrong.
TOLERANCE = 300
LIMITS = (Limit("minute", 1, MINUTE), Limit("hour", 5, HOUR), Limit("day", 10, DAY))

_TEXTS = ("id", "to", "purpose", "language", "code", "text")
#: The ``reason`` in a receipt of an undelivered message.
_REASONS: Mapping[str, str] = {
    "off": "off",
    "full": "full",
    "blacklisted": "blocked",
    "number": "number",
    "signature": "carrier",
    "unknown": "unknown",
}


@sandbox_view("POST")
def send(request: HttpRequest) -> HttpResponseBase:
    """``{id, to, purpose, language, code, minutes, text}`` -> ``{code, message_id}``. The same id is sent only once."""
    switches = faults.read()

    def answer() -> HttpResponse:
        try:
            return JsonResponse({"code": "ok", "message_id": _send(request, switches)})
        except SmsRefused as refused:
            fields: dict[str, object] = {"code": refused.code, "message": HTTP_CODES[refused.code]}
            if refused.code == "rate_limited":
                fields["retry_after"] = refused.retry_after or MINUTE
            return JsonResponse(fields, status=HTTP_STATUS[refused.code])

    return sending.answer(request, switches, answer)


def _send(request: HttpRequest, switches: Faults) -> str:
    """Send the message. Returns its message id; the same request id always gives the same message id."""
    _check(request, float(switches["clock_skew"]))
    own_id, mobile, text = _read(request)
    message_id = f"sandbox-{sha256(own_id.encode()).hexdigest()[:24]}"
    if state.get("sms_once", f"http {own_id}"):
        return message_id
    sending.refuse_as_switched(VENDOR, "http_code", switches)
    scope = f"http {mobile}"
    if limit := sending.limit_reached(scope, LIMITS, switches):
        raise SmsRefused("rate_limited", retry_after=limit.retry_after)
    if state.put_once("sms_once", f"http {own_id}", DAY):
        receipt = sending.receipt(
            VENDOR, switches, mobile=mobile, text=text, vendor_id=message_id, own_id=own_id, template=""
        )
        sending.take(receipt, [scope], switches, _report)
    return message_id


def _check(request: HttpRequest, skew: float) -> None:
    message_id, timestamp = (request.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp"))
    if not re.fullmatch("[0-9]{1,10}", timestamp) or abs(time.time() + skew - int(timestamp)) > TOLERANCE:
        raise SmsRefused("authentication_failed")
    signature = _signature(message_id, timestamp, request.body).encode()
    # There are several signatures while the secret is being changed.
    given = request.headers.get("webhook-signature", "").encode().split()
    if not message_id or not any(hmac.compare_digest(signature, each) for each in given):
        raise SmsRefused("authentication_failed")


def _signature(message_id: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(HTTP_SMS_SECRET.removeprefix("whsec_"))
    return f"v1,{base64.b64encode(hmac.digest(key, f'{message_id}.{timestamp}.'.encode() + body, 'sha256')).decode()}"


def _read(request: HttpRequest) -> tuple[str, str, str]:
    try:
        fields = read_object(request)
    except Unreadable:
        raise SmsRefused("unsupported_request") from None
    own_id, to, *_, text = (fields.get(name) for name in _TEXTS)
    if not all(isinstance(fields.get(name), str) for name in _TEXTS) or type(fields.get("minutes")) is not int:
        raise SmsRefused("unsupported_request")
    if own_id != request.headers["webhook-id"]:
        raise SmsRefused("unsupported_request")
    mobile = national(to) if str(to).startswith("+86") else None
    if mobile is None:
        raise SmsRefused("invalid_phone_number")
    return str(own_id), mobile, str(text)


def _report(receipt: Receipt) -> tuple[Mapping[str, str], bytes]:
    """The receipt, signed in the same way as requests and with the same secret."""
    fields = {"id": receipt.own_id, "message_id": receipt.vendor_id, "to": f"+86{receipt.mobile}"}
    if receipt.result == receipts.DELIVERED:
        fields["status"] = "delivered"
    else:
        fields |= {"status": "failed", "reason": _REASONS[receipt.result]}
    body = json.dumps(fields, separators=(",", ":")).encode()
    timestamp = str(int(time.time()))
    signed = {
        "webhook-id": receipt.vendor_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": _signature(receipt.vendor_id, timestamp, body),
    }
    return {**push.JSON, **signed}, body
