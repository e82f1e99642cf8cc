"""WeChat in an app of ours, for Android or iOS: the SDK gives the app a code, and the app sends it.

Only codes are accepted. A token proves nothing, because no answer of WeChat's says to which app a token belongs.
"""

from phonebind.oauth.base import Grant, NativeProvider
from phonebind.oauth.wechat import WeChatUser


class WeChatApp(WeChatUser, NativeProvider):
    kind = "wechat_app"

    def verify(self, proof: str, *, nonce: str = "") -> Grant:
        return self.trade(proof)
