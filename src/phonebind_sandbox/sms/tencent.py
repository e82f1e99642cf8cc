"""Tencent's SMS, version 2021-01-11: ``SendSms``, both actions that pull receipts, and the usage of the package.

Accepts any signature, any template and app with a valid form of id, and mainland mobile numbers.
"""

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from phonebind_sandbox import faults, tc3
from phonebind_sandbox.bodies import Unreadable, read_object
from phonebind_sandbox.codes import CloudError
from phonebind_sandbox.conf import CLOUD_SECRETS
from phonebind_sandbox.faults import Faults
from phonebind_sandbox.gate import sandbox_view
from phonebind_sandbox.sms_codes import TENCENT_SMS_CODES, TENCENT_STATUS_CODES, SmsRefused

from . import push, receipts, sending
from .limits import DAY, Limit
from .receipts import Receipt
from .texts import beijing, moment, national, worded

VENDOR = "tencent"
VERSION = "2021-01-11"
REGIONS = frozenset({"ap-beijing", "ap-guangzhou", "ap-nanjing"})
PACKAGE = 1000
BOUGHT = 1_735_660_800  # the start of 2025 in Beijing

Fields: TypeAlias = Mapping[str, object]
Answer: TypeAlias = dict[str, object]

SAME_CONTENT = Limit("LimitExceeded.PhoneNumberThirtySecondLimit", 1, 30)
NUMBER = Limit("LimitExceeded.PhoneNumberDailyLimit", 10, DAY, clock=True)

_TEXTS = ("SmsSdkAppId", "TemplateId", "SignName", "SessionContext")

#: The carriers' status codes (CMPP), with Tencent's descriptions.
_RESULTS: Mapping[str, tuple[str, str]] = {
    receipts.DELIVERED: ("DELIVRD", "用户短信送达成功"),
    "off": ("EXPIRED", "用户长时间关机或不在服务区"),
    "full": ("MI:0208", "手机存储空间满"),
    "blacklisted": ("MBBLACK", "手机号在黑名单中"),
    "number": ("MK:0001", "空号"),
    "signature": ("REJECTD", "运营商拒绝：签名未报备"),
    "unknown": ("UNKNOWN", "未知状态"),
}


@sandbox_view("POST")
def api(request: HttpRequest) -> HttpResponseBase:
    """The path can be any; the signature uses the path ``/``."""
    switches = faults.read()

    def answer() -> HttpResponse:
        try:
            fields = _act(request, switches)
        except (SmsRefused, CloudError) as refused:
            fields = {"Error": {"Code": refused.code, "Message": TENCENT_SMS_CODES[refused.code]}}
        return JsonResponse({"Response": {**fields, "RequestId": str(uuid4())}})

    return sending.answer(request, switches, answer)


def _act(request: HttpRequest, switches: Faults) -> Answer:
    tc3.check(request, "sms", CLOUD_SECRETS, float(switches["clock_skew"]))
    action = _ACTIONS.get(request.headers.get("X-TC-Action", ""))
    if action is None:
        raise SmsRefused("InvalidAction")
    if request.headers.get("X-TC-Version") != VERSION:
        raise SmsRefused("NoSuchVersion")
    region = request.headers.get("X-TC-Region", "")
    if region not in REGIONS:
        raise SmsRefused("UnsupportedRegion" if region else "MissingParameter")
    try:
        return action(read_object(request), switches)
    except Unreadable:
        raise SmsRefused("InvalidParameter") from None


def _send(fields: Fields, switches: Faults) -> Answer:
    text = _text(fields)
    numbers = _strings(fields["PhoneNumberSet"])
    if not numbers:
        raise SmsRefused("MissingParameter.EmptyPhoneNumberSet")
    return {"SendStatusSet": [_send_one(number, text, fields, switches) for number in numbers]}


def _text(fields: Fields) -> str:
    """The text of the message. Raises SmsRefused for invalid parameters."""
    _check_kinds(fields)
    params = _strings(fields.get("TemplateParamSet", []))
    if not re.fullmatch("[0-9]+", str(fields["SmsSdkAppId"])):
        raise SmsRefused("InvalidParameterValue.SdkAppIdNotExist")
    if not fields.get("SignName"):
        raise SmsRefused("FailedOperation.SignatureIncorrectOrUnapproved")
    if not re.fullmatch("[0-9]+", str(fields["TemplateId"])):
        raise SmsRefused("FailedOperation.TemplateUnapprovedOrNotExist")
    if not all(re.fullmatch("[0-9]{1,6}", param) for param in params):
        raise SmsRefused("InvalidParameterValue.TemplateParameterFormatError")
    text = worded(str(fields["SignName"]), params)
    if text is None:
        raise SmsRefused("FailedOperation.TemplateParamSetNotMatchApprovedTemplate")
    return text


def _check_kinds(fields: Fields) -> None:
    if not fields.keys() >= {"PhoneNumberSet", "SmsSdkAppId", "TemplateId"}:
        raise SmsRefused("MissingParameter")
    if not all(isinstance(fields.get(name, ""), str) for name in _TEXTS):
        raise SmsRefused("InvalidParameter")
    if len(str(fields.get("SessionContext", "")).encode()) >= 512:
        raise SmsRefused("InvalidParameter")


