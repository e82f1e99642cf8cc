"""Shared by Aliyun's two SMS products: the gateway, the template parameters and the receipts."""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import TypeAlias
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from phonebind_sandbox import acs3, faults
from phonebind_sandbox.bodies import Unreadable, as_object
from phonebind_sandbox.conf import ALIYUN_SECRETS
from phonebind_sandbox.faults import Faults
from phonebind_sandbox.sms_codes import ALIYUN_CODES, ALIYUN_STATUS, SmsRefused

from . import push, receipts, sending
from .limits import DAY, HOUR, MINUTE, Limit
from .receipts import Receipt
from .texts import beijing, national

VERSION = "2017-05-25"

Fields: TypeAlias = Mapping[str, str]
Answer: TypeAlias = dict[str, object]
Action: TypeAlias = Callable[[Fields, Faults], Answer]

#: Limits per number and signature. The minute and the hour follow the clock.
LIMITS = (
    Limit("触发分钟级流控Permits:1", 1, MINUTE, clock=True),
    Limit("触发小时级流控Permits:5", 5, HOUR, clock=True),
    Limit("触发天级流控Permits:10", 10, DAY),
)

_RESULTS: Mapping[str, tuple[str, str]] = {
    receipts.DELIVERED: ("DELIVERED", "用户接收成功"),
    "off": ("MOBILE_NOT_ON_SERVICE", "停机、空号、暂停服务、关机、不在服务区"),
    "full": ("MOBLLE_TERMINAL_ERROR", "手机终端问题、内存满、SIM卡满、非法设备等"),  # Aliyun's spelling
    "blacklisted": ("MOBILE_IN_BLACK", "手机号在黑名单"),
    "number": ("INVALID_NUMBER", "号码状态异常"),
    "signature": ("PORT_NOT_REGISTERED", "签名未在运营商完成报备"),
    "unknown": ("SP_UNKNOWN_ERROR", "运营商未知错误"),
}


def view(
    request: HttpRequest, actions: Mapping[str, Action], refusal: Mapping[str, object] | None = None
) -> HttpResponseBase:
    """Parameters are in the query or in a form. The path can be any; the signature uses the path ``/``.

    ``refusal``: further fields in refusals of this product.
    """
    switches = faults.read()

    def answer() -> HttpResponse:
        about = {"RequestId": str(uuid4()).upper()}
        try:
            return JsonResponse({**_act(request, actions, switches), **about})
        except SmsRefused as refused:
            return _refusal(refused, request.get_host(), about, refusal or {})

    return sending.answer(request, switches, answer)


def _act(request: HttpRequest, actions: Mapping[str, Action], switches: Faults) -> Answer:
    request.body  # noqa: B018 - read before the form is, or it is gone
    acs3.check(request, ALIYUN_SECRETS, float(switches["clock_skew"]))
    action = actions.get(request.headers["x-acs-action"])
    if action is None:
        raise SmsRefused("InvalidAction.NotFound")
    if request.headers["x-acs-version"] != VERSION:
        raise SmsRefused("InvalidVersion")
    return action(request.GET.dict() | request.POST.dict(), switches)


def _refusal(refused: SmsRefused, host: str, about: Mapping[str, str], more: Mapping[str, object]) -> HttpResponse:
    words = refused.words or ALIYUN_CODES[refused.code]
    fields = {"Code": refused.code, "Message": words, **about}
    status = ALIYUN_STATUS.get(refused.code, 400 if refused.code.startswith("Missing") else 200)
    if status == 200:
        return JsonResponse({**fields, **more})
    # This error comes from the gateway; the product never got the request.
    return JsonResponse({**fields, "HostId": host, "Recommend": "https://api.aliyun.com/troubleshoot"}, status=status)


def need(fields: Fields, *names: str) -> None:
    for name in names:
        if not fields.get(name):
            raise SmsRefused(f"Missing{name}", f"{name} is mandatory for this action.")


def number(fields: Fields, name: str, default: str = "") -> int:
    text = fields.get(name, default)
    if not re.fullmatch("[0-9]{1,6}", text):
        raise SmsRefused("isv.INVALID_PARAMETERS")
    return int(text)


def mobile(number: str) -> str:
    if (found := national(number)) is None:
        raise SmsRefused("isv.MOBILE_NUMBER_ILLEGAL")
    return found


def template_params(text: str) -> Mapping[str, str]:
    """A JSON object whose values are all strings. A number would lose its leading zeros."""
    try:
        found = as_object(text)
    except Unreadable:
        raise SmsRefused("isv.INVALID_JSON_PARAM") from None
    if not all(isinstance(value, str) for value in found.values()):
        raise SmsRefused("isv.INVALID_JSON_PARAM")
    return {name: str(value) for name, value in found.items()}


def keep_limits(scope: str, switches: Faults) -> None:
    if limit := sending.limit_reached(scope, LIMITS, switches):
        raise SmsRefused("isv.BUSINESS_LIMIT_CONTROL", limit.name)


def new_id() -> str:
    """A new BizId."""
    return f"{secrets.randbelow(10**18):018}^0"


def report(receipt: Receipt) -> tuple[Mapping[str, str], bytes]:
    """The receipt as ``SmsReport``. ``DypnsSmsVerifyReport`` has the same format."""
    code, words = _RESULTS[receipt.result]
    fields = {
        "phone_number": receipt.mobile,
        "send_time": beijing(receipt.sent_at),
        "report_time": beijing(receipt.known_at),
        "success": receipt.result == receipts.DELIVERED,
        "err_code": code,
        "err_msg": words,
        "sms_size": "1",
        "biz_id": receipt.vendor_id,
        "out_id": receipt.own_id,
    }
    return push.JSON, json.dumps([fields], ensure_ascii=False).encode()


def details(vendor: str, fields: Fields) -> tuple[list[Answer], int]:
    """``QuerySendDetails``: one page of the SMS to a number on a day, and their total."""
    need(fields, "PhoneNumber", "SendDate", "PageSize", "CurrentPage")
    size, page = number(fields, "PageSize"), number(fields, "CurrentPage")
    if not 1 <= size <= 50 or page < 1:
        raise SmsRefused("isv.INVALID_PARAMETERS")
    found = [
        _detail(receipt)
        for receipt in receipts.of(vendor, mobile(fields["PhoneNumber"]))
        if beijing(receipt.sent_at, "%Y%m%d") == fields["SendDate"]
        and fields.get("BizId", receipt.vendor_id) == receipt.vendor_id
    ]
    first = (page - 1) * size
    return found[first : first + size], len(found)


def _detail(receipt: Receipt) -> Answer:
    sent: Answer = {
        "PhoneNum": receipt.mobile,
        "SendDate": beijing(receipt.sent_at),
        "Content": receipt.text,
        "TemplateCode": receipt.template,
        "OutId": receipt.own_id,
        "SendStatus": 1,
    }
    if not receipt.known:
        return sent
    status = 3 if receipt.result == receipts.DELIVERED else 2
    known = {"SendStatus": status, "ErrCode": _RESULTS[receipt.result][0], "ReceiveDate": beijing(receipt.known_at)}
    return sent | known
