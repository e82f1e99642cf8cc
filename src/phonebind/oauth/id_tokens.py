"""id_tokens of OpenID Connect: which person the provider signed in, for which app, in which sign-in.

Source: OpenID Connect Core 1.0, 3.1.3.7; RFC 8725.
"""

import base64
import hashlib
import hmac
import logging
import time
from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.forms import Field

from phonebind import alarms, store, upstream
from phonebind.conf import ProviderSettings
from phonebind.exceptions import (
    CodeInvalid,
    Invalid,
    PhonebindError,
    ProviderUnavailable,
    SignInCancelled,
    StateInvalid,
)
from phonebind.oauth import answers
from phonebind.oauth.base import Grant, NativeProvider, Profile, WebProvider

try:
    import jwt
    from jwt.algorithms import RSAPSSAlgorithm  # noqa: F401 - exists only if cryptography is installed
except ImportError as error:
    raise ImportError("signed tokens need PyJWT and cryptography: pip install 'phonebind[oidc]' or [apple]") from error

#: The accepted algorithms, and the type of key of each. "none" is never accepted. HS* is not either: an attacker could
#: use a public key as its secret.
ALGORITHMS: Mapping[str, str] = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}
REQUIRED = ("iss", "sub", "aud", "exp", "iat", "nonce")
#: Seconds by which clocks may differ.
LEEWAY = 60
#: Seconds for which a process caches what a provider publishes, and seconds between two requests for a missing key.
KEEP = 3_600
PAUSE = 60

#: The errors that an invalid token raises. Its header and payload may be any JSON: deep, huge, of other types.
_NO_TOKEN = (jwt.PyJWTError, ArithmeticError, RecursionError, TypeError, ValueError)

logger = logging.getLogger(__name__)


class Refused(Exception):
    """An id_token is refused. The text is one of ours."""


