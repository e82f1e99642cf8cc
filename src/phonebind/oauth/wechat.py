"""The common part of all kinds of WeChat. Every answer has HTTP status 200 and JSON with ``errcode``.

The content type of the JSON is ``text/plain``.

Source: developers.weixin.qq.com, "网站应用微信登录开发指南", "网页授权", "小程序登录", and public clients.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy as _

from phonebind import upstream
from phonebind.exceptions import CodeInvalid, PhonebindError
from phonebind.oauth.answers import read, secured, text
from phonebind.oauth.base import Grant, Profile, Provider, WebProvider

API = "https://api.weixin.qq.com"
OPEN = "https://open.weixin.qq.com"
TOKEN = "/sns/oauth2/access_token"  # noqa: S105
USERINFO = "/sns/userinfo"

#: The code is wrong, used, expired or missing, or the person is blocked (40226) or frozen (50002). The person must sign
#: in again, or in another way.
CODE_ERRORS = frozenset({40029, 40030, 40163, 40226, 41008, 42001, 42002, 42003, 42007, 50001, 50002})
#: The appid, the secret, the list of our addresses or a permission is wrong. The operator must fix it.
CONFIG_ERRORS = frozenset({
    *(40001, 40002, 40013, 40125, 40164, 40188, 41002, 41004, 43104, 48001, 48004, 61004, 61007),
    *range(89500, 89600),
})  # fmt: skip

NO_PERMISSION = 48001

_NUMBER = re.compile(r"-?[0-9]{1,9}\Z")


class WeChat(Provider):
    family = "wechat"
    label = _("WeChat")

    def get(self, path: str, **query: str) -> Mapping[str, Any]:
        """The answer to a GET request. Raises if it is an error."""
        with self.asking(path):
            answer = read(upstream.get(self._base + path, query, self.deadline))
        return self.checked(path, answer)

    def post(self, path: str, payload: Mapping[str, str], **query: str) -> Mapping[str, Any]:
        """The answer to a POST request, also if it is an error. Pass it to :meth:`checked`."""
        address = f"{path}?{urlencode(query)}" if query else path
        with self.asking(path):
            return read(upstream.post_json(self._base + address, payload, self.deadline))

    def checked(self, path: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """``answer``, if it is not an error. Otherwise raises what the error means."""
        error = errcode(answer)
        # When the profile is requested, the person has already signed in. A new sign-in would not help.
        if error in CODE_ERRORS and path != USERINFO:
            raise CodeInvalid
        if error in CONFIG_ERRORS:
            # The scope of the sign-in is part of an address, or of the app, and any client can reduce it.
            raise self.misconfigured(path, error, certain=(path, error) != (USERINFO, NO_PERMISSION))
        if error:
            raise self.unavailable(f"{path}: error {error}")
        return answer

    def granted(self, path: str, answer: Mapping[str, Any]) -> Grant:
        """The grant from an answer that names a person."""
        openid = text(answer, "openid")
        if not openid:
            raise self.unavailable(f"{path}: answer without openid")
        return Grant(
            openid=openid,
            access_token=text(answer, "access_token"),
            unionid=text(answer, "unionid") or None,
            # Any value other than "no" counts, also a future one: no visitor must sign in by mistake.
            virtual=answer.get("is_snapshotuser") not in (None, 0, "0", ""),
        )

    @property
    def _base(self) -> str:
        return self.settings.base_url or API


class WeChatUser(WeChat):
    """The kinds that exchange a code for a token of the person: the website, the official account, the app."""

    def trade(self, code: str) -> Grant:
        app = {"appid": self.settings.client_id, "secret": self.settings.client_secret}
        return self.granted(TOKEN, self.get(TOKEN, **app, code=code, grant_type="authorization_code"))

    def profile(self, grant: Grant) -> Profile:
        answer = self.get(USERINFO, access_token=grant.access_token, openid=grant.openid, lang="zh_CN")
        return Profile(text(answer, "nickname"), secured(text(answer, "headimgurl")))


class WeChatPage(WeChatUser, WebProvider):
    """The kinds that a browser goes to."""

    #: The path of WeChat's page, and the scope if the settings name none.
    page: ClassVar[str]
    scope: ClassVar[str]

    def login_url(self, state: str, *, secret: str = "", user_agent: str = "") -> str:
        return self.page_url(state)

    def page_url(self, state: str, **more: str) -> str:
        """The parameters have the order of the documented example, which may matter. The fragment does matter."""
        query = {
            "appid": self.settings.client_id,
            "redirect_uri": self.settings.redirect_uri,
            "response_type": "code",
            "scope": self.settings.scope or self.scope,
            "state": state,
            **more,
        }
        return f"{self.settings.base_url or OPEN}{self.page}?{urlencode(query)}#wechat_redirect"

    def exchange(self, code: str, *, secret: str = "") -> Grant:
        return self.trade(code)

    def refused(self, error: str) -> PhonebindError:
        # WeChat shows errors on its own pages. So an error in the callback does not come from WeChat.
        return CodeInvalid()


def errcode(answer: Mapping[str, Any]) -> int:
    """The error code, 0 for none, or -1 (WeChat's "busy") for an unreadable one.

    Successful answers may contain one too, and it is 0.
    """
    value = text(answer, "errcode") or "0"
    return int(value) if _NUMBER.match(value) else -1
