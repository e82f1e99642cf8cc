"""Providers that sign everyone in at once, with the names and families of real ones: for pages that show several."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from phonebind.exceptions import CodeInvalid, PhonebindError, Text
from phonebind.oauth import Grant, Profile, WebProvider

AVATAR = "https://avatar.example/xiaolan/132?a=1&b=2"

PHONE = "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Mobile Safari/537.36"
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36"
IN_WECHAT = f"{PHONE} MicroMessenger/8.0.60"
IN_A_SNAPSHOT = f"{IN_WECHAT} Snapshot"
IN_WECHAT_ON_A_DESKTOP = f"{DESKTOP} MicroMessenger/7.0.20 WindowsWechat"
IN_QQ = f"{PHONE} MQQBrowser/6.2 QQ/9.1.0.5555"
IN_ANOTHER_BROWSER_OF_QQ = f"{PHONE} MQQBrowser/14.1"


class Made(WebProvider):
    """The code is the openid, except for "snapshot". The provider has no page."""

    kind = "made"
    family = "made"
    label: ClassVar[Text] = "Made"

    def login_url(self, state: str, *, secret: str = "", user_agent: str = "") -> str:
        code = "snapshot" if user_agent == IN_A_SNAPSHOT else "xiaolan"
        return f"{self.settings.redirect_uri}?{urlencode({'code': code, 'state': state})}"

    def exchange(self, code: str, *, secret: str = "") -> Grant:
        return Grant(openid=code, profile=Profile("小兰", AVATAR), virtual=code == "snapshot")

    def refused(self, error: str) -> PhonebindError:
        return CodeInvalid()


class QRCode(Made):
    kind = "wechat_web"
    family = "wechat"
    label = "WeChat"

    def works_in(self, user_agent: str) -> bool:
        return "Mobile" not in user_agent


class OfficialAccount(Made):
    kind = "wechat_oa"
    family = "wechat"
    label = "WeChat"
    home = "MicroMessenger"

    def works_in(self, user_agent: str) -> bool:
        return self.is_home(user_agent)


class Weibo(Made):
    kind = "weibo"
    family = "weibo"
    label = "Weibo"
    home = "Weibo"


class Alipay(Made):
    kind = "alipay"
    family = "alipay"
    label = "Alipay"
    home = "AlipayClient"


class Apple(Made):
    kind = "apple"
    family = "apple"
    label = "Apple"

    @property
    def button(self) -> str:
        return "通过 Apple 登录"


KINDS = (QRCode, OfficialAccount, Weibo, Alipay, Apple, Made)


def entries(*kinds: type[Made], pages: str = "http://testserver") -> dict[str, dict[str, Any]]:
    """A value for PROVIDERS, with entries named after their kinds. ``pages`` is the site of our own pages."""
    return {
        kind.kind: {
            "provider": f"{__name__}.{kind.__name__}",
            "client_id": f"app-of-{kind.kind}",
            "client_secret": "the-secret",
            "redirect_uri": f"{pages}/login/{kind.kind}/callback/",
        }
        for kind in kinds
    }
