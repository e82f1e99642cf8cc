"""The error codes of QQ Connect, Weibo, Alipay and Tencent's captcha, with their messages."""

from collections.abc import Mapping

CODES: Mapping[int, str] = {
    100000: "param response_type is wrong or lost",
    100001: "param client_id is wrong or lost",
    100002: "param client_secret is wrong or lost",
    100004: "param grant_type is wrong or lost",
    100005: "param code is wrong or lost",
    100006: "param refresh_token is wrong or lost",
    100007: "param access_token is wrong or lost",
    100008: "client id is illegal",
    100009: "client_secret is wrong",
    100010: "redirect uri is illegal",
    100011: "app is not online",
    100013: "access token is illegal",
    100014: "access token is expired",
    100015: "access token is revoked",
    100016: "access token check failed",
    100017: "get appid failed",
    100018: "get code failed",
    100019: "code to access token error",
    100020: "code is reused error",
    100021: "get access token failed",
    100022: "get refresh token failed",
    100029: "http request is wrong",
    100030: "user has not authorized this api",
    100031: "app has no permission for this api",
    100048: "the companyid is not set",
}

#: get_user_info also has these.
PROFILE_CODES: Mapping[int, str] = {
    -1: "client request's parameters are invalid, invalid openid",
    1002: "请先登录",
    **CODES,
}

#: Clients compare the text: it is Weibo's ``error``.
WEIBO_CODES: Mapping[int, str] = {
    10001: "System error",
    10002: "Service unavailable",
    10004: "IP limit",
    10005: "Permission denied, need a high level appkey",
    10006: "Source paramter (appkey) is missing",
    10013: "Invalid weibo user",
    10014: "Insufficient app permissions",
    10021: "HTTP method is not suported for this request",
    10022: "IP requests out of rate limit",
    10023: "User requests out of rate limit",
    21314: "Token used",
    21315: "Token expired",
    21316: "Token revoked",
    21317: "Token rejected",
    21321: "applications over the unaudited use restrictions",
    21322: "redirect_uri_mismatch",
    21323: "invalid_request",
    21324: "invalid_client",
    21325: "invalid_grant",
    21326: "unauthorized_client",
    21327: "expired_token",
    21328: "unsupported_grant_type",
    21329: "unsupported_response_type",
    21330: "access_denied",
    21331: "temporarily_unavailable",
    21332: "invalid_access_token",
    21335: "request uid's value must be the current user",
    21337: "appkey permission denied",
    21338: "sso package or sign error",
}

#: Alipay's errors: sub_code to (code, sub_msg). "unknow" is Alipay's spelling.
ALIPAY_CODES: Mapping[str, tuple[str, str]] = {
    "isv.code-invalid": ("40002", "授权码code无效"),
    "isv.grant-type-invalid": ("40002", "授权类型无效"),
    "isv.missing-signature": ("40001", "缺少签名参数"),
    "isv.missing-method": ("40001", "缺少方法名参数"),
    "isv.missing-app-id": ("40001", "缺少AppID参数"),
    "isv.invalid-signature": ("40002", "无效签名"),
    "isv.invalid-signature-type": ("40002", "无效签名类型"),
    "isv.invalid-app-id": ("40002", "无效的AppID参数"),
    "isv.invalid-timestamp": ("40002", "时间戳参数无效"),
    "isv.invalid-method": ("40002", "不存在的方法名"),
    "isv.insufficient-isv-permissions": ("40006", "ISV权限不足"),
    "aop.invalid-auth-token": ("20001", "无效的访问令牌"),
    "aop.auth-token-time-out": ("20001", "访问令牌已过期"),
    "isp.unknow-error": ("20000", "系统繁忙"),
    "aop.unknow-error": ("20000", "服务不可用"),
}
ALIPAY_MESSAGES: Mapping[str, str] = {
    "20000": "Service Currently Unavailable",
    "20001": "Insufficient Token Permissions",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40006": "Insufficient Permissions",
}

#: The results for a captcha ticket.
CAPTCHA_CODES: Mapping[int, str] = {
    1: "OK",
    7: "captcha no match",
    8: "ticket expired",
    9: "ticket reused",
    15: "decrypt fail",
    16: "appid-ticket mismatch",
    21: "diff",
    100: "appid-secretkey-ticket mismatch",
}

#: Errors of Tencent Cloud before it checks the ticket.
CLOUD_ERRORS: Mapping[str, str] = {
    "AuthFailure.InvalidAuthorization": "Authorization in the request header is invalid.",
    "AuthFailure.SecretIdNotFound": "The SecretId is not found.",
    "AuthFailure.SignatureExpire": "Timestamp and server time differ by more than five minutes.",
    "AuthFailure.SignatureFailure": "The provided credentials could not be validated.",
    "InternalError": "An internal error has occurred.",
    "InvalidAction": "The request action is invalid.",
    "InvalidParameter": "A parameter is invalid.",
    "MissingParameter": "A parameter is missing.",
    "NoSuchVersion": "The API version does not exist.",
    "RequestLimitExceeded": "Your current request times exceed the limit.",
    "UnauthorizedOperation.ErrAuth": "Authentication failed.",
    "UnauthorizedOperation.Unauthorized": "No permission, no valid package, or an overdue account.",
}


#: RFC 6749, 5.2, and further errors of Apple and others.
OPENID_ERRORS: Mapping[str, str] = {
    "invalid_request": "The request is malformed.",
    "invalid_client": "The client could not be authenticated.",
    "invalid_grant": "The code has expired or has been revoked.",
    "unauthorized_client": "The client may not use this grant.",
    "unsupported_grant_type": "The grant type is not supported.",
    "invalid_scope": "The scope is invalid.",
    "redirect_uri_mismatch": "The redirect_uri is not registered.",
    "server_error": "Something is wrong here.",
    "temporarily_unavailable": "The server is overloaded.",
}

#: Errors that the callback may get in place of a code.
OPENID_CALLBACK_ERRORS = (
    "access_denied",
    "login_required",
    "interaction_required",
    "unauthorized_client",
    "unsupported_response_type",
    "server_error",
)

#: Faults of an id_token, and of the published keys.
ID_TOKEN_FAULTS = (
    "wrong_iss",
    "wrong_aud",
    "wrong_nonce",
    "no_nonce",
    "alg_none",
    "alg_hs256",
    "expired",
    "future",
    "wrong_key",
    "unknown_kid",
    "no_kid",
    "no_token",
)
KEY_FAULTS = ("rotated", "none")


class Refused(Exception):
    """The emulated provider refuses, with one of its codes."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class CloudError(Exception):
    """Tencent Cloud refuses the request before it checks the ticket."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
