"""QQ in an app of ours: its SDK is given a token, which the app brings, and of which /me says whose it is.

The openid that the SDK gives the app is not asked for: whoever holds the app's id can write any.
Source: wiki.connect.qq.com, "获取用户OpenID_OAuth2.0", "unionID介绍".
"""

import logging

from phonebind import alarms
from phonebind.exceptions import CodeInvalid, PhonebindError, ProviderUnavailable
from phonebind.oauth.base import Grant, NativeProvider
from phonebind.oauth.qq_connect import ME, QQConnect

#: The token is none (100007), wrong, expired, revoked or false: the person signs in again in the app.
TOKEN_ERRORS = frozenset({100007, *range(100013, 100017)})

logger = logging.getLogger(__name__)


class QQApp(QQConnect, NativeProvider):
    kind = "qq_app"
    proof = "token"
    #: The token alone tells; the app's key is for the SDK.
    required = ("client_id",)
    persons_errors = {ME: TOKEN_ERRORS}  # noqa: RUF012

    def verify(self, proof: str, *, nonce: str = "") -> Grant:
        me = self._me(proof, unionid="1") if self.settings.unionid else {}
        if not me:
            # Without the permission to see the unionid, QQ answers nothing else either.
            me = self._me(proof)
            if self.settings.unionid:
                # Only now: a token of another app may have no such permission.
                self.without_unionid()
        return Grant(openid=me["openid"], access_token=proof, unionid=me.get("unionid") or None)

    def misconfigured(self, path: str, error: object, *, certain: bool = True) -> ProviderUnavailable:
        # /me is asked about the token alone, and anybody can bring one of an app that QQ has closed.
        return super().misconfigured(path, error, certain=certain and path != ME)

    def foreign(self) -> PhonebindError:
        # Anybody can bring one. Where it is our own app's, PROVIDERS names the wrong client_id.
        if alarms.is_due(f"{self.name} {ME}"):
            logger.warning("An app brought a token to %s that QQ has given to another app.", self.name)
        return CodeInvalid()
