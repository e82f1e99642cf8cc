"""The keys of tokens: simplejwt's keys sign and verify; further keys only verify, so that a key can be replaced.

The header of a token names the key pair that signed it, by ``kid``: the key's thumbprint. A secret has no name. Each
key verifies with its own algorithm, whatever algorithm a token names.
"""

from collections.abc import Mapping, Sequence
from functools import cache, cached_property, lru_cache
from typing import Any, TypeVar, cast

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import Token

from phonebind import jwk
from phonebind.conf import conf

TokenType = TypeVar("TokenType", bound=Token)


class Backend(TokenBackend):
    """simplejwt's backend, with a ``kid`` for its key pair, and with ``others`` that also verify."""

    others: Sequence["Backend"] = ()

    @cached_property
    def jwk(self) -> Mapping[str, str]:
        """The public key, without ``kid``; empty for a secret."""
        if jwk.is_secret(self.algorithm) or not (self.signing_key or self.verifying_key):
            return {}
        return jwk.public(self.algorithm, self.prepared_signing_key or self.prepared_verifying_key)

    @cached_property
    def kid(self) -> str:
        return jwk.thumbprint(self.jwk) if self.jwk else ""

    def encode(self, payload: dict[str, Any]) -> str:
        if not self.kid:
            return super().encode(payload)
        named = {"aud": self.audience, "iss": self.issuer}
        claims = payload | {name: value for name, value in named.items() if value is not None}
        return jwt.encode(claims, self.prepared_signing_key, self.algorithm, {"kid": self.kid}, self.json_encoder)

    def decode(self, token: Token, verify: bool = True) -> dict[str, Any]:
        if not verify or not (self.kid or self.others):
            return super().decode(token, verify)
        refused = TokenBackendError("Token is invalid")
        for each in self._fitting(token):
            try:
                return TokenBackend.decode(each, token)
            except TokenBackendExpiredToken:
                raise
            except TokenBackendError as error:
                refused = error
        raise refused

    def _fitting(self, token: Any) -> Sequence["Backend"]:
        """The backends whose key may have signed it: one key pair, or all if the token is older than ``kid``."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise TokenBackendError("Token is invalid") from error
        return [each for each in (self, *self.others) if each._fits(header.get("alg"), header.get("kid"))]

    def _fits(self, algorithm: Any, kid: Any) -> bool:
        if self.jwks_client:
            return True  # it finds the key itself
        return algorithm == self.algorithm and (not self.kid or kid in (None, self.kid))


def backend() -> Backend:
    """The backend of the settings: the key that signs, and the keys that only verify."""
    others = tuple((algorithm, key) for algorithm, key in conf.token_keys)
    if api_settings.SIGNING_KEY == settings.SECRET_KEY:
        others += tuple((api_settings.ALGORITHM, key) for key in settings.SECRET_KEY_FALLBACKS)
    # Anyone can sign with "". It is what "".split(",") makes of a variable that is not set.
    others = tuple((algorithm, key) for algorithm, key in others if key)
    own = (api_settings.ALGORITHM, api_settings.SIGNING_KEY, api_settings.VERIFYING_KEY, api_settings.JWK_URL)
    return _backend(own, others)


@lru_cache(maxsize=1)
def _backend(own: tuple[Any, ...], others: tuple[tuple[str, str], ...]) -> Backend:
    made = _of(*own)
    # A secret that verifies can also sign, so simplejwt calls it the signing key.
    made.others = [
        _of(algorithm, key) if jwk.is_secret(algorithm) else _of(algorithm, None, key) for algorithm, key in others
    ]
    return made


def _of(algorithm: str, signing_key: str | None = None, verifying_key: str = "", jwk_url: str | None = None) -> Backend:
    more = (api_settings.AUDIENCE, api_settings.ISSUER, jwk_url, api_settings.LEEWAY, api_settings.JSON_ENCODER)
    return Backend(algorithm, signing_key, verifying_key, *more)


def public_keys() -> list[Mapping[str, str]]:
    """All keys that verify tokens, as JWKs, the one that signs first. Secrets are left out."""
    signs = backend()
    pairs = {each.kid: each for each in (signs, *signs.others) if each.kid}
    return [{**each.jwk, "kid": kid, "alg": each.algorithm, "use": "sig"} for kid, each in pairs.items()]


class _Keyed:
    """Mixed into a token class of simplejwt."""

    def get_token_backend(self) -> TokenBackend:
        return backend()


@cache
def keyed(kind: type[TokenType]) -> type[TokenType]:
    """A subclass of this token class that is read with our keys."""
    return cast("type[TokenType]", type(kind.__name__, (_Keyed, kind), {}))


def sign_with_ours(token: Token) -> None:
    """Sign this token with our keys: its class may be the host's."""
    token._token_backend = backend()
