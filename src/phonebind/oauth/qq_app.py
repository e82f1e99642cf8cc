"""QQ in an app of ours. QQ's SDK gives the app a token, the app sends it, and /me tells whose token it is.

The openid that the SDK gives the app is not used: anyone who knows the app's id can send any openid.

Source: wiki.connect.qq.com, "获取用户OpenID_OAuth2.0", "unionID介绍".
"""

import logging

from phonebind import alarms
from phonebind.exceptions import CodeInvalid, PhonebindError, ProviderUnavailable
from phonebind.oauth.base import Grant, NativeProvider
from phonebind.oauth.qq_connect import ME, QQConnect

#: The token is missing (100007), wrong, expired, revoked or false. The person must sign in again in the app.
TOKEN_ERRORS = frozenset({100007, *range(100013, 100017)})

logger = logging.getLogger(__name__)


class QQApp(QQConnect, NativeProvider):
    kind = "qq_app"
    proof = "token"
    #: The token alone is enough for the server. Only the SDK needs the app's key.
    required = ("client_id",)
    persons_errors = {ME: TOKEN_ERRORS}  # noqa: RUF012

    def verify(self, proof: str, *, nonce: str = "") -> Grant:
        me = self._me(proof, unionid="1") if self.settings.unionid else {}
        if not me:
            # Without the permission for unionids, QQ does not answer the rest of this request either.
            me = self._me(proof)
            if self.settings.unionid:
                # Logged after the second answer: a token of another app, which may lack the permission, has raised by
                # now.
                self.without_unionid()
        return Grant(openid=me["openid"], access_token=proof, unionid=me.get("unionid") or None)

    def misconfigured(self, path: str, error: object, *, certain: bool = True) -> ProviderUnavailable:
        # The request to /me contains only the token, and any client can send a token of an app that QQ has closed.
        return super().misconfigured(path, error, certain=certain and path != ME)

    def foreign(self) -> PhonebindError:
        # Any client can send such a token. If it is one of our own app, PROVIDERS has the wrong client_id.
        if alarms.is_due(f"{self.name} {ME}"):
            logger.warning("An app brought a token to %s that QQ has given to another app.", self.name)
        return CodeInvalid()
