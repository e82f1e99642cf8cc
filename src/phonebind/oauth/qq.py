"""QQ Connect, as it really answers: JSON, JSONP, forms, and JSON that is none, under any status and content type.

Source: wiki.connect.qq.com, "使用Authorization_Code获取Access_Token", "获取用户OpenID_OAuth2.0", "公共返回码说明".
"""

import json
import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from phonebind import alarms, upstream
from phonebind.exceptions import CodeInvalid, PhonebindError, ProviderUnavailable
from phonebind.oauth.answers import whole
from phonebind.oauth.base import Grant, Profile, WebProvider, checked_id

BASE = "https://graph.qq.com"
AUTHORIZE = "/oauth2.0/authorize"
TOKEN = "/oauth2.0/token"  # noqa: S105
ME = "/oauth2.0/me"
PROFILE = "/user/get_user_info"

#: The code is wrong, expired, used, or (100005) none at all: the person signs in again.
CODE_ERRORS = frozenset({100005, 100018, 100019, 100020})
#: Our app id, secret, address or permission is wrong: the operator's to repair.
CONFIG_ERRORS = range(100001, 100012)
#: "companyid not set": the app has no unionid permission.
NO_UNIONID = 100048
SCOPE = "get_user_info"
#: Where QQ keeps its avatars. It still writes their addresses with http, and serves both.
AVATARS = ".qlogo.cn"

_JSONP = re.compile(r"\w+\s*\((.*)\)\s*;?\Z", re.DOTALL)
#: A page of HTML that happens to hold "&openid=" is no answer.
_FORM = re.compile(r"\w+=[^&<]*(?:&\w+=[^&<]*)*\Z")
_TRAILING_COMMA = re.compile(r",\s*([}\]])")

logger = logging.getLogger(__name__)


class QQ(WebProvider):
    kind = "qq"
    family = "qq"
    label = "QQ"

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
        number = _number(error)
        if number not in CONFIG_ERRORS or number in CODE_ERRORS:
            return CodeInvalid()
        # Anybody can write that into an address.
        if alarms.is_due(f"{self.name} {AUTHORIZE}"):
            logger.warning("A browser came back from QQ with error %s, which is about our configuration.", number)
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
        if me and me["openid"] != grant.openid:
            raise self.unavailable("/me names another person than the token did")
        unionid = me.get("unionid")
        return checked_id(unionid) if unionid else None

    def profile(self, grant: Grant) -> Profile:
        answer = self._ask(
            PROFILE,
            access_token=grant.access_token,
            oauth_consumer_key=self.settings.client_id,
            openid=grant.openid,
        )
        # The larger of the two is not everybody's.
        avatar = answer.get("figureurl_qq_2") or answer.get("figureurl_qq_1", "")
        return Profile(nickname=answer.get("nickname", ""), avatar=_secure(avatar))

    @property
    def _base(self) -> str:
        return self.settings.base_url or BASE

    def _me(self, access_token: str, **query: str) -> Mapping[str, str]:
        """The answer of /me, checked to be about our app; empty where unionid was asked for and not permitted."""
        answer = self._ask(ME, access_token=access_token, fmt="json", **query)
        if _error(answer) == NO_UNIONID and query:
            logger.warning("QQ: PROVIDERS['qq']['unionid'] is on, but the app has no such permission (100048)")
            return {}
        if answer.get("client_id") != self.settings.client_id:
            # A token that another app was given, slipped to us: whoever it names has not signed in here.
            raise self.unavailable("/me answers for another app")
        if not answer.get("openid"):
            raise self.unavailable("/me answers without openid")
        return answer

    def _ask(self, path: str, **query: str) -> Mapping[str, str]:
        try:
            answer = parse(upstream.get(self._base + path, query, self.deadline))
        except upstream.UpstreamError as failure:
            raise self.unavailable(f"{path}: {failure}") from None
        error = _error(answer)
        if error in CODE_ERRORS and path == TOKEN:
            raise CodeInvalid
        if error in CONFIG_ERRORS:
            raise self.misconfigured(path, error)
        if error and not (error == NO_UNIONID and "unionid" in query):
            raise self.unavailable(f"{path}: error {error}")
        return answer


def parse(body: bytes) -> Mapping[str, str]:
    """The fields of an answer in any form QQ is known to use; empty for anything else. Never raises.

    >>> parse(b'callback( {"client_id":"1","openid":"A",} );')
    {'client_id': '1', 'openid': 'A'}
    >>> parse(b"access_token=T&expires_in=7776000")
    {'access_token': 'T', 'expires_in': '7776000'}
    """
    text = body.decode("utf-8-sig", errors="replace").strip()
    if wrapped := _JSONP.match(text):
        text = wrapped[1].strip()
    if text.startswith("{"):
        return _object(text)
    return dict(parse_qsl(text)) if _FORM.match(text) else {}


def _object(text: str) -> dict[str, str]:
    for candidate in (text, _TRAILING_COMMA.sub(r"\1", text)):
        try:
            found: dict[str, Any] = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        # Exactly these types: True is an int too, and no id.
        return {name: whole(str(value)) for name, value in found.items() if type(value) in (str, int)}
    return {}


def _secure(avatar: str) -> str:
    host = avatar.removeprefix("http://").partition("/")[0]
    return "https://" + avatar.removeprefix("http://") if host.endswith(AVATARS) else avatar


def _error(answer: Mapping[str, str]) -> int:
    """The error code, 0 for none, -1 for an unreadable one. ``get_user_info`` calls it ``ret``."""
    return _number(answer.get("error") or answer.get("ret") or "0")


def _number(code: str) -> int:
    return int(code) if code.isascii() and code.isdigit() and len(code) < 10 else -1
