"""WeChat's errors with their messages: of the calls, and of the pages. A page shows its error and sends no callback."""

from collections.abc import Mapping

WECHAT_CODES: Mapping[int, str] = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40014: "invalid access_token",
    40029: "invalid code",
    40030: "invalid refresh_token",
    40125: "invalid appsecret",
    40163: "code been used",
    40164: "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist",
    40188: "invalid client ip",
    40226: "code blocked",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    42001: "access_token expired",
    42002: "refresh_token expired",
    42003: "code expired",
    42007: "access_token and refresh_token exception: user changed the password",
    43104: "this appid does not have permission",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    47001: "data format error",
    48001: "api unauthorized",
    48004: "api forbidden for irregularities",
    50001: "user unauthorized",
    50002: "user limited",
    61004: "access clientip is not registered",
    61007: "api is unauthorized to component",
    89501: "this ip is waiting for the administrator to confirm",
    89503: "this ip needs the administrator to confirm",
    89506: "the administrator has refused this ip twice in 24 hours",
    89507: "the administrator has refused this ip in the last hour",
}

#: Errors of the page inside WeChat. Errors without a number in WeChat are not listed.
PAGE_CODES: Mapping[int, str] = {
    10003: "redirect_uri 域名与后台配置不一致",
    10005: "该公众号没有这些 scope 的权限",
    10010: "scope 不能为空",
    10011: "redirect_uri 不能为空",
    10012: "appid 不能为空",
    10013: "state 不能为空",
    10016: "不能使用开放平台的 appid",
}
