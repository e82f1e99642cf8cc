"""Aliyun's SMS verification (短信认证, PNVS): ``SendSmsVerifyCode`` and ``QuerySendDetails``.

Accepts Aliyun's preset templates, any signature, and mainland mobile numbers. The caller gives the code, or sends
``##code##`` and the sandbox makes one. ``CheckSmsVerifyCode`` is not emulated.
"""

import secrets
import string
from collections.abc import Mapping

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from phonebind_sandbox.faults import Faults
from phonebind_sandbox.gate import sandbox_view
from phonebind_sandbox.sms_codes import SmsRefused

from . import aliyun_api, limits, sending
from .aliyun_api import Answer, Fields

VENDOR = "aliyun-pnvs"
MADE_HERE = "##code##"

_END = "以上验证码{min}分钟内有效，请注意保密，切勿告知他人。"
TEMPLATES: Mapping[str, str] = {
    "100001": "您的验证码为{code}。尊敬的客户，" + _END,
    "100002": "尊敬的客户，您正在进行修改手机号操作，您的验证码为{code}。" + _END,
    "100003": "尊敬的客户，您正在进行重置密码操作，您的验证码为{code}。" + _END,
    "100004": "尊敬的客户，您正在进行绑定手机号操作，您的验证码为{code}。" + _END,
    "100005": "尊敬的客户，您正在验证绑定手机号操作，您的验证码为{code}。" + _END,
}

#: The alphabet of a code, by ``CodeType``.
_ALPHABETS: Mapping[str, str] = {
    "1": string.digits,
    "2": string.ascii_uppercase,
    "3": string.ascii_lowercase,
    "4": string.ascii_letters,
    "5": string.digits + string.ascii_uppercase,
    "6": string.digits + string.ascii_lowercase,
    "7": string.digits + string.ascii_letters,
}


@sandbox_view("GET", "POST")
def api(request: HttpRequest) -> HttpResponseBase:
    return aliyun_api.view(request, {"SendSmsVerifyCode": _send, "QuerySendDetails": _query}, {"Success": False})


def _send(fields: Fields, switches: Faults) -> Answer:
    aliyun_api.need(fields, "PhoneNumber", "SignName", "TemplateCode", "TemplateParam")
    if fields.get("CountryCode", "86") != "86":
        raise SmsRefused("isv.MOBILE_NUMBER_ILLEGAL")
    mobile = aliyun_api.mobile(fields["PhoneNumber"])
    params = _params(fields)
    interval = aliyun_api.number(fields, "Interval", "60")
    sending.refuse_as_switched(VENDOR, "aliyun_code", switches)
    every, signed = f"aliyun-pnvs {mobile}", f"aliyun-pnvs {mobile} {fields['SignName']}"
    if limits.reached(every, [limits.Limit("Interval", 1, interval)]):
        raise SmsRefused("biz.FREQUENCY")
    aliyun_api.keep_limits(signed, switches)
    receipt = sending.receipt(
        VENDOR,
        switches,
        mobile=mobile,
        text=f"【{fields['SignName']}】" + TEMPLATES[fields["TemplateCode"]].format(**params),
        vendor_id=aliyun_api.new_id(),
        own_id=fields.get("OutId", ""),
        template=fields["TemplateCode"],
    )
    sending.take(receipt, [every, signed], switches, aliyun_api.report)
    model = {"BizId": receipt.vendor_id, "OutId": receipt.own_id}
    if fields.get("ReturnVerifyCode", "").lower() == "true":
        model["VerifyCode"] = params["code"]
    return {"Code": "OK", "Message": "成功", "Success": True, "Model": model}


def _params(fields: Fields) -> dict[str, str]:
    """The two variables of the preset templates."""
    if fields["TemplateCode"] not in TEMPLATES:
        raise SmsRefused("isv.SMS_TEMPLATE_ILLEGAL")
    given = aliyun_api.template_params(fields["TemplateParam"])
    if not (given.get("code") and given.get("min")):
        raise SmsRefused("isv.TEMPLATE_MISSING_PARAMETERS")
    code = _made(fields) if given["code"] == MADE_HERE else given["code"]
    return {"code": code, "min": given["min"]}


def _made(fields: Fields) -> str:
    length, alphabet = aliyun_api.number(fields, "CodeLength", "4"), _ALPHABETS.get(fields.get("CodeType", "1"))
    if alphabet is None or not 4 <= length <= 8:
        raise SmsRefused("isv.INVALID_PARAMETERS")
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _query(fields: Fields, switches: Faults) -> Answer:
    found, total = aliyun_api.details(VENDOR, fields)
    return {"Code": "OK", "Message": "成功", "Success": True, "TotalCount": total, "Model": found}
