"""Signed id_tokens, and all faults that one can have."""

import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from typing import Any

from .openid_keys import FIRST_RSA, SECOND_RSA

try:
    import jwt
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_der_private_key,
        load_pem_private_key,
    )
    from jwt.algorithms import ECAlgorithm, RSAAlgorithm
except ImportError:  # an optional dependency: most users do not need it
    is_installed = False
else:
    is_installed = True

INSTALL = "pip install 'phonebind-sandbox[oidc]'"
SECONDS = 600
#: Apple's limit: half a year.
MAX_SECRET_SECONDS = 15_777_000

Claims = Mapping[str, Any]


def id_token(claims: Claims, *, fault: str = "good", keys: str = "one", algorithm: str = "RS256") -> str:
    """A signed token with ``iat`` and ``exp``. ``keys`` is the value of the switch: "rotated" selects the second
    key.
    """
    now = int(time.time())
    # Without ``jti``, two tokens made within a second would be identical, and clients accept a token only once.
    claims = {"jti": secrets.token_hex(8), **claims}
    claims = {name: value for name, value in {"iat": now, "exp": now + SECONDS, **claims}.items() if value is not None}
    claims |= _CLAIMS[fault](now) if fault in _CLAIMS else {}
    if fault == "no_nonce":
        claims.pop("nonce", None)
    if fault == "alg_none":
        return jwt.encode(claims, "", algorithm="none")
    name = _name(keys)
    if fault == "alg_hs256":
        return _hs256(claims, name)
    kid = {"unknown_kid": "nobody-knows", "no_kid": ""}.get(fault, _kid(name, algorithm))
    signer = _key("mallory" if fault == "wrong_key" else name, algorithm)
    return jwt.encode(claims, signer, algorithm=algorithm, headers={"kid": kid} if kid else None)


def jwks(keys: str = "one") -> dict[str, Any]:
    """The public keys, one of each type. "rotated": the second keys. "none": no keys."""
    name = _name(keys)
    found = [
        {**made.to_jwk(_key(name, algorithm).public_key(), as_dict=True), "use": "sig", "kid": _kid(name, algorithm)}
        for made, algorithm in ((RSAAlgorithm, "RS256"), (ECAlgorithm, "ES256"))
    ]
    return {"keys": [] if keys == "none" else found}


def is_client_secret(secret: str, *, team: str, key_id: str, client_id: str, audience: str, private_key: str) -> bool:
    """Whether ``secret`` is the client secret that Apple requires: a JWT signed by the client's key, valid for at
    most half a year.
    """
    try:
        key: Any = load_pem_private_key(private_key.encode(), None)
        header = jwt.get_unverified_header(secret)
        claims = jwt.decode(
            secret,
            key.public_key(),
            algorithms=["ES256"],
            audience=audience,
            issuer=team,
            subject=client_id,
            options={"require": ["iss", "iat", "exp", "aud", "sub"]},
        )
    except (jwt.PyJWTError, ValueError):
        return False
    return header.get("kid") == key_id and int(claims["exp"]) - time.time() <= MAX_SECRET_SECONDS


_CLAIMS: Mapping[str, Callable[[int], Claims]] = {
    "wrong_iss": lambda _: {"iss": "https://issuer.invalid"},
    "wrong_aud": lambda _: {"aud": "somebody-else"},
    "wrong_nonce": lambda _: {"nonce": "another-nonce"},
    "expired": lambda now: {"iat": now - 2 * SECONDS, "exp": now - SECONDS},
    "future": lambda now: {"iat": now + SECONDS, "exp": now + 2 * SECONDS},
}


def _name(keys: str) -> str:
    return "second" if keys == "rotated" else "first"


def _kid(name: str, algorithm: str) -> str:
    return f"{name}-{'ec' if algorithm == 'ES256' else 'rsa'}"


@cache
def _key(name: str, algorithm: str) -> Any:
    """The key is the same in all processes, and after each restart. Only "mallory" has a random RSA key."""
    if algorithm == "ES256":
        return ec.derive_private_key(int.from_bytes(sha256(name.encode()).digest()), ec.SECP256R1())
    fixed = {"first": FIRST_RSA, "second": SECOND_RSA}.get(name)
    # The public key of "mallory" is never published.
    return load_der_private_key(base64.b64decode(fixed), None) if fixed else rsa.generate_private_key(65537, 2048)


def _hs256(claims: Claims, name: str) -> str:
    """A token whose HMAC secret is the published public key. PyJWT refuses to sign this, so it is done here."""
    secret = _key(name, "RS256").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "typ": "JWT", "kid": _kid(name, "RS256")}
    parts = [jwt.utils.base64url_encode(json.dumps(part).encode()) for part in (header, dict(claims))]
    signature = jwt.get_algorithm_by_name("HS256").sign(b".".join(parts), secret)
    return b".".join((*parts, jwt.utils.base64url_encode(signature))).decode()
