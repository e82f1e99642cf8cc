"""Checks the keys of tokens, and makes the JWK of a public key."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import jwt
from jwt import algorithms

#: The members of a thumbprint (RFC 7638, RFC 8037). All are public, and no other part of a key is shown.
_PUBLIC = ("crv", "e", "kty", "n", "x", "y")
_SECRETS = ("HS256", "HS384", "HS512")
#: The least bytes of a secret (RFC 7518), and the least bits of an RSA key.
LEAST_SECRET = 32
LEAST_RSA = 2048
#: What PyJWT and cryptography raise for an invalid key. The last one exists only if cryptography is installed.
_UNREADABLE = (jwt.PyJWTError, TypeError, ValueError, getattr(algorithms, "UnsupportedAlgorithm", ValueError))


def is_secret(algorithm: str) -> bool:
    """Whether the key that verifies with this algorithm can also sign."""
    return algorithm in _SECRETS


def public(algorithm: str, prepared: Any) -> Mapping[str, str]:
    """The public JWK of a key pair, from either half, without a ``kid``."""
    found: Mapping[str, str] = jwt.get_algorithm_by_name(algorithm).to_jwk(prepared, as_dict=True)
    return {name: found[name] for name in _PUBLIC if name in found}


def thumbprint(public_jwk: Mapping[str, str]) -> str:
    """RFC 7638 with SHA-256: 43 characters."""
    said = json.dumps(public_jwk, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(said.encode()).digest()).decode().rstrip("=")


def prepare(algorithm: Any, key: Any) -> tuple[Any, str]:
    """The key as PyJWT needs it, and what is wrong with it; "" if nothing. The text does not show the key."""
    if algorithm not in {*_SECRETS, *algorithms.requires_cryptography}:
        return None, "for no algorithm of simplejwt's"
    try:
        prepared: Any = jwt.get_algorithm_by_name(algorithm).prepare_key(key)
    except NotImplementedError:
        return None, f"for {algorithm}, which takes: pip install cryptography"
    except _UNREADABLE:
        return None, f"no key for {algorithm}"
    if is_secret(algorithm):
        return prepared, "" if len(prepared) >= LEAST_SECRET else f"too short: {LEAST_SECRET} bytes are the least"
    short = algorithm[:2] in ("RS", "PS") and prepared.key_size < LEAST_RSA
    return prepared, f"too short: {LEAST_RSA} bits are the least" if short else ""


def is_private(prepared: Any) -> bool:
    return hasattr(prepared, "private_bytes")
