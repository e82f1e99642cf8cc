"""QQ Connect for websites: the browser brings a code, the code is exchanged for a token, and the token for an openid.

Source: wiki.connect.qq.com, "使用Authorization_Code获取Access_Token".
"""

import logging
from urllib.parse import urlencode

from phonebind import alarms
from phonebind.exceptions import CodeInvalid, PhonebindError, ProviderUnavailable
from phonebind.oauth.answers import number
from phonebind.oauth.base import Grant, WebProvider, checked_id
from phonebind.oauth.qq_connect import CONFIG_ERRORS, QQConnect

AUTHORIZE = "/oauth2.0/authorize"
TOKEN = "/oauth2.0/token"  # noqa: S105

#: The code is wrong, expired, used, or (100005) missing. The person must sign in again.
CODE_ERRORS = frozenset({100005, 100018, 100019, 100020})
SCOPE = "get_user_info"

logger = logging.getLogger(__name__)


class QQ(QQConnect, WebProvider):
    kind = "qq"
    persons_errors = {TOKEN: CODE_ERRORS}  # noqa: RUF012
    home = "QQ/"  # not "MQQBrowser/", which is a browser like any other

    @property
    def asks_unionid(self) -> bool:
        return self.settings.unionid

    def login_url(self, state: str, *, secret: str = "", user_agent: str = "") -> str:
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect_uri,
            "state": state,
            "scope": self.settings.scope or SCOPE,
        }
        if "Mobile" in user_agent:
            query["display"] = "mobile"
        return f"{self._base}{AUTHORIZE}?{urlencode(query)}"

    def refused(self, error: str) -> PhonebindError:
        code = number(error)
        if code not in CONFIG_ERRORS or code in CODE_ERRORS:
            return CodeInvalid()
        # A WARNING, not an ERROR: any client can write this into an address.
        if alarms.is_due(f"{self.name} {AUTHORIZE}"):
            logger.warning("A browser came back from QQ with error %s, which is about our configuration.", code)
        return ProviderUnavailable()

    def exchange(self, code: str, *, secret: str = "") -> Grant:
        answer = self._ask(
            TOKEN,
            grant_type="authorization_code",
            client_id=self.settings.client_id,
            client_secret=self.settings.client_secret,
            code=code,
            redirect_uri=self.settings.redirect_uri,
            fmt="json",
            need_openid="1",
        )
        token = answer.get("access_token", "")
        if not token:
            raise self.unavailable("token answer without access_token")
        openid = answer.get("openid", "") or self._me(token)["openid"]
        return Grant(access_token=token, openid=openid)

    def unionid(self, grant: Grant) -> str | None:
        me = self._me(grant.access_token, unionid="1")
        if not me:
            self.without_unionid()
        elif me["openid"] != grant.openid:
            raise self.unavailable("/me names another person than the token did")
        unionid = me.get("unionid")
        return checked_id(unionid) if unionid else None
