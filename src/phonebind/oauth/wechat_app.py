"""WeChat in an app of our own, Android or iOS: the SDK gives the app a code, and the app brings it.

Codes alone: a token proves nothing, since no answer of WeChat's says which app a token is of.
"""

from phonebind.oauth.base import Grant, NativeProvider
from phonebind.oauth.wechat import WeChatUser


class WeChatApp(WeChatUser, NativeProvider):
    kind = "wechat_app"

    def verify(self, proof: str, *, nonce: str = "") -> Grant:
        return self.trade(proof)
