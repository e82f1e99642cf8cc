"""The error codes of the vendors of one-tap sign-in, with their messages.

Aliyun's codes are from its documentation. Tencent documents none: these are from its older interfaces (unverified).
"""

from collections.abc import Mapping

#: ``GetMobile`` of Aliyun, as in the response.
ALIYUN_ONE_TAP: Mapping[str, str] = {
    # Caused by the person.
    "isv.TOKEN_INVALID": "token无效或已过期",
    "isv.TOKEN_UNAUTHORIZED_USED": "token不属于该账号",
    "isv.ACCESS_CODE_ILLEGAL": "access code不合法",
    "isv.CSRF_CHECK_FAILED": "CSRF校验失败",
    # For the operator to fix.
    "isv.VERIFY_SCHEME_NOT_EXIST": "认证方案不存在",
    "isv.PACK_SIGN_CONFLICT": "包名签名冲突",
    "isv.BUNDLE_ID_CONFLICT": "Bundle ID冲突",
    "isv.RAM_PERMISSION_DENY": "RAM权限不足",
    "isv.PRODUCT_UN_SUBSCRIPT": "未开通产品",
    "isv.OUT_OF_SERVICE": "业务停机",
    "isv.ACCOUNT_NOT_EXISTS": "账户不存在",
    "isv.ACCOUNT_ABNORMAL": "账户异常",
    "isv.INVALID_PARAMETERS": "参数异常",
    "isp.OPERATOR_LIMIT": "运营商限制",
    "SignatureDoesNotMatch": "Specified signature does not match our calculation.",
    "InvalidAccessKeyId.NotFound": "Specified access key is not found.",
    "InvalidTimeStamp.Expired": "Specified time stamp or date value is expired.",
    "InvalidAction.NotFound": "Specified api is not found, please check your url and method.",
    "InvalidVersion": "Specified parameter Version is not valid.",
    "IncompleteSignature": "The request signature does not conform to Aliyun standards.",
    # At the vendor, or unknown.
    "isp.SYSTEM_ERROR": "系统异常",
    "isp.UNKNOWN": "运营商未知异常",
    "SignatureNonceUsed": "Specified signature nonce was used already.",
}
#: HTTP statuses of errors that the gateway returns before the product gets the request. All others are 200.
ALIYUN_ONE_TAP_STATUS: Mapping[str, int] = {
    "SignatureDoesNotMatch": 400,
    "InvalidAccessKeyId.NotFound": 404,
    "InvalidTimeStamp.Expired": 400,
    "InvalidAction.NotFound": 404,
    "InvalidVersion": 400,
    "IncompleteSignature": 400,
    "SignatureNonceUsed": 400,
}

TENCENT_ONE_TAP: Mapping[str, str] = {
    "1001": "sig校验失败",
    "1004": "请求包解析失败",
    "1006": "请求没有权限",
    "1030": "token无效",
    "60008": "处理请求超时",
}
