from tests.oauth.drivers.wechat_web import WeChat


class WeChatApp(WeChat):
    kind = "wechat_app"
    settings = {"client_id": "wx0000000000000003", "client_secret": "the-secret-of-an-app"}  # noqa: RUF012


DRIVER = WeChatApp()
