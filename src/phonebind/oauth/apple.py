"""Sign in with Apple, on the web and in apps. It requests neither name nor e-mail, so the callback is a plain GET.

Source: developer.apple.com, "Sign in with Apple REST API", "Creating a client secret", TN3107.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

import jwt
from django.utils.translation import gettext as _

from phonebind import upstream
from phonebind.oauth import answers
from phonebind.oauth.id_tokens import IdTokenProvider, IdTokenSettings, derived

BASE = "https://appleid.apple.com"
AUTHORIZE = "/auth/authorize"
TOKEN = "/auth/token"  # noqa: S105
KEYS = "/auth/keys"

#: Seconds that a client secret is valid, and seconds that we use it. Apple accepts up to half a year.
SECRET_LIFE = 3_600
SECRET_USE = 1_800


@dataclass(frozen=True, slots=True, kw_only=True)
class AppleSettings(IdTokenSettings):
    """``client_id`` is the Services ID, ``audiences`` are the bundle ids. ``private_key`` signs the client secret."""

    team_id: str = ""
    key_id: str = ""
    #: The text of the .p8 file. Line breaks may be written as \\n, as in environment variables.
    private_key: str = field(default="", repr=False)


class Apple(IdTokenProvider):
    kind = "apple"
    family = "apple"
    label = "Apple"
    settings: AppleSettings
    settings_class = AppleSettings
    required = ("client_id", "team_id", "key_id", "private_key", "redirect_uri")
    issuer = BASE
    cancels = frozenset({"user_cancelled_authorize"})
    config_errors = frozenset(
        {"invalid_client", "invalid_request", "invalid_scope", "unauthorized_client", "unsupported_grant_type"}
    )

    @property
    def button(self) -> str:
        """One of the texts that Apple's guidelines allow."""
        return _("Sign in with Apple")

    @property
    def app_id(self) -> str:
        """The team. A person has the same id in all apps of a team, and another id if an app moves to another team."""
        return self.settings.team_id

    @property
    def keys_url(self) -> str:
        return f"{self._base}{KEYS}"

    def check(self) -> list[str]:
        settings = self.settings
        if settings.scope:
            return ["scope must be empty: with a scope, Apple returns by a cross-site POST, which has no cookie."]
        if not self._client_secret:
            return ["private_key must be the text of the .p8 file from Apple's console."]
        return []

    def login_url(self, state: str, *, secret: str = "", user_agent: str = "") -> str:
        query = {
            "response_type": "code",
            "response_mode": "query",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect_uri,
            "state": state,
            "nonce": derived(secret, "nonce"),
        }
        return f"{self._base}{AUTHORIZE}?{urlencode(query, quote_via=quote)}"

    def trade(self, code: str, secret: str) -> Mapping[str, Any]:
        client_secret = self._client_secret
        if not client_secret:
            raise self.misconfigured(TOKEN, "private_key")
        form = {
            "grant_type": "authorization_code",
            "client_id": self.settings.client_id,
            "client_secret": client_secret,
            "code": code,
            "redirect_uri": self.settings.redirect_uri,
        }
        with self.asking(TOKEN):
            answer = upstream.post_form(f"{self._base}{TOKEN}", form, self.deadline)
        return self.checked(TOKEN, answers.read(answer))

    @property
    def _base(self) -> str:
        return self.settings.base_url or BASE

    @property
    def _client_secret(self) -> str:
        """The client secret, signed for this period. "" if the private key is invalid."""
        settings = self.settings
        names = (settings.team_id, settings.key_id, settings.client_id)
        return _signed(*names, settings.private_key, int(time.time() // SECRET_USE))


@lru_cache(16)
def _signed(team_id: str, key_id: str, client_id: str, private_key: str, period: int) -> str:
    issued = period * SECRET_USE
    claims = {"iss": team_id, "iat": issued, "exp": issued + SECRET_LIFE, "aud": BASE, "sub": client_id}
    key = private_key.replace("\\n", "\n")
    try:
        return jwt.encode(claims, key, algorithm="ES256", headers={"kid": key_id})
    except (jwt.PyJWTError, TypeError, ValueError):
        return ""
