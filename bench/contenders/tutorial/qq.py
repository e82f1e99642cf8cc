"""A client for QQ as in the tutorial: one ``urlopen`` for each request."""

import json
from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode
from urllib.request import urlopen

from django.conf import settings


class QQError(Exception):
    """QQ's answer is not the expected one."""


def fetch_access_token(code: str) -> str:
    """The access token for a code. The answer is form-encoded."""
    answer = _ask(
        "/oauth2.0/token",
        {
            "grant_type": "authorization_code",
            "client_id": settings.QQ_CLIENT_ID,
            "client_secret": settings.QQ_CLIENT_SECRET,
            "code": code,
            "redirect_uri": settings.QQ_REDIRECT_URI,
        },
    )
    tokens = parse_qs(answer).get("access_token")
    if not tokens:
        raise QQError(answer)
    return tokens[0]


def fetch_openid(access_token: str) -> str:
    """The openid for a token. The answer is JSONP."""
    answer = _ask("/oauth2.0/me", {"access_token": access_token})
    told = json.loads(answer[answer.index("{") : answer.rindex("}") + 1])
    if "openid" not in told:
        raise QQError(answer)
    return str(told["openid"])


def _ask(path: str, fields: Mapping[str, str]) -> str:
    with urlopen(f"{settings.QQ_URL}{path}?{urlencode(fields)}") as response:  # noqa: S310 - the scheme is ours
        return str(response.read().decode())
