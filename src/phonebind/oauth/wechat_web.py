"""WeChat for websites, on a computer: a QR code that the person scans with a phone."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from phonebind.conf import ProviderSettings
from phonebind.oauth.base import Widget
from phonebind.oauth.wechat import OPEN, WeChatPage

#: The script that draws the QR code into our page.
SCRIPT = "https://res.wx.qq.com/connect/zh_CN/htmledition/js/wxLogin.js"
LANGUAGES = ("", "cn", "en")

#: User agents where it does not work. A phone cannot scan its own screen. In WeChat's own browser, also on a computer,
#: people sign in with the official account.
_ELSEWHERE = re.compile(r"Mobile|Android|iPhone|MicroMessenger")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeChatWebSettings(ProviderSettings):
    #: The language of WeChat's page: "cn", "en", or "" for WeChat's choice.
    lang: str = ""
    #: Whether our pages show the QR code themselves.
    embedded: bool = False


class WeChatWeb(WeChatPage):
    kind = "wechat_web"
    page = "/connect/qrconnect"
    scope = "snsapi_login"
    settings: WeChatWebSettings
    settings_class = WeChatWebSettings

    def check(self) -> list[str]:
        return [] if self.settings.lang in LANGUAGES else ["lang must be 'cn' or 'en'."]

    def works_in(self, user_agent: str) -> bool:
        return not _ELSEWHERE.search(user_agent)

    def login_url(self, state: str, *, secret: str = "", user_agent: str = "") -> str:
        return self.page_url(state, **({"lang": self.settings.lang} if self.settings.lang else {}))

    def widget(self, state: str) -> Widget | None:
        if not self.settings.embedded:
            return None
        base = self.settings.base_url
        options: dict[str, str | bool] = {
            "appid": self.settings.client_id,
            "scope": self.settings.scope or self.scope,
            # The script puts this into an address without encoding it. Without quote(), the state would become part of
            # it.
            "redirect_uri": quote(self.settings.redirect_uri, safe=""),
            "state": state,
            # In a frame, our callback would be a third-party page. It would get no cookie, and the sign-in would fail.
            "self_redirect": False,
        }
        script = f"{base}/connect/zh_CN/htmledition/js/wxLogin.js" if base else SCRIPT
        return Widget(script=script, frame=base or OPEN, options=options)
