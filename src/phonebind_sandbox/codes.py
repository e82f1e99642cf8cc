"""The error codes of QQ Connect and of Tencent's captcha, with the words that are sent along."""

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

#: get_user_info has these besides.
PROFILE_CODES: Mapping[int, str] = {
    -1: "client request's parameters are invalid, invalid openid",
    1002: "请先登录",
    **CODES,
}

#: What a captcha's ticket is worth.
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

#: Why Tencent's cloud does not even look at the ticket.
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


class Refused(Exception):
    """The emulated provider says no, with one of its codes."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class CloudError(Exception):
    """Tencent's cloud does not look at what is asked, for one of these reasons."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
