"""Any OpenID Connect provider, by its issuer: Keycloak, the one of a company, or the host's own.

Source: OpenID Connect Core 1.0 and Discovery 1.0; RFC 6749, 2.3.1; RFC 7636.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from phonebind import slots, upstream
from phonebind.conf import conf
from phonebind.exceptions import Text
from phonebind.oauth import answers
from phonebind.oauth.base import Profile
from phonebind.oauth.id_tokens import IdTokenProvider, IdTokenSettings, derived

WELL_KNOWN = "/.well-known/openid-configuration"
SCOPE = "openid"
BASIC, POST = "client_secret_basic", "client_secret_post"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIDConnectSettings(IdTokenSettings):
    #: Exactly as the provider writes it, with or without a slash at the end.
    issuer: str = ""
    #: The name that people use for the provider.
    label: str = "OpenID Connect"


class OpenIDConnect(IdTokenProvider):
    kind = "oidc"
    family = "oidc"
    settings: OpenIDConnectSettings
    settings_class = OpenIDConnectSettings
    required = ("client_id", "client_secret", "redirect_uri", "issuer", "label")
    cancels = frozenset({"access_denied"})
    user_errors = frozenset({"invalid_grant", "login_required", "interaction_required", "consent_required"})
    config_errors = frozenset(
        {"invalid_client", "invalid_scope", "unauthorized_client", "unsupported_grant_type"}
        | {"unsupported_response_type", "invalid_redirect_uri", "redirect_uri_mismatch"}
    )

    @property
    def label(self) -> Text:  # type: ignore[override]  # each entry has its own
        return self.settings.label

    @property
    def app_id(self) -> str:
        """The issuer. A person's ``sub`` is unique within it."""
        return self.settings.issuer

    @property
    def issuer(self) -> str:
        return self.settings.issuer

    @property
    def keys_url(self) -> str:
        return self._endpoint("jwks_uri")

    def check(self) -> list[str]:
        problems = []
        if not self.settings.base_url and urlsplit(self.settings.issuer).scheme != "https":
            problems.append("issuer must be an https URL. While developing, base_url may be its http address.")
        if self.settings.scope and SCOPE not in self.settings.scope.split():
            problems.append(f"scope must hold {SCOPE!r}: without it there is no id_token.")
        return problems

    def login_url(self, state: str, *, secret: str = "", user_agent: str = "") -> str:
        verifier = derived(secret, "pkce").encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect_uri,
            "scope": self.settings.scope or SCOPE,
            "state": state,
            "nonce": derived(secret, "nonce"),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        # No other provider may have to send a request before the redirect.
        with slots.PROVIDER.take(conf.provider_slots):
            endpoint = self._endpoint("authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def trade(self, code: str, secret: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.settings.redirect_uri,
            "code_verifier": derived(secret, "pkce"),
        }
        endpoint = self._endpoint("token_endpoint")
        more, headers = self._authentication()
        with self.asking("token_endpoint"):
            answer = upstream.post_form(endpoint, {**form, **more}, self.deadline, headers)
        return self.checked("token_endpoint", answers.read(answer))

    def greeting(self, claims: Mapping[str, Any]) -> Profile:
        """This needs the scope "openid profile", and a provider that writes these claims into the id_token."""
        nickname = answers.text(claims, "nickname") or answers.text(claims, "name")
        return Profile(nickname, answers.text(claims, "picture"))

    def _authentication(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Form fields and headers that authenticate us at the token endpoint."""
        client_id, secret = self.settings.client_id, self.settings.client_secret
        # Some providers publish null in place of the default.
        methods = self._discovered().get("token_endpoint_auth_methods_supported") or [BASIC]
        if not isinstance(methods, list):
            raise self.unavailable("token_endpoint_auth_methods_supported is no list")
        if BASIC in methods:
            credentials = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
            return {}, {"Authorization": f"Basic {base64.b64encode(credentials).decode()}"}
        if POST in methods:
            return {"client_id": client_id, "client_secret": secret}, {}
        raise self.misconfigured("token_endpoint", "token_endpoint_auth_methods_supported")

    @property
    def _base(self) -> str:
        return (self.settings.base_url or self.settings.issuer).rstrip("/")

    def _discovered(self) -> Mapping[str, Any]:
        found = self.published(f"{self._base}{WELL_KNOWN}")
        if found.get("issuer") != self.settings.issuer:
            raise self.misconfigured(WELL_KNOWN, "issuer")
        return found

    def _endpoint(self, name: str) -> str:
        """An address of the discovery document. It may be http only if the operator has configured an http address."""
        url = answers.text(self._discovered(), name)
        if not url.startswith(("https://", f"{urlsplit(self._base).scheme}://")):
            raise self.unavailable(f"{name} is no https URL")
        return url
