"""WeChat mini programs. A code of ``wx.login`` identifies the person, and one of the phone button gives the number."""

import re

from phonebind.exceptions import CodeInvalid
from phonebind.mobiles import MOBILE_PATTERN
from phonebind.oauth import wechat_tokens
from phonebind.oauth.answers import text
from phonebind.oauth.base import Grant, NativeProvider
from phonebind.oauth.wechat import WeChat, errcode

SESSION = "/sns/jscode2session"
PHONE = "/wxa/business/getuserphonenumber"
CHINA = "86"
#: "invalid openid": the phone button was pressed by another person (unverified).
NOT_THEIRS = 40003


class WeChatMiniProgram(WeChat, NativeProvider):
    kind = "wechat_miniprogram"

    def verify(self, proof: str, *, nonce: str = "") -> Grant:
        app = {"appid": self.settings.client_id, "secret": self.settings.client_secret}
        # The answer also has a session_key. It must stay secret, and we do not need it.
        answer = self.get(SESSION, **app, js_code=proof, grant_type="authorization_code")
        return self.granted(SESSION, answer)

    def mobile(self, code: str, openid: str) -> str:
        """The 11 digits that the phone button's ``code`` stands for. It works once, and only if ``openid`` pressed the
        button.

        Raises CodeInvalid if the code is wrong, used or another person's, or if the number is not of mainland China.
        """
        answer = wechat_tokens.post(self, PHONE, {"code": code, "openid": openid})
        if errcode(answer) == NOT_THEIRS:
            raise CodeInvalid
        self.checked(PHONE, answer)
        if text(answer, "phone_info", "watermark", "appid") != self.settings.client_id:
            raise self.unavailable(f"{PHONE}: a number that was given to another app")
        if text(answer, "phone_info", "countryCode") != CHINA:
            raise CodeInvalid().because("the number is not of mainland China")
        # phoneNumber starts with the country code if the number is a foreign one.
        mobile = text(answer, "phone_info", "purePhoneNumber")
        if not re.match(MOBILE_PATTERN, mobile):
            raise self.unavailable(f"{PHONE}: not a mobile number")
        return mobile
