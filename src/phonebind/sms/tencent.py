"""Tencent Cloud 短信, ``SendSms`` of 2021-01-11: https://cloud.tencent.com/document/api/382/55981

Tencent's SDK builds and signs the request, and we send it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from phonebind import tencent_cloud
from phonebind.sms import tencent_receipts
from phonebind.sms.base import Message
from phonebind.sms.receipts import Expected, Receipt
from phonebind.sms.templates import Ids, TemplateVendor
from phonebind.sms.vendor import BEIJING, CLOCK, Call, Codes, Reading, rest_of_the_day, text

try:
    from tencentcloud.sms.v20210111 import models
    from tencentcloud.sms.v20210111.sms_client import SmsClient
except ImportError as error:
    raise ImportError("Tencent's SDK is not installed: pip install 'phonebind[tencent]'") from error

ENDPOINT = "https://sms.tencentcloudapi.com"

#: Longer than a package is valid.
GOOD_FOR = timedelta(days=3 * 366)

_SPANS = {
    "LimitExceeded.PhoneNumberThirtySecondLimit": 30,
    "LimitExceeded.DeliveryFrequencyLimit": 60,
    "LimitExceeded.PhoneNumberOneHourLimit": 3600,
}


@dataclass(frozen=True, kw_only=True, repr=False)
class Tencent(TemplateVendor):
    """``secret_id`` and ``secret_key``: those of a CAM user that may send.

    ``sdk_app_id``: that of the SMS application.
    """

    name: ClassVar[str] = "tencent"
    console: ClassVar[str] = "https://console.cloud.tencent.com/smsv2"
    words: ClassVar[Sequence[str]] = ("secret_id", "secret_key", "sdk_app_id", "sign_name", "region")
    kind: ClassVar[type] = Sequence
    acknowledgement: ClassVar[bytes] = b'{"result":0,"errmsg":"OK"}'
    codes: ClassVar[Codes] = Codes(
        sent="Ok",
        number=(
            "InvalidParameterValue.IncorrectPhoneNumber FailedOperation.PhoneNumberParseFail "
            "FailedOperation.PhoneNumberInBlacklist UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone "
            "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone UnsupportedOperation.UnsupportedRegion"
        ),
        limit=(
            "LimitExceeded.PhoneNumberThirtySecondLimit LimitExceeded.PhoneNumberOneHourLimit "
            "LimitExceeded.PhoneNumberDailyLimit LimitExceeded.PhoneNumberSameContentDailyLimit "
            "LimitExceeded.DeliveryFrequencyLimit"
        ),
        not_now="RequestLimitExceeded*",
        operator={
            CLOCK: "AuthFailure.SignatureExpire InternalError.RequestTimeException",
            "secret_id or secret_key is wrong: compare both with the CAM console": "AuthFailure.* InternalError.Sig*",
            "the CAM user may not do this: grant it sms:SendSms, and sms:SmsPackagesStatistics for the balance": (
                "UnauthorizedOperation* AuthFailure.UnauthorizedOperation"
            ),
            "this server's address is not allowed: add it in the console": (
                "UnauthorizedOperation.RequestIpNotInWhitelist"
            ),
            "the application is disabled: ask the vendor's support": "UnauthorizedOperation.SdkAppIdIsDisabled",
            "the template is for marketing: apply for one of the kind 验证码": (
                "UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny"
            ),
            # The second spelling is Tencent's own.
            "the account owes money: pay in the console": (
                "UnauthorizedOperation.ServiceSuspendDueToArrears UnauthorizedOperation.SerivceSuspendDueToArrears"
            ),
            "the package is used up: buy one in the console": "FailedOperation.InsufficientBalanceInSmsPackage",
            "sign_name is not an approved signature of this account: copy one from the console": (
                "FailedOperation.SignatureIncorrectOrUnapproved"
            ),
            "templates names no approved template of this account: compare it with the console": (
                "FailedOperation.TemplateIncorrectOrUnapproved FailedOperation.TemplateUnapprovedOrNotExist "
                "InvalidParameterValue.Template*"
            ),
            "params does not fit the template's variables: compare it with the template in the console": (
                "FailedOperation.TemplateParamSetNotMatchApprovedTemplate "
                "InvalidParameterValue.TemplateParameterFormatError InvalidParameterValue.TemplateParameterLengthLimit"
            ),
            "the template or sign_name has words that the vendor forbids: change it in the console": (
                "FailedOperation.ContainSensitiveWord"
            ),
            "sdk_app_id is none of this account: take it from the list of applications in the SMS console": (
                "InvalidParameterValue.SdkAppIdNotExist UnauthorizedOperation.SmsSdkAppIdVerifyFail"
            ),
            "the application's cap for a day is reached: raise it in the console": "LimitExceeded.App*DailyLimit",
            "no SMS are sent from this region: use ap-guangzhou": "UnsupportedRegion",
            "endpoint belongs to another product: remove this option": "InvalidAction NoSuchVersion",
            "a parameter is wrong: compare sdk_app_id, sign_name, templates and params with the console": (
                "MissingParameter* InvalidParameter*"
            ),
        },
    )

    secret_id: str
    secret_key: str
    sdk_app_id: str
    sign_name: str
    templates: Ids
    params: Sequence[str] = ("code", "minutes")
    region: str = "ap-guangzhou"
    endpoint: str = ENDPOINT

    def call(self, message: Message) -> Call:
        request = models.SendSmsRequest()
        request.PhoneNumberSet = [message.e164]
        request.SmsSdkAppId = self.sdk_app_id
        request.SignName = self.sign_name
        request.TemplateId = self.filled.id(message)
        request.TemplateParamSet = self.filled.in_order(message)
        request.SessionContext = message.id
        return self._signed("SendSms", request)

    def _signed(self, action: str, request: Any) -> Call:
        keys, params = (self.secret_id, self.secret_key), request._serialize()
        content, headers = tencent_cloud.sign(SmsClient, keys, self.endpoint, action, params, region=self.region)
        return Call(self.endpoint, content, headers)

    def read(self, answer: Any) -> Reading:
        """A refusal is in ``Error``. Without ``Error``, it is in the status of the number."""
        response = answer["Response"]
        if "Error" in response:
            code, message_id = text(response["Error"]["Code"]), None
        else:
            [status] = response["SendStatusSet"]
            code, message_id = text(status["Code"]), status.get("SerialNo")
        if self.codes.kinds.get(code) == "limit":
            return Reading(code, retry_after=_SPANS.get(code) or rest_of_the_day())
        return Reading(code, message_id if isinstance(message_id, str) else None)

    def question(self) -> Call:
        request = models.SmsPackagesStatisticsRequest()
        request.SmsSdkAppId = self.sdk_app_id
        request.Limit, request.Offset = 500, 0
        # The packages that were bought between these two hours. No package is valid for longer.
        now = datetime.now(BEIJING)
        request.BeginTime, request.EndTime = (f"{hour:%Y%m%d%H}" for hour in (now - GOOD_FOR, now))
        return self._signed("SmsPackagesStatistics", request)

    def left(self, answer: Any) -> list[tuple[str, str]]:
        response = answer["Response"]
        if "Error" in response:
            raise self.untold(text(response["Error"]["Code"]))
        return [_package(package) for package in response["SmsPackagesStatisticsSet"]]

    def receipts(self, headers: Mapping[str, str], body: bytes) -> list[Receipt]:
        return tencent_receipts.pushed(body)

    def pull(self, sms: Expected) -> Receipt | None:
        request = models.PullSmsSendStatusByPhoneNumberRequest()
        # One minute earlier, because Tencent's clock and ours may differ.
        request.BeginTime = int(sms.sent_at) - 60
        request.Offset = 0
        request.Limit = 20
        request.PhoneNumber = f"+86{sms.mobile}"
        request.SmsSdkAppId = self.sdk_app_id
        call = self._signed("PullSmsSendStatusByPhoneNumber", request)
        return self.ask(call, lambda answer: tencent_receipts.answered(answer, sms))


def _package(said: Any) -> tuple[str, str]:
    ends = datetime.fromtimestamp(said["PackageExpiredTime"], BEIJING)
    left = said["PackageAmount"] - said["CurrentUsage"]
    return f"package {said['PackageId']:d}, good until {ends:%Y-%m-%d}", f"{left:d} of {said['PackageAmount']:d} SMS"
