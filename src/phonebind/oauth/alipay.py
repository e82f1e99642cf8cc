"""Alipay: one gateway for all calls, RSA2 signatures in both directions, and a choice of two ids.

One id is unique within an app, the other is the same in all apps.

Source: opendocs.alipay.com, "用户信息授权", alipay.system.oauth.token, alipay.user.info.share, "支付宝登录" for apps.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy as _

from phonebind import upstream
from phonebind.conf import ProviderSettings
from phonebind.exceptions import CodeInvalid, PhonebindError
from phonebind.oauth import rsa2
from phonebind.oauth.answers import text
from phonebind.oauth.base import Grant, NativeProvider, Profile, WebProvider

BASE = "https://openapi.alipay.com"
AUTHORIZE = "/oauth2/publicAppAuthorize.htm"
GATEWAY = "/gateway.do"
TOKEN = "alipay.system.oauth.token"  # noqa: S105
PROFILE = "alipay.user.info.share"

SUCCESS = "10000"
#: The code is wrong, expired or used. The person must sign in again.
CODE_ERRORS = frozenset({"isv.code-invalid", "aop.invalid-auth-token", "aop.auth-token-time-out"})
#: Our app id, keys, clock or permission is wrong, or a parameter is missing. The operator must fix it.
CONFIG_ERRORS = frozenset(
    {
        *("isv.invalid-signature", "isv.missing-signature", "isv.invalid-app-id", "isv.invalid-timestamp"),
        *("isv.insufficient-isv-permissions", "40001", "40006"),
    }
)
SCOPE = "auth_base"
#: The scope that is allowed to read the nickname and the avatar.
PROFILE_SCOPE = "auth_user"
ID_KINDS = ("open_id", "user_id")

BEIJING = timezone(timedelta(hours=8))
FORM = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
#: Errors that may be logged.
_ERROR = re.compile(r"\d{1,6}|(?:isv|isp|aop)\.[a-z-]{1,48}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlipaySettings(ProviderSettings):
    #: Our private key. Its public key is registered in the console. PEM, or base64 as Alipay's key tool writes it.
    private_key: str = field(default="", repr=False)
    #: Alipay's public key, as the console shows it. It is not the public key of ``private_key``.
    alipay_public_key: str = ""
    #: Which id identifies a person: a word of ``ID_KINDS``. After a change, no bound person is recognized any more.
    id_kind: str = "open_id"
    #: The merchant's number (2088…). Only :meth:`Alipay.sign_info` needs it.
    pid: str = ""


class Alipay(WebProvider, NativeProvider):
    kind = "alipay"
    family = "alipay"
    label = _("Alipay")
    settings_class = AlipaySettings
    required = ("client_id", "redirect_uri", "private_key", "alipay_public_key")
    code_field = "auth_code"
    takes_any_state = False
    home = "AlipayClient"
    settings: AlipaySettings

    @property
    def app_id(self) -> str:
        """The client id for an open_id. A user_id is the same in all apps, so its bindings stay valid when the app
        changes.
        """
        return self.settings.client_id if self.settings.id_kind == "open_id" else self.family

    def check(self) -> list[str]:
        problems = [] if self.settings.id_kind in ID_KINDS else [f"id_kind must be one of {', '.join(ID_KINDS)}."]
        for name, read in (("private_key", rsa2.private_key), ("alipay_public_key", rsa2.public_key)):
            try:
                read(getattr(self.settings, name))
            except ValueError as error:
                problems.append(f"{name}: {error}")
        return problems or self._mixed_up()

    def login_url(self, state: str, *, secret: str = "", user_agent: str = "") -> str:
        query = {
            "app_id": self.settings.client_id,
            "scope": self.settings.scope or SCOPE,
            "redirect_uri": self.settings.redirect_uri,
            "state": state,
        }
        # Pages and gateway are on different hosts, at the real Alipay and at its sandbox.
        return f"{self._base.replace('//openapi', '//openauth', 1)}{AUTHORIZE}?{urlencode(query)}"

    def refused(self, error: str) -> PhonebindError:
        return CodeInvalid()

    def verify(self, proof: str, *, nonce: str = "") -> Grant:
        return self.exchange(proof)

    def exchange(self, code: str, *, secret: str = "") -> Grant:
        answer = self._ask(TOKEN, grant_type="authorization_code", code=code)
        openid = text(answer, self.settings.id_kind)
        if not openid:
            other = next((kind for kind in ID_KINDS if text(answer, kind)), "")
            if other:
                raise self.misconfigured(TOKEN, f"its answer has {other}, and id_kind is {self.settings.id_kind}")
            raise self.unavailable("token answer without an id")
        return Grant(openid, text(answer, "access_token"), unionid=text(answer, "union_id") or None)

    def profile(self, grant: Grant) -> Profile:
        if PROFILE_SCOPE not in self.settings.scope.split(","):
            return Profile()
        answer = self._ask(PROFILE, auth_token=grant.access_token)
        return Profile(text(answer, "nick_name"), text(answer, "avatar"))

    def sign_info(self) -> str:
        """The text that our app gives to Alipay's SDK, for one sign-in. The SDK returns an auth_code for
        :meth:`verify`.

        Anyone who has the text can only ask the person for that code.
        """
        info = {
            "apiname": "com.alipay.account.auth",
            "app_id": self.settings.client_id,
            "app_name": "mc",
            "auth_type": "AUTHACCOUNT",
            "biz_type": "openservice",
            "method": "alipay.open.auth.sdk.code.get",
            "pid": self.settings.pid,
            "product_id": "APP_FAST_LOGIN",
            "scope": "kuaijie",
            "sign_type": "RSA2",
            "target_id": secrets.token_hex(16),
        }
        return urlencode({**info, "sign": rsa2.sign(info, self.settings.private_key)})

    @property
    def _base(self) -> str:
        return self.settings.base_url or BASE

    def _mixed_up(self) -> list[str]:
        ours = rsa2.private_key(self.settings.private_key).public_key()
        if rsa2.public_key(self.settings.alipay_public_key) != ours:
            return []
        return ["alipay_public_key is your app's own: copy what the console calls 支付宝公钥, not 应用公钥."]

    def _ask(self, method: str, **params: str) -> Mapping[str, Any]:
        """Send one request. Returns the answer, after its signature was verified."""
        form = {
            "app_id": self.settings.client_id,
            "charset": "utf-8",
            "format": "JSON",
            "method": method,
            "sign_type": "RSA2",
            "timestamp": datetime.now(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
            "version": "1.0",
            **params,
        }
        signed = {**form, "sign": rsa2.sign(form, self.settings.private_key)}
        with self.asking(method):
            body = upstream.post_form(self._base + GATEWAY, signed, self.deadline, FORM)
        return self._read(method, rsa2.members(body))

    def _read(self, method: str, found: Mapping[str, rsa2.Member]) -> Mapping[str, Any]:
        refused = found.get("error_response")
        node = refused or found.get(f"{method.replace('.', '_')}_response")
        if node is None or not isinstance(node.value, dict):
            raise self.unavailable(f"{method}: no answer to what was asked")
        code = text(node.value, "code")
        # Errors are not always signed. They identify no person, so that is safe. A successful token answer has no code.
        if refused or code not in ("", SUCCESS):
            raise self._refusal(method, code, text(node.value, "sub_code"))
        if "sign" not in found:
            raise self.unavailable(f"{method}: not signed")
        if not rsa2.is_signed(node.raw, found["sign"].value, self.settings.alipay_public_key):
            raise self.misconfigured(method, "its signature does not fit alipay_public_key")
        return node.value

    def _refusal(self, method: str, code: str, sub_code: str) -> PhonebindError:
        if sub_code in CODE_ERRORS and method == TOKEN:
            return CodeInvalid()
        error = sub_code if sub_code in CONFIG_ERRORS else code
        if error in CONFIG_ERRORS:
            return self.misconfigured(method, error)
        known = [each for each in (code, sub_code) if _ERROR.fullmatch(each)]
        return self.unavailable(f"{method}: error {' '.join(known) or 'unreadable'}")
