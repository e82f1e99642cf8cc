"""A WeChat mini program whose provider knows mobile numbers, and a provider that knows none."""

from typing import ClassVar

from phonebind.exceptions import CodeInvalid, ProviderUnavailable
from phonebind.oauth import Grant, NativeProvider

APP_ID = "wx0000000000000001"
OPENID = "oMiNi00000000000000000000001"
MOBILE = "13900000001"


class MiniProgram(NativeProvider):
    kind: ClassVar[str] = "wechat_miniprogram"
    family: ClassVar[str] = "wechat"
    label: ClassVar[str] = "WeChat"
    #: The requests to all of them.
    asked: ClassVar[list[tuple[str, str]]] = []

    def verify(self, proof: str, *, nonce: str = "") -> Grant:
        return Grant(OPENID)

    def mobile(self, code: str, openid: str) -> str:
        self.asked.append((code, openid))
        if code == "down":
            raise ProviderUnavailable
        if code != "GOOD":
            raise CodeInvalid
        return MOBILE