class WrongNonce(Refused):
    """The token is valid, but it was made for another sign-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTokenSettings(ProviderSettings):
    #: The client ids of our native apps. Their id_tokens are accepted in addition to those for ``client_id``.
    audiences: tuple[str, ...] = ()


class IdTokenProvider(WebProvider, NativeProvider):
    """A provider that identifies the person in an id_token: it returns one for a code, or an app sends one."""

    settings: IdTokenSettings
    settings_class = IdTokenSettings
    uses_secret = True
    proof = "token"
    #: Values of ``error`` in a callback or from the token endpoint: the person cancelled, the person can try again, or
    #: the operator must fix the settings. All other values are the provider's fault.
    cancels: ClassVar[frozenset[str]]
    user_errors: ClassVar[frozenset[str]] = frozenset({"invalid_grant"})
    config_errors: ClassVar[frozenset[str]]

    @property
    @abstractmethod
    def issuer(self) -> str:
        """The required value of ``iss``."""

    @property
    @abstractmethod
    def keys_url(self) -> str:
        """The address of its JWKS."""

    @abstractmethod
    def trade(self, code: str, secret: str) -> Mapping[str, Any]:
        """The answer of the token endpoint, checked for errors."""

    def greeting(self, claims: Mapping[str, Any]) -> Profile:
        """The nickname and avatar that the id_token contains."""
        return Profile()

    def refused(self, error: str) -> PhonebindError:
        if error in self.cancels:
            return SignInCancelled()
        if error in self.user_errors:
            return CodeInvalid()
        # A WARNING, not an ERROR: any client can write this into an address.
        if error in self.config_errors and alarms.is_due(f"{self.name} authorize"):
            logger.warning("A browser came back from %s with %s, which is about our configuration.", self.name, error)
        return ProviderUnavailable()

    def exchange(self, code: str, *, secret: str = "") -> Grant:
        nonce = derived(secret, "nonce")
        token = answers.text(self.trade(code, secret), "id_token")
        try:
            claims = self._claims(token, (self.settings.client_id,), nonce)
        except WrongNonce:
            # The code belongs to another sign-in: an attacker has injected it into this one.
            raise CodeInvalid from None
        except Refused as refused:
            raise self.unavailable(f"id_token: {refused}") from None
        return self._grant(claims)

    def verify(self, proof: str, *, nonce: str = "") -> Grant:
        """The token contains the SHA-256 of the app's nonce, in hexadecimal digits.

        If it contained the nonce itself, anyone who finds a token could sign in with it.
        """
        if not nonce:
            raise Invalid({"nonce": [Field.default_error_messages["required"]]})
        hashed = hashlib.sha256(nonce.encode(errors="replace")).hexdigest()
        try:
            claims = self._claims(proof, (self.settings.client_id, *self.settings.audiences), hashed)
        except Refused as refused:
            if alarms.is_due(f"{self.name} id_token {refused}"):
                logger.warning("An app brought an id_token of %s that is refused: %s", self.name, refused)
            raise CodeInvalid from None
        # Without the signature, because one signature can be encoded in more than one way.
        signed = hashlib.sha256(proof.rpartition(".")[0].encode()).hexdigest()
        seconds = int(claims["exp"]) - int(time.time()) + LEEWAY + 1
        if not store.first(store.key("id_token", signed), seconds):
            raise CodeInvalid
        return self._grant(claims)

    def checked(self, path: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """``answer`` of the token endpoint at ``path``. Raises if it contains an error."""
        error = answers.text(answer, "error")
        if error in self.user_errors:
            raise CodeInvalid
        if error in self.config_errors:
            raise self.misconfigured(path, error)
        if error:
            raise self.unavailable(f"{path}: an error that we do not know")
        return answer

    def published(self, url: str, *, anew: bool = False) -> Mapping[str, Any]:
        """The JSON that the provider publishes at ``url``, from this process's cache.

        With ``anew``, it is requested again, unless that was done within ``PAUSE`` seconds.
        """
        kept, now = _kept.get(url), time.monotonic()
        if kept and (now - kept.asked < PAUSE if anew else now - kept.fetched < KEEP):
            return kept.answer
        if kept:
            # Set it even if no answer comes: otherwise, tokens that name a made-up key would cause requests without
            # end.
            kept.asked = now
        with self.asking("published"):
            answer = upstream.exchange(url, b"", {}, self.deadline, method="GET")
        found = answers.read(answer.body) if answer.status == 200 else {}
        if not found:
            raise self.unavailable("what it publishes is no JSON")
        _kept[url] = _Kept(found, now, now)
        return found

    def _grant(self, claims: Mapping[str, Any]) -> Grant:
        return Grant(openid=claims["sub"], profile=self.greeting(claims))

    def _claims(self, token: str, audiences: Collection[str], nonce: str) -> Mapping[str, Any]:
        """The claims of a valid token. Raises Refused, and ProviderUnavailable if its keys cannot be loaded."""
        try:
            header = jwt.get_unverified_header(token)
            key = self._key(header.get("alg"), header.get("kid"))
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=audiences,
                issuer=self.issuer,
                leeway=LEEWAY,
                options={"require": list(REQUIRED), "enforce_minimum_key_length": True},
            )
        except _NO_TOKEN as error:
            raise Refused(type(error).__name__) from None
        # A token for several audiences names in azp the one that requested it.
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") not in audiences:
            raise Refused("azp")
        # A nonce that is not text becomes its repr, which is never equal to ours.
        if not hmac.compare_digest(str(claims["nonce"]).encode(errors="replace"), nonce.encode()):
            raise WrongNonce("nonce")
        return claims

    def _key(self, algorithm: Any, kid: Any) -> jwt.PyJWK:
        """The provider's key with that ``kid``. Without a ``kid``, its only key."""
        if not (isinstance(algorithm, str) and algorithm in ALGORITHMS):
            raise Refused("algorithm")
        for anew in (False, True):
            found = [key for key in _keys(self.published(self.keys_url, anew=anew)) if _fits(key, algorithm, kid)]
            if len(found) == 1:
                return jwt.PyJWK(found[0], algorithm)
        raise Refused("key")


def derived(secret: str, purpose: str) -> str:
    """43 letters (RFC 7636, 4.1) that do not reveal the sign-in's ``secret``. Raises StateInvalid without a secret."""
    if not secret:
        raise StateInvalid
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(), purpose.encode(), "sha256")).decode().rstrip("=")


@dataclass(slots=True)
class _Kept:
    """``fetched`` and ``asked`` are monotonic times in seconds."""

    answer: Mapping[str, Any]
    fetched: float
    asked: float


#: The cache of what providers publish, by address.
_kept: dict[str, _Kept] = {}


def _keys(published: Mapping[str, Any]) -> list[dict[str, Any]]:
    keys = published.get("keys")
    return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []


def _fits(key: Mapping[str, Any], algorithm: str, kid: str | None) -> bool:
    # Check the curve too: not every version of PyJWT does.
    is_of_type = key.get("kty") == ALGORITHMS[algorithm] and key.get("crv") in (None, "P-256")
    is_for_it = key.get("alg", algorithm) == algorithm and key.get("use", "sig") == "sig"
    return is_of_type and is_for_it and kid in (None, key.get("kid"))
