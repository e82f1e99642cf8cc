"""The common part of QQ's sign-in for websites and for apps.

QQ's server answers in JSON, JSONP, form encoding or invalid JSON, with any status and any content type.

Source: wiki.connect.qq.com, "获取用户OpenID_OAuth2.0", "get_user_info", "公共返回码说明".
"""

import json
import logging
import re
from collections.abc import Container, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from phonebind import alarms, upstream
from phonebind.exceptions import CodeInvalid, PhonebindError
from phonebind.oauth.answers import number, secured, whole
from phonebind.oauth.base import Grant, Profile, Provider

BASE = "https://graph.qq.com"
ME = "/oauth2.0/me"
PROFILE = "/user/get_user_info"

#: Our app id, secret, address or permission is wrong. The operator must fix it.
CONFIG_ERRORS = range(100001, 100012)
#: "companyid not set": the app has no permission for unionids.
NO_UNIONID = 100048

_JSONP = re.compile(r"\w+\s*\((.*)\)\s*;?\Z", re.DOTALL)
#: It does not match an HTML page that happens to contain "&openid=".
_FORM = re.compile(r"\w+=[^&<]*(?:&\w+=[^&<]*)*\Z")
_TRAILING_COMMA = re.compile(r",\s*([}\]])")

logger = logging.getLogger(__name__)


class QQConnect(Provider):
    family = "qq"
    label = "QQ"
    #: Errors that the person solves by signing in again, by the path that returns them.
    persons_errors: ClassVar[Mapping[str, Container[int]]]

    def profile(self, grant: Grant) -> Profile:
        answer = self._ask(
            PROFILE,
            access_token=grant.access_token,
            oauth_consumer_key=self.settings.client_id,
            openid=grant.openid,
        )
        # Not every person has the larger one of the two.
        avatar = answer.get("figureurl_qq_2") or answer.get("figureurl_qq_1", "")
        return Profile(nickname=answer.get("nickname", ""), avatar=secured(avatar))

    def foreign(self) -> PhonebindError:
        """The error to raise for a token of another app: the person that it names has not signed in here."""
        return self.unavailable("/me answers for another app")

    def without_unionid(self) -> None:
        """Log, once a minute, that /me gave no unionid for our own app."""
        if alarms.is_due(f"{self.name} unionid"):
            setting = f"PROVIDERS['{self.name}']['unionid']"
            logger.warning("QQ: %s is on, but the app has no such permission (100048)", setting)

    @property
    def _base(self) -> str:
        return self.settings.base_url or BASE

    def _me(self, access_token: str, **query: str) -> Mapping[str, str]:
        """The answer of /me, checked to be about our app. Empty if the unionid was requested and is not permitted."""
        answer = self._ask(ME, access_token=access_token, fmt="json", **query)
        if error_number(answer) == NO_UNIONID and query:
            return {}
        if answer.get("client_id") != self.settings.client_id:
            raise self.foreign()
        if not answer.get("openid"):
            raise self.unavailable("/me answers without openid")
        return answer

    def _ask(self, path: str, **query: str) -> Mapping[str, str]:
        with self.asking(path):
            answer = parse(upstream.get(self._base + path, query, self.deadline))
        error = error_number(answer)
        if error in self.persons_errors.get(path, ()):
            raise CodeInvalid
        if error in CONFIG_ERRORS:
            raise self.misconfigured(path, error)
        if error and not (error == NO_UNIONID and "unionid" in query):
            raise self.unavailable(f"{path}: error {error}")
        return answer


def parse(body: bytes) -> Mapping[str, str]:
    """The fields of an answer, in any format that QQ is known to use; empty for anything else. Never raises.

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
        # Exactly these types: True is an int too, but it is not an id.
        return {name: whole(str(value)) for name, value in found.items() if type(value) in (str, int)}
    return {}


def error_number(answer: Mapping[str, str]) -> int:
    """The error code, 0 for none, -1 for an unreadable one. ``get_user_info`` calls it ``ret``."""
    return number(answer.get("error") or answer.get("ret") or "0")
