"""The error codes of SMS vendors, with their messages, and a typical code for each class.

The classes are those of ``sms_outcome`` in faults.py. An Aliyun code has its prefix here, as in the response.
"""

from collections.abc import Mapping

#: ``SendSms`` and ``SendSmsVerifyCode`` of Aliyun.
ALIYUN_CODES: Mapping[str, str] = {
    # The number is at fault.
    "isv.MOBILE_NUMBER_ILLEGAL": "手机号码格式错误",
    "isv.BLACK_KEY_CONTROL_LIMIT": "黑名单管控",
    "isv.CUSTOMER_REFUSED": "用户已退订推广短信",
    "isv.DOMESTIC_NUMBER_NOT_SUPPORTED": "国际/港澳台消息模板不支持发送境内号码",
    "isv.SMS_TEST_NUMBER_LIMIT": "只能向已回复授权信息的手机号发送",
    # The vendor's limits.
    "isv.BUSINESS_LIMIT_CONTROL": "触发分钟级流控Permits:1",
    "biz.FREQUENCY": "check frequency failed",
    "FREQUENCY_FAIL": "频率校验未通过",
    # For the operator to fix.
    "isv.AMOUNT_NOT_ENOUGH": "账户余额不足",
    "isv.OUT_OF_SERVICE": "业务停机",
    "isv.DAY_LIMIT_CONTROL": "触发日发送限额",
    "isv.MONTH_LIMIT_CONTROL": "触发月发送限额",
    "isv.SMS_SIGNATURE_ILLEGAL": "签名不合法(不存在或被拉黑)",
    "isv.SMS_SIGN_ILLEGAL": "签名禁止使用",
    "isv.SIGN_STATE_ILLEGAL": "签名审核未通过",
    "isv.SIGNATURE_BLACKLIST": "签名黑名单",
    "isv.SMS_SIGNATURE_SCENE_ILLEGAL": "签名的适用场景与短信类型不匹配",
    "isv.SMS_TEMPLATE_ILLEGAL": "模板不合法(不存在或被拉黑)",
    "isv.TEMPLATE_MISSING_PARAMETERS": "模板变量缺少对应参数值",
    "isv.TEMPLATE_PARAMS_ILLEGAL": "传入的变量内容和实际申请模板时变量所选择的属性类型不配",
    "isv.INVALID_PARAMETERS": "参数异常",
    "isv.INVALID_JSON_PARAM": "参数格式错误,不是合法的JSON格式,只接受字符串值",
    "isv.PARAM_LENGTH_LIMIT": "参数超过长度限制",
    "isv.PARAM_NOT_SUPPORT_URL": "变量不支持传入URL",
    "isv.SMS_CONTENT_ILLEGAL": "短信内容包含禁止发送内容",
    "isv.EXTEND_CODE_ERROR": "扩展码使用错误,相同的扩展码不可用于多个签名",
    "isv.DENY_IP_RANGE": "源IP地址所在的地区被禁用",
    "isv.PRODUCT_UN_SUBSCRIPT": "未开通云通信产品的阿里云客户",
    "isv.PRODUCT_UNSUBSCRIBE": "产品未开通",
    "isv.ACCOUNT_NOT_EXISTS": "账户不存在",
    "isv.ACCOUNT_ABNORMAL": "账户异常",
    "isv.SECURITY_FROZEN_ACCOUNT": "因该账号长时间未使用,出于对您的账号安全考虑,已限制您账号的短信发送",
    "isv.FUNCTION_NOT_OPENED": "没有开通融合认证功能",
    "isp.RAM_PERMISSION_DENY": "RAM权限不足",
    "SignatureDoesNotMatch": "Specified signature does not match our calculation.",
    "InvalidAccessKeyId.NotFound": "Specified access key is not found.",
    "InvalidTimeStamp.Expired": "Specified time stamp or date value is expired.",
    "Forbidden.RAM": "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
    "InvalidAction.NotFound": "Specified api is not found, please check your url and method.",
    "InvalidVersion": "Specified parameter Version is not valid.",
    # Not now: try again later.
    "Throttling": "Request was denied due to request throttling.",
    "Throttling.User": "Request was denied due to user flow control.",
    "Throttling.Api": "Request was denied due to api flow control.",
    "ServiceUnavailable": "The request has failed due to a temporary failure of the server.",
    # It is unknown whether the SMS was sent.
    "isp.SYSTEM_ERROR": "请重试接口调用,如仍存在此情况请创建工单反馈工程师查看",
    "isp.GATEWAY_ERROR": "网关异常",
    "InternalError": "The request processing has failed due to some unknown error.",
    "SignatureNonceUsed": "Specified signature nonce was used already.",
}

#: HTTP statuses of errors that Aliyun's gateway returns before a product gets the request. All others are 200.
ALIYUN_STATUS: Mapping[str, int] = {
    "SignatureDoesNotMatch": 400,
    "InvalidAccessKeyId.NotFound": 404,
    "InvalidTimeStamp.Expired": 400,
    "Forbidden.RAM": 403,
    "InvalidAction.NotFound": 404,
    "InvalidVersion": 400,
    "Throttling": 400,
    "Throttling.User": 400,
    "Throttling.Api": 400,
    "ServiceUnavailable": 503,
    "InternalError": 500,
    "SignatureNonceUsed": 400,
    "IncompleteSignature": 400,
}

