from phonebind.oauth import wechat_miniprogram
from tests.oauth.drivers.wechat_web import WeChat
from tests.support.edge import Upstream


class WeChatMiniProgram(WeChat):
    kind = "wechat_miniprogram"
    settings = {"client_id": "wx0000000000000004", "client_secret": "the-secret-of-a-mini"}  # noqa: RUF012
    path = wechat_miniprogram.SESSION

    def person(self, upstream: Upstream, openid: str, *, unionid: str | None = None, nickname: str = "") -> str:
        session = {"session_key": "c2Vzc2lvbg==", "openid": openid} | ({"unionid": unionid} if unionid else {})
        upstream.answer(self.path, session)
        return "0a1BC0DE"


DRIVER = WeChatMiniProgram()
