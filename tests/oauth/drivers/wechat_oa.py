from tests.oauth.drivers.wechat_web import WeChat


class WeChatOfficialAccount(WeChat):
    kind = "wechat_oa"
    settings = {  # noqa: RUF012
        "client_id": "wx0000000000000002",
        "client_secret": "the-secret-of-an-account",
        "redirect_uri": "https://shop.example/login/wechat_oa/callback/",
    }


DRIVER = WeChatOfficialAccount()
