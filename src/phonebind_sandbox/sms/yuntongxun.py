"""Yuntongxun (容联云): ``TemplateSMS`` and ``AccountInfo``, version 2013-12-26.

Accepts any template with a valid form of id. Receipts are not emulated: their format is not public.
"""

import base64
import re
import secrets
import time
from collections.abc import Callable
from hashlib import md5
from hmac import compare_digest

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from phonebind_sandbox import faults, state
from phonebind_sandbox.bodies import Unreadable, read_object
from phonebind_sandbox.conf import YUNTONGXUN_APP_ID, YUNTONGXUN_TOKENS
from phonebind_sandbox.faults import Faults
from phonebind_sandbox.gate import sandbox_view
from phonebind_sandbox.sms_codes import YUNTONGXUN_CODES, SmsRefused

from . import sending
from .limits import DAY, MINUTE, Limit
from .texts import beijing, moment, national, worded

VENDOR = "yuntongxun"
SIGN = "云通讯"
#: Seconds for which a time stamp is valid. The vendor documents one day.
TOLERANCE = DAY

#: Our own limits: the vendor's are not public.
LIMITS = (Limit("160038", 1, MINUTE), Limit("160040", 10, DAY, clock=True))

_NOT_NOW = "unavailable"


@sandbox_view("POST")
def template_sms(request: HttpRequest, sid: str) -> HttpResponseBase:
    switches = faults.read()

    def answer() -> dict[str, object]:
        _check(request, sid, switches)
        return {"templateSMS": _send(request, sid, switches)}

    return sending.answer(request, switches, lambda: _written(answer))


@sandbox_view("GET")
def account_info(request: HttpRequest, sid: str) -> HttpResponseBase:
    switches = faults.read()

    def answer() -> dict[str, object]:
        _check(request, sid, switches)
        return {"Account": {"friendlyName": "sandbox", "type": "0", "status": "1", "balance": "100.00"}}

    return sending.answer(request, switches, lambda: _written(answer))


def _written(answer: Callable[[], dict[str, object]]) -> HttpResponse:
    try:
        return JsonResponse({"statusCode": "000000", **answer()})
    except SmsRefused as refused:
        if refused.code == _NOT_NOW:
            return sending.unavailable()
        return JsonResponse({"statusCode": refused.code, "statusMsg": YUNTONGXUN_CODES[refused.code]})


def _check(request: HttpRequest, sid: str, switches: Faults) -> None:
    """Check the signature. It covers account and time, but not the message."""
    try:
        given = base64.b64decode(request.headers.get("Authorization", ""), validate=True)
        owner, _, stamp = given.decode().partition(":")
        signed_at = moment(stamp, "%Y%m%d%H%M%S")
    except ValueError:
        raise SmsRefused("111109") from None
    token = YUNTONGXUN_TOKENS.get(sid)
    if token is None:
        raise SmsRefused("111141")
    signature = md5(f"{sid}{token}{stamp}".encode(), usedforsecurity=False).hexdigest().upper()
    late = abs(time.time() + float(switches["clock_skew"]) - signed_at) > TOLERANCE
    if owner != sid or late or not compare_digest(signature.encode(), request.GET.get("sig", "").encode()):
        raise SmsRefused("111109")


def _send(request: HttpRequest, sid: str, switches: Faults) -> dict[str, object]:
    fields = _read(request)
    mobile = national(fields.get("to"))
    if mobile is None or mobile != fields["to"]:
        raise SmsRefused("160042")
    text, own_id = _text(fields), _own_id(fields)
    once = f"yuntongxun {sid} {beijing(time.time(), '%Y%m%d')} {own_id}"
    if own_id and state.get("sms_once", once):
        raise SmsRefused("160054")
    sending.refuse_as_switched(VENDOR, "yuntongxun_code", switches)
    scope = f"yuntongxun {mobile}"
    if limit := sending.limit_reached(scope, LIMITS, switches):
        raise SmsRefused(limit.name)
    if own_id and not state.put_once("sms_once", once, DAY):
        raise SmsRefused("160054")
    receipt = sending.receipt(
        VENDOR,
        switches,
        mobile=mobile,
        text=text,
        vendor_id=secrets.token_hex(16),
        own_id=own_id,
        template=str(fields["templateId"]),
    )
    sending.take(receipt, [scope], switches, None)
    return {"dateCreated": beijing(receipt.sent_at, "%Y%m%d%H%M%S"), "smsMessageSid": receipt.vendor_id}


def _read(request: HttpRequest) -> dict[str, object]:
    try:
        fields = read_object(request)
    except Unreadable:
        raise SmsRefused("160000") from None
    if fields.get("appId") != YUNTONGXUN_APP_ID:
        raise SmsRefused("111181")
    return fields


def _text(fields: dict[str, object]) -> str:
    template, values = fields.get("templateId"), fields.get("datas")
    if not isinstance(template, str) or not re.fullmatch("[0-9]+", template):
        raise SmsRefused("160032")
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise SmsRefused("160052")
    text = worded(SIGN, values)
    if text is None:
        raise SmsRefused("160052")
    return text


def _own_id(fields: dict[str, object]) -> str:
    own_id = fields.get("reqId", "")
    if not isinstance(own_id, str) or len(own_id) > 32:
        raise SmsRefused("160055")
    return own_id