#: Tencent's errors for one number, in ``SendStatusSet``.
TENCENT_STATUS_CODES: Mapping[str, str] = {
    "InvalidParameterValue.IncorrectPhoneNumber": "incorrect phone number",
    "FailedOperation.PhoneNumberParseFail": "phone number parse fail",
    "FailedOperation.PhoneNumberInBlacklist": "phone number is in the blacklist",
    "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone": "mainland template to a global phone number",
    "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone": "global template to a mainland phone number",
    "UnsupportedOperation.UnsupportedRegion": "sending to this region is not supported",
    "LimitExceeded.PhoneNumberThirtySecondLimit": "too many sms to this number within 30 seconds",
    "LimitExceeded.PhoneNumberOneHourLimit": "too many sms to this number within one hour",
    "LimitExceeded.PhoneNumberDailyLimit": "too many sms to this number on one day",
    "LimitExceeded.PhoneNumberSameContentDailyLimit": "too many sms of this content to this number on one day",
    "LimitExceeded.DeliveryFrequencyLimit": "delivery frequency limit",
}

#: Tencent's errors in ``Response.Error``.
TENCENT_ERROR_CODES: Mapping[str, str] = {
    "FailedOperation.InsufficientBalanceInSmsPackage": "套餐包余量不足",
    "FailedOperation.SignatureIncorrectOrUnapproved": "签名未审批或格式错误",
    "FailedOperation.TemplateIncorrectOrUnapproved": "模板未审批或内容不匹配",
    "FailedOperation.TemplateUnapprovedOrNotExist": "模板未审批或不存在",
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate": "请求内容与审核通过的模板内容不匹配",
    "FailedOperation.ContainSensitiveWord": "短信内容中含有敏感词",
    "FailedOperation.OtherError": "其他错误",
    "InvalidParameterValue.TemplateParameterFormatError": "验证码模板参数格式错误",
    "InvalidParameterValue.TemplateParameterLengthLimit": "单个模板变量字符数超过规定限制",
    "InvalidParameterValue.TemplateWithDirtyWords": "模板内容存在敏感词",
    "InvalidParameterValue.BeginTimeVerifyFail": "参数 BeginTime 校验失败",
    "InvalidParameterValue.EndTimeVerifyFail": "参数 EndTime 校验失败",
    "InvalidParameterValue.SdkAppIdNotExist": "SdkAppId 不存在",
    "InvalidParameterValue.ContentLengthLimit": "请求的短信内容太长",
    "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter": "禁止在模板变量中使用 URL",
    "InvalidParameter": "A parameter is invalid.",
    "InvalidParameter.AppidAndBizId": "账号与应用 ID 不匹配",
    "InvalidParameter.DirtyWordFound": "存在敏感词",
    "LimitExceeded.AppCountryOrRegionDailyLimit": "业务短信国家/地区日下发条数超过设定的上限",
    "LimitExceeded.AppDailyLimit": "业务短信日下发条数超过设定的上限",
    "LimitExceeded.AppGlobalDailyLimit": "业务短信国际/港澳台日下发条数超过设定的上限",
    "LimitExceeded.AppMainlandChinaDailyLimit": "业务短信中国大陆日下发条数超过设定的上限",
    "MissingParameter": "A parameter is missing.",
    "MissingParameter.EmptyPhoneNumberSet": "传入的号码列表为空",
    "UnauthorizedOperation": "Unauthorized operation.",
    "UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny": "个人用户没有发营销短信的权限",
    "UnauthorizedOperation.RequestIpNotInWhitelist": "请求 IP 不在白名单中",
    "UnauthorizedOperation.RequestPermissionDeny": "请求没有权限",
    "UnauthorizedOperation.SdkAppIdIsDisabled": "此 SdkAppId 禁止提供服务",
    "UnauthorizedOperation.ServiceSuspendDueToArrears": "欠费被停止服务",
    "UnauthorizedOperation.SerivceSuspendDueToArrears": "欠费被停止服务",  # the spelling in the vendor's SDK
    "UnauthorizedOperation.SmsSdkAppIdVerifyFail": "SmsSdkAppId 校验失败",
    "UnsupportedRegion": "The region is not supported.",
    "AuthFailure.InvalidAuthorization": "Authorization in the request header is invalid.",
    "AuthFailure.SecretIdNotFound": "The SecretId is not found.",
    "AuthFailure.SignatureExpire": "Timestamp and server time differ by more than five minutes.",
    "AuthFailure.SignatureFailure": "The provided credentials could not be validated.",
    "AuthFailure.UnauthorizedOperation": "The operation is not authorized by CAM.",
    "InternalError.RequestTimeException": "请求发起时间不正常",
    "InternalError.SigFieldMissing": "后端包体中请求包体没有 Sig 字段或 Sig 为空",
    "InternalError.SigVerificationFail": "后端校验 Sig 失败",
    "RequestLimitExceeded": "Your current request times exceed the limit.",
    "RequestLimitExceeded.GlobalRegionUinLimitExceeded": "Your current request times exceed the account's limit.",
    "InternalError": "An internal error has occurred.",
    "InternalError.Timeout": "请求下发短信超时",
    "InternalError.SendAndRecvFail": "接口超时或短信收发包超时",
    "InternalError.OtherError": "其他错误",
    "InternalError.UnknownError": "未知错误类型",
    "InvalidAction": "The request action is invalid.",
    "NoSuchVersion": "The API version does not exist.",
}

