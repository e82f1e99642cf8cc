"""Aliyun's SMS (Dysmsapi): ``SendSms`` and ``QuerySendDetails``.

One mainland mobile number per call. Any signature is accepted, and any template with a valid form of id.
"""

import re

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from phonebind_sandbox.faults import Faults
from phonebind_sandbox.gate import sandbox_view
from phonebind_sandbox.sms_codes import SmsRefused

from . import aliyun_api, sending
from .aliyun_api import Answer, Fields
from .texts import worded

VENDOR = "aliyun"


@sandbox_view("GET", "POST")
def api(request: HttpRequest) -> HttpResponseBase:
    return aliyun_api.view(request, {"SendSms": _send, "QuerySendDetails": _query})


def _send(fields: Fields, switches: Faults) -> Answer:
    aliyun_api.need(fields, "PhoneNumbers", "SignName", "TemplateCode")
    mobile = aliyun_api.mobile(fields["PhoneNumbers"])
    if not re.fullmatch("SMS_[0-9]+", fields["TemplateCode"]):
        raise SmsRefused("isv.SMS_TEMPLATE_ILLEGAL")
    text = _text(fields)
    sending.refuse_as_switched(VENDOR, "aliyun_code", switches)
    scope = f"aliyun {mobile} {fields['SignName']}"
    aliyun_api.keep_limits(scope, switches)
    receipt = sending.receipt(
        VENDOR,
        switches,
        mobile=mobile,
        text=text,
        vendor_id=aliyun_api.new_id(),
        own_id=fields.get("OutId", ""),
        template=fields["TemplateCode"],
    )
    sending.take(receipt, [scope], switches, aliyun_api.report)
    return {"Code": "OK", "Message": "OK", "BizId": receipt.vendor_id}


def _text(fields: Fields) -> str:
    if not fields.get("TemplateParam"):
        raise SmsRefused("isv.TEMPLATE_MISSING_PARAMETERS")
    params = aliyun_api.template_params(fields["TemplateParam"])
    if not params:
        raise SmsRefused("isv.TEMPLATE_MISSING_PARAMETERS")
    # The template's variable names are unknown. The code is a value of four to six characters.
    text = worded(fields["SignName"], [params.get("code", ""), *params.values()])
    if text is None:
        raise SmsRefused("isv.TEMPLATE_PARAMS_ILLEGAL")
    return text


def _query(fields: Fields, switches: Faults) -> Answer:
    found, total = aliyun_api.details(VENDOR, fields)
    listed = {"SmsSendDetailDTO": found}
    return {"Code": "OK", "Message": "OK", "TotalCount": str(total), "SmsSendDetailDTOs": listed}
