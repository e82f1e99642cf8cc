"""Weibo: a website uses a code, and an app of ours uses the token that the SDK gave it.

Source: open.weibo.com/wiki, "Oauth2/authorize", "Oauth2/access token", "Oauth2/get token info", "2/users/show",
"授权机制" (error codes).
"""

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy as _

from phonebind import alarms, upstream
from phonebind.exceptions import CodeInvalid, PhonebindError, ProviderUnavailable, SignInCancelled
from phonebind.oauth import answers
from phonebind.oauth.base import Grant, NativeProvider, Profile, WebProvider

BASE = "https://api.weibo.com"
#: The host of its page for phones.
MOBILE_BASE = "https://open.weibo.cn"
AUTHORIZE = "/oauth2/authorize"
TOKEN = "/oauth2/access_token"  # noqa: S105
TOKEN_INFO = "/oauth2/get_token_info"  # noqa: S105
PROFILE = "/2/users/show.json"

#: The code or token is wrong, expired, used or revoked. The person must sign in again.
PERSONS_ERRORS = frozenset({*range(21314, 21318), 21325, 21327, 21330, 21332})
#: Our app, its secret, address, package or permission is wrong, or (21321) the app is not audited yet. The operator
#: must fix it.
CONFIG_ERRORS = frozenset({21321, 21322, 21323, 21324, 21326, 21328, 21329, 21337, 21338})

#: A callback has names in place of numbers. These names belong to CONFIG_ERRORS.
CONFIG_NAMES = frozenset(
    {"redirect_uri_mismatch", "invalid_request", "invalid_client", "unauthorized_client", "unsupported_response_type"}
)
DENIED = "access_denied"

#: A 64-bit number from 1. An id of 0 or a text would be the same for every person whose token has no uid.
_UID = re.compile(r"[1-9][0-9]{0,18}\Z")

Send: TypeAlias = Callable[[str, Mapping[str, str], upstream.Deadline], bytes]

logger = logging.getLogger(__name__)


class Weibo(WebProvider, NativeProvider):
    kind = "weibo"
    family = "weibo"
    label = _("Weibo")
    home = "Weibo"
    proof = "token"

    @property
    def app_id(self) -> str:
        """A uid is the same in all apps. So bindings stay valid when a site changes its app."""
        return "weibo"

    def login_url(self, state: str, *, secret: str = "", user_agent: str = "") -> str:
        query = {
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect_uri,
            "response_type": "code",
            "state": state,
        }
        if self.settings.scope:
            query["scope"] = self.settings.scope
        base = BASE
        if "Mobile" in user_agent:
            query["display"], base = "mobile", MOBILE_BASE
        return f"{self.settings.base_url or base}{AUTHORIZE}?{urlencode(query)}"

    def refused(self, error: str) -> PhonebindError:
        if error == DENIED:
            return SignInCancelled()
        if error not in CONFIG_NAMES:
            return CodeInvalid()
        # A WARNING, not an ERROR: any client can write this into an address.
        if alarms.is_due(f"{self.name} {AUTHORIZE}"):
            logger.warning("A browser came back from Weibo with %s, which is about our configuration.", error)
        return ProviderUnavailable()

    def exchange(self, code: str, *, secret: str = "") -> Grant:
        answer = self._ask(
            upstream.post_form,
            TOKEN,
            client_id=self.settings.client_id,
            client_secret=self.settings.client_secret,
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.settings.redirect_uri,
        )
        return self._grant(answer, answers.text(answer, "access_token"))

    def verify(self, proof: str, *, nonce: str = "") -> Grant:
        answer = self._ask(upstream.post_form, TOKEN_INFO, access_token=proof)
        if answers.text(answer, "appkey") == self.settings.client_id:
            return self._grant(answer, proof)
        # Any client can send such a token. If it is one of our own app, PROVIDERS has the wrong client_id.
        if alarms.is_due(f"{self.name} {TOKEN_INFO}"):
            logger.warning("An app brought a token to %s that Weibo has not given to our app.", self.name)
        raise CodeInvalid

    def profile(self, grant: Grant) -> Profile:
        answer = self._ask(upstream.get, PROFILE, access_token=grant.access_token, uid=grant.openid)
        # Our pages do not show an address that contains a comma, and Weibo's addresses do: KID=imgbed,tva.
        avatar = answers.text(answer, "avatar_large").replace(",", "%2C")
        return Profile(nickname=answers.text(answer, "screen_name"), avatar=avatar)

    def _grant(self, answer: Mapping[str, Any], access_token: str) -> Grant:
        uid = answers.text(answer, "uid")
        if not _UID.match(uid):
            raise self.unavailable("an answer without uid")
        return Grant(openid=uid, access_token=access_token)

    def _ask(self, send: Send, path: str, **fields: str) -> Mapping[str, Any]:
        """Send one request. Errors have a 4xx status, and the body contains the error code."""
        with self.asking(path):
            answer = answers.read(send((self.settings.base_url or BASE) + path, fields, self.deadline))
        error = error_number(answer)
        if error in PERSONS_ERRORS and path != PROFILE:
            raise CodeInvalid
        if error in CONFIG_ERRORS:
            # The request does not name our app, and any client can send a token of an app that is not audited.
            raise self.misconfigured(path, error, certain=path != TOKEN_INFO)
        if error:
            raise self.unavailable(f"{path}: error {error}")
        return answer


def error_number(answer: Mapping[str, Any]) -> int:
    """The number of the error, 0 for none, or -1 for an unreadable one."""
    return answers.number(answers.text(answer, "error_code") or "0")
