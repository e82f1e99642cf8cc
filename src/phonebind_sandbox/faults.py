"""The switches: all variants and faults that the sandbox can produce, in one table.

A switch has its first value until a developer changes it. ``faults.json`` and the page are both made from the table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from . import state
from .codes import (
    ALIPAY_CODES,
    CAPTCHA_CODES,
    CLOUD_ERRORS,
    CODES,
    ID_TOKEN_FAULTS,
    KEY_FAULTS,
    OPENID_CALLBACK_ERRORS,
    OPENID_ERRORS,
    PROFILE_CODES,
    WEIBO_CODES,
)
from .one_tap_codes import ALIYUN_ONE_TAP, TENCENT_ONE_TAP
from .sms_codes import ALIYUN_CODES, HTTP_CODES, TENCENT_SMS_CODES, YUNTONGXUN_CODES
from .wechat_codes import WECHAT_CODES

Value: TypeAlias = str | float | bool
Faults: TypeAlias = Mapping[str, Value]

NETWORK = ("none", "slow", "down", "reset", "garbage", "html", "empty", "hang", "drip", "redirect", "huge")


@dataclass(frozen=True, slots=True)
class Switch:
    name: str
    values: tuple[Value, ...]
    zh: str
    en: str

    @property
    def default(self) -> Value:
        return self.values[0]

    @property
    def choices(self) -> dict[str, Value]:
        """The values, by the text that a form sends for each."""
        return {text(value): value for value in self.values}


class NotAllowed(Exception):
    """There is no such switch, or it has no such value. ``allowed`` lists the valid ones."""

    def __init__(self, error: str, allowed: tuple[Value, ...]) -> None:
        super().__init__(error)
        self.error = error
        self.allowed = allowed


_TABLE = (
    Switch("token_format", ("auto", "form", "json", "jsonp"), "token 的响应格式", "how /token answers"),
    Switch("expires_in", ("number", "string"), "JSON 里 expires_in 的类型", "type of expires_in in JSON"),
    Switch("openid_in_token", (True, False), "need_openid=1 时给出 openid", "/token gives openid with need_openid=1"),
    Switch("me_format", ("auto", "json", "jsonp", "trailing_comma"), "me 的响应格式", "how /me answers"),
    Switch("unionid_in_me", (True, False), "unionid=1 时给出 unionid", "/me gives unionid with unionid=1"),
    Switch("wrong_client_id", (False, True), "me 给出别的应用的 client_id", "/me names another app's client_id"),
    Switch("authorize_error", ("none", *CODES), "授权后带错误码回调", "the callback carries this error"),
    Switch("token_error", ("none", *CODES), "token 的错误码", "error of /token"),
    Switch("me_error", ("none", *CODES), "me 的错误码", "error of /me"),
    Switch("profile_error", ("none", *PROFILE_CODES), "get_user_info 的错误码", "error of get_user_info"),
    Switch("error_format", ("auto", "jsonp", "json", "trailing_comma"), "错误的格式", "how errors are written"),
    Switch("error_status", (200, 400, 500), "错误的 HTTP 状态码", "HTTP status of errors"),
    Switch(
        "callback",
        ("once", "twice", "cancel", "usercancel"),
        "回调一次、两次、没有，或像手机上取消那样",
        "the callback comes once, twice, never, or as after a cancel on a phone",
    ),
    # Weibo
    Switch(
        "weibo_authorize_error", ("none", *WEIBO_CODES), "微博授权后的错误码", "Weibo's callback carries this error"
    ),
    Switch("weibo_token_error", ("none", *WEIBO_CODES), "微博 access_token 的错误码", "error of Weibo's access_token"),
    Switch("weibo_token_info_error", ("none", *WEIBO_CODES), "微博 get_token_info 的错误码", "error of get_token_info"),
    Switch("weibo_profile_error", ("none", *WEIBO_CODES), "微博 users/show 的错误码", "error of Weibo's users/show"),
    Switch("weibo_error_status", (400, 403, 200, 500), "微博错误的 HTTP 状态码", "HTTP status of Weibo's errors"),
    Switch("weibo_numbers", ("auto", "number", "string"), "微博 JSON 里数字的类型", "type of numbers in Weibo's JSON"),
    Switch(
        "weibo_wrong_appkey",
        (False, True),
        "get_token_info 给出别的应用的 appkey",
        "get_token_info names another app's appkey",
    ),
    Switch("weibo_profile", ("short", "long"), "微博 users/show 的长度", "length of what Weibo's users/show answers"),
    Switch("weibo_token_network", NETWORK, "微博 access_token 的网络故障", "network fault of Weibo's access_token"),
    Switch("weibo_token_info_network", NETWORK, "微博 get_token_info 的网络故障", "network fault of get_token_info"),
    Switch("weibo_profile_network", NETWORK, "微博 users/show 的网络故障", "network fault of Weibo's users/show"),
    # Alipay
    Switch("alipay_token_error", ("none", *ALIPAY_CODES), "支付宝换 token 的错误码", "error of Alipay's token call"),
    Switch("alipay_profile_error", ("none", *ALIPAY_CODES), "支付宝会员信息的错误码", "error of Alipay's profile call"),
    Switch("alipay_error_node", ("error_response", "own"), "支付宝错误所在的节点", "the node of Alipay's errors"),
    Switch(
        "alipay_sign",
        ("good", "wrong", "other_node", "missing"),
        "支付宝响应的签名：正确、错误、属于别的节点、没有",
        "Alipay's signature: good, wrong, of another node, or none",
    ),
    Switch(
        "alipay_layout",
        ("plain", "sign_first", "spaces"),
        "支付宝响应里节点的顺序和空白",
        "order and white space of Alipay's answer",
    ),
    Switch("alipay_numbers", ("number", "string"), "支付宝响应里数字的类型", "type of numbers in Alipay's answer"),
    Switch(
        "alipay_id",
        ("open_id", "user_id", "both", "none"),
        "支付宝返回哪种 id",
        "which id Alipay answers",
    ),
    Switch("alipay_charset", ("utf-8", "GBK"), "支付宝响应声称的字符集", "charset that Alipay's answer claims"),
    Switch("alipay_network", NETWORK, "支付宝网关的网络故障", "network fault of Alipay's gateway"),
    Switch("sms", ("ok", "refuse", "error", "lost"), "短信网关的响应", "what the SMS gateway does"),
    Switch(
        "sms_outcome",
        ("ok", "not_now", "operator", "number", "limit", "unknown", "lost"),
        "短信厂商的响应，按类别",
        "what SMS vendors answer, by class",
    ),
    Switch("aliyun_code", ("none", *ALIYUN_CODES), "阿里云短信的错误码", "error of Aliyun's SMS"),
    Switch("tencent_sms_code", ("none", *TENCENT_SMS_CODES), "腾讯云短信的错误码", "error of Tencent's SMS"),
    Switch("yuntongxun_code", ("none", *YUNTONGXUN_CODES), "容联云短信的错误码", "error of Yuntongxun's SMS"),
    Switch("http_code", ("none", *HTTP_CODES), "HTTP 网关的错误码", "error of the HTTP gateway"),
    Switch("sms_limits", (False, True), "厂商对每个号码的频率限制", "the vendors' own limits for a number"),
    Switch(
        "sms_receipt",
        ("delivered", "none", "off", "full", "blacklisted", "number", "signature", "unknown"),
        "短信回执的内容",
        "what the receipts of SMS say",
    ),
    Switch(
        "clock_skew",
        (0, 200, 400, 1000, 2000, 90000, -200, -400, -1000, -2000, -90000),
        "验签时钟快几秒",
        "seconds by which the clock of signatures is fast",
    ),
    Switch("aliyun_one_tap_code", ("none", *ALIYUN_ONE_TAP), "阿里云一键登录的错误码", "error of Aliyun's one tap"),
    Switch("tencent_one_tap_code", ("none", *TENCENT_ONE_TAP), "腾讯云一键登录的错误码", "error of Tencent's one tap"),
    Switch("one_tap_number", ("text", "number"), "一键登录的手机号在 JSON 里的类型", "type of the mobile of one tap"),
    Switch("one_tap_network", NETWORK, "一键登录的网络故障", "network fault of one tap"),
    Switch("number_state_network", NETWORK, "二次放号查询的网络故障", "network fault of the look-up of numbers"),
    Switch("tencent_code", ("none", *CAPTCHA_CODES), "腾讯验证码的票据结果", "what Tencent says of a ticket"),
    Switch("tencent_error", ("none", *CLOUD_ERRORS), "腾讯云接口的错误", "error of Tencent's captcha"),
    Switch("apple_callback", ("none", *OPENID_CALLBACK_ERRORS), "Apple 授权后带错误回调", "Apple's callback: an error"),
    Switch("apple_error", ("none", *OPENID_ERRORS), "Apple token 的错误", "error of Apple's /token"),
    Switch("apple_id_token", ("good", *ID_TOKEN_FAULTS), "Apple id_token 的毛病", "what is wrong in Apple's id_token"),
    Switch("apple_keys", ("one", *KEY_FAULTS), "Apple 公布的公钥", "the keys that Apple publishes"),
    Switch("apple_network", NETWORK, "Apple token 的网络故障", "network fault of Apple's /token"),
    Switch("apple_keys_network", NETWORK, "Apple 公钥的网络故障", "network fault of Apple's keys"),
    Switch("oidc_callback", ("none", *OPENID_CALLBACK_ERRORS), "OIDC 授权后带错误回调", "OIDC's callback: an error"),
    Switch("oidc_error", ("none", *OPENID_ERRORS), "OIDC token 的错误", "error of OIDC's /token"),
    Switch("oidc_id_token", ("good", *ID_TOKEN_FAULTS), "OIDC id_token 的毛病", "what is wrong in OIDC's id_token"),
    Switch("oidc_alg", ("RS256", "PS256", "ES256"), "OIDC id_token 的算法", "the algorithm of OIDC's id_token"),
    Switch("oidc_keys", ("one", *KEY_FAULTS), "OIDC 公布的公钥", "the keys that OIDC publishes"),
    Switch("oidc_auth", ("both", "basic", "post"), "OIDC 客户端认证方式", "how OIDC's clients say who they are"),
    Switch("oidc_issuer", ("right", "wrong"), "OIDC 发现文档里的 issuer", "issuer in OIDC's discovery"),
    Switch("oidc_network", NETWORK, "OIDC token 的网络故障", "network fault of OIDC's /token"),
    Switch("oidc_keys_network", NETWORK, "OIDC 公钥的网络故障", "network fault of OIDC's keys"),
    Switch("oidc_discovery_network", NETWORK, "OIDC 发现文档的网络故障", "network fault of OIDC's discovery"),
    Switch("token_network", NETWORK, "token 的网络故障", "network fault of /token"),
    Switch("me_network", NETWORK, "me 的网络故障", "network fault of /me"),
    Switch("profile_network", NETWORK, "get_user_info 的网络故障", "network fault of get_user_info"),
    Switch("sms_network", NETWORK, "短信网关和厂商的网络故障", "network fault of the SMS gateway and vendors"),
    Switch("tencent_network", NETWORK, "腾讯验证码的网络故障", "network fault of Tencent's captcha"),
    Switch("slow_seconds", (4, 0.2, 0.5, 1, 2, 10, 30), "slow 等几秒", "seconds that slow waits"),
    # WeChat
    Switch(
        "wechat_callback",
        ("once", "cancel", "silence"),
        "微信的回调：有、只带 state、没有",
        "WeChat's callback comes, with the state alone, or never",
    ),
    Switch("wechat_any_browser", (False, True), "微信内的页面可用任何浏览器打开", "WeChat's page opens in any browser"),
    Switch("wechat_unionid", (True, False), "微信给出 unionid", "WeChat gives the unionid"),
    Switch(
        "wechat_snapshot",
        ("off", "flag", "text", "unflagged"),
        "微信快照页的虚拟账号，及其标记的类型",
        "WeChat answers with a snapshot's virtual user, and the type of its flag",
    ),
    Switch(
        "wechat_body",
        ("plain", "encoding", "json", "control", "errcode"),
        "微信响应的类型；昵称里的控制字符；成功时的 errcode",
        "the type of WeChat's answers; a control character in the nickname; errcode 0",
    ),
    Switch(
        "wechat_token_error", ("none", *WECHAT_CODES), "微信换取 openid 时的错误码", "error of WeChat's code exchange"
    ),
    Switch("wechat_userinfo_error", ("none", *WECHAT_CODES), "微信 userinfo 的错误码", "error of WeChat's userinfo"),
    Switch("wechat_app_token_error", ("none", *WECHAT_CODES), "微信 stable_token 的错误码", "error of stable_token"),
    Switch("wechat_phone_error", ("none", *WECHAT_CODES), "微信手机号接口的错误码", "error of getuserphonenumber"),
    Switch(
        "wechat_app_token",
        ("good", "once", "stale"),
        "微信应用的 access_token: 有效、失效一次、一直失效",
        "the app's token is good, stale once, or always stale",
    ),
    Switch(
        "wechat_phone",
        ("quick", "int", "foreign", "other_app"),
        "微信手机号接口的响应: 区号是文本、是数字、境外号码、别的应用的水印",
        "WeChat's phone answer: country as text or number, abroad, another app's watermark",
    ),
    Switch("wechat_network", NETWORK, "微信接口的网络故障", "network fault of WeChat's calls"),
)

SWITCHES: Mapping[str, Switch] = {switch.name: switch for switch in _TABLE}


def read() -> Faults:
    """The value of every switch."""
    return {name: switch.default for name, switch in SWITCHES.items()} | state.get_many("fault", SWITCHES)


def write(changes: Mapping[str, object]) -> None:
    """Set some switches. If one of the changes is not allowed, none is made."""
    for name, value in [(name, _allowed(name, value)) for name, value in changes.items()]:
        state.put("fault", name, value, state.FOREVER)


def reset() -> None:
    for name in SWITCHES:
        state.forget("fault", name)


def text(value: object) -> str:
    """The text of a value in a form, as in JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _allowed(name: str, value: object) -> Value:
    if name not in SWITCHES:
        raise NotAllowed(f"no switch {name!r}", tuple(SWITCHES))
    switch = SWITCHES[name]
    if text(value) not in switch.choices:
        raise NotAllowed(f"no such value of {name}", switch.values)
    return switch.choices[text(value)]
