"""WeChat for a website, on a computer: a QR code that the person scans with the phone."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from phonebind.conf import ProviderSettings
from phonebind.oauth.base import Widget
from phonebind.oauth.wechat import OPEN, WeChatPage

#: What draws the QR code into a page of ours.
SCRIPT = "https://res.wx.qq.com/connect/zh_CN/htmledition/js/wxLogin.js"
LANGUAGES = ("", "cn", "en")

#: A phone cannot scan its own screen, and WeChat's own browser, on a computer too, signs in with the official account.
_ELSEWHERE = re.compile(r"Mobile|Android|iPhone|MicroMessenger")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeChatWebSettings(ProviderSettings):
    #: Of WeChat's page: "cn", "en", or "" for its own choice.
    lang: str = ""
    #: Our pages show the QR code themselves.
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
            # The script puts it into an address as it is: not encoded, it would take the state with it.
            "redirect_uri": quote(self.settings.redirect_uri, safe=""),
            "state": state,
            # In the frame our callback would be another site's guest: no cookie, and so no sign-in.
            "self_redirect": False,
        }
        script = f"{base}/connect/zh_CN/htmledition/js/wxLogin.js" if base else SCRIPT
        return Widget(script=script, frame=base or OPEN, options=options)
