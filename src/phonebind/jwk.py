"""What is to be known of a key of tokens: whether it serves, and as a JWK what everybody may know of it."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import jwt
from jwt import algorithms

#: The members that a thumbprint is made of (RFC 7638, RFC 8037): all are public, and nothing else of a key is shown.
_PUBLIC = ("crv", "e", "kty", "n", "x", "y")
_SECRETS = ("HS256", "HS384", "HS512")
#: Bytes of a secret, as RFC 7518 has it; bits of RSA.
LEAST_SECRET = 32
LEAST_RSA = 2048
#: What PyJWT and cryptography raise for a key that is none; the last of them only where cryptography is installed.
_UNREADABLE = (jwt.PyJWTError, TypeError, ValueError, getattr(algorithms, "UnsupportedAlgorithm", ValueError))


def is_secret(algorithm: str) -> bool:
    """Whether who verifies by this algorithm could sign by it too."""
    return algorithm in _SECRETS


def public(algorithm: str, prepared: Any) -> Mapping[str, str]:
    """The public part of a key pair, of either of its halves, without a name."""
    found: Mapping[str, str] = jwt.get_algorithm_by_name(algorithm).to_jwk(prepared, as_dict=True)
    return {name: found[name] for name in _PUBLIC if name in found}


def thumbprint(public_jwk: Mapping[str, str]) -> str:
    """RFC 7638, by SHA-256: 43 letters."""
    said = json.dumps(public_jwk, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(said.encode()).digest()).decode().rstrip("=")


def prepare(algorithm: Any, key: Any) -> tuple[Any, str]:
    """The key as PyJWT takes it, and what is wrong with it, without the key; "" if nothing is."""
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
