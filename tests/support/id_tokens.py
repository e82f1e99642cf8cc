"""The part of an OpenID Connect provider that concerns signatures: keys, the published key set, and tokens."""

import base64
import functools
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

#: The secret of a sign-in, in the form of a verifier of RFC 7636.
SECRET = "s" * 43


def rsa_key(name: str = "one", bits: int = 2048) -> rsa.RSAPrivateKey:
    """The same key for the same name."""
    return _rsa_key(name, bits)


def ec_key(name: str = "one", curve: type[ec.EllipticCurve] = ec.SECP256R1) -> ec.EllipticCurvePrivateKey:
    return _ec_key(name, curve)


@functools.cache
def _rsa_key(name: str, bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@functools.cache
def _ec_key(name: str, curve: type[ec.EllipticCurve]) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve())


def pem(name: str = "one") -> str:
    """An EC key as Apple's console issues it: the text of a .p8 file."""
    return ec_key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(name: str = "one") -> bytes:
    return rsa_key(name).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(kid: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, **more: Any) -> dict[str, Any]:
    algorithm: Any = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "use": "sig", "kid": kid, **more}


def derived(secret: str, purpose: str) -> str:
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(), purpose.encode(), "sha256")).decode().rstrip("=")


def hashed(nonce: str) -> str:
    """The nonce as an app passes it to the SDK."""
    return hashlib.sha256(nonce.encode()).hexdigest()


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a token for :data:`SECRET`. A claim that is None is left out."""
    now = int(time.time())
    whole = {"iat": now, "exp": now + 600, "nonce": derived(SECRET, "nonce"), **changes}
    return {name: value for name, value in whole.items() if value is not None}


def sign(claims: dict[str, Any], key: Any = None, algorithm: str = "RS256", **header: Any) -> str:
    """``header`` changes what the token says about its signature. It does not change the signature."""
    return raw(json.dumps({"typ": "JWT", "alg": algorithm, "kid": "one", **header}), json.dumps(claims), key, algorithm)


def raw(header: str, payload: str, key: Any = None, algorithm: str = "RS256") -> str:
    signed = b".".join(jwt.utils.base64url_encode(part.encode()) for part in (header, payload))
    signature = jwt.get_algorithm_by_name(algorithm).sign(signed, rsa_key() if key is None else key)
    return b".".join((signed, jwt.utils.base64url_encode(signature))).decode()