def _strings(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SmsRefused("InvalidParameter")
    return value


def _send_one(number: str, text: str, fields: Fields, switches: Faults) -> Answer:
    """The result for one number. Raises SmsRefused for an error that applies to all numbers."""
    session = str(fields.get("SessionContext", ""))
    answer: Answer = {"SerialNo": "", "PhoneNumber": number, "Fee": 0, "SessionContext": session, "IsoCode": "CN"}
    try:
        receipt = _take(number, text, fields, switches)
    except SmsRefused as refused:
        if refused.code not in TENCENT_STATUS_CODES:
            raise
        return answer | {"Code": refused.code, "Message": TENCENT_STATUS_CODES[refused.code]}
    return answer | {"SerialNo": receipt.vendor_id, "Fee": 1, "Code": "Ok", "Message": "send success"}


def _take(number: str, text: str, fields: Fields, switches: Faults) -> Receipt:
    mobile = national(number)
    if mobile is None:
        raise SmsRefused("InvalidParameterValue.IncorrectPhoneNumber")
    sending.refuse_as_switched(VENDOR, "tencent_sms_code", switches)
    same, all_of_it = f"tencent {mobile} {text}", f"tencent {mobile}"
    for scope, limit in ((same, SAME_CONTENT), (all_of_it, NUMBER)):
        if sending.limit_reached(scope, [limit], switches):
            raise SmsRefused(limit.name)
    receipt = sending.receipt(
        VENDOR,
        switches,
        mobile=mobile,
        text=text,
        vendor_id=f"5000:{secrets.randbelow(10**20):020}",
        own_id=str(fields.get("SessionContext", "")),
        template=str(fields["TemplateId"]),
    )
    sending.take(receipt, [same, all_of_it], switches, _report)
    return receipt


def _report(receipt: Receipt) -> tuple[Mapping[str, str], bytes]:
    code, words = _RESULTS[receipt.result]
    fields = {
        "user_receive_time": beijing(receipt.known_at),
        "nationcode": "86",
        "mobile": receipt.mobile,
        "report_status": _status(receipt),
        "errmsg": code,
        "description": words,
        "sid": receipt.vendor_id,
    }
    return push.JSON, json.dumps([fields], ensure_ascii=False).encode()


def _pull(fields: Fields, switches: Faults) -> Answer:
    """Returns each receipt only once."""
    _need(fields, SmsSdkAppId=str, Limit=int)
    found = (receipt for receipt in reversed(receipts.of(VENDOR)) if receipt.known)
    limit = _limit(fields)
    handed_out: list[Answer] = []
    for receipt in found:
        if len(handed_out) < limit and receipts.hand_out(receipt):
            handed_out.append(_pulled(receipt))
    return {"PullSmsSendStatusSet": handed_out}


def _pull_of_number(fields: Fields, switches: Faults) -> Answer:
    _need(fields, SmsSdkAppId=str, PhoneNumber=str, BeginTime=int, Offset=int, Limit=int)
    mobile = national(fields["PhoneNumber"])
    if mobile is None:
        raise SmsRefused("InvalidParameterValue.IncorrectPhoneNumber")
    begin, end = int(str(fields["BeginTime"])), fields.get("EndTime", int(time.time()))
    if not isinstance(end, int):
        raise SmsRefused("InvalidParameter")
    found = [item for item in receipts.of(VENDOR, mobile) if item.known and begin <= int(item.sent_at) <= end]
    return {"PullSmsSendStatusSet": [_pulled(item) for item in found[: _limit(fields)]]}


def _limit(fields: Fields) -> int:
    limit = int(str(fields["Limit"]))
    if not 0 <= limit <= 100:
        raise SmsRefused("InvalidParameter")
    return limit


def _pulled(receipt: Receipt) -> Answer:
    return {
        "UserReceiveTime": int(receipt.known_at),
        "CountryCode": "86",
        "SubscriberNumber": receipt.mobile,
        "PhoneNumber": f"+86{receipt.mobile}",
        "SerialNo": receipt.vendor_id,
        "ReportStatus": _status(receipt),
        "Description": _RESULTS[receipt.result][0],
        "SessionContext": "",  # empty, unless Tencent was asked to return it
    }


def _packages(fields: Fields, switches: Faults) -> Answer:
    """The package, if it was bought between the two given hours."""
    _need(fields, SmsSdkAppId=str, Limit=int, Offset=int, BeginTime=str, EndTime=str)
    begin, end = _hour(fields, "BeginTime"), _hour(fields, "EndTime")
    if not begin < end <= time.time():
        raise SmsRefused("InvalidParameterValue.EndTimeVerifyFail")
    package = {
        "PackageCreateTime": BOUGHT,
        "PackageEffectiveTime": BOUGHT,
        "PackageExpiredTime": 4_102_416_000,
        "PackageAmount": PACKAGE,
        "PackageType": 1,
        "PackageId": 1,
        "CurrentUsage": min(receipts.sent(VENDOR), PACKAGE),
    }
    return {"SmsPackagesStatisticsSet": [package] if begin <= BOUGHT <= end else []}


def _hour(fields: Fields, name: str) -> float:
    """An hour such as ``2026100108``, in Beijing time. Returns seconds since 1970."""
    try:
        return moment(str(fields[name]), "%Y%m%d%H")
    except ValueError:
        raise SmsRefused(f"InvalidParameterValue.{name}VerifyFail") from None


def _need(fields: Fields, **kinds: type) -> None:
    if not fields.keys() >= kinds.keys():
        raise SmsRefused("MissingParameter")
    if any(type(fields[name]) is not kind for name, kind in kinds.items()):
        raise SmsRefused("InvalidParameter")


def _status(receipt: Receipt) -> str:
    return "SUCCESS" if receipt.result == receipts.DELIVERED else "FAIL"


_ACTIONS: Mapping[str, Callable[[Fields, Faults], Answer]] = {
    "SendSms": _send,
    "PullSmsSendStatus": _pull,
    "PullSmsSendStatusByPhoneNumber": _pull_of_number,
    "SmsPackagesStatistics": _packages,
}
