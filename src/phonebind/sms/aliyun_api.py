"""The common part of Aliyun's two SMS products: the signature, the format of answers, and the codes."""

import re
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from phonebind import acs3
from phonebind.sms import aliyun_receipts
from phonebind.sms.receipts import Expected, Receipt
from phonebind.sms.templates import TemplateVendor
from phonebind.sms.vendor import CLOCK, Call, Codes, Reading, text

VERSION = "2017-05-25"

#: ``isv.``, ``isp.``, ``biz.``: the service writes these prefixes, but the documentation of one product omits them.
#: Codes of the gateway in front of the service begin with a capital letter and keep their prefix.
_PREFIX = re.compile(r"\A[a-z]+\.")

_MINUTE, _HOUR = 60, 3600
#: How the message of BUSINESS_LIMIT_CONTROL names the limit. Its minutes and hours follow the clock.
_LIMITS = {"分钟级": _MINUTE, "小时级": _HOUR}

CODES = Codes(
    sent="OK",
    number="MOBILE_NUMBER_ILLEGAL BLACK_KEY_CONTROL_LIMIT CUSTOMER_REFUSED DOMESTIC_NUMBER_NOT_SUPPORTED",
    limit="BUSINESS_LIMIT_CONTROL FREQUENCY FREQUENCY_FAIL",
    not_now="Throttling Throttling.User Throttling.Api ServiceUnavailable",
    operator={
        CLOCK: "InvalidTimeStamp.Expired",
        "access_key_id is unknown or disabled: compare it with the RAM console": (
            "InvalidAccessKeyId.NotFound InvalidAccessKeyId.Inactive"
        ),
        "access_key_secret is wrong: copy it again, or create a new AccessKey": "SignatureDoesNotMatch",
        "the RAM user may not send: grant it dypns:SendSmsVerifyCode (aliyun-pnvs) or dysms:SendSms (aliyun)": (
            "RAM_PERMISSION_DENY Forbidden.*"
        ),
        "the balance or the package is used up: pay in the console": "AMOUNT_NOT_ENOUGH OUT_OF_SERVICE",
        "the product is not activated: activate it in the console": (
            "PRODUCT_UN_SUBSCRIPT PRODUCT_UNSUBSCRIBE FUNCTION_NOT_OPENED ACCOUNT_NOT_EXISTS"
        ),
        "the account is frozen or restricted: see the console": "ACCOUNT_ABNORMAL SECURITY_FROZEN_ACCOUNT",
        "the account's cap for a day or a month is reached: raise it in the console": (
            "DAY_LIMIT_CONTROL MONTH_LIMIT_CONTROL"
        ),
        "sign_name is not an approved signature of this account: copy one from the console": (
            "SMS_SIGNATURE_ILLEGAL SMS_SIGN_ILLEGAL SIGN_STATE_ILLEGAL SIGNATURE_BLACKLIST SMS_SIGNATURE_SCENE_ILLEGAL"
        ),
        "templates names no approved template of this account: compare it with the console": "SMS_TEMPLATE_ILLEGAL",
        "params does not fit the template's variables: compare it with the template in the console": (
            "TEMPLATE_MISSING_PARAMETERS TEMPLATE_PARAMS_ILLEGAL INVALID_JSON_PARAM PARAM_LENGTH_LIMIT"
        ),
        "the template or sign_name has words or links that the vendor forbids: change it in the console": (
            "SMS_CONTENT_ILLEGAL PARAM_NOT_SUPPORT_URL"
        ),
        "this signature or template is for tests: add the number to the test numbers in the console": (
            "SMS_TEST_NUMBER_LIMIT"
        ),
        "this server's address is not allowed: add it in the console; servers outside the mainland are refused": (
            "DENY_IP_RANGE"
        ),
        "a parameter is wrong: compare sign_name, templates and params with the console": (
            "INVALID_PARAMETERS EXTEND_CODE_ERROR"
        ),
        "endpoint belongs to another product: remove this option": "InvalidAction.NotFound InvalidVersion",
    },
)


class AliyunApi(TemplateVendor):
    """``access_key_id`` and ``access_key_secret`` are those of a RAM user that may only send SMS.

    With ``SMS_RECEIPTS``, that user also needs ``QuerySendDetails``.
    """

    kind: ClassVar[type] = Mapping
    codes: ClassVar[Codes] = CODES
    acknowledgement: ClassVar[bytes] = b'{"code":0,"msg":"ok"}'
    access_key_id: str
    access_key_secret: str

    def signed(self, action: str, form: Mapping[str, str]) -> Call:
        keys = (self.access_key_id, self.access_key_secret)
        headers, body = acs3.sign_now(self.endpoint, (action, VERSION), form, keys)
        return Call(self.endpoint, body, headers)

    def read(self, answer: Any) -> Reading:
        code = _PREFIX.sub("", text(answer["Code"]), count=1)
        if CODES.kinds.get(code) == "limit":
            return Reading(code, retry_after=_rest(str(answer.get("Message"))))
        message_id = (answer.get("Model") or answer).get("BizId")
        return Reading(code, message_id if isinstance(message_id, str) else None)

    def receipts(self, headers: Mapping[str, str], body: bytes) -> list[Receipt]:
        return aliyun_receipts.pushed(body)

    def pull(self, sms: Expected) -> Receipt | None:
        call = self.signed("QuerySendDetails", aliyun_receipts.question(sms))
        return self.ask(call, lambda answer: aliyun_receipts.answered(answer, sms))


def _rest(message: str) -> int:
    """Seconds until a limit is free again. The limit of a day is a rolling one, so its end is unknown: one hour."""
    span = next((span for name, span in _LIMITS.items() if name in message), None)
    if span is not None:
        return span - int(time.time()) % span
    return _HOUR if "天级" in message else _MINUTE
