"""The answers of each vendor, written from the vendor's documentation, without any code of ours."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from phonebind.sms import Gateway
from phonebind.sms.aliyun import Aliyun
from phonebind.sms.aliyun_pnvs import AliyunPnvs
from phonebind.sms.http import Http
from phonebind.sms.tencent import Tencent
from phonebind.sms.yuntongxun import Yuntongxun

#: Values that no log may ever contain.
SECRETS = ("secret-of-the-account", "c2VjcmV0LW9mLXRoZS1hY2NvdW50LTAwMDA=")
#: The text that vendors write beside an error code. It may repeat what we sent.
WORDS = "尊敬的13800138000，您的验证码012345"


@dataclass(frozen=True)
class Dialect:
    gateway: Callable[[str], Gateway]
    path: str
    message_id: str
    #: The body of an answer with this error code.
    said: Callable[[str], Any]
    ok: str
    #: Number, code and our own id, read from the body of a request.
    sent: Callable[[bytes], tuple[str, str, str]]
    number: str
    limit: Mapping[str, int | None]
    operator: str
    not_now: str
    unknown: str
    #: The error codes of a wrong clock and of a wrong signature.
    clock: str
    signature: str

    def body(self, code: str) -> bytes:
        return json.dumps(self.said(code), ensure_ascii=False).encode()


def _form(body: bytes) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}


def _aliyun_sent(body: bytes) -> tuple[str, str, str]:
    form = _form(body)
    return form.get("PhoneNumbers") or form["PhoneNumber"], json.loads(form["TemplateParam"])["code"], form["OutId"]


ALIYUN_KEYS: dict[str, Any] = {
    "access_key_id": "LTAI-phonebind",
    "access_key_secret": SECRETS[0],
    "sign_name": "示例商城",
}
# Codes of the service have isv. or isp. before them. Codes of the vendor's API gateway have no prefix.
ALIYUN_OPERATOR = """isv.AMOUNT_NOT_ENOUGH isv.OUT_OF_SERVICE isv.DAY_LIMIT_CONTROL isv.MONTH_LIMIT_CONTROL
    isv.SMS_SIGNATURE_ILLEGAL isv.SMS_SIGN_ILLEGAL isv.SIGN_STATE_ILLEGAL SIGNATURE_BLACKLIST
    isv.SMS_SIGNATURE_SCENE_ILLEGAL isv.SMS_TEMPLATE_ILLEGAL isv.TEMPLATE_MISSING_PARAMETERS
    isv.TEMPLATE_PARAMS_ILLEGAL isv.INVALID_PARAMETERS isv.INVALID_JSON_PARAM isv.PARAM_LENGTH_LIMIT
    isv.PARAM_NOT_SUPPORT_URL isv.SMS_CONTENT_ILLEGAL isv.EXTEND_CODE_ERROR isv.DENY_IP_RANGE
    isv.PRODUCT_UN_SUBSCRIPT isv.PRODUCT_UNSUBSCRIBE isv.ACCOUNT_NOT_EXISTS isv.ACCOUNT_ABNORMAL
    isv.SECURITY_FROZEN_ACCOUNT isp.RAM_PERMISSION_DENY SignatureDoesNotMatch InvalidAccessKeyId.NotFound
    InvalidTimeStamp.Expired Forbidden.RAM Forbidden.NoPermission InvalidAction.NotFound InvalidVersion
    isv.SMS_TEST_NUMBER_LIMIT"""
ALIYUN_NUMBER = """isv.MOBILE_NUMBER_ILLEGAL isv.BLACK_KEY_CONTROL_LIMIT isv.CUSTOMER_REFUSED
    isv.DOMESTIC_NUMBER_NOT_SUPPORTED"""
ALIYUN_UNKNOWN = "isp.SYSTEM_ERROR isp.GATEWAY_ERROR InternalError SignatureNonceUsed isv.SOMETHING_NEW"
THROTTLED = "Throttling Throttling.User Throttling.Api ServiceUnavailable"

ALIYUN = Dialect(
    gateway=lambda url: Aliyun(**ALIYUN_KEYS, templates="SMS_154950909", endpoint=url),
    path="/",
    message_id="900619746936498440^0",
    said=lambda code: {"Code": code, "Message": WORDS, "RequestId": "F655A8D5", "BizId": "900619746936498440^0"},
    ok="OK",
    sent=_aliyun_sent,
    number=ALIYUN_NUMBER,
    limit={"isv.BUSINESS_LIMIT_CONTROL": None},
    operator=ALIYUN_OPERATOR,
    not_now=THROTTLED,
    unknown=ALIYUN_UNKNOWN,
    clock="InvalidTimeStamp.Expired",
    signature="SignatureDoesNotMatch",
)

PNVS = Dialect(
    gateway=lambda url: AliyunPnvs(**ALIYUN_KEYS, endpoint=url),
    path="/",
    message_id="112231421412414124123^4",
    said=lambda code: {
        "Code": code,
        "Message": WORDS,
        "Success": code == "OK",
        "Model": {"BizId": "112231421412414124123^4", "VerifyCode": "012345"} if code == "OK" else None,
    },
    ok="OK",
    sent=_aliyun_sent,
    number="MOBILE_NUMBER_ILLEGAL isv.MOBILE_NUMBER_ILLEGAL",
    limit={"biz.FREQUENCY": 60, "FREQUENCY_FAIL": 60, "isv.BUSINESS_LIMIT_CONTROL": 60},
    operator=f"FUNCTION_NOT_OPENED INVALID_PARAMETERS biz.FUNCTION_NOT_OPENED {ALIYUN_OPERATOR}",
    not_now=THROTTLED,
    unknown=ALIYUN_UNKNOWN,
    clock="InvalidTimeStamp.Expired",
    signature="SignatureDoesNotMatch",
)


def _tencent_says(code: str) -> Any:
    """Tencent's API refuses a request in ``Error``. An error about the one number is in the number's status."""
    if code == "Ok" or code.startswith(("FailedOperation.Phone", "LimitExceeded.Phone")):
        status = {"SerialNo": "5000:1045710669157053657849499619", "Code": code, "Message": WORDS, "Fee": 1}
        return {"Response": {"SendStatusSet": [status], "RequestId": "a0aabda6"}}
    return {"Response": {"Error": {"Code": code, "Message": WORDS}, "RequestId": "a0aabda6"}}


def _tencent_sent(body: bytes) -> tuple[str, str, str]:
    fields = json.loads(body)
    return fields["PhoneNumberSet"][0].removeprefix("+86"), fields["TemplateParamSet"][0], fields["SessionContext"]


TENCENT = Dialect(
    gateway=lambda url: Tencent(
        secret_id="AKIDphonebind",
        secret_key=SECRETS[0],
        sdk_app_id="1400006666",
        sign_name="示例商城",
        templates="1110",
        endpoint=url,
    ),
    path="/",
    message_id="5000:1045710669157053657849499619",
    said=_tencent_says,
    ok="Ok",
    sent=_tencent_sent,
    number="""InvalidParameterValue.IncorrectPhoneNumber FailedOperation.PhoneNumberParseFail
        FailedOperation.PhoneNumberInBlacklist UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone
        UnsupportedOperation.GlobalTemplateToChineseMainlandPhone UnsupportedOperation.UnsupportedRegion""",
    limit={
        "LimitExceeded.PhoneNumberThirtySecondLimit": 30,
        "LimitExceeded.PhoneNumberOneHourLimit": 3600,
        "LimitExceeded.DeliveryFrequencyLimit": 60,
        "LimitExceeded.PhoneNumberDailyLimit": None,
        "LimitExceeded.PhoneNumberSameContentDailyLimit": None,
    },
    operator="""InvalidAction NoSuchVersion AuthFailure.UnauthorizedOperation UnauthorizedOperation
        UnauthorizedOperation.RequestPermissionDeny UnauthorizedOperation.SerivceSuspendDueToArrears
        UnauthorizedOperation.SdkAppIdIsDisabled UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny
        FailedOperation.InsufficientBalanceInSmsPackage UnauthorizedOperation.ServiceSuspendDueToArrears
        FailedOperation.SignatureIncorrectOrUnapproved FailedOperation.TemplateIncorrectOrUnapproved
        FailedOperation.TemplateUnapprovedOrNotExist FailedOperation.TemplateParamSetNotMatchApprovedTemplate
        FailedOperation.ContainSensitiveWord InvalidParameterValue.TemplateParameterFormatError
        InvalidParameterValue.TemplateWithDirtyWords InvalidParameterValue.SdkAppIdNotExist
        UnauthorizedOperation.SmsSdkAppIdVerifyFail UnauthorizedOperation.RequestIpNotInWhitelist
        LimitExceeded.AppDailyLimit LimitExceeded.AppMainlandChinaDailyLimit AuthFailure.SecretIdNotFound
        AuthFailure.SignatureFailure AuthFailure.SignatureExpire InternalError.RequestTimeException
        InternalError.SigFieldMissing InternalError.SigVerificationFail MissingParameter
        MissingParameter.EmptyPhoneNumberSet InvalidParameter InvalidParameterValue UnsupportedRegion""",
    not_now="RequestLimitExceeded RequestLimitExceeded.UinLimitExceeded",
    unknown="""InternalError InternalError.Timeout InternalError.SendAndRecvFail InternalError.OtherError
        InternalError.UnknownError FailedOperation.OtherError FailedOperation.SomethingNew ok""",
    clock="AuthFailure.SignatureExpire",
    signature="AuthFailure.SignatureFailure",
)


def _yuntongxun_sent(body: bytes) -> tuple[str, str, str]:
    fields = json.loads(body)
    return fields["to"], fields["datas"][0], fields["reqId"]


YUNTONGXUN = Dialect(
    gateway=lambda url: Yuntongxun(
        account_sid="8aaf0708", auth_token=SECRETS[0], app_id="8a216da8", templates="1", endpoint=url
    ),
    path="/2013-12-26/Accounts/8aaf0708/SMS/TemplateSMS",
    message_id="ff8080813c373fab013c94b0f0512345",
    said=lambda code: {
        "statusCode": code,
        "statusMsg": WORDS,
        "templateSMS": {"dateCreated": "20261001160001", "smsMessageSid": "ff8080813c373fab013c94b0f0512345"},
    },
    ok="000000",
    sent=_yuntongxun_sent,
    number="160013 160042 160034 160068 160072 160073 160074 160051",
    limit={"160038": 60, "160056": 60, "160039": None, "160040": None, "160041": None},
    operator="""111109 111141 111181 112300 112315 113302 160014 160032 160036 160043 160033 160049 160052 160053
        160055""",
    not_now="",
    unknown="160000 160001 160005 160010 160050 160063 160064 172001 0",
    clock="111109",
    signature="111109",
)


def _http_sent(body: bytes) -> tuple[str, str, str]:
    fields = json.loads(body)
    return fields["to"].removeprefix("+86"), fields["code"], fields["id"]


HTTP = Dialect(
    gateway=lambda url: Http(endpoint=url, secret=f"whsec_{SECRETS[1]}"),
    path="/",
    message_id="bridge-1",
    said=lambda code: {"code": code, "message_id": "bridge-1", "retry_after": 90, "message": WORDS},
    ok="ok",
    sent=_http_sent,
    number="invalid_phone_number delivery_rejected",
    limit={"rate_limited": 90},
    operator="authentication_failed unsupported_request out_of_balance",
    not_now="unavailable",
    unknown="timeout unknown_error OK sent",
    clock="authentication_failed",
    signature="authentication_failed",
)

DIALECTS = {"aliyun-pnvs": PNVS, "aliyun": ALIYUN, "tencent": TENCENT, "http": HTTP, "yuntongxun": YUNTONGXUN}

assert base64.b64decode(SECRETS[1], validate=True)