TENCENT_SMS_CODES: Mapping[str, str] = {**TENCENT_STATUS_CODES, **TENCENT_ERROR_CODES}

#: ``statusCode`` of Yuntongxun.
YUNTONGXUN_CODES: Mapping[str, str] = {
    "160038": "短信验证码发送过频繁",
    "160039": "短信发送超出同模板同号天发送次数上限",
    "160040": "短信验证码超出同模板同号天发送上限",
    "160041": "通知超出同模板同号天发送上限",
    "160056": "短信内容重复",
    "160013": "号码为空",
    "160042": "号码格式有误",
    "160034": "号码黑名单",
    "160068": "号码黑名单",
    "160072": "号码黑名单",
    "160073": "号码黑名单",
    "160074": "号码黑名单",
    "160051": "已退订",
    "111109": "请求地址Sig校验失败",
    "111141": "主账户不存在",
    "111181": "应用不存在",
    "112300": "接收短信的手机号码为空",
    "112310": "应用未上线",
    "113302": "您正在使用云通讯测试模板且短信接收者不是注册的测试号码",
    "160014": "余额不足",
    "160032": "短信模板无效",
    "160033": "短信存在敏感词",
    "160036": "短信模板类型未知",
    "160043": "应用与模板id不匹配",
    "160049": "短信内容存在敏感词",
    "160052": "模板变量不符",
    "160053": "IP鉴权失败",
    "160055": "请求重复标识超长",
    "160054": "请求重复",
    "160000": "系统错误",
    **{f"1600{number:02}": "通道忙" for number in range(1, 11)},
    "160050": "短信发送失败",
    "160063": "其他错误",
    "160064": "其他错误",
}

#: ``code`` in our own HTTP contract, and its HTTP status.
HTTP_CODES: Mapping[str, str] = {
    "invalid_phone_number": "the number is not valid",
    "delivery_rejected": "this number does not accept SMS",
    "rate_limited": "too many SMS to this number",
    "authentication_failed": "the signature or its time is wrong",
    "unsupported_request": "the body does not follow the contract",
    "out_of_balance": "the balance is used up",
    "unavailable": "not now",
    "timeout": "it is unknown whether the SMS was sent",
    "unknown_error": "it is unknown whether the SMS was sent",
}
HTTP_STATUS: Mapping[str, int] = {
    "invalid_phone_number": 400,
    "delivery_rejected": 403,
    "rate_limited": 429,
    "authentication_failed": 401,
    "unsupported_request": 400,
    "out_of_balance": 402,
    "unavailable": 503,
    "timeout": 504,
    "unknown_error": 500,
}

_ALIYUN_TYPICAL = {
    "not_now": "Throttling.User",
    "operator": "isv.AMOUNT_NOT_ENOUGH",
    "number": "isv.BLACK_KEY_CONTROL_LIMIT",
    "limit": "isv.BUSINESS_LIMIT_CONTROL",
    "unknown": "isp.SYSTEM_ERROR",
}
#: The typical error of a vendor for each class. Yuntongxun has no code for "not now": the response is 503 without a
#: code.
TYPICAL: Mapping[str, Mapping[str, str]] = {
    "aliyun": _ALIYUN_TYPICAL,
    "aliyun-pnvs": {**_ALIYUN_TYPICAL, "number": "isv.MOBILE_NUMBER_ILLEGAL", "limit": "biz.FREQUENCY"},
    "tencent": {
        "not_now": "RequestLimitExceeded",
        "operator": "FailedOperation.InsufficientBalanceInSmsPackage",
        "number": "FailedOperation.PhoneNumberInBlacklist",
        "limit": "LimitExceeded.PhoneNumberThirtySecondLimit",
        "unknown": "InternalError.Timeout",
    },
    "yuntongxun": {
        "not_now": "unavailable",
        "operator": "160014",
        "number": "160034",
        "limit": "160038",
        "unknown": "160050",
    },
    "http": {
        "not_now": "unavailable",
        "operator": "out_of_balance",
        "number": "delivery_rejected",
        "limit": "rate_limited",
        "unknown": "unknown_error",
    },
}


class SmsRefused(Exception):
    """An emulated SMS vendor refuses, with one of its codes. ``words`` replaces the usual message."""

    def __init__(self, code: str, words: str = "", *, retry_after: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.words = words
        self.retry_after = retry_after
